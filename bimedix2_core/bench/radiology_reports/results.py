"""Results: every metric of generated reports under every definition, for each language, with what was not measured.

    results(rows, texts, external=annotate(...), bertscore=Encoder(...))  ->  [Result | NotMeasured, ...]

Definitions, by name:

- `MULTIMEDEVAL`: each report for itself, then the mean, as MultiMedEval d9ac283: the columns of Tables 6 and 7;
- `EARLY_MULTIMEDEVAL`: BLEU of all reports together, as its first releases, whose request the paper prints: which of
  the two the paper used is not known;
- `SACREBLEU`: all reports together, sacrebleu's defaults;
- `OURS`: each report for itself on Unicode words, then the mean.

An empty report stays in every mean (0 in ours), and is counted. What is defined for English only has no number in
Arabic. Intervals are over patients where they are known, else over studies.
"""

import warnings
from collections.abc import Mapping, Sequence

from bimedix2_core.bench.radiology_reports.bertscore import Encoder
from bimedix2_core.bench.radiology_reports.corpus import corpus_bleu, corpus_chrf, early_multimedeval_bleu
from bimedix2_core.bench.radiology_reports.measured import (
    EARLY_MULTIMEDEVAL,
    MULTIMEDEVAL,
    OURS,
    SACREBLEU,
    NotMeasured,
    Reports,
)
from bimedix2_core.bench.radiology_reports.meteor import METEOR, meteor
from bimedix2_core.bench.radiology_reports.model_results import model_results
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.bench.radiology_reports.overlap import ROUGES, bleu, multimedeval_bleu, multimedeval_rouge, rouge
from bimedix2_core.bench.radiology_reports.protocols import reference_of
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Row

BLEUS = {"BLEU-1": 1, "BLEU-2": 2, "BLEU-4": 4}
CHRF, EMPTY = "chrF++", "empty"


def results(
    rows: Sequence[Row],
    texts: Sequence[str],
    *,
    external: Mapping[str, list[float] | NotRun] | None = None,
    bertscore: Encoder | None = None,
) -> list[Result | NotMeasured]:
    """Every metric under every definition, for each language of the rows.

    Where patients are fewer than intervals are checked for, one warning says how many numbers rest on them.

    Args:
        rows: the reports with their references, of one task.
        texts: what a model wrote, in the same order; empty where it wrote nothing.
        external: `external.annotate` of `english_pairs(rows, texts)`.
        bertscore: the encoder; RadCliQ needs distilroberta-base.

    Raises:
        DataError: there is no row, not one text for each, a reference is empty, a report comes twice, or external
            scores are not of the English rows.
    """
    _check(rows, texts)
    found: list[Result | NotMeasured] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FewClustersWarning)
        for language in LANGUAGES:
            asked = [(row, text) for row, text in zip(rows, texts, strict=True) if row.language == language]
            if asked:
                reports = _reports(language, asked)
                found += _text_results(reports) + model_results(reports, external, bertscore)
    if caught:
        warnings.warn(
            f"{len(caught)} of {len(found)} numbers of reports rest on few patients: read their intervals with care",
            FewClustersWarning,
            stacklevel=2,
        )
    return found


def english_pairs(rows: Sequence[Row], texts: Sequence[str]) -> list[tuple[str, str]]:
    """(hypothesis, reference) of the English rows, in their order: what the external scorers are given."""
    pairs = zip(rows, texts, strict=True)
    return [(text, reference_of(row)) for row, text in pairs if row.language == "en"]


def report_scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[tuple[str, str], list[float]]:
    """BLEU and ROUGE of each report, by metric and definition: what a paired comparison of two models is made from."""
    pairs = list(zip(hypotheses, references, strict=True))
    scores: dict[tuple[str, str], list[float]] = {}
    for definition, bleu_of, rouge_of in ((OURS, bleu, rouge), (MULTIMEDEVAL, multimedeval_bleu, multimedeval_rouge)):
        for metric, order in BLEUS.items():
            scores[metric, definition] = [bleu_of(*pair, order) for pair in pairs]
        rouges = [rouge_of(*pair) for pair in pairs]
        scores |= {(metric, definition): [one[metric] for one in rouges] for metric in ROUGES}
    return scores


def _text_results(reports: Reports) -> list[Result | NotMeasured]:
    found: list[Result | NotMeasured] = []
    for (metric, definition), values in report_scores(reports.hypotheses, reports.references).items():
        if reports.language == "ar" and definition == MULTIMEDEVAL and metric in ROUGES:
            found.append(reports.none(metric, definition, "not defined in Arabic: its words are runs of a-z and 0-9"))
        else:
            found.append(reports.result(metric, definition, values))
    empty = [float(not text.strip()) for text in reports.hypotheses]
    return [*found, *_corpus(reports), _meteor(reports), reports.result(EMPTY, OURS, empty)]


def _corpus(reports: Reports) -> list[Result]:
    texts, clusters = (reports.hypotheses, reports.references), reports.clusters
    estimates = {(CHRF, SACREBLEU): corpus_chrf(*texts, clusters)}
    for metric, order in BLEUS.items():
        estimates[metric, SACREBLEU] = corpus_bleu(*texts, order, clusters)
        estimates[metric, EARLY_MULTIMEDEVAL] = early_multimedeval_bleu(*texts, order, clusters)
    return [Result(*name, "all", reports.language, estimate) for name, estimate in estimates.items()]


def _meteor(reports: Reports) -> Result | NotMeasured:
    if reports.language != "en":
        return reports.none(METEOR, MULTIMEDEVAL, "not defined in Arabic: its stems and synonyms are English")
    values = meteor(reports.hypotheses, reports.references)
    if isinstance(values, NotRun):
        return reports.none(METEOR, MULTIMEDEVAL, values)
    return reports.result(METEOR, MULTIMEDEVAL, values)


def _reports(language: str, asked: Sequence[tuple[Row, str]]) -> Reports:
    names = [row.facts.get("patient_id") or row.facts.get("study_id") or row.id for row, _ in asked]
    return Reports(language, [text for _, text in asked], [reference_of(row) for row, _ in asked], names)


def _check(rows: Sequence[Row], texts: Sequence[str]) -> None:
    if len(rows) != len(texts) or not rows:
        raise DataError(f"{len(texts)} generated reports for {len(rows)} rows; expected one for each, and one at least")
    tasks = sorted({row.task for row in rows})
    if len(tasks) > 1:
        raise DataError(f"reports of {' and '.join(tasks)} together; score each task for itself")
    blank = next((row for row in rows if not reference_of(row).strip()), None)
    if blank:
        raise DataError(f"report {blank.id!r} ({blank.language}) has an empty reference; leave it out when reading")
    if len({(row.id, row.language, row.source) for row in rows}) < len(rows):
        raise DataError(f"{len(rows)} rows, but a report comes twice; score each once")
