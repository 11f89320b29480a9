"""Expert scores: what people gave the answers, read from a CSV or JSONL file by id."""

import csv
import io
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from bimedix2_core.bench.judge.agreement import SCALE
from bimedix2_core.data.json_objects import line_objects
from bimedix2_core.errors import DataError


def read_scores(
    path: Path,
    ids: Collection[str],
    *,
    id_field: str = "id",
    score_field: str = "score",
    scale: tuple[float, float] = SCALE,
) -> dict[str, float]:
    """The score of each answer that has one, by id; an empty cell or null is an answer not scored.

    Experts may have scored a part of the answers; what they did score must belong to them.

    Args:
        path: ``.csv`` with a header, or ``.jsonl``; UTF-8. Digits of any script are read.
        ids: of the answers.
        id_field: column of the ids; numbers are taken as ids too.
        score_field: column of the scores, one expert's.
        scale: least and greatest score possible.

    Raises:
        DataError: the file or a line cannot be read, a column lacks, an id stands twice or is none of the answers', a
            score is no number or off the scale, or there is none at all.
    """
    known, scores, first_line = set(ids), {}, {}
    for line, row in _rows(path, (id_field, score_field)):
        id = row[id_field].strip() if isinstance(row[id_field], str) else str(row[id_field])
        if id in first_line:
            raise DataError(f"{path.name}, line {line}: id {id!r} stands in line {first_line[id]} already; keep one")
        if id not in known:
            raise DataError(
                f"{path.name}, line {line}: id {id!r} is none of the {len(known):,} answers', such as "
                f"{', '.join(map(repr, sorted(known)[:2])) or 'none'}; are the scores those of another data set?"
            )
        first_line[id] = line
        score = _score(row[score_field], f"{path.name}, line {line}, {score_field} of {id!r}", scale)
        if score is not None:
            scores[id] = score
    if not scores:
        raise DataError(f"{path.name}: no score in column {score_field!r}; expected at least one")
    return scores


def _score(cell: Any, where: str, scale: tuple[float, float]) -> float | None:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    try:
        score = math.nan if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        score = math.nan
    if not scale[0] <= score <= scale[1]:
        raise DataError(
            f"{where} is {cell!r:.60}; expected a number from {scale[0]:g} to {scale[1]:g} with a decimal point, or "
            "nothing"
        )
    return score


def _rows(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and row of each record; every field is there."""
    readers = {".csv": _csv_rows, ".jsonl": line_objects}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path.name}: expected a file that ends in {' or '.join(readers)}")
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: cannot be read ({error}); expected UTF-8") from None
    for line, row in readers[path.suffix.lower()](text, path.name):
        lacking = [field for field in fields if field not in row]
        if lacking:
            raise DataError(f"{path.name}, line {line}: no {lacking[0]!r}; it has {', '.join(map(repr, row))}")
        yield line, row


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise DataError(
                    f"{name}, line {reader.line_num}: not as many cells as the {len(reader.fieldnames)} of the header; "
                    "are they parted by commas, and texts with commas in quotes?"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: no CSV ({error})") from None
