"""Content: what a text says whatever its wording, as far as words tell: kept words, sides, negation, yes and no."""

import re
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path

import yaml

from bimedix2_core.data.words import words

NOT = "not"
"""Stands for every word of negation."""

_MIN_STEM, _MIN_SHARE = 4, 0.7
_WORDS_PER_LOSS = 4
"""A text of so many content words may lose one, one of twice as many two, ..."""
_CLITICS = re.compile(
    "^(?:[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644)|[\u0648\u0641\u0628\u0644])(?=..)"
)
_ENDINGS = re.compile(
    "(?<=..)(?:\u062a\u064a\u0646|\u062a\u0627\u0646|\u064a\u0646|\u0627\u0646|\u0648\u0646|\u0627\u062a|\u064a\u0647|\u0647|\u0627|\u064a)$"
)
_APART = re.compile("[^\\w]*[\\w\u064b-\u0652]+\\s*(?:[^\\w\\s]|$)")
_CONTRACTED_NOT = re.compile("n['\u2019]t\\b", re.IGNORECASE)


@cache
def known() -> dict:
    """The lists of words.yaml."""
    return yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))


@cache
def listed(name: str) -> frozenset[str]:
    """The words of one list, as `words` gives them."""
    return _as_words(known()[name])


@cache
def phrases(name: str) -> tuple[str, ...]:
    """The phrases of one list, as words between spaces."""
    return tuple(spaced(entry) for entry in known()[name])


def spaced(text: str) -> str:
    """The words of a text between spaces, so that phrases are found as whole words.

    Example:
        >>> spaced("All of the above.")
        ' all of the above '
    """
    return f" {' '.join(words(text))} "


def has_phrase(text: str, name: str) -> bool:
    """Whether a phrase of the list stands in the text."""
    plain = spaced(text)
    return any(phrase in plain for phrase in phrases(name))


def content_words(text: str) -> list[str]:
    """The words that say something, in order and once; every negation is `NOT`.

    Example:
        >>> content_words("There is no fracture of the left ulna.")
        ['not', 'fracture', 'left', 'ulna']
    """
    plain = words(_CONTRACTED_NOT.sub(f" {NOT}", text))
    said = [NOT if word in listed("negation") else word for word in plain]
    return list(dict.fromkeys(word for word in said if word not in listed("empty")))


def missing(kept: str, said: str) -> list[str]:
    """The content words of ``kept`` that ``said`` lacks; empty where no more are lost than a rewording loses.

    One in four may be lost, never a number, a negation or a word of `opposites`. Words count as the same when they
    share a stem: four letters and 70% of the longer one, which keeps hyper- from hypo- and penicillin from
    penicillamine.
    """
    wanted, found = content_words(kept), content_words(said)
    lost = [word for word in wanted if not any(same(word, other) for other in found)]
    grave = any(word == NOT or word[0].isdigit() or variants(word) & _opposable() for word in lost)
    return lost if grave or len(lost) > len(wanted) // _WORDS_PER_LOSS else []


def shared(text: str, said: str) -> float:
    """Share of the content words of ``text`` that ``said`` has too, 0 to 1; 1 where there are none."""
    wanted, found = content_words(text), content_words(said)
    return sum(any(same(word, other) for other in found) for word in wanted) / len(wanted) if wanted else 1.0


def same(word: str, other: str) -> bool:
    """Whether two words are forms of one."""
    return any(_one_stem(a, b) for a in variants(word) for b in variants(other))


def is_in(word_list: frozenset[str], text: str) -> bool:
    """Whether the text has one of the words."""
    return any(variants(word) & word_list for word in words(text))


def turned_round(given: str, said: str) -> list[tuple[str, str]]:
    """Pairs of opposites of which ``given`` has one side only and ``said`` has the other: left, right."""
    found = []
    for first, second in _opposites():
        for mine, other in ((first, second), (second, first)):
            if is_in(mine, given) and not is_in(other, given) and is_in(other, said):
                found.append((_first_of(mine, given), _first_of(other, said)))
    return found


def polarity(text: str) -> str:
    """``"yes"`` or ``"no"`` by the first word, ``""`` where it is neither.

    No counts only where it stands apart: "No fracture is seen" may answer any question.

    Example:
        >>> polarity("No, it is not."), polarity("No abnormality."), polarity("Yes there is")
        ('no', '', 'yes')
    """
    first = words(text)[:1]
    if not first:
        return ""
    if first[0] in listed("yes"):
        return "yes"
    return "no" if first[0] in listed("no") and _APART.match(text) else ""


@lru_cache(maxsize=4096)
def variants(word: str) -> frozenset[str]:
    """A word, and what is left without article, proclitics, endings of gender and number, or plural s."""
    bare = _CLITICS.sub("", word)
    singular = f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s") if len(word) > _MIN_STEM else word
    return frozenset((word, bare, _ENDINGS.sub("", bare), singular))


def _one_stem(word: str, other: str) -> bool:
    if word == other:
        return True
    n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    return n_shared >= _MIN_STEM and n_shared >= _MIN_SHARE * max(len(word), len(other))


@cache
def _opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    return tuple((_as_words(first), _as_words(second)) for first, second in known()["opposites"])


@cache
def _opposable() -> frozenset[str]:
    return frozenset().union(*(side for pair in _opposites() for side in pair))


def _as_words(entries: list[str]) -> frozenset[str]:
    return frozenset(word for entry in entries for word in words(entry))


def _first_of(word_list: frozenset[str], text: str) -> str:
    return next(word for word in words(text) if variants(word) & word_list)
