"""Checks of the form: a translation of the right length, and no loop, refusal, preamble or copy of the prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from operator import eq
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

from bimedix2_core.data.translate.checks.settings import Check, CheckSettings, Details
from bimedix2_core.data.translate.checks.texts import short, words
from bimedix2_core.data.translate.pairs import blocks, pairs

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment

_MIN_LOOP, _LONG_LOOP, _MAX_LOOP = 4, 8, 100
"""Times that a few words are a loop; words that are one when said twice; longest loop looked for, in words."""
_STUTTER = re.compile(r"([^\W\d_])\1{6,}")


def _length_ratio(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    for pair in blocks(source, translation):
        n_before, n_after = len(pair.source), len(pair.translation)
        least = settings.min_length_ratio * n_before - settings.length_slack
        most = settings.max_length_ratio * n_before + settings.length_slack
        if pair.source.strip() and not least <= n_after <= most:
            yield f"{pair.place}: {n_after} characters for {n_before}; expected {max(0, least):.0f} to {most:.0f}"


def _repetition(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    """The same words over and over, where the source has no such loop."""
    for pair in pairs(source, translation):
        loop = _loop(words(pair.translation)) or _STUTTER.findall(pair.translation)
        if loop and not (_loop(words(pair.source)) or _STUTTER.search(pair.source)):
            yield f"{pair.place} repeats {short(' '.join(loop))}"


def _loop(said: tuple[str, ...]) -> tuple[str, ...]:
    for n in range(1, min(_MAX_LOOP, len(said) // 2) + 1):
        again = bytes(map(eq, said[n:], said))
        start = again.find(b"\1" * (n if n >= _LONG_LOOP else n * (_MIN_LOOP - 1)))
        if start >= 0:
            return said[start : start + n]
    return ()


def _refusal(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    yield from _phrases("refusal", source, translation)


def _preamble(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    yield from _phrases("preamble", source, translation)


def _phrases(kind: str, source: Sequence[Segment], translation: Sequence[Segment]) -> Details:
    begins_with, excused_by = _known_phrases()[kind]
    for pair in pairs(source, translation):
        before, after = (f" {' '.join(words(text))} " for text in (pair.source, pair.translation))
        if after.startswith(begins_with) and not any(phrase in before for phrase in excused_by):
            yield f"{pair.place} begins with: {short(pair.translation)}"


@cache
def _known_phrases() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each kind: phrases that begin a failure, and phrases of the source that excuse it; between spaces."""
    stored = yaml.safe_load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))
    plain = {
        kind: [tuple(f" {' '.join(words(phrase))} " for phrase in lists[key]) for key in ("begins_with", "excused_by")]
        for kind, lists in stored.items()
    }
    return {kind: (begins_with, excused_by) for kind, (begins_with, excused_by) in plain.items()}


def _prompt_example(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """The prompt's own example instead of a translation, or before one."""
    text = _word_pairs("\n".join(segment.text for segment in translation))
    for number, example in enumerate(settings.examples, start=1):
        known = _word_pairs(example)
        overlap = len(known & text) / max(1, len(known))
        if overlap > settings.max_example_overlap:
            yield f"{overlap:.0%} of the word pairs of the prompt's example {number}"


@lru_cache(maxsize=64)
def _word_pairs(text: str) -> frozenset[tuple[str, str]]:
    plain = words(text)
    return frozenset(pairwise(plain))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "length_ratio": _length_ratio,
        "repetition": _repetition,
        "refusal": _refusal,
        "preamble": _preamble,
        "prompt_example": _prompt_example,
    }
)
"""These checks by name, in the order in which failures are listed."""
