"""Resampling: intervals of metrics that are no means (macro-F1, a ratio of means), by a cluster bootstrap."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from scipy import stats

from bimedix2_core.bench.statistics.layout import layout_of
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import CONFIDENCE, Estimate

CHUNK_BYTES = 2**25

Statistic = Callable[[np.ndarray], np.ndarray]
"""A metric of weighted samples: float[B, N], how often each sample was drawn, gives float[B]."""


def bootstrap(
    statistic: Statistic,
    n: int,
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    n_resamples: int = 2000,
) -> Estimate:
    """A metric with a percentile interval over resampled clusters.

    For means use `interval`, which covers better and knows its bounds: where every resample gives the same number, this
    interval has width 0.

    Args:
        statistic: the metric, of how often each sample counts.
        n: number of samples.
        clusters: the cluster of each sample; whole clusters are drawn.
        seed: of the draws.
        n_resamples: number of draws.

    Raises:
        DataError: there is no sample, clusters don't match, or the metric is undefined for all samples or a resample.

    Source:
        Expanded percentiles: Hesterberg, The American Statistician 69 (2015), section 4.4.
    """
    layout = layout_of(n, clusters)
    layout.warn_if_few()
    value = float(statistic(np.ones((1, n)))[0])
    replicates = resampled(statistic, layout.cell, layout.n_clusters, seed=seed, n_resamples=n_resamples)
    undefined = int(np.isnan(replicates).sum())
    if np.isnan(value) or undefined:
        raise DataError(
            f"the metric is {value:g} over {n} samples and undefined in {undefined} of {n_resamples} resamples; "
            "define it for every resample (a class that is not drawn, a sum of 0)"
        )
    low, high = np.quantile(replicates, expanded(layout.n_clusters))
    n_clusters = layout.n_clusters if layout.is_clustered else None
    return Estimate(value, float(low), float(high), n, n_clusters, f"bootstrap, {n_resamples} resamples")


def resampled(
    statistic: Statistic, cluster_N: np.ndarray, n_clusters: int, *, seed: int, n_resamples: int
) -> np.ndarray:
    """float[B]: the metric of each resample of whole clusters. Their standard deviation is the standard error."""
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK_BYTES // (8 * len(cluster_N)))
    replicates = []
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        drawn = generator.integers(n_clusters, size=(size, n_clusters)) + n_clusters * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n_clusters).reshape(size, n_clusters)
        replicates.append(statistic(times[:, cluster_N].astype(float)))
    return np.concatenate(replicates)


def expanded(n_clusters: int) -> tuple[float, float]:
    """Percentiles that widen the interval by sqrt(G / (G - 1)) and Student's t, as G clusters need."""
    freedom = max(1, n_clusters - 1)
    reach = np.sqrt(n_clusters / freedom) * stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    return float(stats.norm.cdf(-reach)), float(stats.norm.cdf(reach))
