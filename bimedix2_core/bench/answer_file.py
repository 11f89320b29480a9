"""Answer file: answers that were made elsewhere, joined to the samples they belong to.

Ids join, never position, unless the file has none and the caller says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2_core.data.json_objects import line_objects
from bimedix2_core.errors import DataError, listed


@dataclass(frozen=True)
class Fields:
    """What the fields of a line are called."""

    id: str = "id"
    answer: str = "answer"


def read_answers(
    path: Path,
    ids: Sequence[str],
    *,
    fields: Fields = Fields(),
    by_position: bool = False,
    allow_partial: bool = False,
) -> dict[str, str]:
    """The answer to each sample, by its id; samples without an answer are left out.

    Args:
        path: JSON lines, an object with an id and an answer on each; null counts as an empty answer.
        ids: ids of the samples, in the order of their file.
        fields: names of the two fields; numbers are taken as ids too.
        by_position: the lines have no ids and are in the order of the samples.
        allow_partial: samples may be missing.

    Raises:
        DataError: a line is no JSON object or lacks a field; an id stands twice, belongs to another data set, or is
            missing; with `by_position`, another number of lines.
    """
    lines = list(_lines(path))
    if by_position:
        if len(lines) != len(ids):
            raise DataError(
                f"{path.name}: {len(lines):,} lines for {len(ids):,} samples; answers without ids can be joined only "
                "if there is one for each sample, in order"
            )
        return {id: _text(record, fields.answer, path, line) for id, (line, record) in zip(ids, lines, strict=True)}
    answers: dict[str, str] = {}
    first_line: dict[str, int] = {}
    for line, record in lines:
        id = _id(record, fields.id, path, line)
        if id in answers:
            raise DataError(
                f"{path.name}, line {line}: id {id!r} stands in line {first_line[id]} already; expected once"
            )
        answers[id], first_line[id] = _text(record, fields.answer, path, line), line
    _check_ids(path, answers, ids, first_line, allow_partial=allow_partial)
    return answers


def read_field(path: Path, id_field: str, field: str) -> dict[str, str]:
    """Another field of an answer file by id, such as a label; null is empty.

    Raises:
        DataError: a line cannot be read or lacks one of the fields.
    """
    return {_id(record, id_field, path, line): _text(record, field, path, line) for line, record in _lines(path)}


def _check_ids(
    path: Path, answers: dict[str, str], ids: Sequence[str], first_line: dict[str, int], *, allow_partial: bool
) -> None:
    known = set(ids)
    foreign = [id for id in answers if id not in known]
    if foreign:
        raise DataError(
            f"{path.name}, line {first_line[foreign[0]]}: {len(foreign):,} of {len(answers):,} ids are none of the "
            f"{len(ids):,} samples ({listed(foreign)}); is it an answer file of another data set? "
            f"The samples have ids such as {listed(ids[:2])}"
        )
    missing = [id for id in ids if id not in answers]
    if missing and not allow_partial:
        raise DataError(
            f"{path.name}: no answer for {len(missing):,} of {len(ids):,} samples ({listed(missing)}); "
            "answer them, or score what is there with allow_partial (--allow-partial)"
        )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected JSON lines in UTF-8") from None
    return line_objects(content, path.name)


def _id(record: dict[str, Any], field: str, path: Path, line: int) -> str:
    value = _value(record, field, path, line)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"{path.name}, line {line}: {field} is {value!r:.80}; expected text or a whole number")
    return str(value)


def _text(record: dict[str, Any], field: str, path: Path, line: int) -> str:
    value = _value(record, field, path, line)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{path.name}, line {line}: {field} is {value!r:.80}; expected text")
    return value


def _value(record: dict[str, Any], field: str, path: Path, line: int) -> Any:
    if field not in record:
        raise DataError(
            f"{path.name}, line {line}: no field {field!r}; it has {', '.join(record) or 'none'}. "
            "Name the fields with --id-field and --answer-field"
        )
    return record[field]
