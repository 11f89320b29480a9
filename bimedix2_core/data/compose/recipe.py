"""Recipe: how many rows of each part BiMed-V takes, scaled to a share of the paper's where a profile asks for it."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from bimedix2_core.errors import DataError

Share = Fraction | float
"""Part of the whole recipe, above 0 and at most 1; a float means the decimal it is written as (0.1 is 1/10)."""


def scaled(counts: Mapping[str, int | Decimal], share: Share = 1) -> dict[str, int]:
    """Counts that add up exactly to ``share`` of the whole, by the largest remainder.

    The whole is rounded, halves up. Each count is first rounded down; what is missing goes, one each, to the largest
    remainders, of equal ones to the larger count, then to the id that comes first in the alphabet.

    Args:
        counts: rows of each source, such as the column ``samples`` of Table 12 without its total.
        share: which part of them.

    Raises:
        DataError: a count is no whole number from 0, or the share does not lie above 0 and at most at 1.

    Source:
        Hamilton's method of apportionment; the paper takes all rows, smaller shares are for smaller machines.

    Example:
        >>> scaled({"a": 5, "b": 3, "c": 2}, 0.5)
        {'a': 3, 'b': 1, 'c': 1}
    """
    whole = {source_id: _whole(source_id, count) for source_id, count in counts.items()}
    exact_share = exact(share)
    quotas = {source_id: count * exact_share for source_id, count in whole.items()}
    taken = {source_id: quota.numerator // quota.denominator for source_id, quota in quotas.items()}
    total = sum(whole.values()) * exact_share + Fraction(1, 2)
    n_missing = total.numerator // total.denominator - sum(taken.values())
    by_remainder = sorted(whole, key=lambda one: (taken[one] - quotas[one], -whole[one], one))
    return {source_id: n + (source_id in by_remainder[:n_missing]) for source_id, n in taken.items()}


def _whole(source_id: str, count: int | Decimal) -> int:
    if count != int(count) or count < 0:
        raise DataError(f"recipe: {count} rows of {source_id!r}; expected a whole number from 0")
    return int(count)


def exact(share: Share) -> Fraction:
    """The share as a fraction.

    Raises:
        DataError: it does not lie above 0 and at most at 1.
    """
    fraction = Fraction(str(share))
    if not 0 < fraction <= 1:
        raise DataError(f"recipe: share {share}; expected more than 0 and at most 1 of the wanted counts")
    return fraction
