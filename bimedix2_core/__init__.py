"""A reproducible companion to the BiMediX2 paper (arXiv 2412.07769): the code behind its notebooks."""

__version__ = "0.1.0"
