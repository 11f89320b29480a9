"""Items: what all draws and both orders of a judge say of one answer, as one pair of scores for each question."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST, Judged
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row


@dataclass(frozen=True)
class Item:
    """One question with the scores of the reference and of the answer."""

    row: Row
    reference: float | None
    """None where no verdict could be read."""
    answer: float | None
    ratio: float | None
    """Answer over reference: the mean over the verdicts of their ratios, not the ratio of the means."""

    @property
    def is_scored(self) -> bool:
        """Whether a verdict could be read."""
        return self.ratio is not None


def items_of(judged: Iterable[Judged]) -> list[Item]:
    """One item for each question and language, in the order they come.

    Draws of one order are averaged first, then the orders, so that an order asked more often weighs no more. A verdict
    that could not be read, or has a score outside 1 to 10, is out of its item's mean; an item is unscored if all are.
    """
    by_row: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        by_row[one.row.language, one.row.id].append(one)
    return [_item(verdicts) for verdicts in by_row.values()]


def is_usable(one: Judged) -> bool:
    """Whether both scores were read and are on the scale."""
    return one.is_scored and all(LOWEST <= score <= HIGHEST for score in (one.reference_score, one.answer_score))


def by_order(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """The verdicts that can be used, by the order in which the judge read the two texts."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if is_usable(one):
            found[one.order].append(one)
    return dict(found)


def judge_of(judged: Sequence[Judged]) -> str:
    """Name of the judge of all answers.

    Raises:
        DataError: there is no answer, or they are of several judges.
    """
    judges = sorted({one.judge for one in judged})
    if len(judges) != 1:
        found = f"judges {', '.join(judges)}" if judges else "no answer"
        raise DataError(f"BiMed-MBench: {found}; a metric is of answers that one judge read: score each judge's apart")
    return judges[0]


def check_once(judged: Iterable[Judged]) -> None:
    """Refuse a verdict that comes twice.

    Raises:
        DataError: a question has two verdicts of one order and draw, such as the answers of two models.
    """
    places = Counter((one.row.language, one.row.id, one.order, one.repeat) for one in judged)
    twice = [place for place, times in places.items() if times > 1]
    if twice:
        language, id, order, repeat = twice[0]
        raise DataError(
            f"BiMed-MBench: {len(twice)} answers are judged more than once, first {id!r} ({language}), {order}, draw "
            f"{repeat}; score each model's answers apart, and number the draws"
        )


def _item(verdicts: Sequence[Judged]) -> Item:
    orders = by_order(verdicts)
    if not orders:
        return Item(verdicts[0].row, None, None, None)
    return Item(
        verdicts[0].row,
        _mean({order: [one.reference_score for one in ours] for order, ours in orders.items()}),
        _mean({order: [one.answer_score for one in ours] for order, ours in orders.items()}),
        _mean({order: [one.answer_score / one.reference_score for one in ours] for order, ours in orders.items()}),
    )


def _mean(by_order: Mapping[str, Sequence[float]]) -> float:
    return fmean(fmean(values) for values in by_order.values())
