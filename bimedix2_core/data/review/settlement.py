"""Settlement: where reviewers differ an adjudicator decides; what nobody disputes stands.

Source:
    The paper's reviewers worked independently, and conflicts were circulated and settled in discussion
    (shared/paper/facts.md, section 5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bimedix2_core.data.review.agreement import verdicts_by_reviewer
from bimedix2_core.data.review.items import Review
from bimedix2_core.errors import DataError


@dataclass(frozen=True)
class Conflict:
    """An item whose reviewers differ in the verdict or in the corrected text."""

    id: str
    reviews: tuple[Review, ...]


@dataclass(frozen=True)
class Decision:
    """What holds for one item."""

    id: str
    verdict: str
    arabic_key: str
    """`text_key` of the Arabic text that was judged."""
    categories: tuple[str, ...]
    corrected: str
    """The whole corrected Arabic text, empty where there is none."""
    reviews: tuple[Review, ...]
    """Those it rests on: the adjudicator's if there is one, and those who agree."""
    is_adjudicated: bool


@dataclass(frozen=True)
class Settled:
    """What was decided, and what still waits for an adjudicator."""

    decisions: dict[str, Decision]
    """By id, of the items without an open conflict."""
    open: tuple[Conflict, ...]


def conflicts(reviews: Iterable[Review]) -> tuple[Conflict, ...]:
    """The items that reviewers judged differently, by id. Two different corrections are a conflict, too.

    Raises:
        DataError: a reviewer judged an item twice, or two reviewers judged different Arabic texts of one item.
    """
    differing = {id: same for id, same in _by_id(reviews).items() if _differ(same)}
    return tuple(Conflict(id, same) for id, same in sorted(differing.items()))


def opinions(found: Iterable[Conflict]) -> dict[str, str]:
    """What each reviewer said, as text by id: the column `earlier reviews` of the adjudicator's sheet."""
    return {conflict.id: "\n\n".join(map(_opinion, conflict.reviews)) for conflict in found}


def settle(reviews: Iterable[Review], adjudicated: Iterable[Review] = ()) -> Settled:
    """One decision per item; an adjudicator's verdict wins over all others.

    Where the adjudicator corrected nothing, a correction holds that all who share the adjudicator's verdict agree on.

    Raises:
        DataError: a reviewer or the adjudicators judged an item twice, or an item was judged in two versions.
    """
    adjudicated = list(adjudicated)
    rulings = {review.id: review for review in adjudicated}
    if len(rulings) < len(adjudicated):
        twice = sorted({review.id for review in adjudicated if rulings[review.id] is not review})
        raise DataError(f"adjudicated twice: {', '.join(map(repr, twice))}; one ruling settles an item")
    by_id = _by_id(reviews)
    _check_versions({id: (*by_id.get(id, ()), ruling) for id, ruling in rulings.items()})
    decisions = {id: _decision(same) for id, same in by_id.items() if not _differ(same)}
    decisions |= {id: _decision(by_id.get(id, ()), ruling) for id, ruling in rulings.items()}
    waiting = [Conflict(id, same) for id, same in sorted(by_id.items()) if id not in decisions]
    return Settled(dict(sorted(decisions.items())), tuple(waiting))


def _decision(reviews: Sequence[Review], ruling: Review | None = None) -> Decision:
    verdict = ruling.verdict if ruling else reviews[0].verdict
    agreeing = [review for review in reviews if review.verdict == verdict]
    basis = ([ruling] if ruling else []) + agreeing
    corrections = {review.corrected for review in agreeing if review.corrected}
    undisputed = corrections.pop() if len(corrections) == 1 else ""
    categories = [ruling.category] if ruling and ruling.category else [review.category for review in agreeing]
    return Decision(
        id=basis[0].id,
        verdict=verdict,
        arabic_key=basis[0].arabic_key,
        categories=tuple(sorted({category for category in categories if category})),
        corrected=(ruling.corrected if ruling else "") or undisputed,
        reviews=tuple(basis),
        is_adjudicated=ruling is not None,
    )


def _by_id(reviews: Iterable[Review]) -> dict[str, tuple[Review, ...]]:
    reviews = list(reviews)
    verdicts_by_reviewer(reviews)
    found: dict[str, tuple[Review, ...]] = {}
    for review in reviews:
        found[review.id] = (*found.get(review.id, ()), review)
    _check_versions(found)
    return found


def _check_versions(found: dict[str, tuple[Review, ...]]) -> None:
    changed = sorted(id for id, same in found.items() if len({review.arabic_key for review in same}) > 1)
    if changed:
        raise DataError(
            f"the Arabic text was not the same for all reviewers of {', '.join(map(repr, changed))}; leave out the "
            "reviews of the older text"
        )


def _differ(reviews: Sequence[Review]) -> bool:
    corrections = {review.corrected for review in reviews if review.corrected}
    return len({review.verdict for review in reviews}) > 1 or len(corrections) > 1


def _opinion(review: Review) -> str:
    about = f"{review.reviewer}: {review.verdict}" + (f", {review.category}" if review.category else "")
    return "\n".join(part for part in (about, review.comment, review.corrected) if part)
