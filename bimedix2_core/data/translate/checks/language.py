"""Checks of the language: Arabic, with nothing of the source, of another script or of the prompt's tags left in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bimedix2_core.data.translate.checks.settings import Check, CheckSettings, Details
from bimedix2_core.data.translate.checks.texts import bare, short, words
from bimedix2_core.data.translate.pairs import blocks, pairs

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment

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
        judged = bare(pair.translation, settings.drugs)
        for gloss in _GLOSS.findall(judged):
            if set(words(pair.source)).issuperset(words(gloss)):
                judged = judged.replace(gloss, "")
        letters = [character for character in _ABBREVIATION.sub("", judged) if character.isalpha()]
        share = sum(1 for letter in letters if _ARABIC_LETTER.match(letter)) / max(1, len(letters))
        least = settings.min_arabic_share
        if letters and share < least and _has_words(bare(pair.source, settings.drugs)):
            yield f"{pair.place}: {share:.0%} of the letters are Arabic; expected {least:.0%} at least"


def _has_words(text: str) -> bool:
    """Whether there is a word to translate: not only formulas, symbols and abbreviations."""
    return re.search(r"[a-z]{4}", text) is not None


def _leftover_english(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    for pair in blocks(source, translation):
        for run in _LATIN_RUN.findall(bare(pair.translation, settings.drugs)):
            if len(_ENGLISH_WORD.findall(run)) > settings.max_english_words:
                yield f"{pair.place}: English is left: {short(' '.join(run.split()))}"


def _other_script(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    """Some models fall into Chinese or Cyrillic within a word."""
    for pair in pairs(source, translation):
        foreign = set(_OTHER_SCRIPT.findall(pair.translation)) - set(pair.source)
        if foreign:
            yield f"{pair.place}: letters of another script: {' '.join(sorted(foreign))}"


_TAG = re.compile(r"""</?[^\W\d_][\w-]*(?:\s+[\w-]+=["'][^<>\n]*["'])*\s*/?>|&(?:lt|gt|amp|nbsp|quot);|```""")


def _markup(source: Sequence[Segment], translation: Sequence[Segment], _settings: CheckSettings) -> Details:
    """Tags of the prompt or of a page that the source does not have."""
    for pair in pairs(source, translation):
        tags = Counter(_TAG.findall(pair.translation)) - Counter(_TAG.findall(pair.source))
        if tags:
            yield f"{pair.place}: {' '.join(sorted(tags))}"


def _unchanged(source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings) -> Details:
    """The source itself, unless it is all names and abbreviations."""
    for pair in pairs(source, translation):
        n_words = len(_ENGLISH_WORD.findall(bare(pair.source, settings.drugs)))
        if n_words > settings.max_english_words and words(pair.source) == words(pair.translation):
            yield f"{pair.place} is the source text"


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "arabic_share": _arabic_share,
        "leftover_english": _leftover_english,
        "other_script": _other_script,
        "unchanged": _unchanged,
        "markup": _markup,
    }
)
"""These checks by name, in the order in which failures are listed."""
