"""Corpus: BLEU and chrF++ over all reports at once, with an interval over resampled patients.

Neither is a mean over reports: matches are counted in all of them before they are divided. 0 to 1 here, where sacrebleu
prints 0 to 100.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric

from bimedix2_core.bench.statistics import bootstrap
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate

N_RESAMPLES = 1000


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[str], order: int, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """BLEU of up to `order` words over all reports: sacrebleu's default, 13a tokens, case kept.

    Raises:
        DataError: there is no report, or not one reference for each.
    """
    return _corpus(BLEU(max_ngram_order=order, force=True), hypotheses, references, clusters)


def early_multimedeval_bleu(
    hypotheses: Sequence[str], references: Sequence[str], order: int, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """BLEU over all reports of what stands between spaces, not smoothed; errors as `corpus_bleu`.

    Source:
        MultiMedEval as long as it was called multimedbench, with the request that the paper prints: the toolkit printed
        what torchmetrics' ``BLEUScore.compute`` gives over all reports. Later it takes the mean over reports.
    """
    metric = BLEU(max_ngram_order=order, force=True, tokenize="none", smooth_method="none")
    return _corpus(metric, hypotheses, references, clusters)


def corpus_chrf(
    hypotheses: Sequence[str], references: Sequence[str], clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The chrF++ of all reports: runs of up to 6 characters and 2 words; errors as `corpus_bleu`."""
    return _corpus(CHRF(word_order=2), hypotheses, references, clusters)


def _corpus(
    metric: Metric, hypotheses: Sequence[str], references: Sequence[str], clusters: Sequence[Hashable] | None
) -> Estimate:
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses)} reports but {len(references)} references; they must pair up one to one")
    if not hypotheses:
        raise DataError("a metric over no reports was asked for; give at least one report")
    counts_NS = np.array(metric._extract_corpus_statistics(hypotheses, [references]), dtype=float)

    def score(weight_BN: np.ndarray) -> np.ndarray:
        return np.array([_score(metric, counts_S) for counts_S in weight_BN @ counts_NS])

    return bootstrap(score, len(hypotheses), clusters, n_resamples=N_RESAMPLES)


def _score(metric: Metric, counts_S: np.ndarray) -> float:
    """The score of summed counts, 0 to 1; sacrebleu's is a hair above 100 for identical texts."""
    return min(1.0, metric._compute_score_from_stats(counts_S.tolist()).score / 100)
