"""The model: parts assembled into a plain Hugging Face LLaVA, its adapters and its checkpoints."""
