"""Inference: answers, option scores, losses and conversations from a model."""
