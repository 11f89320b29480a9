"""Checks of what must be kept: turns, options and the key, placeholders, numbers and units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bimedix2_core.data import numbers
from bimedix2_core.data.translate.checks.settings import Check, CheckSettings, Details
from bimedix2_core.data.translate.checks.texts import spans
from bimedix2_core.data.translate.pairs import ANSWER, OPTION, pairs, texts, turns
from bimedix2_core.data.translate.protect import placeholders
from bimedix2_core.data.translate.quantities import changed_units

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment


def _n_turns(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    before, after = ([turn.role for turn in turns(side)] for side in (source, translation))
    if before != after:
        yield f"the turns are {', '.join(after) or 'none'}; expected {', '.join(before)}"


def _n_options(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """As many options, and the same letters where a turn lists them."""
    n_before, n_after = (len(texts(side, OPTION)) for side in (source, translation))
    if n_before != n_after:
        yield f"{n_after} options; expected {n_before}"
    for pair in pairs(source, translation):
        before, after = (_option_letters(text, settings) for text in (pair.source, pair.translation))
        if len(before) > 1 and before != after:
            yield f"{pair.place} lists options {', '.join(after) or 'without letters'}; expected {', '.join(before)}"


def _option_letters(text: str, settings: CheckSettings) -> list[str]:
    return [span.text.strip("().:") for span in spans(text, settings.drugs) if span.kind == "option"]


_LETTER_FIRST = re.compile(r"\s*\(?([A-H])(?:[).:]|\s*$)")
_LETTER_NAMED = re.compile(r"\b(?:answer|option|choice)\b(?:\s+is)?\s*:?\s*\(?([A-H])\b(?!\s+[a-z])", re.IGNORECASE)


def _answer_key(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """The letter is the same, and an assistant turn of a multiple choice that states it still does, in Latin script."""
    before, after = (texts(side, ANSWER) for side in (source, translation))
    if before != after:
        yield f"the answer is {', '.join(after) or 'gone'}; expected {', '.join(before) or 'none'}"
    lists_options = any(len(_option_letters(turn.text, settings)) > 1 for turn in turns(source))
    for pair in pairs(source, translation):
        stated = _LETTER_FIRST.match(pair.source) or _LETTER_NAMED.search(pair.source)
        if pair.role == "assistant" and stated and (lists_options or texts(source, OPTION)):
            letter = stated.group(1).upper()
            if not re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", pair.translation):
                yield f"{pair.place} answers {letter} in the source; the translation does not have that letter"


def _empty(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    for pair in pairs(source, translation):
        if pair.source.strip() and not pair.translation.strip():
            yield f"{pair.place} is empty"


def _placeholders(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """Images, formulas, addresses and codes stand in both texts, as often; no mask is left over."""
    for pair in pairs(source, translation):
        missing = _absent(pair.source, pair.translation, settings)
        extra = _absent(pair.translation, pair.source, settings)
        if missing:
            yield f"{pair.place}: missing {', '.join(missing)}"
        if extra:
            yield f"{pair.place}: extra {', '.join(extra)}"


def _absent(text: str, other: str, settings: CheckSettings) -> list[str]:
    """What must stand in the other text letter for letter and does not; what names a code (ICD-10) may be elsewhere."""
    wanted = Counter(span.text for span in spans(text, settings.drugs) if span.kind in settings.verbatim)
    wanted += Counter(placeholders(text))
    return [kept for kept, n_times in wanted.items() if other.count(kept) < n_times]


def _numbers(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    for pair in pairs(source, translation):
        difference = numbers.difference(pair.source, pair.translation)
        if difference:
            yield f"{pair.place}: {difference}"


def _units(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    for pair in pairs(source, translation):
        for before, after in changed_units(pair.source, pair.translation):
            yield f"{pair.place}: {before} became {after}"


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "n_turns": _n_turns,
        "n_options": _n_options,
        "answer_key": _answer_key,
        "empty": _empty,
        "placeholders": _placeholders,
        "numbers": _numbers,
        "units": _units,
    }
)
"""These checks by name, in the order in which failures are listed."""
