"""Wording of the audit: computations as lines that a reader can repeat with a pocket calculator."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from bimedix2_core.paper.audit.arithmetic import last_digit, mean, weighted_mean

A_SECOND_RUN = "the scores of single questions for both models and a second run, from which a paired interval follows"


def rounded(value: Decimal, digits: int = 2) -> Decimal:
    """The value with so many decimals."""
    return round(Decimal(value), digits)


def one_digit_more(value: Decimal, written: Decimal) -> Decimal:
    """The value with one decimal more than a printed number has."""
    return rounded(value, 1 - int(last_digit(written).as_tuple().exponent))


def mean_line(name: str, values: Sequence[Decimal], printed: Decimal) -> str:
    """``Name: (64.9 + ... + 58.6) / 10 = 61.74, printed 61.7``."""
    return (
        f"{name}: ({' + '.join(map(str, values))}) / {len(values)} = {one_digit_more(mean(values), printed)}, "
        f"printed {printed}"
    )


def weighted_line(name: str, values: Sequence[Decimal], weights: Sequence[int], printed: Decimal) -> str:
    """``Name: (37 x 71.7 + 38 x 56.8 + ...) / 193 = 62.21, printed 62.2``."""
    terms = " + ".join(f"{weight} x {value}" for value, weight in zip(values, weights, strict=True))
    value = one_digit_more(weighted_mean(values, weights), printed)
    return f"{name}: ({terms}) / {sum(weights)} = {value}, printed {printed}"


def minus_line(first: str, value: Decimal, second: str, other: Decimal) -> str:
    """``62.2 (First) - 52.7 (Second) = 9.5``."""
    return f"{value} ({first}) - {other} ({second}) = {value - other}"


def named(values: Mapping[str, object]) -> str:
    """``first 84.6, second 82.9``."""
    return listed(f"{name} {value}" for name, value in values.items())


def listed(words: Iterable[object]) -> str:
    """Words with commas; ``none`` for no words."""
    return ", ".join(map(str, words)) or "none"
