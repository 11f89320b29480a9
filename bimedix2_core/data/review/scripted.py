"""Scripted reviewers: they know the planted truth and err at a given rate, so that the rates of a review can be tested.

A scripted review is labelled as such in every sheet and review. It says nothing about any real translation.
"""

import math
from collections.abc import Iterable, Mapping

from bimedix2_core.data.review.items import VERDICTS, Review, ReviewItem, plain, text_key
from bimedix2_core.data.review.sample import rank
from bimedix2_core.errors import DataError

LABEL = "scripted reviewer"

FAULTLESS = {verdict: {verdict: 1.0} for verdict in VERDICTS}
"""The confusion of a reviewer who always says the truth."""


def scripted_reviews(
    items: Iterable[ReviewItem],
    truth: Mapping[str, str],
    *,
    name: str,
    seed: int,
    confusion: Mapping[str, Mapping[str, float]] = FAULTLESS,
    corrected: Mapping[str, str] | None = None,
) -> tuple[Review, ...]:
    """Reviews as a doctor with these error rates would give them; `write_xlsx(reviews=...)` fills them into a sheet.

    What is said of an item depends on the seed, the name and the item's id, not on the other items.

    Args:
        items: what is reviewed.
        truth: the planted verdict by id.
        name: tells scripted reviewers apart; the reviewer is called ``scripted reviewer <name>``.
        seed: another seed gives other mistakes.
        confusion: by the true verdict, the chance of each verdict; absent ones have none.
        corrected: the right Arabic text by id, given where the verdict is minor or major.

    Raises:
        DataError: a true verdict is missing or unknown, or the chances of one do not add up to 1.
    """
    _check(confusion)
    reviewer, corrected = f"{LABEL} {name}", corrected or {}
    reviews = []
    for item in items:
        if truth.get(item.id) not in VERDICTS:
            raise DataError(f"the planted verdict of {item.id!r} is {truth.get(item.id)!r}; expected one of {VERDICTS}")
        verdict = _said(confusion[truth[item.id]], rank(f"{name}\n{item.id}", seed) / 2**64)
        right = plain(corrected.get(item.id, "")) if verdict != "none" else ""
        reviews.append(
            Review(
                item.id,
                reviewer,
                verdict,
                text_key(item.arabic),
                corrected="" if right == plain(item.arabic) else right,
            )
        )
    return tuple(reviews)


def _said(chances: Mapping[str, float], point: float) -> str:
    """The verdict in whose part of 0..1 the point lies."""
    reached = 0.0
    for verdict in VERDICTS:
        reached += chances.get(verdict, 0.0)
        if point < reached:
            return verdict
    return max(chances, key=chances.__getitem__)


def _check(confusion: Mapping[str, Mapping[str, float]]) -> None:
    for verdict in VERDICTS:
        chances = confusion.get(verdict, {})
        is_known = set(chances) <= set(VERDICTS) and all(chance >= 0 for chance in chances.values())
        if not is_known or not math.isclose(sum(chances.values()), 1.0):
            raise DataError(
                f"a scripted reviewer who sees {verdict} says {dict(chances)}; expected chances of "
                f"{', '.join(VERDICTS)} that add up to 1"
            )
