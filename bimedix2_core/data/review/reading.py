"""Reading: the sheets that come back, tolerant of what Excel does to a file and strict about what was reviewed.

Tolerated: moved columns, empty rows, other case and spaces in headers, verdicts and categories, CSV with semicolons or
tabs and in UTF-16, ``_x000D_`` and other line ends, ids that became numbers where only one id can be meant.
Refused, all at once and with their cells: everything else. Nothing that a reviewer wrote is dropped.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.data.review.cells import Cell
from bimedix2_core.data.review.filled_row import EMPTY, SheetRow, problems_of, review_of
from bimedix2_core.data.review.grid import Line, read_grid
from bimedix2_core.data.review.items import Review, ReviewItem
from bimedix2_core.data.review.returned import columns_in, error_of, name_of, table_with
from bimedix2_core.data.review.sheet import COLUMNS
from bimedix2_core.errors import DataError

REQUIRED = ("id", "english", "arabic", "verdict", "category", "corrected arabic", "comment")
KNOWN = {column.name.lower() for column in COLUMNS} | {"reviewer", "date"}
MAX_NUMBER = 10**15
"""Excel keeps 15 digits; a longer id that became a number is lost."""

_NUMBER = re.compile(r"[+-]?\d+([.,]\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class ReviewedSheet:
    """One reviewer's sheet."""

    reviewer: str
    date: str
    reviews: tuple[Review, ...]
    not_reviewed: tuple[str, ...]
    """Ids of the items without a verdict yet; they are never counted as ``none``."""


def read_sheet(file: Path, items: Sequence[ReviewItem]) -> ReviewedSheet:
    """Read a sheet back, a workbook or CSV by the ending of the file.

    Args:
        file: what the reviewer returned.
        items: the items that were written into it.

    Returns:
        The reviews in the order of the items. An untouched or deleted copy of the Arabic text is no correction.

    Raises:
        DataError: the file cannot be read, or its content is not what was handed out: an id is unknown, missing, there
            twice or no longer certain, English or Arabic were changed, a verdict or category is not of the list, a
            row says something but has no verdict or contradicts it, role labels are gone from a correction, a column
            is missing, or no reviewer is named. The message lists every problem with its cell.
    """
    table = table_with(read_grid(file, "review sheet"), ("id", "verdict"))
    if table is None:
        raise DataError(
            f"{file.name}: no line has the headings id and verdict; return the review sheet with its header"
        )
    columns, problems = columns_in(table, KNOWN, REQUIRED, what="sheet")
    if not set(REQUIRED) <= set(columns):
        raise error_of(file.name, problems, what="sheet")
    rows = [{name: line.cells.get(index, EMPTY) for name, index in columns.items()} for line in table.body]
    reviewer, date = (_said_of_sheet(name, table.above, rows, problems) for name in ("reviewer", "date"))
    if not reviewer:
        problems.append("no reviewer is named; write the name into the cell (in CSV: the column) for it")
    by_id = _rows_by_id(rows, table.body, [item.id for item in items], problems)
    filled = [(by_id[item.id], item) for item in items if item.id in by_id]
    problems += [problem for row, item in filled for problem in problems_of(row, item)]
    if problems:
        raise error_of(file.name, problems, what="sheet")
    answers = [review_of(row, item, reviewer=reviewer, date=date) for row, item in filled]
    reviews = tuple(review for review in answers if review is not None)
    reviewed = {review.id for review in reviews}
    return ReviewedSheet(reviewer, date, reviews, tuple(item.id for item in items if item.id not in reviewed))


def _said_of_sheet(name: str, above: Sequence[Line], rows: Sequence[SheetRow], problems: list[str]) -> str:
    """The reviewer or the date: right of its label above the header, or in a column of its own."""
    cells = [row[name] for row in rows if name in row]
    for line in above:
        labels = [index for index, cell in line.cells.items() if name_of(cell.text).startswith(name)]
        cells += [line.cells.get(index + 1, EMPTY) for index in labels]
    said = Counter(" ".join(cell.text.split()) for cell in cells if cell.text)
    if len(said) > 1:
        problems.append(f"more than one {name}: {', '.join(map(repr, sorted(said)))}; a sheet has one")
    return next(iter(said), "")


def _rows_by_id(
    rows: Sequence[SheetRow], body: Sequence[Line], ids: Sequence[str], problems: list[str]
) -> dict[str, SheetRow]:
    """The row of each item; rows without an id, with an unknown one and repeated ones are problems."""
    known, found = _Ids(ids), {}
    for row, line in zip(rows, body, strict=True):
        cell = row["id"]
        if not cell.text:
            if any(row[name].text for name in REQUIRED):
                problems.append(f"row {line.number}: no id, but the row says something; write its id again")
            continue
        meant = known.meant_by(cell)
        if len(meant) != 1:
            problems.append(f"{cell.address}: {_why_not(cell, meant)}")
        elif meant[0] in found:
            first = found[meant[0]]["id"].address
            problems.append(f"{cell.address}: id {meant[0]!r} is there twice, first in {first}; keep one")
        else:
            found[meant[0]] = row
    missing = [id for id in ids if id not in found]
    if missing:
        problems.append(f"no row for {len(missing)} of {len(ids)} ids: {', '.join(map(repr, missing))}")
    return found


class _Ids:
    """The ids that were handed out, also by the number that Excel may have made of them."""

    def __init__(self, ids: Sequence[str]):
        self._ids = set(ids)
        self._by_number = defaultdict(list)
        for id in ids:
            if (number := _number(id)) is not None:
                self._by_number[number].append(id)

    def meant_by(self, cell: Cell) -> Sequence[str]:
        """The ids that a cell may mean: one if all is well."""
        text = cell.text.strip()
        if cell.kind == "text" and text in self._ids:
            return [text]
        number = _number(text) if cell.kind in ("text", "number") else None
        return self._by_number.get(number, []) if number is not None and abs(number) < MAX_NUMBER else []


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _why_not(cell: Cell, meant: Sequence[str]) -> str:
    text = cell.text.strip()
    if cell.kind == "date":
        return f"the id became the date {text}; write it again as text"
    if meant:
        return f"the id became the number {text}, which may be {' or '.join(map(repr, meant))}; write it as text"
    return f"unknown id {text!r}; write it as it was handed out"
