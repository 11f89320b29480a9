"""Pairs: a sample's texts beside their translations, turn by turn and option by option, as the checks read them.

A sample is a list of segments, each a role and a text, turns first. Options have the role ``option``; the letter of the
right one may follow as a segment of the role ``answer``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment

OPTION, ANSWER = "option", "answer"


@dataclass(frozen=True)
class Pair:
    """A source text beside its translation."""

    place: str
    """Where it stands, for a message: ``turn 2 (assistant)``, ``option B``."""
    role: str
    source: str
    translation: str


def turns(segments: Sequence[Segment]) -> list[Segment]:
    """The segments that someone says."""
    return [segment for segment in segments if segment.role not in (OPTION, ANSWER)]


def texts(segments: Sequence[Segment], role: str) -> list[str]:
    """The texts of one role."""
    return [segment.text for segment in segments if segment.role == role]


def pairs(source: Sequence[Segment], translation: Sequence[Segment]) -> Iterator[Pair]:
    """Each turn and each option beside its translation; what one side has more is left out."""
    yield from _turn_pairs(source, translation)
    options = zip(texts(source, OPTION), texts(translation, OPTION), strict=False)
    for index, (before, after) in enumerate(options):
        yield Pair(f"option {chr(ord('A') + index)}", OPTION, before, after)


def blocks(source: Sequence[Segment], translation: Sequence[Segment]) -> Iterator[Pair]:
    """As `pairs`, with all options together: alone they are too short for shares and ratios."""
    yield from _turn_pairs(source, translation)
    options = texts(source, OPTION)
    if options:
        yield Pair("options", OPTION, "\n".join(options), "\n".join(texts(translation, OPTION)))


def _turn_pairs(source: Sequence[Segment], translation: Sequence[Segment]) -> Iterator[Pair]:
    sides = zip(turns(source), turns(translation), strict=False)
    for number, (before, after) in enumerate(sides, start=1):
        yield Pair(f"turn {number} ({before.role})", before.role, before.text, after.text)
