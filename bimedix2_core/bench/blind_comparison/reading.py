"""Reading: a form that came back and its key become choices of models.

Tolerated: moved columns, empty rows, other case and spaces in headings and choices, rows without a choice (counted as
open). Refused, all at once and with their cells: everything else. Nothing that a reviewer wrote is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bimedix2_core.bench.blind_comparison.form import Form, FormRow
from bimedix2_core.bench.blind_comparison.items import wording
from bimedix2_core.bench.blind_comparison.sheet import columns_of
from bimedix2_core.data.review.cells import Cell
from bimedix2_core.data.review.filled_row import EMPTY
from bimedix2_core.data.review.grid import Line, read_grid
from bimedix2_core.data.review.items import plain
from bimedix2_core.data.review.returned import columns_in, error_of, name_of, table_with
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES

Outcome = Literal["chosen", "tie", "open"]

SHOWN_CHARACTERS = 20

Filled = Mapping[str, Cell]
"""The cells of a row by heading, `EMPTY` where nothing stands."""


@dataclass(frozen=True)
class Choice:
    """What one reviewer said of one question."""

    item_id: str
    language: str
    reviewer: str
    cluster: str
    outcome: Outcome
    """``tie`` also where the chosen answer is another model's too, word for word; ``open`` where nothing was chosen."""
    model: str = ""
    """Whose answer was chosen; empty for the other outcomes."""
    letter: str = ""
    """The letter that was chosen, tie or not."""
    comment: str = ""


def read_form(file: Path, form: Form) -> tuple[Choice, ...]:
    """Read a form back, a workbook or CSV by the ending of the file.

    Args:
        file: what the reviewer returned.
        form: its key (`form.read_key`).

    Returns:
        A choice for each row of the form, in its order; those without a choice are ``open``.

    Raises:
        DataError: the file cannot be read, belongs to another key, or is not what was handed out: a column or a row is
            missing, a row is unknown or there twice, a text was changed, a choice is none of the letters, or something
            stands outside the columns. The message lists every problem with its cell.
    """
    said = {name: name_of(text) for name, text in wording()["headings"][form.language].items()}
    table = table_with(read_grid(file, "blind form"), (said["item"], said["choice"]))
    if table is None:
        raise DataError(
            f"{file.name}: no line has the headings {said['item']!r} and {said['choice']!r}; return the form with its "
            "headings, and read it with the key of its language"
        )
    _check_id(table.above, said, form, file.name)
    headings = [name_of(column.name) for column in columns_of(form)]
    columns, problems = columns_in(table, headings, headings, what="form")
    if not set(headings) <= set(columns):
        raise error_of(file.name, problems, what="form")
    filled = [{name: line.cells.get(index, EMPTY) for name, index in columns.items()} for line in table.body]
    by_label = _rows_by_label(filled, table.body, form, headings[0], problems)
    found = [(by_label[row.label], row) for row in form.rows if row.label in by_label]
    problems += [problem for cells, row in found for problem in _problems(cells, row, form, headings)]
    if problems:
        raise error_of(file.name, problems, what="form")
    return tuple(_choice(cells, row, form, said) for cells, row in found)


def _check_id(above: Sequence[Line], said: Mapping[str, str], form: Form, name: str) -> None:
    """The form's id stands right of its label, above the headings."""
    ids = [
        line.cells.get(index + 1, EMPTY).text.strip()
        for line in above
        for index, cell in line.cells.items()
        if name_of(cell.text) == said["form"]
    ]
    if ids != [form.id]:
        found = ", ".join(map(repr, ids)) or "none"
        raise DataError(
            f"{name}: the form's id is {found}; expected {form.id!r}, the form of {form.reviewer!r} "
            f"({form.language}); read it with its own key, or give it its first row back"
        )


def _rows_by_label(
    filled: Sequence[Filled], body: Sequence[Line], form: Form, heading: str, problems: list[str]
) -> dict[str, Filled]:
    """The cells of each row of the form; rows that are unknown, repeated or missing are problems."""
    labels, found = {row.label for row in form.rows}, {}
    for cells, line in zip(filled, body, strict=True):
        cell = cells[heading]
        label = cell.text.strip().upper()
        if label not in labels:
            where = cell.address or f"row {line.number}"
            problems.append(f"{where}: unknown row {cell.text.strip()!r}; write its number as it was handed out")
        elif label in found:
            first = found[label][heading].address
            problems.append(f"{cell.address}: row {label!r} is there twice, first in {first}; keep one")
        else:
            found[label] = cells
    missing = [row.label for row in form.rows if row.label not in found]
    if missing:
        problems.append(
            f"{len(missing)} of {len(form.rows)} rows are missing: {', '.join(missing)}; leave the choice empty instead"
        )
    return found


def _problems(cells: Filled, row: FormRow, form: Form, headings: Sequence[str]) -> list[str]:
    """Texts that were changed, formulas, and a choice that is none."""
    *texts, choice, comment = headings[1:]
    problems = [
        _difference(cells[name], name, was)
        for name, was in zip(texts, row.shown, strict=True)
        if plain(cells[name].text) != was
    ]
    problems += [
        f"{cells[name].address}: {cells[name].text!r} is a formula or an error value; write it as text"
        for name in (choice, comment)
        if cells[name].kind == "formula"
    ]
    if cells[choice].kind != "formula" and _chosen(cells[choice], form) is None:
        options = [*form.letters, wording()["tie"][form.language]]
        found = cells[choice].text.strip()
        problems.append(f"{cells[choice].address}: the choice {found!r} is not one of {', '.join(options)}")
    return problems


def _difference(cell: Cell, name: str, was: str) -> str:
    found = plain(cell.text)
    pairs = zip(found, was, strict=False)
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(found), len(was)))
    end = at + SHOWN_CHARACTERS
    return (
        f"{cell.address or 'an empty cell'}: the text of {name!r} was changed at character {at + 1}: found "
        f"{found[at:end]!r}, expected {was[at:end]!r}; remarks go into the comment"
    )


def _chosen(cell: Cell, form: Form) -> str | None:
    """A letter, ``tie``, empty for no choice, None for anything else; the word for tie may be in either language."""
    text = " ".join(cell.text.split())
    if text.lower() in {wording()["tie"][language] for language in LANGUAGES}:
        return "tie"
    return text.upper() if not text or text.upper() in tuple(form.letters) else None


def _choice(cells: Filled, row: FormRow, form: Form, said: Mapping[str, str]) -> Choice:
    chosen = _chosen(cells[said["choice"]], form) or ""
    outcome, model, letter = "open" if not chosen else "tie", "", ""
    if chosen and chosen != "tie":
        letter = chosen
        answer = row.answers[form.letters.index(letter)]
        if row.answers.count(answer) == 1:
            outcome, model = "chosen", row.models[form.letters.index(letter)]
    comment = plain(cells[said["comment"]].text)
    return Choice(row.id, form.language, form.reviewer, row.cluster, outcome, model, letter, comment)
