"""Orders: what it does to a score that a text is read first, where a judge read both orders."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from bimedix2_core.bench.mbench.facts import image_of
from bimedix2_core.bench.mbench.items import by_order
from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST, Judged
from bimedix2_core.bench.statistics import interval
from bimedix2_core.bench.task import Result
from bimedix2_core.statistics import Estimate

FIRST_PLACE = "advantage of the first place"
"""Points of the judge's scale that a text has more where it is read first than where it is read second."""
FLIPPED = "answers whose place decides"
"""Share of answers that are better than the reference in one order and worse in the other."""


def order_results(judged: Sequence[Judged], definition: str, language: str) -> list[Result]:
    """The effect of the order on the scores, over the questions that were read in both; nothing where none was.

    Args:
        judged: verdicts on one model's answers in one language.
        definition: for the results.
        language: of the questions.
    """
    by_id: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by_id[one.row.id].append(one)
    both = [orders for verdicts in by_id.values() if len(orders := by_order(verdicts)) > 1]
    if not both:
        return []
    n_unscored = sum(len({one.order for one in verdicts}) > 1 for verdicts in by_id.values()) - len(both)
    images = [image_of(orders["reference_first"][0].row) for orders in both]
    span = float(HIGHEST - LOWEST)
    advantage = interval([_advantage(orders) for orders in both], images, bounds=(-span, span))
    flipped = interval([_flips(orders) for orders in both], images)
    return [
        _result(FIRST_PLACE, definition, language, advantage, n_unscored),
        _result(FLIPPED, definition, language, flipped, n_unscored),
    ]


def _result(metric: str, definition: str, language: str, estimate: Estimate, n_unscored: int) -> Result:
    return Result(metric, definition, "all", language, estimate, n_unscored)


def _advantage(orders: dict[str, list[Judged]]) -> float:
    """Mean over the two texts of their score in the first place minus that in the second."""
    reference, answer = _means(orders)
    return (
        reference["reference_first"]
        - reference["answer_first"]
        + answer["answer_first"]
        - answer["reference_first"]
    ) / 2  # fmt: skip


def _flips(orders: dict[str, list[Judged]]) -> float:
    reference, answer = _means(orders)
    leads = [answer[order] - reference[order] for order in orders]
    return float(min(leads) < 0 < max(leads))


def _means(orders: dict[str, list[Judged]]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean score of the reference and of the answer in each order."""
    return (
        {order: fmean(one.reference_score for one in verdicts) for order, verdicts in orders.items()},
        {order: fmean(one.answer_score for one in verdicts) for order, verdicts in orders.items()},
    )
