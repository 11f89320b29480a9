"""JSON objects: those that stand in a model's answer, whatever stands around them, and those of a file, one a line."""

import json
from collections.abc import Iterator
from typing import Any

from bimedix2_core.errors import DataError

_PLAIN = json.JSONDecoder()


def json_objects(text: str, decoder: json.JSONDecoder = _PLAIN) -> Iterator[Any]:
    """The JSON objects in a text, outermost first; as `decoder` makes them, plain dictionaries if none is given."""
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except RecursionError:
            return
        except ValueError:
            end = start + 1
        else:
            yield found
        start = text.find("{", end)


def line_objects(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of JSON Lines, each with the number of its line, from 1; blank lines are passed over.

    Args:
        text: of the file.
        name: of the file, for a message.

    Raises:
        DataError: a line is not JSON, or no object.
    """
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines() would also split at U+2028 in a text
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DataError(f"{name}, line {number} is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise DataError(f"{name}, line {number} is a {type(found).__name__}; expected an object")
        yield number, found
