"""Agreement: how far reviewers who saw the same items say the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bimedix2_core.data.review.items import VERDICTS, Review
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import CONFIDENCE, Estimate, proportion

WEIGHTS = ("linear", "quadratic")


@dataclass(frozen=True)
class PairAgreement:
    """Two reviewers on the items that both saw."""

    first: str
    second: str
    table: tuple[tuple[int, ...], ...]
    """Number of items by the first one's verdict (rows) and the second one's (columns), in the order of `VERDICTS`."""
    same: Estimate
    """Share of items with the same verdict."""
    linear: Estimate
    """Kappa with linear weights."""
    quadratic: Estimate
    """Kappa with quadratic weights: major against none weighs four times minor against none."""

    @property
    def n(self) -> int:
        """Number of items that both saw."""
        return self.same.n


def agreement(reviews: Iterable[Review], *, seed: int = 0) -> tuple[PairAgreement, ...]:
    """The agreement of every pair of reviewers who share at least one item, in alphabetical order.

    Raises:
        DataError: a reviewer judged an item twice.
    """
    by_reviewer = verdicts_by_reviewer(reviews)
    pairs = []
    for first, second in combinations(sorted(by_reviewer), 2):
        table = _table(by_reviewer[first], by_reviewer[second])
        if n := int(table.sum()):
            linear, quadratic = (kappa_interval(table, weights, seed=seed) for weights in WEIGHTS)
            rows = tuple(tuple(row) for row in table.tolist())
            pairs.append(PairAgreement(first, second, rows, proportion(int(table.trace()), n), linear, quadratic))
    return tuple(pairs)


def kappa(table: Sequence[Sequence[int]] | np.ndarray, weights: str) -> float:
    """Weighted kappa: 1 - (sum of w O) / (sum of w E).

    ``O`` are the counts of the table, ``E`` those expected of two independent raters with the same margins, and ``w``
    is the disagreement: |i - j| (linear) or (i - j)^2 (quadratic).

    Returns:
        At most 1; 0 is chance. nan where both raters gave one and the same verdict throughout (0 / 0).

    Raises:
        DataError: the weights are neither ``linear`` nor ``quadratic``.

    Source:
        Cohen, Psychological Bulletin 70 (1968); quadratic weights: Fleiss and Cohen, Educational and Psychological
        Measurement 33 (1973).
    """
    return float(kappas(np.asarray(table, dtype=float)[None], weights)[0])


def kappa_interval(
    table: Sequence[Sequence[int]] | np.ndarray, weights: str, *, seed: int = 0, n_resamples: int = 2000
) -> Estimate:
    """Weighted kappa with a percentile bootstrap interval over the items.

    Resamples in which kappa is 0 / 0 are left out; if kappa itself is, so is the interval (nan).

    Raises:
        DataError: the table is empty, or the weights are unknown.
    """
    counts = np.asarray(table, dtype=float)
    n = int(counts.sum())
    if n == 0:
        raise DataError("an agreement over no shared item was asked for; let two reviewers judge the same items")
    value = kappa(counts, weights)
    if np.isnan(value):
        return Estimate(value, value, value, n)
    drawn = np.random.default_rng(seed).multinomial(n, (counts / n).ravel(), size=n_resamples)
    resampled = kappas(drawn.reshape(n_resamples, *counts.shape), weights)
    low, high = np.nanquantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high), n)


def kappas(tables: np.ndarray, weights: str, values: Sequence[float] | None = None) -> np.ndarray:
    """The weighted kappa of each of many tables.

    Args:
        tables: float[B, K, K], counts.
        weights: ``linear`` or ``quadratic``.
        values: the K values of the scale; without, they are a step of 1 apart.

    Returns:
        float[B]; nan where both raters gave one and the same value throughout.

    Raises:
        DataError: the weights are unknown.
    """
    if weights not in WEIGHTS:
        raise DataError(f"unknown weights {weights!r} of kappa; known: {', '.join(WEIGHTS)}")
    places = np.arange(tables.shape[1]) if values is None else np.asarray(values, dtype=float)
    distance = np.abs(np.subtract.outer(places, places))
    disagreement = distance if weights == "linear" else distance**2
    expected = np.einsum("bi,bj->bij", tables.sum(2), tables.sum(1)) / tables.sum((1, 2))[:, None, None]
    found, by_chance = ((disagreement * one).sum((1, 2)) for one in (tables, expected))
    return 1 - np.divide(found, by_chance, out=np.full(len(tables), np.nan), where=by_chance > 0)


def verdicts_by_reviewer(reviews: Iterable[Review]) -> dict[str, dict[str, str]]:
    """Verdict by id, by reviewer.

    Raises:
        DataError: a reviewer judged an item twice.
    """
    found: dict[str, dict[str, str]] = {}
    for review in reviews:
        verdicts = found.setdefault(review.reviewer, {})
        if review.id in verdicts:
            raise DataError(f"{review.reviewer!r} judged item {review.id!r} twice; read each sheet once")
        verdicts[review.id] = review.verdict
    return found


def _table(first: dict[str, str], second: dict[str, str]) -> np.ndarray:
    table = np.zeros((len(VERDICTS), len(VERDICTS)), dtype=int)
    for id in first.keys() & second.keys():
        table[VERDICTS.index(first[id]), VERDICTS.index(second[id])] += 1
    return table
