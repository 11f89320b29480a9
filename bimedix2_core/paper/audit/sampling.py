"""Sampling error the papers do not print: an interval for each accuracy, and what each gain could have shown.

The models of a table answered the same questions, but only their totals are printed. So differences are treated as if
the two models had answered different questions: a paired interval, from the answers to single questions, would usually
be narrower.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scipy import stats

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.arithmetic import correct_answers, nearest_count
from bimedix2_core.paper.audit.sources import CLINICAL, TEST_SIZES, V1_ARABIC, V1_ENGLISH, V1_TEST_SIZES, VQA, VQA_SIZES
from bimedix2_core.paper.reported import read
from bimedix2_core.paper.tables import Table
from bimedix2_core.statistics import CONFIDENCE, Estimate, proportion

POWER = 0.8

ITEM_COUNTS = {CLINICAL: TEST_SIZES, V1_ENGLISH: V1_TEST_SIZES, V1_ARABIC: V1_TEST_SIZES, VQA: VQA_SIZES}
"""Columns that are shares of right answers, with their number of questions. Left out, because it is not known: UPHILL
and the closed questions of Path-VQA; because they are no shares: BiMed-MBench and all other metrics."""

SCALES = {VQA: 1}
"""What a share of one is printed as, where it is not 100."""


@dataclass(frozen=True)
class Accuracy:
    """A printed accuracy with Wilson's interval."""

    table: str
    row: str
    column: str
    printed: Decimal
    estimate: Estimate
    """The share from 0 to 1 with its interval and its number of questions."""
    is_count: bool
    """Whether a whole number of right answers gives the printed cell; if not, the nearest one was taken."""


def accuracies() -> tuple[Accuracy, ...]:
    """Every printed accuracy whose number of questions is known, with its 95% interval."""
    found = []
    for name, sizes in ITEM_COUNTS.items():
        table, scale = read(name), SCALES.get(name, 100)
        for column, n in sizes.items():
            for row, printed in table.column(column).items():
                right = nearest_count(printed, n, scale=scale)
                is_count = correct_answers(printed, n, scale=scale) is not None
                found.append(Accuracy(name, row, column, printed, proportion(right, n), is_count))
    return tuple(found)


@dataclass(frozen=True)
class Difference:
    """A difference of two accuracies, or of two unweighted means of accuracies, in points."""

    points: float
    low: float
    high: float
    detectable: float
    """The smallest true difference that a test at 5% (two-sided) shows in 80 of 100 such comparisons."""


def difference(first: Sequence[Decimal], second: Sequence[Decimal], sizes: Sequence[int]) -> Difference:
    """First minus second, by the normal approximation for independent samples.

    Args:
        first: accuracies in percent, one for each test; several are averaged without weights, as the tables do.
        second: the same of the other model.
        sizes: questions in each test.

    Raises:
        DataError: there is no test, or not one accuracy and one size for each.
    """
    if not sizes or not len(first) == len(second) == len(sizes):
        raise DataError(
            f"{len(first)} and {len(second)} accuracies over {len(sizes)} tests; expected one of each for every test, "
            "and at least one test"
        )
    variance = sum(
        (_spread(a) + _spread(b)) / n for a, b, n in zip(first, second, sizes, strict=True)
    ) / len(sizes) ** 2  # fmt: skip
    points = float(sum(first) - sum(second)) / len(sizes)
    half = _quantile(CONFIDENCE) * math.sqrt(variance)
    return Difference(points, points - half, points + half, detectable_factor() * math.sqrt(variance))


def detectable_factor() -> float:
    """Standard errors a true difference must measure to be seen in 80 of 100 tests at 5%: about 2.80."""
    return _quantile(CONFIDENCE) + float(stats.norm.ppf(POWER))


def largest_spread(points: float, n: int) -> float:
    """The standard deviation of single scores up to which a difference is detectable in two samples of ``n``.

    For scores that are no shares, whose spread the papers do not print: with a smaller spread, the difference is one
    that such a comparison shows in 80 of 100 cases.

    Raises:
        DataError: ``n`` is 0.
    """
    if n == 0:
        raise DataError("the spread over no questions was asked for; give the number of questions behind the score")
    return points / (detectable_factor() * math.sqrt(2 / n))


def accuracy_table(found: Sequence[Accuracy]) -> Table:
    """The accuracies as printed, each with its 95% interval on the printed scale."""
    columns = ("table", "model", "column", "printed", "95% interval", "n", "whole number of answers")
    rows = []
    for accuracy in found:
        scale = SCALES.get(accuracy.table, 100)
        digits = 1 if scale == 100 else 3
        low, high = (f"{scale * end:.{digits}f}" for end in (accuracy.estimate.low, accuracy.estimate.high))
        is_count = "yes" if accuracy.is_count else "no"
        rows.append(
            (accuracy.table, accuracy.row, accuracy.column, str(accuracy.printed), f"{low} to {high}",
             accuracy.estimate.n, is_count)
        )  # fmt: skip
    return Table(columns, tuple(rows), "Printed accuracies whose number of questions is known, with Wilson's interval")


def _spread(percent: Decimal) -> float:
    """Variance of one right or wrong answer, in points squared."""
    return float(percent * (100 - percent))


def _quantile(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))
