"""Radiology reports: generation and summarisation, their text metrics, and the external scorers."""
