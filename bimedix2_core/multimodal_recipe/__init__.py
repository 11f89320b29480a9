"""Multimodal recipe: which questions about images and reports are asked, as a profile names them, and who judges."""
