"""Compose: BiMed-V from its parts, with the counts of Table 12, as sharded Parquet with a manifest and a data card.

``recipe`` says how many rows of each part, ``selection`` which ones, ``shards`` writes them, ``manifest`` says what was
written, ``reading`` opens it memory-mapped, ``statistics`` counts what is in it, ``card`` describes it to others.
``bimed13m`` says how many rows of each part BiMed1.3M takes, the text-only set before BiMed-V.
"""
