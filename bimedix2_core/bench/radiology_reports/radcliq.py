"""RadCliQ-v1: four features of a report pair in one number, fitted to the errors that radiologists counted.

Lower is better: it predicts a number of errors. A perfect copy of a report has about -1.44, and no score is a share.

    z_j = (x_j - mean_j) / scale_j          score = sum_j weight_j z_j + intercept

The coefficients were read from the published model without running it; no pickle and no scikit-learn is needed here.
The weight of BLEU-2 is zero for all purposes; the feature is still asked for, so that a score is what its name says.

Two things are called RadCliQ-v1 in print, and they differ in the first feature. Both are here, each under its name.

Source: Yu et al., Patterns 2023, and the repository rajpurkarlab/CXR-Report-Metric; MultiMedEval for the second name.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.errors import DataError

RG_MEAN = "RadCliQ-v1 (RG mean)"
"""As its authors define it: the first feature is the mean of RadGraph's entity F1 and relation F1."""

RG_ER = "RadCliQ-v1 (RG_ER, MultiMedEval)"
"""As MultiMedEval, and so the paper's Tables 6 and 7, compute it: RG_ER takes the place of the mean."""

RADGRAPH_FEATURE = {RG_MEAN: "radgraph_mean", RG_ER: "f1_radgraph"}
"""Variant and the name of its first feature, as `external.annotate` names it."""

EPSILON = 0.1
"""Matches that BLEU-2 counts where no pair of words matches."""


@dataclass(frozen=True)
class Term:
    """One feature's part in the score."""

    feature: str
    mean: float
    scale: float
    weight: float


TERMS = (
    Term("radgraph", 0.5379231241355762, 0.3028258411486429, -0.37708368261038905),
    Term("bertscore_rescaled", 0.6175725628125001, 0.22430938459304575, -0.37030009974480316),
    Term("chexbert_cosine", 0.7647942121140658, 0.2539439110169773, -0.25261621789593225),
    Term("bleu_2", 0.44738335396242174, 0.2989271671041838, 4.315048405024756e-12),
)
"""In the published order; ``radgraph`` stands for the feature that the variant names."""

INTERCEPT = 2.466552561323256e-10


def feature_names(variant: str = RG_MEAN) -> tuple[str, ...]:
    """The features that a variant needs, in the published order.

    Raises:
        DataError: there is no such variant.
    """
    if variant not in RADGRAPH_FEATURE:
        raise DataError(f"there is no RadCliQ variant {variant!r}; there are {', '.join(map(repr, RADGRAPH_FEATURE))}")
    return (RADGRAPH_FEATURE[variant], *(term.feature for term in TERMS[1:]))


def radcliq_v1(features: Mapping[str, Sequence[float] | NotRun], variant: str = RG_MEAN) -> np.ndarray:
    """RadCliQ-v1 of each report pair; lower is better.

    Args:
        features: a list of one number for each pair under each name of `feature_names`; more names do no harm.
            ``bertscore_rescaled`` is BERTScore's F1 with ``distilroberta-base``, rescaled with its baseline, without
            idf as in the authors' default; ``chexbert_cosine`` is that of the embeddings; ``bleu_2`` is `bleu_2`.
        variant: `RG_MEAN` or `RG_ER`.

    Returns:
        ``float[N]``, predicted errors up to the authors' standardisation.

    Raises:
        DataError: a feature is missing, was not run, is not finite, or the lists are of different lengths; the message
            names it. A score of three features would be another metric.
    """
    names = feature_names(variant)
    columns = [_column(features, name, variant) for name in names]
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{variant}: every feature needs one number for each pair, found {lengths}")
    terms = zip(TERMS, columns, strict=True)
    return INTERCEPT + sum(term.weight * (column - term.mean) / term.scale for term, column in terms)


def _column(features: Mapping[str, Sequence[float] | NotRun], name: str, variant: str) -> np.ndarray:
    found = features.get(name)
    if found is None:
        raise DataError(f"{variant} needs the feature {name}, which is missing; there are {sorted(features)}")
    if isinstance(found, NotRun):
        raise DataError(f"{variant} needs the feature {name}, which was {found}")
    column = np.asarray(found, dtype=float)
    wrong = np.flatnonzero(~np.isfinite(column))
    if len(wrong):
        raise DataError(f"{variant}: the feature {name} is no number for {len(wrong)} pairs, the first is {wrong[0]}")
    return column


def bleu_2(hypothesis: str, reference: str) -> float:
    """BLEU-2 as RadCliQ's repository makes it, 0 to 1.

    Lower-cased, split at spaces only (a line break stays in its word), each full stop a word of its own. Weights 1/2
    and 1/2, brevity penalty, and the smoothing of fast_bleu 0.0.90, its library: no common word gives 0, and where no
    pair of words matches a tenth of a match is counted.
    """
    ours, theirs = _words(hypothesis), _words(reference)
    ones, twos = (_matches(ours, theirs, order) for order in (1, 2))
    if not ones:
        return 0.0
    precisions = (ones / len(ours), (twos or EPSILON) / max(1, len(ours) - 1))
    brevity = 1.0 if len(ours) > len(theirs) else math.exp(1 - len(theirs) / len(ours))
    return brevity * math.sqrt(precisions[0] * precisions[1])


def _words(report: str) -> list[str]:
    return [word for word in report.lower().replace(".", " .").split(" ") if word]


def _matches(ours: Sequence[str], theirs: Sequence[str], order: int) -> int:
    """Runs of ``order`` words on both sides, each as often as the side with fewer has it."""
    return (_runs(ours, order) & _runs(theirs, order)).total()


def _runs(words: Sequence[str], order: int) -> Counter:
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))
