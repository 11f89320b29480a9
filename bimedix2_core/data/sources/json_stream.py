"""JSON streams: the values of a JSON list or object, one at a time, however long the file is."""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

CHUNK = 1 << 20
"""Characters that are read at once."""

MAX_VALUE = 1 << 26
"""Characters of one value; broken JSON is noticed here at the latest, and not at the end of the file."""

CUT_NUMBER = len("e+")
"""Characters of a number that may follow its decoded part and mean nothing yet: 3 of a cut 3e+5 is a number, too."""

_SPACE = re.compile(r"[ \t\n\r]*")


def json_values(text: TextIO) -> Iterator[tuple[str | None, Any]]:
    """The values of the list (key None) or of the object (with their keys) that a text holds.

    Raises:
        json.JSONDecodeError: the text is no JSON list or object, or stops being one.
    """
    window = _Window(text)
    opening = window.next_character()
    if opening not in ("[", "{"):
        raise window.error("expected a list or an object")
    window.skip(opening)
    closing = "]" if opening == "[" else "}"
    first = True
    while window.next_character() != closing:
        if not first:
            window.skip(",")
        first = False
        key = None
        if opening == "{":
            key = window.value()
            window.skip(":")
        yield key, window.value()
    window.skip(closing)
    if window.next_character():
        raise window.error("expected the end of the file")


class _Window:
    """The part of a text that is being decoded."""

    def __init__(self, text: TextIO):
        self.source = text
        self.decoder = json.JSONDecoder()
        self.text = ""
        self.at = 0
        self.passed = 0
        """Characters of the source before the window."""
        self.finished = False

    def next_character(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self.at = _SPACE.match(self.text, self.at).end()
            if self.at < len(self.text):
                return self.text[self.at]
            if self.finished:
                return ""
            self._read_on()

    def skip(self, expected: str) -> None:
        if self.next_character() != expected:
            raise self.error(f"expected {expected!r}")
        self.at += 1

    def value(self) -> Any:
        self.next_character()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.finished or len(self.text) - self.at > MAX_VALUE:
                    raise self.error(error.msg, error.pos) from None
            else:
                if end + CUT_NUMBER < len(self.text) or self.finished:
                    self.at = end
                    return value
            self._read_on()

    def error(self, problem: str, at: int | None = None) -> json.JSONDecodeError:
        at = self.at if at is None else at
        where = f"character {self.passed + at}"
        return json.JSONDecodeError(f"not JSON at {where}: {problem}, found {self.text[at : at + 20]!r}", self.text, at)

    def _read_on(self) -> None:
        """Drop what is decoded and read at least as much again as is left, so that a long value is tried rarely."""
        self.passed += self.at
        rest = self.text[self.at :]
        more = self.source.read(max(CHUNK, len(rest)))
        self.finished = not more
        self.text, self.at = rest + more, 0
