"""Table: what of the results stands in the columns of Tables 6 and 7, and what cannot.

The paper re-scales two metrics (BLEU-4*, RadCliQ*) so that higher is better, by formulas that it does not print, and
takes them into its average. So their columns, and the average, have no number of ours: the raw values stand beside
them under names of their own, and re-scaled values under a formula that we *assume* and that enters no column.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bimedix2_core.bench.radiology_reports import radcliq
from bimedix2_core.bench.radiology_reports.measured import MULTIMEDEVAL, NotMeasured
from bimedix2_core.bench.radiology_reports.meteor import METEOR
from bimedix2_core.bench.radiology_reports.model_results import CHEXBERT, RADCLIQ, RADGRAPH
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate

COLUMNS = {
    "rouge_l": ("ROUGE-L", MULTIMEDEVAL),
    "bleu_1": ("BLEU-1", MULTIMEDEVAL),
    "f1_radgraph": (RADGRAPH, MULTIMEDEVAL),
    "chexbert_vector": (CHEXBERT, MULTIMEDEVAL),
    "meteor": (METEOR, MULTIMEDEVAL),
}
"""Columns that are not re-scaled, by their id in paper/exhibits/declarations.yaml: metric and definition."""

RAW = {"bleu_4": ("BLEU-4", MULTIMEDEVAL), "radcliq": (RADCLIQ, radcliq.RG_ER)}
"""What the paper re-scales, as it is before; no columns of the paper."""

RESCALED = {"bleu_4_rescaled": "bleu_4", "radcliq_rescaled": "radcliq"}
AVERAGE = "average"

ASSUMPTION = (
    "assumed, not published: RadCliQ-v1 on a straight line from 0, where RadGraph, BERTScore, CheXbert and BLEU-2 are "
    "all 0, to 1, where all are 1; BLEU-4, which runs from 0 to 1 already, as it is"
)
"""The re-scaling behind `assumed_rescaled`, in words; the one place where it is stated."""


@dataclass(frozen=True)
class Cell:
    """One column of one row."""

    column: str
    definition: str
    estimate: Estimate | None
    why: str = ""
    """Why there is no number."""


def table_columns(found: Sequence[Result | NotMeasured], language: str = "en") -> list[Cell]:
    """The columns of Tables 6 and 7, then the raw values of what the paper re-scales.

    Raises:
        DataError: the results are not of this language, or of several models.
    """
    cells = [_cell(found, column, language) for column in COLUMNS]
    unknown = "the paper's formula is not published; the raw value stands as {}"
    cells += [Cell(column, "re-scaled", None, unknown.format(raw)) for column, raw in RESCALED.items()]
    cells.append(Cell(AVERAGE, "mean of the seven", None, "holds two metrics whose re-scaling is not published"))
    return cells + [_cell(found, column, language) for column in RAW]


def assumed_rescaled(cell: Cell) -> Cell:
    """A raw cell re-scaled by `ASSUMPTION`, under a name that is no column of the paper; not clipped.

    Raises:
        DataError: the cell is not one of `RAW`.
    """
    if cell.column not in RAW:
        raise DataError(f"column {cell.column!r} is not re-scaled; known: {', '.join(RAW)}")
    name, estimate = f"{cell.column}_assumed_rescaled", cell.estimate
    if estimate is None or cell.column == "bleu_4":
        return Cell(name, ASSUMPTION, estimate, cell.why)
    value, low, high = rescaled_radcliq(np.array([estimate.value, estimate.low, estimate.high]))
    ends = sorted((float(low), float(high)))
    return Cell(
        name,
        ASSUMPTION,
        Estimate(float(value), *ends, estimate.n, estimate.n_clusters, estimate.method),
    )


def rescaled_radcliq(values: np.ndarray) -> np.ndarray:
    """RadCliQ-v1 by the assumed line: 0 where all four features are 0, 1 where all are 1; higher is better."""
    features = {name: [0.0, 1.0] for name in radcliq.feature_names()}
    nothing, everything = radcliq.radcliq_v1(features)
    return (nothing - values) / (nothing - everything)


def _cell(found: Sequence[Result | NotMeasured], column: str, language: str) -> Cell:
    metric, definition = (COLUMNS | RAW)[column]
    fitting = [one for one in found if (one.metric, one.definition, one.language) == (metric, definition, language)]
    if len(fitting) != 1:
        raise DataError(
            f"column {column!r}: {len(fitting)} results {metric} ({definition}) in {language!r}; expected one: give "
            "the results of one model in that language"
        )
    [one] = fitting
    return (
        Cell(column, definition, one.estimate) if isinstance(one, Result) else Cell(column, definition, None, one.why)
    )
