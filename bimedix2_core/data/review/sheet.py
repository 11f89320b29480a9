"""Sheet: what a physician works in, as a workbook or as CSV.

One row per item. Only the verdict, the category, the corrected Arabic (it begins as a copy of the translation) and the
comment can be changed; everything else is locked, without a password. Scores are left out unless asked for, since a
reviewer who sees a score leans on it.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.data.review.cells import problem_of, to_csv, to_xlsx
from bimedix2_core.data.review.items import CATEGORIES, VERDICTS, Review, ReviewItem, with_line_feeds, wording
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

REVIEW_SHEET, GUIDANCE_SHEET = "Review", "Guidance"
HEADER_ROW = 2
"""Row 1 of a workbook holds the reviewer's name and the date; in CSV they are columns."""


@dataclass(frozen=True)
class Column:
    """One column of the sheet."""

    name: str
    width: float
    """In characters of the default font, as Excel counts."""
    is_reviewers: bool = False
    reads: int = 1
    """Excel's reading order: 1 from left to right, 2 from right to left, 0 by the first letter of the text."""


COLUMNS = (
    Column("id", 18),
    Column("source", 16),
    Column("modality", 12),
    Column("English", 60),
    Column("Arabic", 60, reads=2),
    Column("score", 8),
    Column("earlier reviews", 40, reads=0),
    Column("verdict", 10, is_reviewers=True),
    Column("category", 14, is_reviewers=True),
    Column("corrected Arabic", 60, is_reviewers=True, reads=2),
    Column("comment", 40, is_reviewers=True, reads=0),
)

_YELLOW = PatternFill("solid", fgColor="FFF8DC")
_GREY = PatternFill("solid", fgColor="E7E6E6")
_SIDE = {0: "general", 1: "left", 2: "right"}
_THIN = Border(*[Side(style="thin", color="BFBFBF")] * 4)


def write_xlsx(
    file: Path,
    items: Sequence[ReviewItem],
    *,
    reviewer: str = "",
    date: str = "",
    reviews: Iterable[Review] = (),
    earlier: Mapping[str, str] | None = None,
    with_scores: bool = False,
) -> Path:
    """Write a workbook with a guidance sheet and one row per item.

    Args:
        file: where; its folder is made.
        items: in the order of their rows.
        reviewer: name to fill in, empty where the reviewer will.
        date: the same for the date.
        reviews: what is filled in already.
        earlier: what earlier reviewers said, by id; the sheet of an adjudicator has it (`settlement.opinions`).
        with_scores: show the model's own scores.

    Raises:
        DataError: there is no item, an id is empty, padded or there twice, a text does not fit into a cell, or a
            review is of no item here; the message lists every problem.
    """
    columns, rows = _table(items, reviews, earlier, with_scores=with_scores)
    book = Workbook()
    _write_guidance(book.active)
    _write_review(book.create_sheet(REVIEW_SHEET), columns, rows, reviewer, date)
    stream = io.BytesIO()
    book.save(stream)
    return write_atomic(file, stream.getvalue())


def write_csv(
    file: Path,
    items: Sequence[ReviewItem],
    *,
    reviewer: str = "",
    date: str = "",
    reviews: Iterable[Review] = (),
    earlier: Mapping[str, str] | None = None,
    with_scores: bool = False,
) -> Path:
    """Write the same rows as CSV with two more columns, reviewer and date: UTF-8 with a BOM, so that Excel sees Arabic.

    A text that Excel would read as a formula has an apostrophe before it; reading takes it away.

    Args and Raises as for `write_xlsx`.
    """
    columns, rows = _table(items, reviews, earlier, with_scores=with_scores)
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([*(column.name for column in columns), "reviewer", "date"])
    for row in rows:
        writer.writerow([*map(to_csv, row), to_csv(reviewer), date])
    return write_atomic(file, stream.getvalue().encode("utf-8-sig"))


def _table(
    items: Sequence[ReviewItem], reviews: Iterable[Review], earlier: Mapping[str, str] | None, *, with_scores: bool
) -> tuple[list[Column], list[list[str]]]:
    filled, earlier = {review.id: review for review in reviews}, earlier or {}
    _check(items, filled, earlier)
    is_shown = {"score": with_scores, "earlier reviews": bool(earlier)}
    columns = [column for column in COLUMNS if is_shown.get(column.name, True)]
    values = [_values(item, filled.get(item.id), earlier.get(item.id, "")) for item in items]
    return columns, [[row[column.name] for column in columns] for row in values]


def _values(item: ReviewItem, review: Review | None, earlier: str) -> dict[str, str]:
    return {
        "id": item.id,
        "source": item.source,
        "modality": item.modality,
        "English": with_line_feeds(item.english),
        "Arabic": with_line_feeds(item.arabic),
        "score": "" if item.score is None else f"{item.score:g}",
        "earlier reviews": earlier,
        "verdict": review.verdict if review else "",
        "category": review.category if review else "",
        "corrected Arabic": (review.corrected if review else "") or with_line_feeds(item.arabic),
        "comment": review.comment if review else "",
    }


def _check(items: Sequence[ReviewItem], filled: Mapping[str, Review], earlier: Mapping[str, str]) -> None:
    if not items:
        raise DataError("a review sheet of no item was asked for; draw at least one")
    problems, seen = [], set()
    for item in items:
        if item.id in seen:
            problems.append(f"id {item.id!r} is there twice; ids must be unique")
        if not item.id or item.id != item.id.strip():
            problems.append(f"id {item.id!r} is empty or has white space around it; a sheet cannot keep that")
        seen.add(item.id)
        values = _values(item, filled.get(item.id), earlier.get(item.id, ""))
        problems += [f"{name} of {item.id!r} {why}" for name, text in values.items() if (why := problem_of(text))]
    problems += [f"there is a review of {id!r}, which is no item of this sheet" for id in filled if id not in seen]
    if problems:
        raise DataError("\n".join(["the review sheet cannot be written:", *(f"  {one}" for one in problems)]))


def _write_review(
    sheet: Worksheet, columns: Sequence[Column], rows: Sequence[Sequence[str]], reviewer: str, date: str
) -> None:
    for row, values in enumerate(rows, start=HEADER_ROW + 1):
        for index, (column, value) in enumerate(zip(columns, values, strict=True), start=1):
            _style(_put(sheet, row, index, value), column)
    for index, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width
        _heading(_put(sheet, HEADER_ROW, index, column.name), is_yellow=column.is_reviewers)
    _write_name(sheet, reviewer, date)
    _add_lists(sheet, [column.name for column in columns], last_row=HEADER_ROW + len(rows))
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 2)
    sheet.auto_filter.ref = f"A{HEADER_ROW}:{get_column_letter(len(columns))}{HEADER_ROW + len(rows)}"
    _protect(sheet)


def _write_name(sheet: Worksheet, reviewer: str, date: str) -> None:
    """Row 1: ``Reviewer | name | | Date (YYYY-MM-DD) | date``, the name over two narrow columns."""
    _heading(_put(sheet, 1, 1, "Reviewer"), is_yellow=False)
    _heading(_put(sheet, 1, 4, "Date (YYYY-MM-DD)"), is_yellow=False)
    for column, value in ((2, reviewer), (5, date)):
        cell = _put(sheet, 1, column, value)
        cell.fill, cell.border, cell.protection = _YELLOW, _THIN, Protection(locked=False)
        cell.alignment = Alignment(horizontal="left")
    sheet.merge_cells("B1:C1")


def _add_lists(sheet: Worksheet, names: Sequence[str], *, last_row: int) -> None:
    """Drop-downs of verdict and category, and a hint for each column that the reviewer fills."""
    said = wording()
    for name, options in (("verdict", VERDICTS), ("category", CATEGORIES), ("corrected Arabic", ())):
        letter = get_column_letter(names.index(name) + 1)
        rule = DataValidation(type="list" if options else None, allow_blank=True)
        if options:
            rule.formula1 = f'"{",".join(options)}"'
            rule.showErrorMessage, rule.errorTitle, rule.error = True, name, f"Choose one of: {', '.join(options)}"
        rule.showInputMessage, rule.promptTitle, rule.prompt = True, name, said[f"{name.split()[0]}_hint"]
        rule.add(f"{letter}{HEADER_ROW + 1}:{letter}{last_row}")
        sheet.add_data_validation(rule)


def _write_guidance(sheet: Worksheet) -> None:
    """English on the left, the same in Arabic on the right."""
    sheet.title = GUIDANCE_SHEET
    for row, said in enumerate(wording()["guidance"], start=1):
        for column, language in enumerate(("en", "ar"), start=1):
            cell = _put(sheet, row, column, said[language])
            cell.alignment = _alignment(2 if language == "ar" else 1)
            cell.font = Font(bold=said.get("heading", False), size=12)
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 75
    _protect(sheet)


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
    """Wrapped, and ordered by the language of the column, so that a line that mixes scripts is read rightly."""
    return Alignment(horizontal=_SIDE[reads], vertical="top", wrap_text=True, readingOrder=reads)


def _heading(cell: Cell, *, is_yellow: bool) -> None:
    cell.font, cell.fill, cell.border = Font(bold=True), _YELLOW if is_yellow else _GREY, _THIN
    cell.alignment = Alignment(horizontal="left", vertical="center")


def _protect(sheet: Worksheet) -> None:
    """Lock what is not the reviewer's, without a password; widths, heights and filters stay free."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = sheet.protection.autoFilter = False
