"""Sheet: the form as a workbook, from right to left where its language is Arabic.

One row per question. Only the choice and the comment can be changed. Every text is written as text, so that nothing a
model wrote can become a formula.
"""

from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.bench.blind_comparison.form import Form
from bimedix2_core.bench.blind_comparison.items import wording
from bimedix2_core.data.review.cells import problem_of
from bimedix2_core.data.review.workbook import (
    HEADER_ROW,
    REVIEW_SHEET,
    RIGHT_TO_LEFT,
    Column,
    add_hint,
    protect,
    put,
    reading_order,
    save,
    write_guidance,
    write_table,
)
from bimedix2_core.errors import DataError


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
    write_guidance(book.active, wording()["guidance"])
    _write_rows(book.create_sheet(REVIEW_SHEET), form, choices or {})
    for sheet in book.worksheets:  # columns from right to left where the language runs so
        sheet.sheet_view.rightToLeft = reading_order(form.language) == RIGHT_TO_LEFT
    return save(book, file)


def _write_rows(sheet: Worksheet, form: Form, choices: Mapping[str, str]) -> None:
    """Row 1: ``Form | id | Reviewer | code``; then the headings, then a row for each question."""
    columns, said = columns_of(form), wording()["headings"][form.language]
    for index, text in enumerate((said["form"], form.id, said["reviewer"], form.reviewer), start=1):
        put(sheet, 1, index, text).font = Font(bold=index % 2 == 1)
    rows = [(row.label, *row.shown, choices.get(row.label, ""), "") for row in form.rows]
    write_table(sheet, columns, rows, reads=reading_order(form.language))
    options = [*form.letters, wording()["tie"][form.language]]
    add_hint(
        sheet,
        len(columns) - 1,
        last_row=HEADER_ROW + len(rows),
        title=said["choice"],
        hint=wording()["choice_hint"][form.language],
        options=options,
        error=", ".join(options),
    )
    protect(sheet)
