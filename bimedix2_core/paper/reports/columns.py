"""Columns of Tables 6 and 7: what of the results stands in them, and what cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bimedix2_core.bench.radiology_reports import radcliq
from bimedix2_core.bench.radiology_reports.table import (
    ASSUMPTION,
    COLUMNS,
    RAW,
    assumed_rescaled,
    rescaled_radcliq,
    table_columns,
)
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.reports.numbers import AllFound, Found, Sets
from bimedix2_core.paper.set_titles import REPORTS, title_of
from bimedix2_core.paper.tables import Table
from bimedix2_core.runs import Run


def column_table(sets: Sets, found: AllFound, name: str) -> Table:
    """What stands in the columns of the paper's table for one set, what cannot, and what is assumed instead.

    Args:
        sets: reports by set.
        found: results by model and set.
        name: of the set; the table is empty where it is not measured.
    """
    cells = []
    for (model, set_id), metrics in found.items():
        if set_id != name:
            continue
        columns = table_columns(metrics)
        columns += [assumed_rescaled(cell) for cell in columns if cell.column in RAW]
        cells += [
            (model, cell.column, cell.estimate.value if cell.estimate else None, cell.why or cell.definition)
            for cell in columns
        ]
    title = title_of(sets[name]) if name in sets else f"{REPORTS[name]}: not measured"
    return Table(("model", "column", "value", "definition, or why there is none"), tuple(cells), title)


def radcliq_table() -> Table:
    """RadCliQ-v1 at its two ends and between, raw and on the assumed line."""
    names = radcliq.feature_names()
    points = (("all features 0", [0.0] * len(names)), ("all features 1/2", [0.5] * len(names)),
              ("all features 1", [1.0] * len(names)))  # fmt: skip
    cells = []
    for words, values in points:
        raw = radcliq.radcliq_v1({name: [value] for name, value in zip(names, values, strict=True)})
        cells.append((words, float(raw[0]), float(rescaled_radcliq(raw)[0])))
    return Table(("", "RadCliQ-v1, lower is better", "on the assumed line"), tuple(cells), ASSUMPTION)


def table_cells(
    run: Run, exhibit: Exhibit, answered: Sequence[Answered], found: Mapping[str, Found]
) -> list[Measured]:  # fmt: skip
    """What of the English results stands in the columns of Table 6 or 7; what was not run has no cell.

    Args:
        run: of the notebook.
        exhibit: Table 6 or 7.
        answered: each model and the reports it was asked for.
        found: results by row.
    """
    cells = []
    for one in answered:
        english = replace(one, rows=tuple(row for row in one.rows if row.language == "en"))
        by_name = {(each.metric, each.definition): each for each in found[one.row] if each.language == "en"}
        columns = {column: by_name[key] for column, key in COLUMNS.items()}
        measured = {column: each for column, each in columns.items() if isinstance(each, Result)}
        cells += result_cells(run, exhibit, english, measured)
    return cells
