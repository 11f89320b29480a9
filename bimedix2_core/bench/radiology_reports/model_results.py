"""Model results: the metrics of reports that need another model: BERTScore, RadGraph, CheXbert, and RadCliQ of all."""

from collections.abc import Mapping, Sequence

import numpy as np

from bimedix2_core.bench.radiology_reports import radcliq
from bimedix2_core.bench.radiology_reports.bertscore import Encoder, Idf, bertscore, rescaled
from bimedix2_core.bench.radiology_reports.external import CHEXBERT_OVERALL, ExternalScores
from bimedix2_core.bench.radiology_reports.external.chexbert import f1_scores
from bimedix2_core.bench.radiology_reports.measured import MULTIMEDEVAL, OURS, UNIT, NotMeasured, Reports
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.bench.statistics import bootstrap
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate

BERTSCORE, RADCLIQ, RADGRAPH, CHEXBERT = "BERTScore", "RadCliQ-v1", "F1-RadGraph", "CheXbert vector"

WEIGHTINGS: dict[Idf, str] = {
    "none": "no idf",
    "hypotheses": f"idf of hypotheses ({MULTIMEDEVAL})",
    "references": "idf of references",
}
RADCLIQ_IDF: dict[str, Idf] = {radcliq.RG_MEAN: "none", radcliq.RG_ER: "hypotheses"}
"""Variant of RadCliQ-v1 and the idf of its BERTScore."""

F1_CHEXBERT = "F1CheXbert"
EXTERNAL = (
    (RADGRAPH, MULTIMEDEVAL, "f1_radgraph", UNIT),
    ("RG_E", "RadGraph rewards", "rg_e", UNIT),
    ("RG_bar_ER", "RadGraph rewards", "rg_bar_er", UNIT),
    (CHEXBERT, MULTIMEDEVAL, "chexbert_cosine", (-1.0, 1.0)),
    ("CheXbert exact match of 5", F1_CHEXBERT, "chexbert_exact_5", UNIT),
)
"""Metric, definition, name among the external scores, and bounds; F1-RadGraph is RG_ER."""

ENGLISH_ONLY = "not defined in Arabic: its model reads English"
NO_EXTERNAL = "needs the scorers' own environment (bench/radiology_reports/external)"
NO_ENCODER = "needs an encoder's weights on this machine"
N_RESAMPLES = 500

External = Mapping[str, list[float] | NotRun]
Similarities = Mapping[Idf, list[float] | str]
"""BERTScore of each report by idf, or why there is none."""


def model_results(reports: Reports, external: External | None, encoder: Encoder | None) -> list[Result | NotMeasured]:
    """BERTScore, the external scores and RadCliQ of the reports; `results` says more.

    Raises:
        DataError: the external scores are not of these reports.
    """
    similarities = _similarities(reports, encoder)
    return [
        *_bertscores(reports, similarities, encoder),
        *_externals(reports, external),
        *_radcliqs(reports, similarities, external, encoder),
    ]


def _similarities(reports: Reports, encoder: Encoder | None) -> Similarities:
    if encoder is None:
        return dict.fromkeys(WEIGHTINGS, str(NotRun(BERTSCORE, NO_ENCODER)))
    if reports.language not in encoder.languages:
        return dict.fromkeys(WEIGHTINGS, f"not defined in this language: {encoder.name} is for {encoder.languages}")
    idfs = tuple(WEIGHTINGS) if len(reports.pairs) > 1 else ("none",)
    few = "not run: idf needs two reports or more"
    return dict.fromkeys(WEIGHTINGS, few) | bertscore(reports.hypotheses, reports.references, encoder, idfs=idfs)


def _bertscores(reports: Reports, similarities: Similarities, encoder: Encoder | None) -> list[Result | NotMeasured]:
    found: list[Result | NotMeasured] = []
    for idf, values in similarities.items():
        definition = f"{encoder.name if encoder else 'no encoder'}, {WEIGHTINGS[idf]}"
        found.append(
            reports.none(BERTSCORE, definition, values)
            if isinstance(values, str)
            else reports.result(BERTSCORE, definition, values, (-1.0, 1.0))
        )
    return found


def _externals(reports: Reports, external: External | None) -> list[Result | NotMeasured]:
    found: list[Result | NotMeasured] = []
    for metric, definition, name, bounds in EXTERNAL:
        values = _values(reports, external, name)
        if isinstance(values, str):
            found.append(reports.none(metric, definition, values))
        else:
            found.append(reports.result(metric, definition, values, bounds))
            if metric == CHEXBERT:
                found.append(reports.result(metric, OURS, _uncredited(values, reports.hypotheses), bounds))
    return found + _chexbert_f1(reports, external)


def _chexbert_f1(reports: Reports, external: External | None) -> list[Result | NotMeasured]:
    """CheXbert's F1 over all reports, with bootstrap intervals."""
    present = external.present if isinstance(external, ExternalScores) else NotRun(CHEXBERT, NO_EXTERNAL)
    if reports.language != "en" or isinstance(present, NotRun):
        why = present if reports.language == "en" else ENGLISH_ONLY
        return [reports.none(metric, F1_CHEXBERT, str(why)) for metric in CHEXBERT_OVERALL]
    return [
        Result(metric, F1_CHEXBERT, "all", reports.language, _resampled_f1(metric, *present, reports.clusters))
        for metric in CHEXBERT_OVERALL
    ]


def _resampled_f1(metric: str, ours: np.ndarray, theirs: np.ndarray, clusters: Sequence[str]) -> Estimate:
    def statistic(weight_BN: np.ndarray) -> np.ndarray:
        drawn = (np.repeat(np.arange(len(ours)), weight_N.astype(int)) for weight_N in weight_BN)
        return np.array([f1_scores(ours[index], theirs[index])[metric] for index in drawn])

    return bootstrap(statistic, len(ours), clusters, n_resamples=N_RESAMPLES)


def _radcliqs(
    reports: Reports, similarities: Similarities, external: External | None, encoder: Encoder | None
) -> list[Result | NotMeasured]:
    """RadCliQ-v1 in both variants; lower is better."""
    found: list[Result | NotMeasured] = []
    for variant, idf in RADCLIQ_IDF.items():
        features = _features(reports, variant, similarities[idf], external, encoder)
        if isinstance(features, str):
            found.append(reports.none(RADCLIQ, variant, features))
        else:
            bounds = _radcliq_bounds(variant, rescaled([-1.0], encoder)[0])
            found.append(reports.result(RADCLIQ, variant, radcliq.radcliq_v1(features, variant), bounds))
    return found


def _features(
    reports: Reports, variant: str, similarity: list[float] | str, external: External | None, encoder: Encoder | None
) -> dict[str, list[float]] | str:
    """The four features of a variant, or why they are not there."""
    features: dict[str, list[float]] = {}
    for name in (radcliq.RADGRAPH_FEATURE[variant], "chexbert_cosine"):
        values = _values(reports, external, name)
        if isinstance(values, str):
            return values
        features[name] = values
    if isinstance(similarity, str):
        return similarity
    if encoder is None or encoder.baseline is None:
        return "not run: needs the baseline of the encoder"
    bleu_2 = [radcliq.bleu_2(*pair) for pair in reports.pairs]
    return features | {"bertscore_rescaled": rescaled(similarity, encoder), "bleu_2": bleu_2}


def _radcliq_bounds(variant: str, worst_similarity: float) -> tuple[float, float]:
    """The least and the greatest value it can take."""
    radgraph = radcliq.RADGRAPH_FEATURE[variant]
    ends = {radgraph: [1, 0], "bertscore_rescaled": [1, worst_similarity], "chexbert_cosine": [1, -1], "bleu_2": [0, 1]}
    least, most = radcliq.radcliq_v1(ends, variant)
    return float(least), float(most)


def _values(reports: Reports, external: External | None, name: str) -> list[float] | str:
    """A score of each report, or why there is none."""
    if reports.language != "en":
        return ENGLISH_ONLY
    values = (external or {}).get(name, NotRun(name, NO_EXTERNAL))
    if isinstance(values, NotRun):
        return str(values)
    if len(values) != len(reports.pairs):
        raise DataError(
            f"{len(values)} external scores {name} for {len(reports.pairs)} English reports; "
            "annotate english_pairs(rows, texts)"
        )
    return values


def _uncredited(values: Sequence[float], hypotheses: Sequence[str]) -> list[float]:
    """The values with 0 for an empty report, which an encoder finds like many a reference."""
    return [value if text.strip() else 0.0 for value, text in zip(values, hypotheses, strict=True)]
