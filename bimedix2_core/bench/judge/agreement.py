"""Agreement: how far two who scored the same answers say the same: two judges, two draws of one, a judge and experts.

A table of how often each pair of scores occurs holds all that is asked of them, so a resample is one table.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from bimedix2_core.bench.statistics import interval
from bimedix2_core.bench.statistics.layout import Layout, layout_of
from bimedix2_core.bench.statistics.resampling import resampled
from bimedix2_core.data.review.agreement import kappas
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate

SCALE = (1.0, 10.0)
"""Least and greatest score of the published judge."""

MOST_VALUES = 100
"""Different scores that are still a scale."""

Scores = Mapping[str, float | None]
"""Score by id; None where it could not be read."""

Measure = Callable[[np.ndarray], np.ndarray]
"""Of float[B, K, K] tables: float[B], nan where it is undefined."""


@dataclass(frozen=True)
class Agreement:
    """Two raters on the answers that both scored; every interval is clustered.

    Kappas and correlations are nan where they are 0 / 0: one rater, or both, gave one score throughout.
    """

    first: str
    second: str
    same: Estimate
    """Share of answers with exactly the same score."""
    linear: Estimate
    """Kappa with linear weights."""
    quadratic: Estimate
    """Kappa with quadratic weights; a rater who is stricter throughout loses, unlike in the correlations."""
    spearman: Estimate
    """Correlation of the ranks."""
    pearson: Estimate
    """Correlation of the scores."""
    bias: Estimate
    """Mean of the first one's scores minus the second one's."""
    n_first_only: int
    """Answers that the second one did not score, or not readably."""
    n_second_only: int

    @property
    def n(self) -> int:
        """Number of answers that both scored."""
        return self.same.n


def agreements(
    raters: Mapping[str, Scores],
    clusters: Mapping[str, Hashable] | None = None,
    *,
    scale: tuple[float, float] = SCALE,
    seed: int = 0,
) -> tuple[Agreement, ...]:
    """The agreement of every pair of raters (judges, draws, experts) with an answer that both scored, in their order.

    Raises:
        DataError: as `agreement`.
    """
    return tuple(
        agreement(raters[first], raters[second], clusters, names=(first, second), scale=scale, seed=seed)
        for first, second in combinations(raters, 2)
        if _scored(raters[first]) & _scored(raters[second])
    )


def agreement(
    first: Scores,
    second: Scores,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    names: tuple[str, str] = ("first", "second"),
    scale: tuple[float, float] = SCALE,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Agreement:
    """How far two raters agree on the answers that both scored, joined by id.

    Args:
        first: a score for each id, or None; labels that have an order may be given as numbers.
        second: the other rater's.
        clusters: the cluster of each id (its image); without, all answers are independent.
        names: of the two.
        scale: least and greatest score possible.
        seed: of the resamples.
        n_resamples: of clusters, for kappas and correlations.

    Raises:
        DataError: they share no answer, a score is off the scale, or an id has no cluster.
    """
    for name, scores in zip(names, (first, second), strict=True):
        _check_scale(name, scores, scale)
    shared = sorted(_scored(first) & _scored(second))
    if not shared:
        raise DataError(f"{names[0]!r} and {names[1]!r} scored no answer in common; are the ids those of one data set?")
    cluster_N = None if clusters is None else clusters_of(shared, clusters)
    a, b = (np.array([one[id] for id in shared], dtype=float) for one in (first, second))
    values, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    if len(values) > MOST_VALUES:
        raise DataError(f"{len(values)} different scores; expected a scale with at most {MOST_VALUES}: round them")
    layout, pair_N = layout_of(len(shared), cluster_N), codes[: len(a)] * len(values) + codes[len(a) :]

    def estimate(measure: Measure) -> Estimate:
        return _estimate(measure, pair_N, len(values), layout, seed, n_resamples)

    span = scale[1] - scale[0]
    return Agreement(
        *names,
        same=interval((a == b).astype(float), cluster_N),
        linear=estimate(lambda tables: kappas(tables, "linear", values)),
        quadratic=estimate(lambda tables: kappas(tables, "quadratic", values)),
        spearman=estimate(lambda tables: correlations(tables, _midranks(tables.sum(2)), _midranks(tables.sum(1)))),
        pearson=estimate(lambda tables: correlations(tables, values, values)),
        bias=interval(a - b, cluster_N, bounds=(-span, span)),
        n_first_only=len(_scored(first)) - len(shared),
        n_second_only=len(_scored(second)) - len(shared),
    )


def correlations(tables: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation in each of float[B, K, K] tables; nan where one rater does not vary.

    Args:
        tables: how often each pair of scores occurs.
        first: float[K] or float[B, K], what the first one's scores count (the scores, or their ranks).
        second: the same of the second one's.
    """
    deviations, variances = [], []
    for counts, values in ((tables.sum(2), first), (tables.sum(1), second)):
        means = (counts * values).sum(1) / counts.sum(1)
        deviations.append(values - means[:, None])
        variances.append((counts * deviations[-1] ** 2).sum(1) * ((counts > 0).sum(1) > 1))
    covariance = np.einsum("bij,bi,bj->b", tables, *deviations, optimize=True)
    spread = np.sqrt(variances[0] * variances[1])
    return np.divide(covariance, spread, out=np.full(len(tables), np.nan), where=spread > 0)


def clusters_of(ids: Sequence[str], clusters: Mapping[str, Hashable]) -> list[Hashable]:
    """The cluster of each id.

    Raises:
        DataError: an id has none.
    """
    lacking = [id for id in ids if id not in clusters]
    if lacking:
        raise DataError(f"{len(lacking)} of {len(ids)} answers have no cluster, first {lacking[0]!r}; name each one's")
    return [clusters[id] for id in ids]


def _estimate(
    measure: Measure, pair_N: np.ndarray, n_values: int, layout: Layout, seed: int, n_resamples: int
) -> Estimate:
    """The measure with an expanded percentile interval (see `bench.statistics.bootstrap`) over resampled clusters.

    Resamples in which it is undefined are left out and counted in the method's name.
    """
    is_pair = np.zeros((len(pair_N), n_values**2))
    is_pair[np.arange(len(pair_N)), pair_N] = 1

    def statistic(times_BN: np.ndarray) -> np.ndarray:
        return measure((times_BN @ is_pair).reshape(-1, n_values, n_values))

    n, n_clusters = layout.n, layout.n_clusters if layout.is_clustered else None
    value = float(statistic(np.ones((1, n)))[0])
    if np.isnan(value):
        return Estimate(value, value, value, n, n_clusters, "undefined: a score that never varies")
    found = resampled(statistic, layout.cell, layout.n_clusters, seed=seed, n_resamples=n_resamples)
    left_out = int(np.isnan(found).sum())
    reach = np.sqrt(layout.n_clusters / max(1, layout.n_clusters - 1)) * layout.t_quantile()
    low, high = np.nanquantile(found, stats.norm.cdf([-reach, reach]))
    method = f"bootstrap, {n_resamples} resamples" + (f", {left_out} of them undefined" if left_out else "")
    return Estimate(value, min(float(low), value), max(float(high), value), n, n_clusters, method)


def _midranks(counts: np.ndarray) -> np.ndarray:
    """The rank of each score in float[B, K] counts; equal scores share the mean of their ranks."""
    return counts.cumsum(1) - (counts - 1) / 2


def _scored(scores: Scores) -> set[str]:
    return {id for id, score in scores.items() if score is not None}


def _check_scale(name: str, scores: Scores, scale: tuple[float, float]) -> None:
    low, high = scale
    off = {id: score for id, score in scores.items() if score is not None and not low <= score <= high}
    for id, score in off.items():
        raise DataError(
            f"{name!r} scored {id!r} with {score:g}; expected {low:g} to {high:g} ({len(off)} of {len(scores)} scores "
            "are off the scale); name another scale, or leave unreadable scores None"
        )
