"""Forms: a reported exhibit as a table with its best numbers marked, and any table as Markdown, LaTeX, CSV or HTML."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from bimedix2_core.errors import PaperError
from bimedix2_core.paper import reported
from bimedix2_core.paper.exhibits.schema import Column, Exhibit
from bimedix2_core.paper.tables import Cell, Table, csv_text, number_text
from bimedix2_core.runs import write_atomic

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
          **{mark: f"\\{mark}" for mark in "&%$#_{}"}}  # fmt: skip


def best_rows(exhibit: Exhibit, column: Column, numbers: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The rows with the best number of a column: several where they tie, none where no direction is declared.

    A row that the paper only quotes is passed over.

    Args:
        exhibit: the exhibit of the column.
        column: says which direction is better.
        numbers: numbers by row.
    """
    own = {row: number for row, number in numbers.items() if row not in exhibit.rows_not_comparable}
    if column.direction == "none" or not own:
        return ()
    goal = (max if column.direction == "higher" else min)(own.values())
    return tuple(row for row, number in own.items() if number == goal)


def reported_table(exhibit: Exhibit) -> Table:
    """What the paper prints, cell by cell, the best numbers of each column in bold.

    Raises:
        PaperError: the paper reports no numbers there.
    """
    if exhibit.reported is None:
        raise PaperError(f"{exhibit.id} ({exhibit.label}) has no reported table; expected an exhibit with numbers")
    columns = [column for column in exhibit.columns if column.printed]
    names = exhibit.rows()
    rows = tuple((name, *(_cell(exhibit, row, column) for column in columns)) for row, name in names.items())
    best = {(list(names).index(row), j) for j, column in enumerate(columns, start=1) if column.is_number
            for row in best_rows(exhibit, column, _numbers(exhibit, column))}  # fmt: skip
    head = reported.read(exhibit.reported).columns[1]
    caption = f"{exhibit.label}. {exhibit.caption} (as reported)"
    return Table((head, *(column.heading for column in columns)), rows, caption, frozenset(best))


def markdown(table: Table) -> str:
    """A GitHub table, its caption above."""
    numbers = [table.is_number_column(j) for j in range(len(table.columns))]
    rows = [[_bold(_escaped(cell), "**", "**", (i, j) in table.best) for j, cell in enumerate(row)]
            for i, row in enumerate(table.rows)]  # fmt: skip
    head = [[_escaped(name) for name in table.columns], ["---:" if number else "---" for number in numbers]]
    lines = [f"| {' | '.join(cells)} |" for cells in (*head, *rows)]
    return "\n".join([*([_escaped(table.caption), ""] if table.caption else []), *lines]) + "\n"


def latex(table: Table, *, label: str) -> str:
    r"""A ``table`` environment with the rules of ``booktabs``; ``label`` is what ``\ref`` takes."""
    columns = "".join("r" if table.is_number_column(j) else "l" for j in range(len(table.columns)))
    rows = [[_bold(_tex(cell), r"\textbf{", "}", (i, j) in table.best) for j, cell in enumerate(row)]
            for i, row in enumerate(table.rows)]  # fmt: skip
    lines = [" & ".join(cells) + r" \\" for cells in ([_tex(name) for name in table.columns], *rows)]
    return "\n".join([
        r"\begin{table}", r"\centering", f"\\caption{{{_tex(table.caption)}}}", f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule",
        r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def save_forms(exhibit: Exhibit, table: Table, shared: Path) -> tuple[Path, ...]:
    """Write a table of an exhibit as CSV, Markdown, LaTeX and HTML, each whole or not at all.

    Args:
        exhibit: names the files.
        table: what to write.
        shared: folder of the profile.
    """
    forms = {
        "csv": csv_text(table.columns, table.rows),
        "md": markdown(table),
        "tex": latex(table, label=exhibit.id),
        "html": table._repr_html_() + "\n",
    }
    return tuple(write_atomic(exhibit.file(shared, ending), text) for ending, text in forms.items())


def _numbers(exhibit: Exhibit, column: Column) -> dict[str, Decimal]:
    table, name = exhibit.cells(column.id)
    return {row: number for row, number in table.column(name).items() if row in exhibit.rows()}


def _cell(exhibit: Exhibit, row: str, column: Column) -> Cell:
    return exhibit.number(row, column.id) if column.is_number else exhibit.text(row, column.id) or None


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    return " ".join(cell.split()) if isinstance(cell, str) else number_text(cell)


def _escaped(cell: Cell) -> str:
    return re.sub(r"([\\|*`\[\]])", r"\\\1", _plain(cell)).replace("<", "&lt;")


def _tex(cell: Cell) -> str:
    return "".join(_LATEX.get(character, character) for character in _plain(cell))


def _bold(text: str, before: str, after: str, is_best: bool) -> str:  # noqa: FBT001
    return f"{before}{text}{after}" if is_best else text
