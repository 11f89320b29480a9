"""Mixture recipe: BiMediX's data, BiMed1.3M, and the mixture of experts that learns from it, as a profile says."""
