"""Shares: how often each model was preferred, with intervals that know how the choices hang together.

The shares of the models are of the clear choices; ties and rows without a choice are counted beside them. Choices on
one image are one cluster, whatever the question, the language or the reviewer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bimedix2_core.bench.blind_comparison.reading import Choice
from bimedix2_core.bench.statistics import interval
from bimedix2_core.bench.statistics.layout import layout_of
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import CONFIDENCE, Estimate, wilson_ends


@dataclass(frozen=True)
class Share:
    """How often one model (or one letter) was chosen."""

    name: str
    n_chosen: int
    alone: Estimate
    """The share with the 95% interval it would have if it were the only one asked about."""
    jointly: Estimate
    """The same share; the joint intervals of all models hold together in 95% of cases."""


@dataclass(frozen=True)
class Shares:
    """The shares of all models in one group of choices."""

    group: str
    """``all``, ``language en``, ``reviewer R1``, ..."""
    shares: tuple[Share, ...]
    n_chosen: int
    n_ties: int
    n_open: int
    n_items: int
    """Questions, each counted once in each language."""
    n_reviewers: int


def preference_shares(choices: Sequence[Choice], models: Sequence[str]) -> tuple[Shares, ...]:
    """Shares over all choices, then by language, then by reviewer; a single language or reviewer is not repeated.

    Args:
        choices: of all forms together.
        models: every model that was compared, in the order of the result; one that nobody chose has a share of 0.

    Raises:
        DataError: there is no clear choice, a reviewer made none, one judged a question twice, or a chosen model is
            none of those named.
    """
    _check_once(choices)
    groups = {"all": list(choices)}
    for kind in ("language", "reviewer"):
        names = sorted({getattr(choice, kind) for choice in choices})
        if len(names) > 1:
            groups |= {
                f"{kind} {name}": [choice for choice in choices if getattr(choice, kind) == name] for name in names
            }
    return tuple(_shares_of(group, members, models) for group, members in groups.items())


def letter_shares(choices: Iterable[Choice], letters: str) -> tuple[Share, ...]:
    """How often each letter was chosen; as the order is random, a letter apart from 1 / n shows a habit of the reader.

    Raises:
        DataError: there is no clear choice.
    """
    clear = _clear(choices, "all")
    return shares_of([choice.letter for choice in clear], tuple(letters), [choice.cluster for choice in clear])


def shares_of(chosen: Sequence[str], names: Sequence[str], clusters: Sequence[str] | None = None) -> tuple[Share, ...]:
    """The share of each name among the chosen ones, with intervals on its own and joint ones.

    Args:
        chosen: one name for each choice.
        names: all that could be chosen.
        clusters: the cluster of each choice; without, all choices are independent.

    Raises:
        DataError: nothing was chosen, or a name that could not be.

    Source:
        Joint intervals: Goodman, Technometrics 7 (1965), Wilson's interval at the level 1 - 0.05 / k for k shares; for
        clusters at the effective number of choices, as single shares have it (`bench.statistics`).
    """
    foreign = sorted(set(chosen) - set(names))
    if foreign:
        raise DataError(f"{', '.join(map(repr, foreign))} was chosen; expected one of {', '.join(map(repr, names))}")
    values = [[float(one == name) for one in chosen] for name in names]
    return tuple(
        Share(name, int(sum(own)), interval(own, clusters), _joint(own, clusters, len(names)))
        for name, own in zip(names, values, strict=True)
    )


def _joint(values: Sequence[float], clusters: Sequence[str] | None, n_shares: int) -> Estimate:
    """The interval of one share at the level that lets all of them hold together."""
    layout = layout_of(len(values), clusters)
    sums = layout.sums(np.asarray(values))
    share, variance = layout.means(sums), np.diagonal(layout.covariance(sums))
    n_telling = np.minimum((sums > 0).sum(-2), (sums < layout.counts).sum(-2))
    n_effective = layout.effective_n(share * (1 - share), variance, n_telling)
    level = 1 - (1 - CONFIDENCE) / (2 * n_shares)
    quantile = stats.t.ppf(level, layout.degrees_of_freedom()) if layout.is_clustered else stats.norm.ppf(level)
    low, high = wilson_ends(share, n_effective, quantile)
    n_clusters = layout.n_clusters if layout.is_clustered else None
    return Estimate(
        float(share[0]), float(low[0]), float(high[0]), layout.n, n_clusters, f"Goodman, {n_shares} shares jointly"
    )


def _shares_of(group: str, choices: Sequence[Choice], models: Sequence[str]) -> Shares:
    clear = _clear(choices, group)
    shares = shares_of([choice.model for choice in clear], models, [choice.cluster for choice in clear])
    return Shares(
        group,
        shares,
        len(clear),
        sum(choice.outcome == "tie" for choice in choices),
        sum(choice.outcome == "open" for choice in choices),
        len({(choice.language, choice.item_id) for choice in choices}),
        len({choice.reviewer for choice in choices}),
    )


def _clear(choices: Iterable[Choice], group: str) -> list[Choice]:
    clear = [choice for choice in choices if choice.outcome == "chosen"]
    if not clear:
        raise DataError(
            f"no clear choice in {group!r}, so there are no shares; wait for filled forms, or leave these out"
        )
    return clear


def _check_once(choices: Iterable[Choice]) -> None:
    seen = set()
    for choice in choices:
        key = (choice.reviewer, choice.language, choice.item_id)
        if key in seen:
            raise DataError(
                f"{choice.reviewer!r} judged question {choice.item_id!r} ({choice.language}) twice; read each form once"
            )
        seen.add(key)
