"""Checks: what is wrong with a translation that no reader is needed for, each check with its name.

A check passes what it cannot judge: the score and the physicians come after it. The unit is the sample; a failure says
where (turn or option) and what. The thresholds are `CheckSettings`; their defaults were set on 880 published
translations and 209 published failures (tests/data/translate/test_checks_on_real_data.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from operator import eq
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

from bimedix2_core.data import numbers
from bimedix2_core.data.decontaminate.text import words as words_of
from bimedix2_core.data.translate.pairs import ANSWER, OPTION, blocks, pairs, texts, turns
from bimedix2_core.data.translate.protect import VERBATIM, Span, find, placeholders
from bimedix2_core.data.translate.quantities import changed_units

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
    """Kinds of `protect.KINDS` that the translation has letter for letter."""
    drugs: frozenset[str] = frozenset()
    """Drug names besides those that `protect` knows."""
    examples: tuple[str, ...] = ()
    """The worked examples of the translation prompt, as translated; a translation that resembles one is a copy."""
    max_example_overlap: float = 0.2
    """Most of the word pairs of an example that a translation may have; copies have 0.31 and more, others 0.03."""


@dataclass(frozen=True)
class Failure:
    """A check that a translation did not pass."""

    check: str
    detail: str


DEFAULTS = CheckSettings()

Details = Iterator[str]
Check = Callable[[Sequence["Segment"], Sequence["Segment"], CheckSettings], Details]


def check(
    source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings = DEFAULTS
) -> list[Failure]:
    """Everything that the checks find, in the order of `CHECKS`; empty where all pass."""
    return [Failure(name, detail) for name, rule in CHECKS.items() for detail in rule(source, translation, settings)]


def count(checked: Iterable[Iterable[Failure]]) -> dict[str, int]:
    """How many samples failed each check, by name, zeros included; a sample that fails it twice counts once."""
    n_failed = Counter(name for failures in checked for name in {failure.check for failure in failures})
    return {name: n_failed[name] for name in CHECKS}


# --- structure -----------------------------------------------------------------------------------------------------


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
    return [span.text.strip("().:") for span in _spans(text, settings.drugs) if span.kind == "option"]


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


# --- what must survive ---------------------------------------------------------------------------------------------


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
    spans = Counter(span.text for span in _spans(text, settings.drugs) if span.kind in settings.verbatim)
    spans += Counter(placeholders(text))
    return [kept for kept, n_times in spans.items() if other.count(kept) < n_times]


def _numbers(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    for pair in pairs(source, translation):
        difference = numbers.difference(pair.source, pair.translation)
        if difference:
            yield f"{pair.place}: {difference}"


def _units(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    for pair in pairs(source, translation):
        for before, after in changed_units(pair.source, pair.translation):
            yield f"{pair.place}: {before} became {after}"


# --- language ------------------------------------------------------------------------------------------------------

_ARABIC_LETTER = re.compile("[\u0621-\u064a\u066e-\u06d3]")
_OTHER_SCRIPT = re.compile(
    "[\u0400-\u04ff\u05d0-\u05ea\u0900-\u0fff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_ABBREVIATION = re.compile(r"\b(?:[A-Z][A-Z0-9]*s?|[A-Za-z])\b")
_GLOSS = re.compile(r"\(([^()]*)\)")
_ENGLISH_WORD = re.compile(r"\b(?:[A-Za-z][a-z]+(?:['\u2019-][A-Za-z]+)*|[aAI])\b")
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'\u2019-]*(?:[\s,;:]+[A-Za-z][A-Za-z'\u2019-]*)*")


def _arabic_share(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """Letters of abbreviations, and of the source's term in parentheses after the Arabic one, do not count."""
    for pair in blocks(source, translation):
        judged = _bare(pair.translation, settings.drugs)
        for gloss in _GLOSS.findall(judged):
            if set(_words(pair.source)).issuperset(_words(gloss)):
                judged = judged.replace(gloss, "")
        letters = [character for character in _ABBREVIATION.sub("", judged) if character.isalpha()]
        share = sum(1 for letter in letters if _ARABIC_LETTER.match(letter)) / max(1, len(letters))
        least = settings.min_arabic_share
        if letters and share < least and _has_words(_bare(pair.source, settings.drugs)):
            yield f"{pair.place}: {share:.0%} of the letters are Arabic; expected {least:.0%} at least"


def _has_words(text: str) -> bool:
    """Whether there is a word to translate: not only formulas, symbols and abbreviations."""
    return re.search(r"[a-z]{4}", text) is not None


def _leftover_english(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    for pair in blocks(source, translation):
        for run in _LATIN_RUN.findall(_bare(pair.translation, settings.drugs)):
            if len(_ENGLISH_WORD.findall(run)) > settings.max_english_words:
                yield f"{pair.place}: English is left: {_short(' '.join(run.split()))}"


def _other_script(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    """Some models fall into Chinese or Cyrillic within a word."""
    for pair in pairs(source, translation):
        foreign = set(_OTHER_SCRIPT.findall(pair.translation)) - set(pair.source)
        if foreign:
            yield f"{pair.place}: letters of another script: {' '.join(sorted(foreign))}"


_TAG = re.compile(r"</?[^\W\d_]\w*(?:\s[^<>\n]*)?>|&(?:lt|gt|amp|nbsp|quot);|```")


def _markup(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    """Tags of the prompt or of a page that the source does not have."""
    for pair in pairs(source, translation):
        tags = Counter(_TAG.findall(pair.translation)) - Counter(_TAG.findall(pair.source))
        if tags:
            yield f"{pair.place}: {' '.join(sorted(tags))}"


def _unchanged(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """The source itself, unless it is all names and abbreviations."""
    for pair in pairs(source, translation):
        n_words = len(_ENGLISH_WORD.findall(_bare(pair.source, settings.drugs)))
        if n_words > settings.max_english_words and _words(pair.source) == _words(pair.translation):
            yield f"{pair.place} is the source text"


# --- form ----------------------------------------------------------------------------------------------------------

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
        loop = _loop(_words(pair.translation)) or _STUTTER.findall(pair.translation)
        if loop and not (_loop(_words(pair.source)) or _STUTTER.search(pair.source)):
            yield f"{pair.place} repeats {_short(' '.join(loop))}"


def _loop(words: tuple[str, ...]) -> tuple[str, ...]:
    for n in range(1, min(_MAX_LOOP, len(words) // 2) + 1):
        again = bytes(map(eq, words[n:], words))
        start = again.find(b"\1" * (n if n >= _LONG_LOOP else n * (_MIN_LOOP - 1)))
        if start >= 0:
            return words[start : start + n]
    return ()


def _refusal(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    yield from _phrases("refusal", source, translation)


def _preamble(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    yield from _phrases("preamble", source, translation)


def _phrases(kind: str, source: Sequence[Segment], translation: Sequence[Segment]) -> Details:
    begins_with, excused_by = _known_phrases()[kind]
    for pair in pairs(source, translation):
        before, after = (f" {' '.join(_words(text))} " for text in (pair.source, pair.translation))
        if after.startswith(begins_with) and not any(phrase in before for phrase in excused_by):
            yield f"{pair.place} begins with: {_short(pair.translation)}"


@cache
def _known_phrases() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each kind: phrases that begin a failure, and phrases of the source that excuse it; between spaces."""
    stored = yaml.safe_load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))
    plain = {
        kind: [tuple(f" {' '.join(_words(phrase))} " for phrase in lists[key]) for key in ("begins_with", "excused_by")]
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
    plain = _words(text)
    return frozenset(pairwise(plain))


# --- parts ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[str, ...]:
    """Kept, as spans are, since several checks look at the same texts."""
    return tuple(words_of(text))


@lru_cache(maxsize=256)
def _spans(text: str, drugs: frozenset[str]) -> tuple[Span, ...]:
    return tuple(find(text, drugs=drugs))


def _bare(text: str, drugs: frozenset[str]) -> str:
    """The text without what is protected."""
    pieces, last = [], 0
    for span in _spans(text, drugs):
        pieces.append(text[last : span.start])
        last = span.end
    return " ".join([*pieces, text[last:]])


def _short(text: str, n_characters: int = 60) -> str:
    return text if len(text) <= n_characters else f"{text[:n_characters].rstrip()} ..."


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "n_turns": _n_turns,
        "n_options": _n_options,
        "answer_key": _answer_key,
        "empty": _empty,
        "placeholders": _placeholders,
        "numbers": _numbers,
        "units": _units,
        "arabic_share": _arabic_share,
        "leftover_english": _leftover_english,
        "other_script": _other_script,
        "unchanged": _unchanged,
        "markup": _markup,
        "length_ratio": _length_ratio,
        "repetition": _repetition,
        "refusal": _refusal,
        "preamble": _preamble,
        "prompt_example": _prompt_example,
    }
)
"""Every check by its name, in the order in which failures are listed."""
