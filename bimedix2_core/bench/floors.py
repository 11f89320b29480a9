"""Floors: what a trained model must reach, as sentences that are met or not.

A measured number differs a little from machine to machine; whether it reaches its floor should not. So notebooks print
the sentences, which are compared, beside the numbers, which are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bimedix2_core.bench.medical_vqa.by_kind import ControlTest, Row
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate

LANGUAGE_NAMES = {"en": "English", "ar": "Arabic"}
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Floor:
    """One claim about a result, and whether the result bears it out."""

    claim: str
    is_met: bool

    def __str__(self) -> str:
        return f"{self.claim}: {'met' if self.is_met else 'NOT MET'}"


def lines(floors: Iterable[Floor]) -> str:
    """One line for each floor."""
    return "\n".join(str(floor) for floor in floors)


def at_least(rows: Sequence[Row], metric: str, least: float, *, name: str = "", least_n: int = 1) -> list[Floor]:
    """Each language's row over all kinds of a metric is no lower than ``least``, over ``least_n`` samples or more.

    Raises:
        DataError: no row has this metric over all kinds.
    """
    chosen = [row for row in rows if (row.metric, row.kind) == (metric, "all")]
    if not chosen:
        raise DataError(f"no row {metric!r} over all kinds; found {sorted({row.metric for row in rows})}")
    counted = f", n at least {least_n}" if least_n > 1 else ""
    return [
        Floor(
            f"{name or metric} at least {least:.2f} in {LANGUAGE_NAMES[row.language]}{counted}",
            row.estimate.value >= least and row.estimate.n >= least_n,
        )
        for row in chosen
    ]


def rises(before: Sequence[Row], after: Sequence[Row], metric: str, *, stage: str) -> list[Floor]:
    """A metric over all kinds is higher after a stage in each language, and the intervals are apart.

    Raises:
        DataError: a language has no such row before or after.
    """
    return [
        Floor(
            f"{metric} rises with {stage} in {name}, intervals apart",
            is_above(overall(after, metric, language), overall(before, metric, language)),
        )
        for language, name in LANGUAGE_NAMES.items()
    ]


def no_control_above_majority(tests: Sequence[ControlTest]) -> list[Floor]:
    """For each control: in no kind and language does it beat the majority (tests already adjusted for all of them).

    Raises:
        DataError: there is no test.
    """
    if not tests:
        raise DataError("no control was tested; give at least one ControlTest")
    return [
        Floor(
            f"{control}: not above the majority in any kind and language (one-sided, Holm)",
            all(test.p_holm >= SIGNIFICANCE for test in tests if test.control == control),
        )
        for control in dict.fromkeys(test.control for test in tests)
    ]


def overall(rows: Sequence[Row], metric: str, language: str) -> Estimate:
    """The estimate of a metric over all kinds in one language.

    Raises:
        DataError: there is no such row.
    """
    for row in rows:
        if (row.metric, row.kind, row.language) == (metric, "all", language):
            return row.estimate
    raise DataError(f"no row {metric!r} over all kinds in {language!r}; found {sorted({row.metric for row in rows})}")


def is_above(higher: Estimate, lower: Estimate) -> bool:
    """Whether the first lies above the second and their intervals do not touch."""
    return higher.low > lower.high
