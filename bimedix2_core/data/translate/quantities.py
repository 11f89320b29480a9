"""Quantities: numbers with their units, in either script, as patterns and as comparable pairs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from bimedix2_core.data.numbers import NUMBER, find_numbers

_POWER = "10(?:\\s?\\^\\s?-?[0-9]{1,2}|[\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)"
_EXPONENT = "(?:\\^?[23]|[\u00b2\u00b3])?"
_STROKE = r"\s?[/\u00b7]\s?"
_JOINED = "\\s?(?:[xX\u00d7/\u00b1\u2013-]|\u2212)\\s?"
_ARABIC = re.compile("[\u0600-\u06ff]")
_END = r"(?![^\W_])"


@dataclass(frozen=True)
class Quantity:
    """A number and the unit after it."""

    start: int
    end: int
    values: frozenset[Decimal]
    """What the number may mean: two values where its comma is ambiguous."""
    unit: tuple[str, ...]
    """Its parts by their one symbol, what stands under a stroke after the first; powers (m2) are left out."""

    def __str__(self) -> str:
        return f"{' or '.join(f'{value:f}' for value in sorted(self.values))} {'/'.join(self.unit)}"


def find_quantities(text: str) -> list[Quantity]:
    """The numbers of a text that a known unit follows, in either script, in reading order.

    Example:
        >>> [str(found) for found in find_quantities("0.5 ug/kg, then 20-mg tablets")]
        ['0.5 mcg/kg', '20 mg']
    """
    found = []
    for number in find_numbers(text):
        unit = _unit_after().match(text, number.end)
        if unit:
            values = frozenset(reading[-1] for reading in number.readings)
            found.append(Quantity(number.start, unit.end(), values, _parts(unit.group(1))))
    return found


def changed_units(source: str, translation: str) -> list[tuple[Quantity, Quantity]]:
    """Quantities whose number stayed and whose unit became another one.

    A unit that was left out, or spelled out in a way units.yaml does not know, is not judged; under the stroke only
    what both sides have ("mg/kg" may become "mg for each kg").
    """
    after = find_quantities(translation)
    changed = []
    for quantity in find_quantities(source):
        same_value = [other for other in after if quantity.values & other.values]
        if same_value and not any(_agree(quantity.unit, other.unit) for other in same_value):
            changed.append((quantity, same_value[0]))
    return changed


@cache
def quantity_pattern() -> re.Pattern:
    """Matches quantities of Latin script: 5 mg, 3 x 4 cm, 120/80 mmHg, 10^9/L, 20%, q8h, 1:1000."""
    latin = [form for form in _symbols() if not _ARABIC.search(form)]
    under = _either(latin)
    over = _either(form for form in latin if form not in _forms("per"))
    unit = f"{over}{_EXPONENT}(?:{_STROKE}{under}{_EXPONENT})*"
    number = f"(?:(?:{NUMBER}\\s?[x\u00d7*\u00b7]\\s?)?{_POWER}|{NUMBER})"
    forms = [
        rf"[qQ]\s?\d+(?:\s?[-\u2013]\s?\d+)?\s?h(?:rs?|ours?)?{_END}",
        rf"{NUMBER}\s?ft\s?{NUMBER}\s?in{_END}",
        rf"{number}(?:{_JOINED}{number})*(?:[\s-]|\s-)?(?:{unit}|{_STROKE}{under}{_EXPONENT})(?:{_END}|(?<=%))",
        rf"(?:{NUMBER}\s?[x\u00d7*\u00b7]\s?)?{_POWER}",
        rf"{NUMBER}(?:\s?[x\u00d7]\s?{NUMBER})+",
        rf"\d+(?::\d+(?:,\d{{3}})*|/\d+)+{_END}",
    ]
    return re.compile(rf"(?<![^\W_])(?<!\d[.,])(?:{'|'.join(forms)})")


@cache
def _unit_after() -> re.Pattern:
    """Matches a unit at the end of its number; group 1 is the unit."""
    atom = f"{_either(_symbols())}{_EXPONENT}{_END}"
    first = f"{_either(_forms('units') | _forms('latin_only'))}{_EXPONENT}(?:{_END}|(?<=[%\u066a]))"
    return re.compile(f"[\\s-]{{0,2}}({first}(?:{_STROKE}{atom})*)")


@cache
def _table() -> dict:
    return yaml.safe_load(Path(__file__).with_name("units.yaml").read_text(encoding="utf-8"))


def _forms(section: str) -> frozenset[str]:
    table = _table()[section]
    return frozenset(
        table if isinstance(table, list) else [form for key, forms in table.items() for form in (key, *forms)]
    )


@cache
def _symbols() -> dict[str, str]:
    """The one symbol of each way to write a unit."""
    named = _table()["units"] | _table()["per"]
    aliases = {form: symbol for symbol, forms in named.items() for form in (symbol, *forms)}
    return aliases | {form: form for form in _table()["latin_only"]}


def _either(forms: Iterable[str]) -> str:
    """A group of literal forms, the longest first; white space and the two micro signs as they come."""
    escaped = (re.escape(form).replace(r"\ ", r"\s") for form in sorted(set(forms), key=len, reverse=True))
    return f"(?:{'|'.join(escaped)})".replace("\u00b5", "[\u00b5\u03bc]")


def _parts(unit: str) -> tuple[str, ...]:
    plain = " ".join(unit.replace("\u03bc", "\u00b5").split())
    known = _symbols()
    if plain in known:
        return (known[plain],)
    parts = [re.sub(f"{_EXPONENT}$", "", part) for part in re.split(_STROKE, plain)]
    return tuple(known.get(part, part) for part in parts)


def _agree(unit: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return all(mine == theirs for mine, theirs in zip(unit, other, strict=False))
