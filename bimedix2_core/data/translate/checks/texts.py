"""Texts as the checks look at them: in words, with their protected spans, and without these."""

from functools import lru_cache

from bimedix2_core.data.translate.spans import Span, find
from bimedix2_core.data.words import words as words_of


@lru_cache(maxsize=256)
def words(text: str) -> tuple[str, ...]:
    """The words, normalised; kept, since several checks look at the same texts."""
    return tuple(words_of(text))


@lru_cache(maxsize=256)
def spans(text: str, drugs: frozenset[str]) -> tuple[Span, ...]:
    """What is protected, drugs of the settings included; kept as the words are."""
    return tuple(find(text, drugs=drugs))


def bare(text: str, drugs: frozenset[str]) -> str:
    """The text without what is protected."""
    pieces, last = [], 0
    for span in spans(text, drugs):
        pieces.append(text[last : span.start])
        last = span.end
    return " ".join([*pieces, text[last:]])


def short(text: str, n_characters: int = 60) -> str:
    """The text as a message quotes it: its beginning, if it is long."""
    return text if len(text) <= n_characters else f"{text[:n_characters].rstrip()} ..."
