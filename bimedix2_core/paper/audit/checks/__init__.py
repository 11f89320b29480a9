"""Checks: one function for each claim, in a module for each group of claims.

A check takes the reported tables its claim names and returns what it recomputed. It never sees the claim itself.
"""
