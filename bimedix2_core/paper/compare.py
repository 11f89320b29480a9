"""Compare: the reported number, the measured one, and whether they differ by more than sampling can.

A verdict needs no judgement: it follows from the two numbers, their intervals and what the exhibit declares.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bimedix2_core import statistics
from bimedix2_core.paper.exhibits.schema import UNITS, Column, Exhibit
from bimedix2_core.paper.measured import Demo, Measured, Reproduced, check_cells
from bimedix2_core.paper.tables import Table

NOT_WRITTEN = "notebook not written yet"

Word = Literal["equal", "within noise", "differs", "not comparable", "not reported", "demo", "not run"]


@dataclass(frozen=True)
class Verdict:
    """What a comparison comes to."""

    word: Word
    why: str = ""
    """What is missing, or what stands in the way."""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ComparisonRow:
    """One cell of an exhibit, reported beside measured."""

    row: str
    """Id of the row."""
    name: str
    """What the paper calls it; the id where the paper has no such row."""
    column: Column
    reported: Decimal | None
    """None where nothing is printed."""
    measured: Measured | None
    """None where nothing was measured; a ``Demo`` cell has no difference and no interval of it."""
    verdict: Verdict

    @property
    def reproduced(self) -> Reproduced | None:
        """The measured cell if it may stand beside the reported one, else None."""
        return self.measured if isinstance(self.measured, Reproduced) else None

    @property
    def difference(self) -> Decimal | None:
        """Measured minus reported, where the two may be compared."""
        if self.reproduced is None or self.reported is None or self.verdict.word == "not comparable":
            return None
        return _exact(self.reproduced.value) - self.reported

    @property
    def difference_interval(self) -> Interval | None:
        """95% interval of the difference; None for a count and where there is no difference."""
        if self.difference is None or self.reproduced is None or self.reported is None or self.reproduced.low is None:
            return None
        return difference_interval(self.column, self.reported, self.reproduced)


@dataclass(frozen=True)
class Comparison:
    """An exhibit, cell by cell; a notebook shows it as HTML."""

    exhibit: Exhibit
    rows: tuple[ComparisonRow, ...]

    @property
    def is_demo(self) -> bool:
        """Whether its measured numbers are a demo's."""
        return any(isinstance(row.measured, Demo) for row in self.rows)

    @property
    def counts(self) -> Counter[str]:
        """How many cells have each verdict, reasons left aside."""
        return Counter(row.verdict.word for row in self.rows)

    @property
    def summary(self) -> str:
        """All verdicts in one line, the most frequent first; a reason is given where all cells share it."""
        if not self.rows:
            return str(_without_numbers(self.exhibit))
        reasons = {word: {row.verdict for row in self.rows if row.verdict.word == word} for word in self.counts}
        words = {word: str(verdicts.pop()) if len(verdicts) == 1 else word for word, verdicts in reasons.items()}
        return "; ".join(f"{count} of {len(self.rows)} {words[word]}" for word, count in self.counts.most_common())

    def table(self) -> Table:
        """One line per cell: reported, measured, difference, interval, n, unscored, verdict."""
        measured = "demo (no result of the paper)" if self.is_demo else "measured"
        columns = ("row", "column", "reported", measured, "95% interval", "difference", "its 95% interval", "n",
                   "unscored", "verdict")  # fmt: skip
        caption = f"{self.exhibit.label}. {self.exhibit.caption}"
        return Table(columns, tuple(_cells(row) for row in self.rows), caption)

    def grid(self) -> Table:
        """The exhibit in the paper's shape, for the eye: a line for what is reported, and more where it was measured.

        A measured row has its number, interval and n, and, where it stands beside a reported one, difference and
        verdict. Reasons, and the verdicts of what was not measured, are in `table`.
        """
        lines = [
            line for rows in self._by_row() for line in _lines(rows, measured="demo" if self.is_demo else "measured")
        ]
        columns = ("row", "", *(column.title for column in self.exhibit.numbers))
        units = ", ".join(dict.fromkeys(UNITS[column.unit].sign for column in self.exhibit.numbers if column.unit))
        demo = "; demo (no result of the paper)" if self.is_demo else ""
        return Table(columns, tuple(lines), f"{self.exhibit.label}. {self.exhibit.caption} ({units}){demo}")

    def _by_row(self) -> list[list[ComparisonRow]]:
        found: dict[str, list[ComparisonRow]] = {}
        for one in self.rows:
            found.setdefault(one.row, []).append(one)
        return list(found.values())

    def __repr__(self) -> str:
        return f"Comparison: {self.exhibit.label}: {self.summary}"

    def _repr_html_(self) -> str:
        return f"{self.grid()._repr_html_()}\n<p>{self.summary}</p>" if self.rows else f"<p>{self!r}</p>"


def compare(exhibit: Exhibit, measured: Sequence[Measured]) -> Comparison:
    """Every number of an exhibit, reported beside measured, with a verdict.

    Rows the paper does not have come last. An exhibit without numbers has no rows, only a summary.

    Args:
        exhibit: the declaration.
        measured: cells of one profile; empty where nothing was run.

    Raises:
        PaperError: a cell stands in a column the exhibit does not have.
        DataError: the cells cannot be of one run of this exhibit.
    """
    check_cells(exhibit, measured)
    cells = {(cell.row, cell.column): cell for cell in measured}
    names = exhibit.rows() | {cell.row: cell.row for cell in measured if cell.row not in exhibit.rows()}
    not_run = _not_run(exhibit, measured)
    rows = [
        _compared(exhibit, row, name, column, cells.get((row, column.id)), not_run)
        for row, name in names.items()
        for column in exhibit.numbers
    ]
    return Comparison(exhibit, tuple(rows))


def _compared(
    exhibit: Exhibit, row: str, name: str, column: Column, cell: Measured | None, not_run: Verdict
) -> ComparisonRow:
    number = exhibit.number(row, column.id)
    why = exhibit.why_not_comparable(row, column.id)
    if isinstance(cell, Demo):
        verdict = Verdict("demo")
    elif number is None:
        verdict = Verdict("not reported")
    elif why:
        verdict = Verdict("not comparable", why)
    elif cell is None:
        verdict = not_run
    else:
        verdict = judged(column, number, cell)
    return ComparisonRow(row, name, column, number, cell, verdict)


def judged(column: Column, reported: Decimal, cell: Reproduced) -> Verdict:
    """``equal``, ``within noise`` or ``differs``.

    Equal: the measured number may have been printed as the reported one, so they are at most half a unit of the last
    printed decimal apart. Within noise: the 95% interval of the difference holds 0. A count has no noise.
    """
    if abs(_exact(cell.value) - reported) <= half_unit(column):
        return Verdict("equal")
    if cell.low is None:
        return Verdict("differs")
    noise = difference_interval(column, reported, cell)
    return Verdict("within noise" if noise.low <= 0 <= noise.high else "differs")


def difference_interval(column: Column, reported: Decimal, cell: Reproduced) -> Interval:
    """95% interval of measured minus reported, from the intervals of both.

    Each side's distance to its own end is squared and added (Newcombe 1998, method 10), as if the two had been measured
    on samples of their own. They were mostly measured on the same ones, which makes a true difference easier to see
    than this says: ``within noise`` is said rather too often than too seldom.

    Args:
        column: says of how many questions the reported number is a share.
        reported: the printed number.
        cell: the measured one, with its interval.
    """
    value, printed = cell.value, float(reported)
    low, high = (value if end is None else end for end in (cell.low, cell.high))
    own = reported_interval(column, reported)
    return Interval(
        value - printed - math.hypot(value - low, own.high - printed),
        value - printed + math.hypot(high - value, printed - own.low),
    )


def reported_interval(column: Column, reported: Decimal) -> Interval:
    """What the printed number leaves open: Wilson's 95% interval of a share of known n, otherwise its rounding."""
    if column.share_of is None or column.unit is None:
        half = float(half_unit(column))
        return Interval(float(reported) - half, float(reported) + half)
    scale = UNITS[column.unit].scale
    share = statistics.proportion(round(float(reported) / scale * column.share_of), column.share_of)
    return Interval(min(share.low * scale, float(reported)), max(share.high * scale, float(reported)))


def half_unit(column: Column) -> Decimal:
    """Half a unit of the last printed decimal: how far printing moves a number at most."""
    return Decimal("0.5").scaleb(-(column.decimals or 0))


def waits_for(exhibit: Exhibit) -> Verdict:
    """The verdict of an exhibit that was not run: what it needs, or that its notebook is not written."""
    return Verdict("not run", NOT_WRITTEN if exhibit.planned else str(exhibit.needs))


def _not_run(exhibit: Exhibit, measured: Sequence[Measured]) -> Verdict:
    """The verdict of a cell that was not measured."""
    if measured:
        return Verdict("not run", f"not part of the run of {measured[0].card.profile}")
    return waits_for(exhibit)


def _without_numbers(exhibit: Exhibit) -> Verdict:
    return Verdict("not run", NOT_WRITTEN) if exhibit.planned else Verdict("not reported", "no number to compare")


def _exact(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _lines(rows: Sequence[ComparisonRow], *, measured: str) -> list[tuple]:
    """What the grid has of one row."""
    name, is_reported = rows[0].name, any(one.reported is not None for one in rows)
    lines = [(name, "reported", *(one.reported for one in rows))] if is_reported else []
    if not any(one.measured for one in rows):
        return lines
    shown = [_cells(one) for one in rows]
    parts = [(measured, 3), ("95% interval", 4), ("n", 7)]
    parts += [("difference", 5)] if any(cells[5] for cells in shown) else []
    lines += [(name, what, *(cells[place] for cells in shown)) for what, place in parts]
    return [*lines, (name, "verdict", *(one.verdict.word for one in rows))] if is_reported else lines


def _cells(row: ComparisonRow) -> tuple:
    """One line of the table; a number has the decimals of its column, an interval too."""
    column, cell = row.column, row.measured
    interval = Interval(cell.low, cell.high) if cell and cell.low is not None and cell.high is not None else None
    difference = None if row.difference is None else f"{column.rounded(row.difference) + 0:+}"
    return (
        row.name, column.heading, row.reported, column.rounded(cell.value) if cell else None, _shown(column, interval),
        difference, _shown(column, row.difference_interval, sign="+"), cell.n if cell else None,
        cell.n_unscored if cell else None, str(row.verdict),
    )  # fmt: skip


def _shown(column: Column, interval: Interval | None, sign: str = "") -> str | None:
    return interval and f"[{column.rounded(interval.low):{sign}}, {column.rounded(interval.high):{sign}}]"
