"""Noise: how much of a score's uncertainty is the judge's, who would not say quite the same again.

A draw is one verdict on one answer; a judge is drawn several times by repeats, by orders, or both. What an order does
to all answers alike (position bias) is taken out first: it is no noise, and asking in both orders removes it.

The interval of the mean resamples clusters, each with the draws it has. Both vary then: another cluster comes with
other verdicts. To resample the draws inside a resampled cluster once more would count the judge twice (the tests show
it). So any other metric that is resampled by cluster over its draws (`bench.statistics.bootstrap`, a ratio of means)
has the judge inside its interval too. A repeat at temperature 0 shows only what a judge varies by itself.

Source:
    Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8: draw with replacement at the
    highest level only.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bimedix2_core.bench.statistics import bootstrap
from bimedix2_core.bench.statistics.layout import Layout, layout_of
from bimedix2_core.bench.statistics.paired import standard_error
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import CONFIDENCE, Estimate

NEGLIGIBLE = 0.05
"""Share of the variance of the mean below which the judge hardly widens the interval: at most by 2.6%."""


@dataclass(frozen=True)
class JudgeNoise:
    """The mean score of answers that were judged several times, and where its uncertainty comes from."""

    mean: Estimate
    """Over other answers, judged by another draw; ``n`` counts answers."""
    judged_again: Estimate
    """The same mean if the same answers were judged again: the judge's noise alone."""
    n_draws: int
    between_items: float
    """Variance of the scores that the answers would have on average over endless draws."""
    between_draws: float
    """Variance of the draws of one answer."""
    judge_share: float
    """Share of the variance of the mean that is the judge's, 0 to 1."""
    n_enough: int | None
    """Draws of each answer with which that share is `NEGLIGIBLE`; None where no number is enough, since the answers
    themselves do not vary."""

    @property
    def reliability(self) -> float:
        """Share of the variance of a single draw that is the answer's (intraclass correlation); nan where none is."""
        whole = self.between_items + self.between_draws
        return self.between_items / whole if whole else math.nan


def judge_noise(
    values: Sequence[float],
    items: Sequence[Hashable],
    clusters: Sequence[Hashable] | None = None,
    *,
    orders: Sequence[Hashable] | None = None,
    seed: int = 0,
    n_resamples: int = 9999,
) -> JudgeNoise:
    """The mean over answers, each the mean of its draws, with the judge inside its interval.

    That one answer fares better in another order than others do counts as noise; without repeats in one order it cannot
    be told from it.

    Args:
        values: the score of each draw that could be read; an answer may have fewer draws than others.
        items: the answer of each draw.
        clusters: the cluster (image) of each draw; without, all answers are independent.
        orders: in which order each draw was read; without, all in one.
        seed: of the resamples.
        n_resamples: of clusters.

    Raises:
        DataError: not one item, cluster or order for each value, a value is no number, an answer lies in two clusters,
            there are fewer than two answers, or no answer with two draws that could show the noise.
    """
    data = _checked(values)
    draws = layout_of(len(data), items)  # its "clusters" are the answers here
    item_D, n_items = draws.cell, draws.n_clusters
    if n_items < 2:
        raise DataError("the noise of a judge on one answer was asked for; give draws of at least two answers")
    levelled, n_effects = _without_orders(data, item_D, layout_of(len(data), orders) if orders is not None else None)
    n_draws = np.bincount(item_D)
    score_N = np.bincount(item_D, levelled) / n_draws
    freedom = len(data) - n_items - n_effects
    if freedom < 1:
        raise DataError(
            f"{len(data)} draws of {n_items} answers: no answer was judged twice, so the noise cannot be seen; ask for "
            "repeats or for both orders"
        )
    draw_variance = float(((levelled - score_N[item_D]) ** 2).sum() / freedom)
    judge_variance = draw_variance * float((1 / n_draws).sum()) / n_items**2
    cluster_N = None if clusters is None else _cluster_of_each_item(clusters, items, item_D, n_items)
    layout = layout_of(n_items, cluster_N)
    variance = standard_error(layout, layout.sums(score_N)) ** 2
    mean = bootstrap(
        lambda times: times @ score_N / times.sum(1), n_items, cluster_N, seed=seed, n_resamples=n_resamples
    )
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(judge_variance)
    return JudgeNoise(
        mean=mean,
        judged_again=Estimate(mean.value, mean.value - half, mean.value + half, n_items, None, f"t({freedom}), draws"),
        n_draws=len(data),
        between_items=max(0.0, float(score_N.var(ddof=1)) - draw_variance * float((1 / n_draws).mean())),
        between_draws=draw_variance,
        judge_share=min(1.0, judge_variance / variance) if variance else float(judge_variance > 0),
        n_enough=_enough(draw_variance / n_items, variance - judge_variance),
    )


def _enough(variance_of_one: float, variance_of_items: float) -> int | None:
    """Draws of each answer that make the judge's share of the mean's variance negligible.

    Args:
        variance_of_one: of the mean, the judge's part with one draw of each answer.
        variance_of_items: of the mean, the rest.
    """
    if not variance_of_one:
        return 1
    if variance_of_items <= 0:
        return None
    needed = variance_of_one * (1 - NEGLIGIBLE) / (NEGLIGIBLE * variance_of_items)
    return max(1, math.ceil(needed))


def _without_orders(data: np.ndarray, item_D: np.ndarray, orders: Layout | None) -> tuple[np.ndarray, int]:
    """The values less what each order adds to all answers alike, by least squares, and the number of such effects.

    The effects add up to 0, so that every order counts the same whatever number of draws was read in it.
    """
    if orders is None or orders.n_clusters == 1:
        return data, 0
    is_order = np.eye(orders.n_clusters)[orders.cell]
    within = np.column_stack([_less_item_mean(column, item_D) for column in (data, *is_order.T)])
    effects, _, rank, _ = np.linalg.lstsq(within[:, 1:], within[:, 0])
    return data - is_order @ effects, int(rank)


def _less_item_mean(values: np.ndarray, item_D: np.ndarray) -> np.ndarray:
    return values - (np.bincount(item_D, values) / np.bincount(item_D))[item_D]


def _cluster_of_each_item(
    clusters: Sequence[Hashable], items: Sequence[Hashable], item_D: np.ndarray, n_items: int
) -> list[Hashable]:
    layout_of(len(items), clusters)  # one for each draw
    found: list[Hashable] = [None] * n_items
    for place, item, cluster in zip(item_D.tolist(), items, clusters, strict=True):
        if found[place] not in (None, cluster):
            raise DataError(f"answer {item!r} lies in the clusters {found[place]!r} and {cluster!r}; expected one")
        found[place] = cluster
    return found


def _checked(values: Sequence[float]) -> np.ndarray:
    data = np.array([math.nan if value is None else value for value in values], dtype=float)
    unread = int((~np.isfinite(data)).sum())
    if unread:
        raise DataError(f"{unread} of {len(data)} draws have no number; leave unscored draws out, and count them")
    return data
