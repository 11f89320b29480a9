"""Outcome: how many translations need minor or major changes, in the sample and in everything it was drawn from.

The paper reports 22% minor and 5% major, on average, for BiMed-MBench (shared/paper/facts.md, section 5, paper A.4,
verified). claims.yaml has no claim on these two numbers, so they have no claim id; whoever shows them beside ours
quotes that section, with its sample size and agreement, which are not published.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bimedix2_core.data.review.estimates import Count, share_of_all
from bimedix2_core.data.review.sample import Draw
from bimedix2_core.data.review.settlement import Decision
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate, proportion

MEASURES = {"minor": ("minor",), "major": ("major",), "minor or major": ("minor", "major")}
"""Rates by name, and the verdicts that each counts."""


@dataclass(frozen=True)
class StratumCounts:
    """One row of the table of strata."""

    source: str
    modality: str
    part: str
    n_items: int
    n_drawn: int
    n_reviewed: int
    n_none: int
    n_minor: int
    n_major: int


@dataclass(frozen=True)
class Rate:
    """One rate, of the reviewed items and of all items that they stand for."""

    name: str
    sample: Estimate
    """Of the reviewed items as they are; Wilson's interval."""
    whole: Estimate
    """Of all items of the strata that were reviewed, by design weights; see `estimates.share_of_all`."""


@dataclass(frozen=True)
class Outcome:
    """What a review found."""

    protocol: str
    n_items: int
    """Everything that the sample was drawn from."""
    n_covered: int
    """Items of the strata in which at least one item was reviewed: what the rates of the whole speak of."""
    n_drawn: int
    n_reviewed: int
    """Drawn items with a decision; the others are not reviewed yet or wait for an adjudicator."""
    rates: tuple[Rate, ...]
    strata: tuple[StratumCounts, ...]
    categories: dict[str, int]
    """Decisions by category; a decision may have several."""


def outcome(draw: Draw, decisions: Mapping[str, Decision]) -> Outcome:
    """Rates and counts of a review.

    Within a stratum, what is not reviewed is taken to be like what is.

    Args:
        draw: the sample that was handed out.
        decisions: by id, `settlement.Settled.decisions`.

    Raises:
        DataError: there is no decision, or one on an item that was not drawn.
    """
    strangers = sorted(id for id in decisions if id not in draw.stratum_of)
    if strangers:
        raise DataError(
            f"decisions on items that were not drawn: {', '.join(map(repr, strangers))}; give their own draw"
        )
    strata = _strata(draw, decisions)
    reviewed = [stratum for stratum in strata if stratum.n_reviewed]
    return Outcome(
        protocol=draw.protocol,
        n_items=sum(stratum.n_items for stratum in strata),
        n_covered=sum(stratum.n_items for stratum in reviewed),
        n_drawn=len(draw.items),
        n_reviewed=len(decisions),
        rates=tuple(_rate(name, verdicts, strata) for name, verdicts in MEASURES.items()),
        strata=strata,
        categories=_categories(decisions.values()),
    )


def _strata(draw: Draw, decisions: Mapping[str, Decision]) -> tuple[StratumCounts, ...]:
    verdicts = Counter((draw.stratum_of[id], decision.verdict) for id, decision in decisions.items())
    rows = []
    for index, one in enumerate(draw.strata):
        none, minor, major = (verdicts[index, verdict] for verdict in ("none", "minor", "major"))
        seen = none + minor + major
        rows.append(
            StratumCounts(one.source, one.modality, one.part, one.n_items, one.n_drawn, seen, none, minor, major)
        )
    return tuple(rows)


def _rate(name: str, verdicts: Iterable[str], strata: Iterable[StratumCounts]) -> Rate:
    counts = [
        Count(one.n_items, one.n_reviewed, sum(getattr(one, f"n_{verdict}") for verdict in verdicts)) for one in strata
    ]
    whole = share_of_all(counts)
    sample = proportion(sum(count.n_hits for count in counts), sum(count.n_seen for count in counts))
    return Rate(name, sample, whole)


def _categories(decisions: Iterable[Decision]) -> dict[str, int]:
    counted = Counter(category for decision in decisions for category in decision.categories)
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
