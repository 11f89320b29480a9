"""Shares: how much of each language an expert takes, and the difference, with intervals over texts.

A share is a ratio of sums over texts of unequal length. Its error is the cluster-robust one of `statistics.layout`, a
text being a cluster and its tokens' choices the samples; so an expert that nothing chose has an interval too.
"""

import numpy as np

from bimedix2_core.bench.expert_use.routing import Routing
from bimedix2_core.bench.statistics.intervals import joined_ends
from bimedix2_core.bench.statistics.layout import Layout
from bimedix2_core.records import LANGUAGES
from bimedix2_core.statistics import Estimate, wilson_ends

METHOD = "Wilson over texts, CR2"

Grid = list[list[Estimate]]
"""An estimate for each layer and expert."""


def shares_and_differences(routing: Routing) -> tuple[dict[str, Grid], Grid]:
    """Each expert's share of a language's choices, and the Arabic share minus the English.

    Returns:
        by language, [L][E] shares with Wilson's interval for the effective number of choices; and [L][E] differences,
        whose interval joins the two (MOVER) with the correlation of the languages within texts. Both are never of
        width 0.
    """
    layout = _layout(routing)
    sums_LENK = np.stack([np.moveaxis(routing.chosen[language], 0, -1) for language in LANGUAGES], axis=-1)
    means, covariance = layout.means(sums_LENK), layout.covariance(sums_LENK)
    n_telling = np.minimum((sums_LENK > 0).sum(-2), (sums_LENK < layout.counts).sum(-2))
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    effective = layout.effective_n(means * (1 - means), variances, n_telling)
    low, high = wilson_ends(means, effective, layout.t_quantile())
    n_texts = len(routing.ids)
    shares = {
        language: _grid(means[..., k], low[..., k], high[..., k], layout.counts[:, k].sum(), n_texts)
        for k, language in enumerate(LANGUAGES)
    }
    signs = np.array([-1.0, 1.0])  # English is taken away
    turned = np.where(signs > 0, low, -high), np.where(signs > 0, high, -low)
    ends = joined_ends(layout, means * signs, covariance * np.outer(signs, signs), turned)
    differences = _grid((means * signs).sum(-1), 2 * ends[0], 2 * ends[1], layout.n, n_texts)
    return shares, differences


def _layout(routing: Routing) -> Layout:
    """Texts as clusters and languages as groups; a sample is one choice of one token."""
    counts_NK = np.stack([routing.n_choices(language) for language in LANGUAGES], axis=-1)
    return Layout(counts_NK, np.repeat(np.arange(counts_NK.size), counts_NK.ravel()), LANGUAGES)


def _grid(value: np.ndarray, low: np.ndarray, high: np.ndarray, n: int, n_texts: int) -> Grid:
    rows = np.stack([value, low, high], axis=-1).tolist()
    return [[Estimate(*cell, int(n), n_texts, METHOD) for cell in row] for row in rows]
