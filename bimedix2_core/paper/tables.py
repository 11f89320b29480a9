"""Tables: what a notebook shows as HTML and leaves behind as CSV and JSON.

The HTML holds nothing but the values (no ids, no times), so that a notebook test can compare it.
"""

import csv
import html
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bimedix2_core.data.language import language_of
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

Cell = str | int | float | Decimal | None
"""A Decimal is shown with the decimals it has, a float with three."""

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
    best: frozenset[tuple[int, int]] = frozenset()
    """Row and column of each cell that is set in bold."""

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
        is_number = [self.is_number_column(index) for index in range(len(self.columns))]
        head = "".join(
            f"<th {_NUMBER_CELL if number else _TEXT_CELL}>{html.escape(name)}</th>"
            for name, number in zip(self.columns, is_number, strict=True)
        )
        rows = [
            f"<tr>{''.join(_html_cell(cell, is_best=(i, j) in self.best) for j, cell in enumerate(row))}</tr>"
            for i, row in enumerate(self.rows)
        ]
        caption = (
            f"<caption style='text-align:left; white-space:nowrap'>{html.escape(self.caption)}</caption>"
            if self.caption
            else ""
        )
        return "\n".join([f"<table>{caption}", f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody></table>"])

    def is_number_column(self, index: int) -> bool:
        """Whether a column holds numbers and empty cells only: it is set flush right."""
        cells = [row[index] for row in self.rows if row[index] is not None]
        return bool(cells) and all(isinstance(cell, int | float | Decimal) for cell in cells)


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
    record = {"run": kind, "caption": table.caption, "rows": [dict(zip(columns, row, strict=True)) for row in rows]}
    content = json.dumps(record, indent=1, ensure_ascii=False, default=float)
    return (
        write_atomic(stem.with_name(f"{stem.name}.csv"), csv_text(columns, rows)),
        write_atomic(stem.with_name(f"{stem.name}.json"), content + "\n"),
    )


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Header and rows as CSV, numbers unrounded; an empty cell is None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def number_text(value: int | float | Decimal) -> str:
    """Whole numbers with thousands, decimal numbers with the decimals they have, others with three."""
    return f"{value:,}" if isinstance(value, int | Decimal) else f"{value:.3f}"


def language_name(code: str) -> str:
    """``English`` for ``en``, ``Arabic`` for ``ar``, anything else as it is."""
    return LANGUAGE_NAMES.get(code, code)


def _html_cell(cell: Cell, *, is_best: bool) -> str:
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        look, text = _NUMBER_CELL, number_text(cell)
    else:
        text = html.escape("" if cell is None else str(cell)).replace("\n", "<br>")
        look = _ARABIC_CELL if language_of(text) == "ar" else _TEXT_CELL
    return f"<td {look}>{f'<b>{text}</b>' if is_best else text}</td>"
