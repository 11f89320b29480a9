"""Tables: what a notebook shows as HTML and leaves behind as CSV and JSON.

The HTML holds nothing but the values (no ids, no times), so that a notebook test can compare it.
"""

import csv
import html
import io
import json
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.data.language import language_of
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

Cell = str | int | float | None

LANGUAGE_NAMES = {"en": "English", "ar": "Arabic"}

_ARABIC_CELL = "dir='rtl' lang='ar' style='text-align:right; vertical-align:top; max-width:32em'"
_TEXT_CELL = "style='text-align:left; vertical-align:top; max-width:32em'"
_NUMBER_CELL = "style='text-align:right; vertical-align:top'"


@dataclass(frozen=True)
class Table:
    """Rows under named columns; a notebook shows it as HTML."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that does not fit its columns."""
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise DataError(
                    f"table {self.caption!r}, row {index}: {len(row)} cells, expected {len(self.columns)} "
                    f"({', '.join(self.columns)}); give one cell for each column"
                )

    def __repr__(self) -> str:
        """One line: the values are in the HTML."""
        return f"Table: {self.caption or ', '.join(self.columns)} ({len(self.rows)} rows)"

    def _repr_html_(self) -> str:
        is_number = [self._is_number_column(index) for index in range(len(self.columns))]
        head = "".join(
            f"<th {_NUMBER_CELL if number else _TEXT_CELL}>{html.escape(name)}</th>"
            for name, number in zip(self.columns, is_number, strict=True)
        )
        rows = [f"<tr>{''.join(_html_cell(cell) for cell in row)}</tr>" for row in self.rows]
        caption = (
            f"<caption style='text-align:left; white-space:nowrap'>{html.escape(self.caption)}</caption>"
            if self.caption
            else ""
        )
        return "\n".join([f"<table>{caption}", f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody></table>"])

    def _is_number_column(self, index: int) -> bool:
        cells = [row[index] for row in self.rows if row[index] is not None]
        return bool(cells) and all(isinstance(cell, int | float) for cell in cells)


def save_table(table: Table, path_stem: str | Path, *, kind: str) -> tuple[Path, Path]:
    """Write ``<path_stem>.csv`` and ``<path_stem>.json``; the column ``run`` says on every row what it comes from.

    Args:
        table: what to write, numbers unrounded.
        path_stem: where, without ending.
        kind: ``demo`` or ``paper``; what stands in the first column, ``run``.

    Raises:
        DataError: two columns have one name, so a record could not hold both.
    """
    stem = Path(path_stem)
    columns = ("run", *table.columns)
    if len(set(columns)) < len(columns):
        raise DataError(f"columns {columns} are not told apart by their names; rename one of them")
    rows = [(kind, *row) for row in table.rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    record = {"run": kind, "caption": table.caption, "rows": [dict(zip(columns, row, strict=True)) for row in rows]}
    return (
        write_atomic(stem.with_name(f"{stem.name}.csv"), text.getvalue()),
        write_atomic(stem.with_name(f"{stem.name}.json"), json.dumps(record, indent=1, ensure_ascii=False) + "\n"),
    )


def language_name(code: str) -> str:
    """``English`` for ``en``, ``Arabic`` for ``ar``, anything else as it is."""
    return LANGUAGE_NAMES.get(code, code)


def _html_cell(cell: Cell) -> str:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"<td {_NUMBER_CELL}>{_number(cell)}</td>"
    text = html.escape("" if cell is None else str(cell)).replace("\n", "<br>")
    look = _ARABIC_CELL if language_of(text) == "ar" else _TEXT_CELL
    return f"<td {look}>{text}</td>"


def _number(value: int | float) -> str:
    """Whole numbers with thousands, others with three decimals."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
