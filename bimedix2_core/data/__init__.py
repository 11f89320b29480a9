"""Data: what a model is trained on, and how files become samples."""
