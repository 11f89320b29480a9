"""Rubric words: what an answer says of a phantom's finding, side, size and modality, and what it denies.

    text -> tokens -> longest known phrases -> mentions

The phrases are the grammar's words in all their forms and the synonyms of rubric.yaml, in both languages at once, since
models change language. Words are compared as `data.words` has them; an Arabic word may carry a conjunction or a
preposition. A denial holds up to the end of its sentence, over commas, or to what opens a new statement; a modality is
denied only right after it, since "no abnormality on the X-ray" is one.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.data.words import words
from bimedix2_core.demo import corpus
from bimedix2_core.demo.phantoms import MODALITIES, Truth, all_truths
from bimedix2_core.records import LANGUAGES

PARTS = ("modality", "finding", "side", "size")

_CONTROLS = ("neutral", "denies", "opens", "replies", "denied_after")

_STOP, _COMMA = ".", ","
_PUNCTUATION = re.compile("([.,;:!?\n\u060c\u061b\u061f])")
_COMMAS = ",\u060c"
_CARRIED = "\u0648\u0641\u0628\u0644"
"""Arabic letters that a word may carry in front: and, then, with, for. The one for "like" would make "both" a "no"."""

_FORMS = ("finding", "finding_acc", "finding_def", "bare", "bare_acc")

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Mention:
    """One thing that is said."""

    part: str
    """One of `PARTS`."""
    values: frozenset[str]
    """What the word can mean: "tumour" is one of the brain or of a specimen. Findings have normal and abnormal, too."""
    is_denied: bool = False


@dataclass(frozen=True)
class _Phrase:
    """A known phrase, or one token that is none."""

    tokens: Tokens
    does: str = ""
    """One of `_CONTROLS`; empty for one that names a part."""
    mentions: tuple[Mention, ...] = ()


def mentions_of(text: str) -> list[Mention]:
    """What a text says, in its order; an abnormality that is denied is said as normal.

    Example:
        >>> [(one.part, *one.values, one.is_denied) for one in mentions_of("No effusion, but a large calculus.")]
        [('finding', 'pleural_effusion', True), ('size', 'large', False), ('finding', 'kidney_stone', False)]
    """
    said: list[Mention] = []
    clause, is_denying, at_once = 0, False, False
    for phrase in _phrases_in(_tokens(text)):
        if phrase.does == "denied_after":
            said[clause:] = [one if one.part == "modality" else _denied(one) for one in said[clause:]]
        denied_here = {"modality": at_once}
        said += [_denied(one) if denied_here.get(one.part, is_denying) else one for one in phrase.mentions]
        opens = phrase.does == "replies" or (phrase.does == "opens" and not at_once)
        if opens or phrase.tokens in ((_STOP,), (_COMMA,)):
            clause = len(said)
        if opens or phrase.tokens == (_STOP,):
            is_denying = False
        at_once = phrase.does == "denies"
        is_denying = is_denying or at_once
    return said


def _denied(one: Mention) -> Mention:
    """The mention denied; normal stays, since what is not normal is a phrase of its own."""
    if one.values == {"abnormal"}:
        return replace(one, values=frozenset(["normal"]))
    return one if one.values == {"normal"} else replace(one, is_denied=True)


# --- tokens and phrases -----------------------------------------------------------------------------------------------


def _tokens(text: str) -> list[str]:
    """Words, commas, and a full stop before and after each sentence."""
    tokens = [_STOP]
    for piece in _PUNCTUATION.split(text):
        found = _words(piece)
        tokens += [_STOP, _STOP] if found == [_STOP] else found
    return [*tokens, _STOP]


def _words(piece: str) -> list[str]:
    """The words of what stands between punctuation, or the punctuation."""
    if _PUNCTUATION.fullmatch(piece):
        return [_COMMA if piece in _COMMAS else _STOP]
    return words(piece)


def _phrases_in(tokens: Sequence[str]) -> Iterator[_Phrase]:
    """The longest phrase at each place, what belongs to none token by token."""
    place = 0
    while place < len(tokens):
        fitting = (
            phrase
            for first in _bare(tokens[place])
            for phrase in _phrases().get(first, ())
            if tuple(tokens[place + 1 : place + len(phrase.tokens)]) == phrase.tokens[1:]
        )
        phrase = max(fitting, key=lambda one: len(one.tokens), default=_Phrase((tokens[place],)))
        yield phrase
        place += len(phrase.tokens)


def _bare(token: str) -> list[str]:
    """A word, and what it may be without the letters it carries."""
    return [token, *(_bare(token[1:]) if token[0] in _CARRIED and len(token) > 2 else [])]


@cache
def _phrases() -> dict[str, tuple[_Phrase, ...]]:
    """The known phrases by their first word."""
    controls: dict[Tokens, str] = {}
    named: dict[Tokens, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for does, text in _controls():
        controls[_phrase_tokens(text)] = does
    for part, value, text in _names():
        named[_phrase_tokens(text)][part].add(value)
    phrases = [_Phrase(tokens, does) for tokens, does in controls.items()]
    for tokens, parts in named.items():
        mentions = tuple(Mention(part, frozenset(values)) for part, values in parts.items())
        phrases.append(_Phrase(tokens, mentions=mentions))
    by_first: dict[str, tuple[_Phrase, ...]] = {}
    for phrase in phrases:
        by_first[phrase.tokens[0]] = (*by_first.get(phrase.tokens[0], ()), phrase)
    return by_first


def _phrase_tokens(text: str) -> Tokens:
    return tuple(token for piece in _PUNCTUATION.split(text) for token in _words(piece))


# --- vocabulary -------------------------------------------------------------------------------------------------------


def _controls() -> Iterator[tuple[str, str]]:
    """What a phrase does, and the phrase."""
    for does in _CONTROLS:
        for text in _table()[does]:
            yield does, text
    for clauses in _lexicon()["clear"].values():
        for clause in clauses:
            yield from (("neutral", clause[language]) for language in LANGUAGES)
    for truth in all_truths():
        if truth.side:
            yield from (("neutral", text["other"]) for text in corpus._slots(truth).values() if "other" in text)


def _names() -> Iterator[tuple[str, str, str]]:
    """Part, value and the phrase that names it."""
    for part in PARTS:
        for value, texts in _table()[part].items():
            yield from ((part, value, text) for text in texts)
    for modality in MODALITIES:
        yield from _modality_names(modality)
    for finding, words_of in _lexicon()["findings"].items():
        yield from (
            ("finding", finding, words_of[language][form])
            for language in LANGUAGES
            for form in _FORMS
            if form in words_of[language]
        )
    for part in ("side", "size"):
        for value, forms in _lexicon()[f"{part}s"]["ar"].items():
            yield from ((part, value, text) for text in (value, *forms.values()))


def _modality_names(modality: str) -> Iterator[tuple[str, str, str]]:
    """The words for a modality; and that such an image is normal, which names both."""
    slots = corpus._slots(Truth(modality, "normal"))
    for language in LANGUAGES:
        for form in ("modality", "modality_def", "technique"):
            if form in slots[language]:
                yield "modality", modality, slots[language][form]
        for template in corpus._grammar()["report"]["normal"]:
            if "{modality" in template[language]:
                normal = template[language].format_map(slots[language]).removeprefix("the ")
                yield "modality", modality, normal
                yield "finding", "normal", normal


def _lexicon() -> dict[str, Any]:
    return corpus._grammar()["lexicon"]


@cache
def _table() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("rubric.yaml").read_text(encoding="utf-8"))
