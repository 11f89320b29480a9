"""Agreement: how far reviewers who saw the same questions prefer the same model."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bimedix2_core.bench.blind_comparison.reading import Choice
from bimedix2_core.bench.statistics import interval
from bimedix2_core.bench.statistics.layout import layout_of
from bimedix2_core.bench.statistics.resampling import resampled
from bimedix2_core.statistics import CONFIDENCE, Estimate

N_RESAMPLES = 2000
TIE = "tie"


@dataclass(frozen=True)
class PairAgreement:
    """Two reviewers on the questions that both answered; a tie is an answer like a model."""

    first: str
    second: str
    same: Estimate
    """Share of questions with the same answer."""
    kappa: Estimate | None
    """Cohen's kappa, 0 for chance; None where both gave one and the same answer throughout (0 / 0)."""


def agreement(choices: Iterable[Choice], *, seed: int = 0) -> tuple[PairAgreement, ...]:
    """The agreement of every pair of reviewers who share at least one question, in alphabetical order.

    A question is shared in one language only: the Arabic twin of a question is another one.
    """
    said: defaultdict[str, dict[tuple[str, str], Choice]] = defaultdict(dict)
    for choice in choices:
        if choice.outcome != "open":
            said[choice.reviewer][choice.language, choice.item_id] = choice
    pairs = []
    for first, second in combinations(sorted(said), 2):
        shared = [key for key in said[first] if key in said[second]]
        if shared:
            answers = [[said[one][key].model or TIE for key in shared] for one in (first, second)]
            clusters = [said[first][key].cluster for key in shared]
            same = interval([float(a == b) for a, b in zip(*answers, strict=True)], clusters)
            pairs.append(PairAgreement(first, second, same, kappa(*answers, clusters, seed=seed)))
    return tuple(pairs)


def kappa(first: Sequence[str], second: Sequence[str], clusters: Sequence[str], *, seed: int = 0) -> Estimate | None:
    """Cohen's kappa of answers without an order, with a percentile interval over resampled clusters.

    Resamples in which kappa is 0 / 0 are left out; None where kappa itself is.

    Source:
        Cohen, Educational and Psychological Measurement 20 (1960).
    """
    names = sorted({*first, *second})
    marks = [np.array([[one == name for name in names] for one in said], dtype=float) for said in (first, second)]

    def of_weighted(times_BN: np.ndarray) -> np.ndarray:
        n = times_BN.sum(1)
        observed = times_BN @ (marks[0] * marks[1]).sum(1) / n
        by_chance = ((times_BN @ marks[0]) * (times_BN @ marks[1])).sum(1) / n**2
        return np.divide(observed - by_chance, 1 - by_chance, out=np.full(len(n), np.nan), where=by_chance < 1)

    value = float(of_weighted(np.ones((1, len(first))))[0])
    if np.isnan(value):
        return None
    layout = layout_of(len(first), clusters)
    replicates = resampled(of_weighted, layout.cell, layout.n_clusters, seed=seed, n_resamples=N_RESAMPLES)
    low, high = np.nanquantile(replicates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    n_clusters = layout.n_clusters if layout.is_clustered else None
    method = f"bootstrap, {N_RESAMPLES} resamples"
    return Estimate(value, float(low), float(high), len(first), n_clusters, method)
