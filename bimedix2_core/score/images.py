"""Benchmarks with images and reports: medical VQA, BiMed-MBench with a judge's verdicts, radiology reports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bimedix2_core.bench import mbench
from bimedix2_core.bench.answer_file import Fields
from bimedix2_core.bench.judge import replay
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.bench.medical_vqa import clean_results, overlaps, results, spread
from bimedix2_core.bench.radiology_reports.measured import NotMeasured
from bimedix2_core.bench.radiology_reports.results import results as report_results
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows, source_named
from bimedix2_core.data.sources.reports import MimicCxr, iu_xray, mimic_cxr, mimic_iii
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row
from bimedix2_core.score.asked import Asked, Found, Scorer

VQA_SETS = ("rad_vqa", "slake_vqa", "path_vqa")
MBENCH = "bimed_mbench"
PARQUET = ".parquet"


def _vqa_rows(asked: Asked) -> list[Row]:
    return _questions(asked.benchmark, asked.data, asked.language, split="test")


def _questions(name: str, place: Path, language: str, split: str) -> list[Row]:
    """All questions; images that stand in the file are hashed, so that questions about one are known."""
    source = replace(source_named(name), language=language)
    with TemporaryDirectory() as folder:
        images = ImageStore(folder) if place.suffix == PARQUET else None
        return list(source.read(place, bad_rows=BadRows(0), images=images, split=split))


def _vqa(asked: Asked, rows: Sequence[Row], answered: Sequence[Row], texts: Sequence[str]) -> Found:
    found = results(answered, texts)
    remarks = [str(one) for one in spread(found)]
    if asked.training is None:
        return found, remarks
    training = _questions(asked.benchmark, asked.training, asked.language, split="train")
    for subset in clean_results(answered, texts, overlaps(answered, training)):
        apart = f", without questions that share the {subset.shared} with training"
        found += [replace(one, definition=one.definition + apart) for one in subset.results]
        remarks.append(str(subset))
    return found, remarks


def _mbench_rows(asked: Asked) -> list[Row]:
    read = mbench.read({asked.language: asked.data}, allow_partial=asked.allow_partial)
    return list(read.rows)


def _mbench(asked: Asked, rows: Sequence[Row], answered: Sequence[Row], texts: Sequence[str]) -> Found:
    if asked.verdicts is None or not asked.judge:
        raise DataError(
            "BiMed-MBench is graded by a judge: give its verdicts with --verdicts and its name with --judge, in "
            "LLaVA-Med's layout (question, ans1, ans2, result) or as ask_judge recorded them (verdicts.jsonl)"
        )
    judged = _recorded(asked, answered, texts) or _published(asked, answered, texts)
    audit = Counter(one.name for one in mbench.read({asked.language: asked.data}, allow_partial=True).audit.findings)
    remarks = [f"{count:,} of {len(rows):,} questions: {name}" for name, count in audit.items()]
    return mbench.results(judged), remarks


def _recorded(asked: Asked, rows: Sequence[Row], texts: Sequence[str]) -> list[Judged]:
    """Verdicts of our own record, in both orders where it has both; nothing where the file is of another layout."""
    if not _is_record(asked.verdicts):
        return []
    judge = mbench.PairwiseJudge(asked.judge, mbench.pairwise_prompts())
    judged: list[Judged] = []
    for order in mbench.ORDERS:
        requests = judge.requests(rows, texts, order=order)
        verdicts = replay(requests, asked.judge, asked.verdicts, allow_missing=order != mbench.ORDERS[0])
        if any(one.text is not None for one in verdicts):
            judged += judge.judged(rows, texts, verdicts, order=order)
    return judged


def _is_record(file: Path) -> bool:
    """Whether it is a record of `ask_judge`, by its first line."""
    if not file.is_file():
        raise DataError(f"{file.name}: no such file of verdicts")
    with file.open(encoding="utf-8") as lines:
        return '"prompts"' in lines.readline()


def _published(asked: Asked, rows: Sequence[Row], texts: Sequence[str]) -> list[Judged]:
    judged = mbench.read_verdict_file(asked.verdicts, rows, judge=asked.judge)
    for one, text in zip(judged, texts, strict=True):
        if one.is_scored and one.answer.strip() != text.strip():
            raise DataError(
                f"{asked.verdicts.name}: the verdict on question {one.row.id!r} is of the answer {one.answer!r:.60}, "
                f"but {asked.predictions.name} has {text!r:.60}; give the verdicts on these answers"
            )
    return judged


def _report_rows(asked: Asked) -> list[Row]:
    if asked.benchmark == "mimic_cxr":
        split = asked.data / "mimic-cxr-2.0.0-split.csv.gz"
        return list(mimic_cxr(MimicCxr(asked.data, split), bad_rows=BadRows(0), raw_ids=True))
    if asked.benchmark == "mimic_iii":
        return list(mimic_iii(asked.data, bad_rows=BadRows(0), raw_ids=True))
    return list(iu_xray(asked.data, bad_rows=BadRows(0), language=asked.language))


def _reports(asked: Asked, _: Sequence[Row], answered: Sequence[Row], texts: Sequence[str]) -> Found:
    found = report_results(answered, texts)
    remarks = [f"{one.metric} ({one.definition}): {one.why}" for one in found if isinstance(one, NotMeasured)]
    return [one for one in found if not isinstance(one, NotMeasured)], remarks


VQA, REPORTS = Scorer(_vqa_rows, _vqa), Scorer(_report_rows, _reports)
SCORERS = (
    dict.fromkeys(VQA_SETS, VQA)
    | {MBENCH: Scorer(_mbench_rows, _mbench, Fields("question_id", "text"))}
    | dict.fromkeys(("mimic_cxr", "mimic_iii", "iu_xray"), REPORTS)
)
