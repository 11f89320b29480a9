"""Disagreements: the questions on which definitions of one metric give one answer different verdicts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.bench.medical_vqa.definitions import CLOSED, DEFINITIONS
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, text_of

RIGHT, WRONG, LEFT_OUT, NOT_COUNTED = "right", "wrong", "left out", "not counted"
"""Verdicts; the last where a definition does not take the question for one of its own."""

METRICS = tuple(
    dict.fromkeys(one.metric for one in DEFINITIONS if one.metric.endswith(("accuracy", "exact match")))
)  # fmt: skip
"""Metrics whose verdicts can be right and wrong."""


@dataclass(frozen=True)
class Disagreement:
    """One answer and what each definition makes of it."""

    row: Row
    answer: str
    verdicts: dict[str, str]
    """By name of the definition."""

    @property
    def question(self) -> str:
        """What was asked."""
        return text_of(self.row.messages[0])

    @property
    def target(self) -> str:
        """The published answer."""
        return self.row.answer


def disagreements(rows: Sequence[Row], texts: Sequence[str], *, metric: str = CLOSED) -> list[Disagreement]:
    """The questions that some definition of a metric calls right and another does not, in their order.

    Args:
        rows: questions.
        texts: the answers, in the same order.
        metric: one of `METRICS`; each definition of it that knows the question's language has a verdict.

    Raises:
        DataError: not one answer for each question, or a metric without verdicts.
    """
    if len(rows) != len(texts):
        raise DataError(
            f"{len(rows)} questions but {len(texts)} answers; they must pair up one to one: join them by id"
        )
    if metric not in METRICS:
        raise DataError(f"no verdicts of {metric!r}; known: {', '.join(METRICS)}")
    found = [Disagreement(row, text, _verdicts(row, text, metric)) for row, text in zip(rows, texts, strict=True)]
    return [one for one in found if {RIGHT} < set(one.verdicts.values()) - {NOT_COUNTED}]


def examples(found: Sequence[Disagreement]) -> list[tuple[Disagreement, int]]:
    """One question of each pattern of verdicts and how many have it, the most frequent pattern first.

    The shortest answer of a pattern is shown, the first of equals.
    """
    patterns = Counter(tuple(one.verdicts.items()) for one in found)
    shortest = {
        pattern: min((one for one in found if tuple(one.verdicts.items()) == pattern), key=lambda one: len(one.answer))
        for pattern in patterns
    }
    return [(shortest[pattern], count) for pattern, count in patterns.most_common()]


def _verdicts(row: Row, text: str, metric: str) -> dict[str, str]:
    """What each definition of the metric says; one that has several groups counts a question of any."""
    verdicts = {}
    for definition in DEFINITIONS:
        if definition.metric != metric or row.language not in definition.languages:
            continue
        if not any(group.holds(row) for group in definition.groups):
            verdicts[definition.name] = NOT_COUNTED
            continue
        value = definition.value(text, row.answer)
        verdicts[definition.name] = LEFT_OUT if value is None else RIGHT if value == 1 else WRONG
    return verdicts
