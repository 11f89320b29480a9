"""What the papers report: one CSV per table, cell by cell as printed.

The files are facts, copied from the papers and never edited; ``claims.yaml`` beside them lists what can be checked.
Lines that start with ``#`` say where a table comes from. An empty cell was not printed, or is not legible.
"""

import csv
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from bimedix2_core.errors import DataError

FOLDER = Path(__file__).parent

TOTAL = "total"
"""Id of a printed total: a row of its table, and no part of its sums."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class ReportedTable:
    """One printed table; its first column holds the ids of its rows."""

    name: str
    """Name of the file without ending, such as ``table05_medical_vqa``."""
    comments: tuple[str, ...]
    """Where the numbers come from, line by line, without ``#``."""
    columns: tuple[str, ...]
    """Names of the columns in the order of the file, ids included."""
    rows: tuple[dict[str, str], ...]
    """The cells as printed text by column; empty text where nothing was printed."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the rows, in the order of the file."""
        return tuple(row[self.columns[0]] for row in self.rows)

    def cell(self, row_id: str, column: str) -> str:
        """The printed text of one cell, empty where nothing was printed.

        Raises:
            DataError: the table has no such row or column; the message lists those it has.
        """
        self._check_known("row", row_id, self.ids)
        self._check_known("column", column, self.columns)
        return self.rows[self.ids.index(row_id)][column]

    def number(self, row_id: str, column: str) -> Decimal | None:
        """The printed number of one cell with the decimals it was printed with; None where nothing was printed.

        Raises:
            DataError: the table has no such row or column, or its cell holds text.
        """
        text = self.cell(row_id, column)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise DataError(
                f"{self.name}, row {row_id}, column {column}: found the text {text!r}, expected a number; "
                "take `cell` for what is printed there"
            )
        return Decimal(text)

    def column(self, name: str) -> dict[str, Decimal]:
        """The printed numbers of one column by row; rows without a number and the row ``total`` are left out.

        Raises:
            DataError: the table has no such column, or one of its cells holds text.
        """
        self._check_known("column", name, self.columns)
        numbers = {row_id: self.number(row_id, name) for row_id in self.ids if row_id != TOTAL}
        return {row_id: number for row_id, number in numbers.items() if number is not None}

    def _check_known(self, what: str, name: str, known: Sequence[str]) -> None:
        if name not in known:
            raise DataError(f"{self.name} has no {what} {name!r}; known: {', '.join(known)}{likely(name, known)}")


def names() -> tuple[str, ...]:
    """Names of all reported tables, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.csv")))


def read(name: str) -> ReportedTable:
    """One reported table by the name of its file, without ending.

    Raises:
        DataError: there is no such table, or its file is not one table.
    """
    if name not in names():
        raise DataError(f"no reported table {name!r}; known: {', '.join(names())}{likely(name, names())}")
    return _parsed(FOLDER / f"{name}.csv")


@cache
def _parsed(file: Path) -> ReportedTable:
    """Each file is read once: an exhibit asks for its table at every cell."""
    return parse(file.read_text(encoding="utf-8"), file.stem)


def parse(text: str, name: str) -> ReportedTable:
    """A table from the text of its file: comment lines, a header, one line for each row.

    Args:
        text: content of a CSV file.
        name: what to call the table in messages.

    Raises:
        DataError: there is no header or no row, a column or an id is empty or stands there twice, or a row has more or
            fewer cells than the header.
    """
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    body = [row for row in csv.reader(line for line in lines if not line.startswith("#")) if row]
    if len(body) < 2:
        raise DataError(f"{name}: {len(body)} lines beside comments, expected a header and at least one row")
    header, rows = body[0], body[1:]
    _check_distinct(header, f"{name}, header")
    for row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{name}, row {row[0]}: {len(row)} cells, expected {len(header)} ({', '.join(header)}); "
                "quote a cell that holds a comma"
            )
    _check_distinct([row[0] for row in rows], f"{name}, column {header[0]}")
    return ReportedTable(
        name=name,
        comments=tuple(line.removeprefix("#").strip() for line in comments),
        columns=tuple(header),
        rows=tuple(dict(zip(header, row, strict=True)) for row in rows),
    )


def _check_distinct(values: Sequence[str], where: str) -> None:
    wrong = sorted({value for value in values if not value or values.count(value) > 1})
    if wrong:
        raise DataError(f"{where}: expected names, each once; empty or given twice: {wrong}")


def likely(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, to end a message with; empty where none is close."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
