"""Small parts for the tests of composition: bilingual rows whose number shows in their id."""

from collections.abc import Iterator
from functools import partial

from bimedix2_core.data.compose.selection import Part
from bimedix2_core.records import Row, message

ANSWERS = {"en": "No fracture is seen.", "ar": "لا يُرى كسر."}


def row(number: int, language: str = "en", *, images: int = 0) -> Row:
    turns = [message("user", f"Question {number}?", images=images), message("assistant", ANSWERS[language])]
    return Row(f"q{number}", language, "qa", "published name", turns, images=("ab" * 32,) * images)


def rows(n: int, language: str = "en", images: int = 0) -> Iterator[Row]:
    for number in range(n):
        yield row(number, language, images=images)


def part(source_id: str, n: int, language: str = "en", images: int = 0) -> Part:
    return Part(source_id, partial(rows, n, language, images))
