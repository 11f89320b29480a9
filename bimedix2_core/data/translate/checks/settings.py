"""Settings of the checks: the thresholds, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bimedix2_core.data.translate.spans import VERBATIM

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment


@dataclass(frozen=True)
class CheckSettings:
    """Thresholds of the checks."""

    min_arabic_share: float = 0.7
    """Least share of Arabic letters among the letters outside protected spans."""
    max_english_words: int = 3
    """English words in a row, outside protected spans and abbreviations, that may stay."""
    min_length_ratio: float = 0.6
    """Least characters of the translation for each character of the source."""
    max_length_ratio: float = 2.2
    """Most characters of the translation for each character of the source."""
    length_slack: int = 16
    """Characters that a set phrase may cost or add: "Which of the following is" is one short Arabic word."""
    verbatim: frozenset[str] = VERBATIM
    """Kinds of `spans.KINDS` that the translation has letter for letter."""
    drugs: frozenset[str] = frozenset()
    """Drug names besides those that `spans` knows."""
    examples: tuple[str, ...] = ()
    """The worked examples of the translation prompt, as translated; a translation that resembles one is a copy."""
    max_example_overlap: float = 0.2
    """Most of the word pairs of an example that a translation may have; copies have 0.31 and more, others 0.03."""


Details = Iterator[str]
"""What a check finds, each with its place; nothing where it finds nothing wrong."""

Check = Callable[[Sequence["Segment"], Sequence["Segment"], CheckSettings], Details]
"""Source and translation, segment by segment, to what is wrong."""
