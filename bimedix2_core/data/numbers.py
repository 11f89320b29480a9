"""Numbers: what a text says in digits, by value, whichever digits and separators it is written with.

Western, Arabic-Indic and Persian digits count the same. What a separator means:

- a dot or U+066B (Arabic decimal separator) is decimal;
- U+066C (Arabic thousands separator) is left out; a comma, Western or Arabic, before exactly three digits too, unless a
  lone zero stands before it;
- any other comma between digits is a decimal comma or separates a list, and a space before exactly three digits groups
  thousands or separates: both readings are kept, and a comparison takes the one that fits.

Signs are not read: a hyphen is a minus, a range or a dash, and moves in Arabic text. A digit written onto a letter
(T4, B12, CO2) is part of a name and may be spelled out in the other language, though not become another digit.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml

from bimedix2_core.data.words import words

DIGIT = "[0-9\u0660-\u0669\u06f0-\u06f9]"
_COMMAS = ",\u060c"
_SPACES = " \u00a0\u2009\u202f"
_MARKS = f".\u066b\u066c{_COMMAS}"
NUMBER = f"(?:{DIGIT}+(?:[{_MARKS}]{DIGIT}+|[{_SPACES}]{DIGIT}{{3}}(?!{DIGIT}))*|(?<![^\\s(\\[<>=~-])\\.{DIGIT}+)"
"""A number in digits, without sign, as a pattern."""

_NUMBER = re.compile(f"{NUMBER}|[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+|[\u00bc-\u00be]")
_FRACTIONS = {"\u00bc": Decimal("0.25"), "\u00bd": Decimal("0.5"), "\u00be": Decimal("0.75")}
_TIMES = re.compile(f"{DIGIT}\\s*[xX]$")
_EVERY = re.compile(r"(?<![^\W_])[qQ]$")
_ROMAN = {
    "I": 1,
    "II": 2,
    "III": 3,
    "IV": 4,
    "V": 5,
    "VI": 6,
    "VII": 7,
    "VIII": 8,
    "IX": 9,
    "X": 10,
    "XI": 11,
    "XII": 12,
}
_ROMAN_WORD = re.compile(r"\b[IVX]+(?=[abAB]?\b)")
_ALEF = "\u0627"
_CLITICS = re.compile(
    "^(?:[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644|[\u0628\u0643\u0644])|[\u0648\u0641])"
)
_FEMININE_DUAL = re.compile("..\u062a(?:\u064a\u0646|\u0627\u0646)$")

Reading = tuple[Decimal, ...]


@dataclass(frozen=True)
class Number:
    """Digits in a text."""

    start: int
    end: int
    readings: tuple[Reading, ...]
    """What they can mean, the likelier first; more than one only where a comma or a space is ambiguous."""
    is_in_name: bool
    """Written onto a letter, as in T4, or raised or lowered: the other language may spell it out."""


@dataclass(frozen=True)
class Difference:
    """Numbers that do not pair up, by value and as often as they stand there."""

    missing: tuple[Decimal, ...] = ()
    extra: tuple[Decimal, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    def __str__(self) -> str:
        parts = [("missing", self.missing), ("extra", self.extra)]
        return "; ".join(f"{name} {', '.join(f'{value:f}' for value in values)}" for name, values in parts if values)


def find_numbers(text: str) -> list[Number]:
    """The numbers of a text in reading order.

    Example:
        >>> [number.readings for number in find_numbers("1,200 to 2.50")]
        [((Decimal('1200'),),), ((Decimal('2.5'),),)]
    """
    return [
        Number(found.start(), found.end(), _readings(found.group()), _is_in_name(text, found.start(), found.group()))
        for found in _NUMBER.finditer(text)
    ]


def difference(source: str, translation: str) -> Difference:
    """The numbers that a translation lost or invented.

    A number missing on one side is excused by its word on the other ("2 hours" and an Arabic dual; "second" and 2), and
    so is a digit in a name; a digit in a name that another one replaced (S1, S2) is not. A word that became another
    word is not noticed: only digits are compared.
    """
    of_source, of_translation = find_numbers(source), find_numbers(translation)
    if not of_source and not of_translation:
        return Difference()
    in_source, in_translation = _counts(of_source, of_translation)
    missing, extra = in_source - in_translation, in_translation - in_source
    missing, extra = missing and missing - _spelled(translation), extra and extra - _spelled(source)
    if missing and extra:
        return Difference(_sorted(missing), _sorted(extra))
    return Difference(_sorted(missing - _in_names(of_source)), _sorted(extra - _in_names(of_translation)))


def _readings(text: str) -> tuple[Reading, ...]:
    if text in _FRACTIONS:
        return ((_FRACTIONS[text],),)
    plain = "".join(str(unicodedata.digit(character)) if character.isdigit() else character for character in text)
    plain = plain.replace("\u066b", ".").replace("\u066c", "")
    plain = re.sub(rf"(?<![\d.])(?!0[{_COMMAS}])(\d{{1,3}}(?:[{_COMMAS}]\d{{3}})+)(?!\d)", _without_commas, plain)
    listed = tuple(value for part in re.split(f"[{_COMMAS}{_SPACES}]", plain) for value in _values(part))
    readings = [listed]
    if re.fullmatch(rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:\.\d+)?", plain):
        readings.insert(0, (Decimal(re.sub(f"[{_SPACES}]", "", plain)),))
    elif re.fullmatch(rf"\d+[{_COMMAS}]\d+", plain):
        readings.append((_value(re.sub(f"[{_COMMAS}]", ".", plain)),))
    return tuple(readings)


def _without_commas(found: re.Match) -> str:
    return re.sub(f"[{_COMMAS}]", "", found.group())


def _values(part: str) -> Reading:
    """One decimal number, or what dots separate where there are several (a date, a section)."""
    return (_value(part),) if part.count(".") < 2 else tuple(_value(piece) for piece in part.split("."))


def _value(text: str) -> Decimal:
    return Decimal(text).normalize() + 0  # no exponent form, no negative zero


def _is_in_name(text: str, start: int, digits: str) -> bool:
    if not (digits[0].isdecimal() or digits[0] == "."):
        return digits not in _FRACTIONS
    before = text[max(0, start - 4) : start]
    return before[-1:].isalpha() and not _TIMES.search(before) and not _EVERY.search(before)


def _counts(source: list[Number], translation: list[Number]) -> tuple[Counter, Counter]:
    """Values of both sides, each ambiguous number read as the other side has it, if it has."""
    ambiguous = [Counter(n.readings for n in side if len(n.readings) > 1) for side in (source, translation)]
    counts = [
        Counter(value for n in side if len(n.readings) == 1 for value in n.readings[0])
        for side in (source, translation)
    ]
    shared = ambiguous[0] & ambiguous[1]
    for mine in (1, 0):
        for readings in (ambiguous[mine] - shared).elements():
            wanted = counts[1 - mine] - counts[mine]
            counts[mine].update(next((r for r in readings if Counter(r) <= wanted), readings[0]))
    return counts[0], counts[1]


def _in_names(numbers: list[Number]) -> Counter:
    return Counter(value for number in numbers if number.is_in_name for value in number.readings[0])


def _sorted(values: Counter) -> Reading:
    return tuple(sorted(values.elements()))


@cache
def _word_values() -> dict[str, tuple[Decimal, ...]]:
    """Values of each number word; a few Arabic words have two (second: the ordinal, and the unit of time)."""
    text = Path(__file__).with_name("number_words.yaml").read_text(encoding="utf-8")
    values: dict[str, tuple[Decimal, ...]] = {}
    for value, forms in yaml.safe_load(text).items():
        for form in forms:
            key = "".join(words(form))
            values[key] = (*values.get(key, ()), Decimal(str(value)))
    return values


def _spelled(text: str) -> Counter:
    """Values that the text has as words, and sums of neighbours ("twenty five", Arabic "five and twenty")."""
    values = [_values_of_word(word) for word in words(text)]
    spelled = Counter(value for several in values for value in several)
    for first, second in pairwise(values):
        small, large = sorted((min(first, default=0), min(second, default=0)))
        if 0 < small < 10 <= large < 100:
            spelled[small + large] += 1
    spelled.update(Decimal(_ROMAN[word]) for word in _ROMAN_WORD.findall(text) if word in _ROMAN)
    return spelled


def _values_of_word(word: str) -> tuple[Decimal, ...]:
    known = _word_values()
    bare = _CLITICS.sub("", word)
    values = known.get(word) or known.get(bare) or known.get(bare.removesuffix(_ALEF), ())  # the accusative's alef
    return values or ((Decimal(2),) if _FEMININE_DUAL.search(word) else ())
