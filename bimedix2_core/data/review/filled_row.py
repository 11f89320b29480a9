"""Filled row: what a reviewer wrote beside one item, or what is wrong with it."""

import re
from collections.abc import Mapping, Sequence

from bimedix2_core.data.review.cells import Cell
from bimedix2_core.data.review.items import CATEGORIES, VERDICTS, Review, ReviewItem, plain, text_key, turns

EMPTY = Cell("", "")

SheetRow = Mapping[str, Cell]
"""The cells of a row by the name of their column, in lower case; `EMPTY` where nothing was written."""


def review_of(row: SheetRow, item: ReviewItem, *, reviewer: str, date: str) -> Review | None:
    """The review that a row without problems holds, None where it is not filled in."""
    verdict, category = as_listed(row["verdict"]), as_listed(row["category"])
    if not verdict:
        return None
    corrected, comment = _correction(row, item), plain(row["comment"].text)
    return Review(item.id, reviewer, verdict, text_key(item.arabic), category, corrected, comment, date)


def problems_of(row: SheetRow, item: ReviewItem) -> list[str]:
    """Everything that is wrong with a row, each with its cell."""
    return [*_changed_texts(row, item), *_bad_cells(row, item), *_contradictions(row, item)]


def as_listed(cell: Cell) -> str:
    """What was chosen, in the spelling of the lists: lower case, one space, none around a slash."""
    return re.sub(r"\s*/\s*", "/", " ".join(cell.text.lower().split()))


def _correction(row: SheetRow, item: ReviewItem) -> str:
    """The corrected text; empty where the copy was left as it was, or deleted."""
    written = plain(row["corrected arabic"].text)
    return "" if written == plain(item.arabic) else written


def _changed_texts(row: SheetRow, item: ReviewItem) -> list[str]:
    return [
        f"{row[name].address or f'row of {item.id!r}'}: {_difference(name.capitalize(), plain(row[name].text), was)}"
        for name, was in (("english", plain(item.english)), ("arabic", plain(item.arabic)))
        if plain(row[name].text) != was
    ]


def _difference(name: str, found: str, was: str) -> str:
    pairs = zip(found, was, strict=False)
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(found), len(was)))
    return (
        f"the {name} text was changed at character {at + 1}: found {found[at : at + 20]!r}, expected "
        f"{was[at : at + 20]!r}; corrections go into the column corrected Arabic"
    )


def _bad_cells(row: SheetRow, item: ReviewItem) -> list[str]:
    """Cells that hold a formula, a word that is not of their list, or a correction without its role labels."""
    filled = [row[name] for name in ("verdict", "category", "corrected arabic", "comment")]
    problems = [
        f"{cell.address}: {cell.text!r} is a formula or an error value; write it as text"
        for cell in filled
        if cell.kind == "formula"
    ]
    for cell, options in ((row["verdict"], VERDICTS), (row["category"], CATEGORIES)):
        if cell.kind != "formula" and as_listed(cell) not in ("", *options):
            problems.append(f"{cell.address}: {cell.text.strip()!r} is not one of {', '.join(options)}")
    corrected = _correction(row, item)
    if corrected and _roles(corrected) != _roles(item.arabic):
        address = row["corrected arabic"].address
        problems.append(f"{address}: the lines in brackets that say who speaks are not as in the Arabic text")
    return problems


def _roles(text: str) -> Sequence[str]:
    return [role for role, _ in turns(text)]


def _contradictions(row: SheetRow, item: ReviewItem) -> list[str]:
    """A row is filled in or not, and what it says must fit its verdict."""
    verdict = as_listed(row["verdict"])
    changes = [row["category"]] if row["category"].text else []
    changes += [row["corrected arabic"]] if _correction(row, item) else []
    if not verdict and (said := changes + ([row["comment"]] if row["comment"].text else [])):
        return [f"{said[0].address}: its row has no verdict; choose one of {', '.join(VERDICTS)}"]
    if verdict == "none" and changes:
        return [f"{changes[0].address}: the verdict of its row is none; choose minor or major, or take this back"]
    return []
