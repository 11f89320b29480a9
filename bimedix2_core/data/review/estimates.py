"""Estimates: the share of all items that the reviewed ones stand for, with its 95% interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate, wilson


@dataclass(frozen=True)
class Count:
    """Of ``n_items`` equally likely items ``n_seen`` were seen, and ``n_hits`` of these had what is counted."""

    n_items: int
    n_seen: int
    n_hits: int


def share_of_all(counts: Sequence[Count]) -> Estimate:
    """The share of hits among all items of the strata that were seen, each item weighted by what it stands for.

    Strata seen whole add what they have, without sampling error. For the others together, each item weighs
    ``n_items / n_seen``, and the weighted share has Wilson's interval at Kish's effective number of items,
    ``(sum of weights)^2 / (sum of squared weights)``. Strata of which nothing was seen are left out. No correction for
    small strata is made, so the interval is a little too wide where much of a stratum was seen.

    Raises:
        DataError: nothing was seen.

    Source:
        Franco, Little, Louis and Slud, Comparative Study of Confidence Intervals for Proportions in Complex Sample
        Surveys (2019, PMC6690503) recommend Wilson's form at an effective number of items.
    """
    seen = [count for count in counts if count.n_seen]
    if not seen:
        raise DataError("a rate over no reviewed item was asked for; review at least one")
    total = sum(count.n_items for count in seen)
    certain = sum(count.n_hits for count in seen if count.n_seen == count.n_items)
    sampled = [count for count in seen if count.n_seen < count.n_items]
    n = sum(count.n_seen for count in seen)
    if not sampled:
        return Estimate(certain / total, certain / total, certain / total, n)
    n_sampled = sum(count.n_items for count in sampled)
    value = sum(count.n_items * count.n_hits / count.n_seen for count in sampled) / n_sampled
    n_effective = n_sampled**2 / sum(count.n_items**2 / count.n_seen for count in sampled)
    return Estimate(*((certain + n_sampled * p) / total for p in (value, *wilson(value, n_effective))), n)
