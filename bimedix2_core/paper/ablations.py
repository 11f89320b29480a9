"""Ablations: what each variant of Tables 9 and 10 was found to be, as cells, differences and dots.

A row of a table is one variant, trained once for each seed. Its cell is the mean over the seeds, with the benchmark's
own interval (`bench.over_seeds`); what one seed gave stands beside it, never in the exhibit.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bimedix2_core.bench import over_seeds
from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.bench.floors import Floor, is_above, lines
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.bench.statistics import Comparison, FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.clinical import clinical_cells, p_text
from bimedix2_core.paper.exhibits import Exhibit, exhibit
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.seed_dots import SeedDot, seed_dots
from bimedix2_core.paper.measured import Measured, measured
from bimedix2_core.paper.tables import Table
from bimedix2_core.runs import Run, content_key

CLINICAL = "clinical_llm_average"
"""Column of Table 9 that is Table 2's average."""

MBENCH = {"bimed_mbench_en_overall": "en", "bimed_mbench_ar_overall": "ar"}
"""Columns of both tables that are BiMed-MBench's overall score, and its language."""

PAIRS = {
    "table09": (("stage_1", "baseline"), ("stage_2", "stage_1")),
    "table10": (("bimedix2_8b_bi", "bimedix2_8b_ara"), ("bimedix2_8b_bi", "bimedix2_8b_eng")),
}
"""Which variants the paper compares, by exhibit; the second is taken from the first (claims C16, C18 and C20)."""


@dataclass(frozen=True)
class SeedRun:
    """What one training of a variant was asked and gave."""

    answered: Answered
    """What BiMed-MBench's questions were, for the protocol card."""
    judged: Sequence[Judged]
    """Verdicts on its answers."""
    examined: Examined | None = None
    """What it gave to the clinical questions; none where the table has no such column."""


@dataclass(frozen=True)
class Ablated:
    """One row of an ablation table, seed by seed."""

    row: str
    """Its id; of a model that the paper does not have, an id of its own."""
    reported: str
    """Id of the paper's row of the same variant."""
    title: str
    """What was done, in a few words."""
    seeds: Mapping[int, SeedRun] = field(default_factory=dict)
    """By seed."""


def ablation_cells(run: Run, exhibit: Exhibit, rows: Sequence[Ablated]) -> list[Measured]:
    """Every row as cells of its exhibit, the mean over its seeds; a column that was not measured whole has none.

    Args:
        run: of the notebook.
        exhibit: Table 9 or Table 10.
        rows: the variants.

    Raises:
        DataError: a row has no seed, or its answers were not all judged by one judge.
    """
    return [cell for row in rows for column in _columns(exhibit) for cell in _cell(run, exhibit, row, column)]


def difference_table(exhibit: Exhibit, rows: Sequence[Ablated], *, kind: str) -> Table:
    """What one variant has more than another, on the same questions, beside the difference that the paper prints.

    Args:
        exhibit: Table 9 or Table 10.
        rows: the variants; a pair of which one was not measured is left out.
        kind: of the profile, for the caption.
    """
    known = {row.reported: row for row in rows}
    pairs = [(known[one], known[other]) for one, other in PAIRS[exhibit.id] if one in known and other in known]
    differences = [
        (exhibit.column(column).title, f"{first.title} minus {second.title}",
         *_numbers(_difference(column, first, second)), _printed(exhibit, column, first, second))
        for column in _columns(exhibit)
        for first, second in pairs
        if result_of(column, first) and result_of(column, second)
    ]  # fmt: skip
    columns = ("measured", "difference", "points", "from", "to", "p", "smallest seen", "n", "the paper's 8B")
    caption = f"{exhibit.label} ({kind}): what each adds, on the same questions; points of 100"
    return Table(columns, tuple(differences), caption)


def seed_picture(exhibit: Exhibit, rows: Sequence[Ablated], *, kind: str) -> Picture:
    """Each training as a dot, the mean of a variant's seeds below them; a panel for each column.

    Args:
        exhibit: Table 9 or Table 10.
        rows: the variants, in their order.
        kind: of the profile, for the title.
    """
    dots = [dot for column in _columns(exhibit) for row in rows for dot in _dots(exhibit, column, row)]
    judge = next(iter(rows[0].seeds.values())).judged[0].judge.partition(",")[0]
    spread = (
        "Several trainings show how far seeds differ, and are too few for an interval of that."
        if max(len(row.seeds) for row in rows) > 1
        else "One training of each: how far another seed would lie is not known."
    )
    remark = f"Judge: {judge}. Intervals are over questions. {spread}"
    return seed_dots(dots, title=f"{exhibit.label}. {exhibit.caption} ({kind})", remark=remark)


def floors(stages: Sequence[Ablated], languages: Sequence[Ablated]) -> str:
    """What has to hold on every machine; a claim on a variant that was not measured is left out.

    Args:
        stages: rows of Table 9.
        languages: rows of Table 10.
    """
    found = [
        Floor(f"{table}: every variant has {n} {'training' if n == 1 else 'trainings'}", _have(rows, n))
        for table, rows in (("Table 9", stages), ("Table 10", languages))
        if rows and (n := len(rows[0].seeds))
    ]
    known = {row.reported: row for row in stages}
    if {"baseline", "stage_1"} <= known.keys() and result_of(CLINICAL, known["baseline"]):
        before, after = (result_of(CLINICAL, known[row]) for row in ("baseline", "stage_1"))
        same = before is not None and after is not None and before.estimate.value == after.estimate.value
        found.append(Floor("Stage 1 leaves the clinical average exactly as the baseline has it", same))
    if {"baseline", "stage_2"} <= known.keys():
        column = next(iter(MBENCH))
        lower, higher = (result_of(column, known[row]) for row in ("baseline", "stage_2"))
        above = lower is not None and higher is not None and is_above(higher.estimate, lower.estimate)
        found.append(Floor("Stage 2 is above the baseline on BiMed-MBench in English, intervals apart", above))
    return lines(found)


def numbers(exhibit: Exhibit, rows: Sequence[Ablated]) -> dict[str, float]:
    """The mean over seeds of each row and column, for run.json."""
    return {
        f"{row.row} {column}": result.estimate.value
        for column in _columns(exhibit)
        for row in rows
        if (result := result_of(column, row)) is not None
    }


def result_of(column: str, row: Ablated, *, seed: int | None = None) -> Result | None:
    """The number of a row in a column: of one seed, or the mean over all; None where it was not measured whole."""
    return _result(column, list(row.seeds.values()) if seed is None else [row.seeds[seed]])


def _have(rows: Sequence[Ablated], n: int) -> bool:
    return all(len(row.seeds) == n for row in rows)


def _columns(exhibit: Exhibit) -> list[str]:
    return [column.id for column in exhibit.numbers]


def _cell(run: Run, exhibit: Exhibit, row: Ablated, column: str) -> list[Measured]:
    seeds = list(row.seeds.values())
    if not seeds:
        raise DataError(f"{exhibit.id}, row {row.row}: no seed was trained; name one in ablations.seeds")
    result = _result(column, seeds)
    if result is None:
        return []
    if column == CLINICAL:
        return [_clinical_cell(run, exhibit, row, result)]
    return result_cells(run, exhibit, replace(seeds[0].answered, row=row.row, model_key=_keys(seeds)), {column: result})


def _clinical_cell(run: Run, table: Exhibit, row: Ablated, result: Result) -> Measured:
    """The card is the one that Table 2's average has, with the weights of all seeds."""
    examined = [one.examined for one in row.seeds.values() if one.examined]
    average = clinical_cells(run, exhibit("table02"), examined[:1], over_seeds.ENGLISH)[-1]
    keys = [one.model_key for one in examined]
    card = replace(
        average.card,
        definition=result.definition,
        model_fingerprint=keys[0] if len(keys) == 1 else content_key(keys),
    )
    return measured(table, row.row, CLINICAL, result.estimate, n_unscored=result.n_unscored, card=card)


def _keys(seeds: Sequence[SeedRun]) -> str:
    keys = [one.answered.model_key for one in seeds]
    return keys[0] if len(keys) == 1 else content_key(keys)


def _result(column: str, seeds: Sequence[SeedRun]) -> Result | None:
    """The column's number over some seeds."""
    if column == CLINICAL:
        examined = [one.examined for one in seeds if one.examined]
        return over_seeds.clinical_average(examined) if examined else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return over_seeds.mbench_overall([one.judged for one in seeds], MBENCH[column])


def _difference(column: str, first: Ablated, second: Ablated) -> Comparison:
    if column == CLINICAL:
        ours, theirs = ([one.examined for one in row.seeds.values() if one.examined] for row in (first, second))
        return over_seeds.clinical_difference(ours, theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        ours, theirs = ([one.judged for one in row.seeds.values()] for row in (first, second))
        return over_seeds.mbench_difference(ours, theirs, MBENCH[column])


def _numbers(found: Comparison) -> tuple[float | int | str, ...]:
    difference = found.difference
    return (
        100 * difference.value, 100 * difference.low, 100 * difference.high, p_text(found.p_value),
        100 * found.detectable, difference.n,
    )  # fmt: skip


def _printed(exhibit: Exhibit, column: str, first: Ablated, second: Ablated) -> Decimal | None:
    """The same difference of what the paper prints."""
    ours, theirs = exhibit.number(first.reported, column), exhibit.number(second.reported, column)
    return None if ours is None or theirs is None else ours - theirs


def _dots(exhibit: Exhibit, column: str, row: Ablated) -> list[SeedDot]:
    title = exhibit.column(column).title
    found: dict[int | None, Result | None] = {seed: result_of(column, row, seed=seed) for seed in row.seeds}
    if len(row.seeds) > 1:
        found[None] = result_of(column, row)
    return [SeedDot(row.title, title, seed, one.estimate) for seed, one in found.items() if one]
