"""Returned: the table of a sheet that came back, however its columns were moved, and one error for all problems."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bimedix2_core.data.review.grid import Line
from bimedix2_core.errors import DataError


@dataclass(frozen=True)
class Table:
    """The lines of a sheet around its headings."""

    above: Sequence[Line]
    header: Line
    body: Sequence[Line]


def name_of(text: str) -> str:
    """A heading, whatever its case and spaces."""
    return " ".join(text.lower().split())


def table_with(lines: Sequence[Line], headings: Collection[str]) -> Table | None:
    """The table under the first line that has all these headings (`name_of`); None where no line has."""
    for index, line in enumerate(lines):
        if set(headings) <= {name_of(cell.text) for cell in line.cells.values()}:
            return Table(lines[:index], line, lines[index + 1 :])
    return None


def columns_in(
    table: Table, known: Collection[str], required: Collection[str], *, what: str
) -> tuple[dict[str, int], list[str]]:
    """Index of each known heading, and the problems: a second or a missing column, and texts outside the columns.

    Args:
        table: of the sheet.
        known: headings that a column may have; another column may stand there if it is empty.
        required: those that must be there.
        what: the name the sheet goes by in a message, such as ``form``.
    """
    header = table.header
    names = {index: name for index, cell in header.cells.items() if (name := name_of(cell.text)) in known}
    found = {name: index for index, name in reversed(names.items())}
    problems = [
        f"{header.cells[index].address}: a second column {name!r}; keep one"
        for index, name in names.items()
        if found[name] != index
    ]
    missing = [name for name in required if name not in found]
    problems += [f"the column {name!r} is missing; return the {what} with all its columns" for name in missing]
    extra = [cell.address for line in table.body for index, cell in line.cells.items() if index not in names]
    if extra:
        problems.append(f"{', '.join(extra)}: outside the columns of the {what}; move what it says into the comment")
    return found, problems


def error_of(name: str, problems: Sequence[str], *, what: str) -> DataError:
    """One error that lists every problem of a file."""
    n = len(problems)
    head = f"{name}: {n} problem{'s' if n > 1 else ''}, nothing was taken from it; mend the {what} and read it again:"
    return DataError("\n".join([head, *(f"  {problem}" for problem in problems)]))
