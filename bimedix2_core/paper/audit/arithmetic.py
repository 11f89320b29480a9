"""Arithmetic of the audit: means, parts of a whole, whole-number counts, and equality as far as a number is written.

Everything is ``Decimal``, so that 84.55 printed as 84.6 is exactly half a digit away and not a little more.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from bimedix2_core.errors import DataError

HUNDRED = Decimal(100)


def mean(values: Sequence[Decimal]) -> Decimal:
    """Unweighted mean.

    Raises:
        DataError: there is no value.
    """
    return weighted_mean(values, [1] * len(values))


def weighted_mean(values: Sequence[Decimal], weights: Sequence[int]) -> Decimal:
    """Mean of values that stand for so many items each.

    Raises:
        DataError: there is no value, or not one weight for each value.
    """
    if not values or len(values) != len(weights):
        raise DataError(
            f"a mean of {len(values)} values with {len(weights)} weights; expected at least one value, and one weight "
            "for each; check the columns that were passed"
        )
    return sum((value * weight for value, weight in zip(values, weights, strict=True)), Decimal(0)) / sum(weights)


def missing_part(whole: Decimal, known: Decimal, n_known: int, n_missing: int) -> Decimal:
    """The mean the missing items must have, so that known and missing ones together have the mean ``whole``."""
    return (whole * (n_known + n_missing) - known * n_known) / n_missing


def last_digit(written: Decimal) -> Decimal:
    """One unit of the last written digit: 0.1 for 61.7, 0.001 for 0.110, 1 for 386."""
    return Decimal(1).scaleb(int(written.as_tuple().exponent))


def agrees(value: Decimal, written: Decimal) -> bool:
    """Whether ``value`` may be written as ``written``: at most half a unit of its last digit away.

    Half a unit exactly is agreement, whichever way the authors round: 84.55 may be printed 84.5 or 84.6.
    """
    return abs(value - written) <= last_digit(written) / 2


def correct_answers(printed: Decimal, n: int, *, scale: int = 100) -> int | None:
    """How many of ``n`` items are right if a share is printed so; None if no whole number gives it.

    Args:
        printed: the share as printed.
        n: number of items.
        scale: what a share of one is printed as, 100 for percent and 1 for fractions.
    """
    nearest = nearest_count(printed, n, scale=scale)
    return nearest if agrees(Decimal(nearest) * scale / n, printed) else None


def nearest_count(printed: Decimal, n: int, *, scale: int = 100) -> int:
    """The whole number of ``n`` items that comes nearest to a printed share."""
    return int((printed * n / scale).quantize(Decimal(1), ROUND_HALF_EVEN))


def counts_behind(shares: Sequence[Decimal], n: int) -> tuple[int, ...] | None:
    """Whole numbers that add up to ``n`` and give all printed percentages; None if there are none."""
    counts = [correct_answers(share, n) for share in shares]
    if None in counts or sum(count for count in counts if count is not None) != n:
        return None
    return tuple(count for count in counts if count is not None)


def leaders(column: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The rows with the largest value, several if they share it.

    Raises:
        DataError: the column is empty.
    """
    if not column:
        raise DataError("the largest of no values was asked for; expected at least one printed number in the column")
    best = max(column.values())
    return tuple(row for row, value in column.items() if value == best)


def leads_alone(row: str, column: Mapping[str, Decimal]) -> bool:
    """Whether the row has the largest value and shares it with none."""
    return leaders(column) == (row,)


def best_other(row: str, column: Mapping[str, Decimal]) -> str:
    """The row with the largest value among the others; the first of them if several share it."""
    return leaders({other: value for other, value in column.items() if other != row})[0]


def ranking(column: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Rows from the largest value to the smallest."""
    return tuple(sorted(column, key=lambda row: -column[row]))


def rises(values: Iterable[Decimal]) -> bool:
    """Whether each value is larger than the one before."""
    return all(before < after for before, after in pairwise(values))
