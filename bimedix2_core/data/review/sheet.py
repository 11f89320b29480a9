"""Sheet: what a physician works in, as a workbook or as CSV.

One row per item. Only the verdict, the category, the corrected Arabic (it begins as a copy of the translation) and the
comment can be changed; everything else is locked, without a password. Scores are left out unless asked for, since a
reviewer who sees a score leans on it.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.data.review.cells import problem_of, to_csv
from bimedix2_core.data.review.items import CATEGORIES, VERDICTS, Review, ReviewItem, with_line_feeds, wording
from bimedix2_core.data.review.workbook import (
    BY_FIRST_LETTER,
    HEADER_ROW,
    REVIEW_SHEET,
    RIGHT_TO_LEFT,
    Column,
    add_hint,
    heading,
    open_cell,
    protect,
    put,
    save,
    write_guidance,
    write_table,
)
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

COLUMNS = (
    Column("id", 18),
    Column("source", 16),
    Column("modality", 12),
    Column("English", 60),
    Column("Arabic", 60, reads=RIGHT_TO_LEFT),
    Column("score", 8),
    Column("earlier reviews", 40, reads=BY_FIRST_LETTER),
    Column("verdict", 10, is_reviewers=True),
    Column("category", 14, is_reviewers=True),
    Column("corrected Arabic", 60, is_reviewers=True, reads=RIGHT_TO_LEFT),
    Column("comment", 40, is_reviewers=True, reads=BY_FIRST_LETTER),
)


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
    write_guidance(book.active, wording()["guidance"])
    _write_review(book.create_sheet(REVIEW_SHEET), columns, rows, reviewer, date)
    return save(book, file)


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
    write_table(sheet, columns, rows)
    _write_name(sheet, reviewer, date)
    _add_hints(sheet, [column.name for column in columns], last_row=HEADER_ROW + len(rows))
    sheet.auto_filter.ref = f"A{HEADER_ROW}:{get_column_letter(len(columns))}{HEADER_ROW + len(rows)}"
    protect(sheet)


def _write_name(sheet: Worksheet, reviewer: str, date: str) -> None:
    """Row 1: ``Reviewer | name | | Date (YYYY-MM-DD) | date``, the name over two narrow columns."""
    heading(put(sheet, 1, 1, "Reviewer"))
    heading(put(sheet, 1, 4, "Date (YYYY-MM-DD)"))
    for column, value in ((2, reviewer), (5, date)):
        cell = put(sheet, 1, column, value)
        open_cell(cell)
        cell.alignment = Alignment(horizontal="left")
    sheet.merge_cells("B1:C1")


def _add_hints(sheet: Worksheet, names: Sequence[str], *, last_row: int) -> None:
    """Drop-downs of verdict and category, and a hint for each column that the reviewer fills."""
    said = wording()
    for name, options in (("verdict", VERDICTS), ("category", CATEGORIES), ("corrected Arabic", ())):
        add_hint(
            sheet,
            names.index(name) + 1,
            last_row=last_row,
            title=name,
            hint=said[f"{name.split()[0]}_hint"],
            options=options,
            error=f"Choose one of: {', '.join(options)}",
        )
