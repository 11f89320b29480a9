"""Benchmarks: samples and predictions become scores, scores become metrics. Nothing here knows a model."""
