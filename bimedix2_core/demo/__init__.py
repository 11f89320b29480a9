"""The demo: phantoms, their bilingual corpus and the tiny base model."""
