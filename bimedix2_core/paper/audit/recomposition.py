"""Recomposition: every printed average beside the one its cells give, for all tables that print one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bimedix2_core.paper.audit.arithmetic import agrees, last_digit, weighted_mean
from bimedix2_core.paper.audit.sources import (
    CLINICAL,
    MBENCH_AR,
    MBENCH_DOMAINS,
    MBENCH_EN,
    MBENCH_TYPES,
    REPORTS,
    SUMMARIES,
    V1_ARABIC,
    V1_BILINGUAL,
    V1_ENGLISH,
    VQA,
    cells,
    metric_columns,
    name_of,
)
from bimedix2_core.paper.audit.wording import mean_line, weighted_line
from bimedix2_core.paper.reported import ReportedTable, read

AVERAGE_COLUMNS = {
    CLINICAL: "average", VQA: "average", SUMMARIES: "average", REPORTS: "average",
    V1_ENGLISH: "avg", V1_ARABIC: "avg", V1_BILINGUAL: "avg",
}  # fmt: skip
"""Tables that print an unweighted average, and its column."""

OVERALL_TABLES = (MBENCH_EN, MBENCH_AR)
"""Tables whose ``overall`` weighs the domains by their questions."""


@dataclass(frozen=True)
class Average:
    """A printed average and what its cells give."""

    table: str
    row: str
    name: str
    """The model's name as printed."""
    printed: Decimal
    recomputed: Decimal
    cells: tuple[Decimal, ...]
    weights: tuple[int, ...]
    """Items behind each cell; all 1 in an unweighted mean."""

    @property
    def gap(self) -> Decimal:
        """Recomputed minus printed, on the printed scale."""
        return self.recomputed - self.printed

    @property
    def gap_in_last_digits(self) -> Decimal:
        """The gap in units of the last printed digit: rounding alone stays within half a unit."""
        return self.gap / last_digit(self.printed)

    @property
    def agrees(self) -> bool:
        """Whether rounding explains the gap: at most half a unit of the last digit."""
        return agrees(self.recomputed, self.printed)

    @property
    def line(self) -> str:
        """The computation as text."""
        if set(self.weights) == {1}:
            return mean_line(self.name, self.cells, self.printed)
        return weighted_line(self.name, self.cells, self.weights, self.printed)


@dataclass(frozen=True)
class Overall:
    """An Overall of BiMed-MBench beside its two recompositions."""

    row: str
    name: str
    printed: Decimal
    by_domain: Decimal
    """Mean of five domains weighted by their questions."""
    by_type: Decimal
    """Mean of conversation and description weighted by their questions."""


def all_averages() -> tuple[Average, ...]:
    """Printed against recomputed average, for every row of every table that prints one."""
    tables = {name: read(name) for name in sorted((*AVERAGE_COLUMNS, *OVERALL_TABLES), key=_paper_order)}
    return tuple(
        average
        for name, table in tables.items()
        for average in (overalls(table, MBENCH_DOMAINS) if name in OVERALL_TABLES else averages(table))
    )


def averages(table: ReportedTable) -> tuple[Average, ...]:
    """Printed averages of a table beside the unweighted mean of all its other cells."""
    column = AVERAGE_COLUMNS[table.name]
    return _averages(table, column, dict.fromkeys(metric_columns(table, without=(column,)), 1))


def overalls(table: ReportedTable, weights: Mapping[str, int]) -> tuple[Average, ...]:
    """The ``overall`` of a BiMed-MBench table beside the mean of some columns, weighted by their questions."""
    return _averages(table, "overall", weights)


def overalls_by_domain_and_type(table: ReportedTable) -> tuple[Overall, ...]:
    """Both recompositions of a BiMed-MBench table side by side, row by row."""
    pairs = zip(overalls(table, MBENCH_DOMAINS), overalls(table, MBENCH_TYPES), strict=True)
    return tuple(
        Overall(domain.row, domain.name, domain.printed, domain.recomputed, kind.recomputed) for domain, kind in pairs
    )


def table_4() -> tuple[Overall, ...]:
    """Table 4: the Arabic Overall recomposed by domain, which agrees, and by type, which for four rows does not."""
    return overalls_by_domain_and_type(read(MBENCH_AR))


def _paper_order(name: str) -> tuple[bool, str]:
    """BiMediX2's tables before those of its predecessor."""
    return not name.startswith("table"), name


def _averages(table: ReportedTable, column: str, weights: Mapping[str, int]) -> tuple[Average, ...]:
    found = []
    for row, printed in table.column(column).items():
        values = cells(table, row, weights)
        recomputed = weighted_mean(values, list(weights.values()))
        found.append(
            Average(
                table=table.name,
                row=row,
                name=name_of(table, row),
                printed=printed,
                recomputed=recomputed,
                cells=tuple(values),
                weights=tuple(weights.values()),
            )
        )
    return tuple(found)
