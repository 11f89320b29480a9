"""Workbook: what every sheet that people fill in has in common: a table under two lines of heading, and instructions.

Every text is written as text, so that nothing a model wrote can become a formula. What is not the reviewer's to change
is locked, without a password. Each cell is ordered by its language, so that a line that mixes scripts is read rightly.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.data.review.cells import to_xlsx
from bimedix2_core.runs import write_atomic

REVIEW_SHEET, GUIDANCE_SHEET = "Review", "Guidance"
HEADER_ROW = 2
"""Row 1 of a workbook holds what is said of the whole sheet, such as the reviewer's name."""

BY_FIRST_LETTER, LEFT_TO_RIGHT, RIGHT_TO_LEFT = 0, 1, 2
"""Excel's reading orders."""

_YELLOW = PatternFill("solid", fgColor="FFF8DC")
_GREY = PatternFill("solid", fgColor="E7E6E6")
_SIDE = {BY_FIRST_LETTER: "general", LEFT_TO_RIGHT: "left", RIGHT_TO_LEFT: "right"}
_THIN = Border(*[Side(style="thin", color="BFBFBF")] * 4)


@dataclass(frozen=True)
class Column:
    """One column of a sheet."""

    name: str
    width: float
    """In characters of the default font, as Excel counts."""
    is_reviewers: bool = False
    reads: int = LEFT_TO_RIGHT
    """One of Excel's reading orders."""


def reading_order(language: str) -> int:
    """Right to left for Arabic, else left to right."""
    return RIGHT_TO_LEFT if language == "ar" else LEFT_TO_RIGHT


def write_table(
    sheet: Worksheet, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, reads: int = LEFT_TO_RIGHT
) -> None:
    """Write the headings and the rows; the headings and the first column stay in sight.

    Args:
        sheet: an empty one.
        columns: in their order.
        rows: a text for each column.
        reads: reading order of the headings.
    """
    for number, values in enumerate(rows, start=HEADER_ROW + 1):
        for index, (column, value) in enumerate(zip(columns, values, strict=True), start=1):
            _style(put(sheet, number, index, value), column)
    for index, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width
        heading(put(sheet, HEADER_ROW, index, column.name), is_reviewers=column.is_reviewers, reads=reads)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 2)


def write_guidance(sheet: Worksheet, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the instructions: English on the left, the same in Arabic on the right.

    Args:
        sheet: an empty one; it gets its name.
        lines: each with ``en`` and ``ar``, and ``heading`` where it is one.
    """
    sheet.title = GUIDANCE_SHEET
    for row, said in enumerate(lines, start=1):
        for column, language in enumerate(("en", "ar"), start=1):
            cell = put(sheet, row, column, said[language])
            cell.alignment = _alignment(reading_order(language))
            cell.font = Font(bold=said.get("heading", False), size=12)
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 75
    protect(sheet)


def put(sheet: Worksheet, row: int, column: int, value: str) -> Cell:
    """Write a text as text, whatever it looks like: never a formula, a number or an error value."""
    cell = sheet.cell(row, column)
    if value:
        cell.value = to_xlsx(value)
        cell.data_type = "s"
    cell.quotePrefix = True
    cell.number_format = "@"
    return cell


def heading(cell: Cell, *, is_reviewers: bool = False, reads: int = LEFT_TO_RIGHT) -> None:
    """Style a heading, yellow where it stands over what the reviewer fills."""
    cell.font, cell.fill, cell.border = Font(bold=True), _YELLOW if is_reviewers else _GREY, _THIN
    cell.alignment = Alignment(horizontal=_SIDE[reads], vertical="center")


def open_cell(cell: Cell) -> None:
    """Style a cell that the reviewer fills."""
    cell.fill, cell.border, cell.protection = _YELLOW, _THIN, Protection(locked=False)


def add_hint(
    sheet: Worksheet, index: int, *, last_row: int, title: str, hint: str, options: Sequence[str] = (), error: str = ""
) -> None:
    """Give the cells of a column a hint and, where there are options, a drop-down that refuses other words.

    Args:
        sheet: with its table.
        index: of the column, from 1.
        last_row: of the table.
        title: over the hint and the error.
        hint: what is shown beside a chosen cell.
        options: without commas.
        error: what is shown where another word was written.
    """
    rule = DataValidation(type="list" if options else None, allow_blank=True)
    if options:
        rule.formula1 = f'"{",".join(options)}"'
        rule.showErrorMessage, rule.errorTitle, rule.error = True, title, error
    rule.showInputMessage, rule.promptTitle, rule.prompt = True, title, hint
    letter = get_column_letter(index)
    rule.add(f"{letter}{HEADER_ROW + 1}:{letter}{last_row}")
    sheet.add_data_validation(rule)


def protect(sheet: Worksheet) -> None:
    """Lock what is not the reviewer's, without a password; widths, heights and filters stay free."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = sheet.protection.autoFilter = False


def save(book: Workbook, file: Path) -> Path:
    """Write a workbook, whole or not at all; its folder is made."""
    stream = io.BytesIO()
    book.save(stream)
    return write_atomic(file, stream.getvalue())


def _style(cell: Cell, column: Column) -> None:
    cell.alignment, cell.border = _alignment(column.reads), _THIN
    if column.is_reviewers:
        open_cell(cell)


def _alignment(reads: int) -> Alignment:
    return Alignment(horizontal=_SIDE[reads], vertical="top", wrap_text=True, readingOrder=reads)
