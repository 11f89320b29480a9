"""Record: verdicts on disk, read again without a network; the file is never changed."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bimedix2_core.bench.judge.problems import NOT_IN_RECORD
from bimedix2_core.bench.judge.verdicts import JudgeRequest, Verdict, stored_verdict
from bimedix2_core.errors import DataError, listed

FIELDS = ("key", "id", "judge", "prompts", "text", "finish_reason")
"""What each verdict is stored with, at least; all of it text."""

_LOG = logging.getLogger(__name__)


def replay(requests: Sequence[JudgeRequest], model: str, record: Path, *, allow_missing: bool = False) -> list[Verdict]:
    """The verdicts of a record, in the order of the requests: a table is made again without a network.

    Args:
        requests: as they were asked.
        model: name of the judge.
        record: a ``verdicts.jsonl`` that `ask_judge` wrote.
        allow_missing: a request without a verdict gives one without text, unscored, instead of an error.

    Raises:
        DataError: there is no such record, it cannot be read, or a request has no verdict in it; the message has their
            ids, and which judges and prompts the record is of.
    """
    stored = read_record(record)
    missing = [request.id for request in requests if request.key(model) not in stored]
    if missing and not allow_missing:
        asked = sorted({request.prompts for request in requests})
        raise DataError(
            f"{record.name}: {len(missing)} of {len(requests)} requests to judge {model!r} with prompts "
            f"{', '.join(asked)} have no verdict there: {listed(missing)}. It has verdicts of "
            f"{_contents(stored.values())}. Ask the judge for them, or allow missing ones: then they are unscored"
        )
    return [stored_verdict(request, model, stored, NOT_IN_RECORD) for request in requests]


def read_record(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a file by the key of their request.

    A last line without its line end that is no whole record is what a kill in mid-write leaves: it is passed over and
    reported. The same verdict may stand twice, as in two records joined.

    Raises:
        DataError: there is no such file, a line is no verdict, or two verdicts on one request differ.
    """
    if not path.is_file():
        raise DataError(f"{path.name}: no record of verdicts there; ask the judge first, or name another record")
    records: dict[str, dict[str, Any]] = {}
    first_line: dict[str, int] = {}
    lines = path.read_bytes().split(b"\n")  # not splitlines(): it would also split at U+2028 inside a text
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record, problem = _parsed(line)
        if problem and number == len(lines):
            _LOG.warning("%s: passed over an incomplete last line of %d bytes", path.name, len(line))
            continue
        if problem:
            raise DataError(f"{path.name}, line {number}: {problem}; expected a verdict as ask_judge stores it")
        known = records.setdefault(record["key"], record)
        first = first_line.setdefault(record["key"], number)
        if known["text"] != record["text"]:
            raise DataError(
                f"{path.name}, line {number}: a second verdict of {record['judge']!r} on {record['id']!r}, other than "
                f"that of line {first} on the same request; which one counts cannot be known: keep one"
            )
    return records


def _parsed(line: bytes) -> tuple[dict[str, Any], str]:
    """The record of a line, or what is wrong with it."""
    try:
        record = json.loads(line)
    except ValueError as error:
        return {}, f"not JSON ({error})"
    if not isinstance(record, dict):
        return {}, f"a {type(record).__name__}"
    lacking = [name for name in FIELDS if not isinstance(record.get(name), str)]
    return record, f"no text in {', '.join(map(repr, lacking))}" if lacking else ""


def _contents(records: Iterable[Mapping[str, Any]]) -> str:
    found = sorted({f"judge {record['judge']!r} with prompts {record['prompts']}" for record in records})
    return ", ".join(found) or "nobody"
