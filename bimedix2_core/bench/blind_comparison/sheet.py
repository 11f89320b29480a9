"""Sheet: the form as a workbook, from right to left where its language is Arabic.

One row per question. Only the choice and the comment can be changed. Every text is written as text, so that nothing a
model wrote can become a formula.
"""

import io
from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.bench.blind_comparison.form import Form
from bimedix2_core.bench.blind_comparison.items import wording
from bimedix2_core.data.review.cells import problem_of, to_xlsx
from bimedix2_core.data.review.sheet import GUIDANCE_SHEET, HEADER_ROW, REVIEW_SHEET, Column
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

LEFT_TO_RIGHT, RIGHT_TO_LEFT = 1, 2
"""Excel's reading orders."""

_YELLOW = PatternFill("solid", fgColor="FFF8DC")
_THIN = Border(*[Side(style="thin", color="BFBFBF")] * 4)


def columns_of(form: Form) -> tuple[Column, ...]:
    """The columns of a form, with their headings in its language."""
    said, reads = wording()["headings"][form.language], reading_order(form.language)
    return (
        Column(said["item"], 8, reads=reads),
        Column(said["question"], 40, reads=reads),
        Column(said["reference"], 50, reads=reads),
        *(Column(said["answer"].format(letter=letter), 50, reads=reads) for letter in form.letters),
        Column(said["choice"], 14, is_reviewers=True, reads=reads),
        Column(said["comment"], 40, is_reviewers=True, reads=reads),
    )


def reading_order(language: str) -> int:
    """Right to left for Arabic, else left to right."""
    return RIGHT_TO_LEFT if language == "ar" else LEFT_TO_RIGHT


def write_form(file: Path, form: Form, *, choices: Mapping[str, str] | None = None) -> Path:
    """Write the workbook that a reviewer gets: instructions in both languages, and the form.

    Args:
        file: where; its name is the caller's, who should not write a model's into it.
        form: of one reviewer.
        choices: what is chosen already, by row label; only a scripted reviewer has some.

    Raises:
        DataError: a text does not fit into a cell; the message lists every one.
    """
    problems = [f"  {row.label}: a text {why}" for row in form.rows for text in row.shown if (why := problem_of(text))]
    if problems:
        raise DataError("\n".join(["the blind form cannot be written; leave these questions out:", *problems]))
    book = Workbook()
    _write_guidance(book.active, form.language)
    _write_rows(book.create_sheet(REVIEW_SHEET), form, choices or {})
    stream = io.BytesIO()
    book.save(stream)
    return write_atomic(file, stream.getvalue())


def _write_rows(sheet: Worksheet, form: Form, choices: Mapping[str, str]) -> None:
    """Row 1: ``Form | id | Reviewer | code``; then the headings, then a row for each question."""
    columns, said = columns_of(form), wording()["headings"][form.language]
    for index, text in enumerate((said["form"], form.id, said["reviewer"], form.reviewer), start=1):
        _put(sheet, 1, index, text).font = Font(bold=index % 2 == 1)
    for index, column in enumerate(columns, start=1):
        cell = _put(sheet, HEADER_ROW, index, column.name)
        cell.font, cell.border = Font(bold=True), _THIN
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    for number, row in enumerate(form.rows, start=HEADER_ROW + 1):
        values = (row.label, *row.shown, choices.get(row.label, ""), "")
        for index, (column, value) in enumerate(zip(columns, values, strict=True), start=1):
            _style(_put(sheet, number, index, value), column)
    _add_list(sheet, form, letter=get_column_letter(len(columns) - 1))
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 2)
    _finish(sheet, form.language)


def _add_list(sheet: Worksheet, form: Form, *, letter: str) -> None:
    """The drop-down of the choice, which refuses other words."""
    said = wording()
    options = [*form.letters, said["tie"][form.language]]
    rule = DataValidation(type="list", formula1=f'"{",".join(options)}"', allow_blank=True, showErrorMessage=True)
    rule.errorTitle = rule.promptTitle = said["headings"][form.language]["choice"]
    rule.error, rule.prompt, rule.showInputMessage = ", ".join(options), said["choice_hint"][form.language], True
    rule.add(f"{letter}{HEADER_ROW + 1}:{letter}{HEADER_ROW + len(form.rows)}")
    sheet.add_data_validation(rule)


def _write_guidance(sheet: Worksheet, language: str) -> None:
    """The instructions in both languages side by side."""
    sheet.title = GUIDANCE_SHEET
    for row, said in enumerate(wording()["guidance"], start=1):
        for column, spoken in enumerate(("en", "ar"), start=1):
            cell = _put(sheet, row, column, said[spoken])
            cell.alignment = _alignment(reading_order(spoken))
            cell.font = Font(bold=said.get("heading", False), size=12)
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 75
    _finish(sheet, language)


def _finish(sheet: Worksheet, language: str) -> None:
    """Columns from right to left where the language runs so; what is not the reviewer's is locked, no password."""
    sheet.sheet_view.rightToLeft = reading_order(language) == RIGHT_TO_LEFT
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False


def _put(sheet: Worksheet, row: int, column: int, value: str) -> Cell:
    """Write a text as text, whatever it looks like: never a formula, a number or an error value."""
    cell = sheet.cell(row, column)
    if value:
        cell.value = to_xlsx(value)
        cell.data_type = "s"
    cell.quotePrefix = True
    cell.number_format = "@"
    return cell


def _style(cell: Cell, column: Column) -> None:
    cell.alignment, cell.border = _alignment(column.reads), _THIN
    if column.is_reviewers:
        cell.fill, cell.protection = _YELLOW, Protection(locked=False)


def _alignment(reads: int) -> Alignment:
    side = "right" if reads == RIGHT_TO_LEFT else "left"
    return Alignment(horizontal=side, vertical="top", wrap_text=True, readingOrder=reads)
