"""Check: does a reported CSV have the columns and decimals its exhibit declares?"""

from collections.abc import Callable
from decimal import Decimal

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.exhibits.schema import UNITS, Column, Exhibit
from bimedix2_core.paper.reported import ReportedTable

Read = Callable[[str], ReportedTable]


def reported_problems(exhibit: Exhibit, read: Read = reported.read) -> list[str]:
    """What does not agree between a declaration and its reported table, one sentence each; empty where all does.

    Args:
        exhibit: the declaration.
        read: gives a reported table by its name.
    """
    try:
        return _header_problems(exhibit, read) or _row_problems(exhibit, read) + _cell_problems(exhibit, read)
    except DataError as error:
        return [f"{exhibit.id}: {error}"]


def _header_problems(exhibit: Exhibit, read: Read) -> list[str]:
    if exhibit.reported is None:
        return [f"{exhibit.id}: columns are declared, but no reported table"] if exhibit.columns else []
    found = read(exhibit.reported).columns
    declared = tuple(column.id for column in exhibit.columns if column.cells is None)
    where = f"{exhibit.id}, {exhibit.reported}.csv"
    if exhibit.owns_its_cells and found[2:] != declared:
        return [f"{where}: its header goes on with {', '.join(found[2:])}; expected {', '.join(declared)}"]
    missing = [name for name in declared if name not in found]
    return [f"{where}: no column {', '.join(missing)}; it has {', '.join(found)}"] if missing else []


def _row_problems(exhibit: Exhibit, read: Read) -> list[str]:
    named = (*exhibit.rows_left_out, *exhibit.rows_not_comparable)
    known = read(exhibit.reported).ids if exhibit.reported else ()
    return [f"{exhibit.id}: declares something about row {row}, which is not reported" for row in named
            if row not in known]  # fmt: skip


def _cell_problems(exhibit: Exhibit, read: Read) -> list[str]:
    problems = []
    for column in exhibit.numbers:
        name, source = (column.cells or f"{exhibit.reported}.{column.id}").split(".")
        table = read(name)
        for row in table.ids:
            problem = _number_problem(column, table.number(row, source), table.cell(row, source))
            problems += [f"{name}.csv, row {row}, column {source}: {problem}"] if problem else []
    return problems


def _number_problem(column: Column, number: Decimal | None, text: str) -> str:
    if number is None:
        return ""
    decimals = len(text.partition(".")[2])
    if decimals != column.decimals or "e" in text.lower():
        return f"found {text!r} with {decimals} decimals, expected {column.decimals}"
    highest = UNITS[column.unit].highest
    return f"found {text!r}, expected at most {highest} ({column.unit})" if highest and number > highest else ""
