"""Score answers that were made elsewhere: every metric under every definition, with n and interval.

    python -m bimedix2_core.score pubmedqa --data pubmedqa/ --predictions answers.jsonl --out scores.json
    python -m bimedix2_core.score mmlu_medical --language ar --data ar/ --english en/ --predictions a.jsonl --out s.json
    python -m bimedix2_core.score uphill --data UPHILL.csv --predictions a.jsonl --label-field l --judge N --out s.json

An answer file is JSON lines with an id and an answer each. Research use only, not for clinical use.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bimedix2_core import __version__
from bimedix2_core.bench import uphill
from bimedix2_core.bench.answer_file import Fields, read_answers, read_field
from bimedix2_core.bench.clinical_qa.examined import every_definition, own_reader
from bimedix2_core.bench.clinical_qa.reading import read_set
from bimedix2_core.bench.clinical_qa.sets import SETS
from bimedix2_core.bench.clinical_qa.tables import text_scores
from bimedix2_core.bench.language_fidelity import fidelity
from bimedix2_core.bench.statistics.conservation import check
from bimedix2_core.bench.task import Result
from bimedix2_core.data.alignment import Audit, audit
from bimedix2_core.errors import CompanionError, DataError
from bimedix2_core.records import LANGUAGES, Row
from bimedix2_core.runs import content_key, data_key, write_atomic

MMLU_MEDICAL = "mmlu_medical"
"""The six subjects of medical MMLU together."""

GROUPS = {MMLU_MEDICAL: tuple(one.id for one in SETS.values() if one.form == "mmlu")}
"""Names that stand for several sets of one folder."""

UPHILL = "uphill"
BENCHMARKS = (*GROUPS, *SETS, UPHILL)


@dataclass(frozen=True)
class Asked:
    """What was asked of `score`."""

    benchmark: str
    data: Path
    predictions: Path
    language: str = "en"
    english: Path | None = None
    """The English rows of an Arabic set, for its alignment audit."""
    fields: Fields = field(default_factory=Fields)
    label_field: str | None = None
    """Field of UPHILL's entailment label."""
    judge: str = ""
    """Who gave the labels."""
    by_position: bool = False
    allow_partial: bool = False


@dataclass(frozen=True)
class Scored:
    """Every metric of an answer file."""

    asked: Asked
    n_samples: int
    n_answered: int
    results: tuple[Result, ...]
    remarks: tuple[str, ...]
    """What must be said beside the numbers."""


def score(asked: Asked) -> Scored:
    """Score an answer file; the same files give the same numbers.

    Raises:
        DataError: the data or the answers cannot be read or do not belong together, or a conservation law is broken.
    """
    rows = _rows(asked, asked.data, asked.language)
    answers = read_answers(
        asked.predictions,
        [row.id for row in rows],
        fields=asked.fields,
        by_position=asked.by_position,
        allow_partial=asked.allow_partial,
    )
    answered = [row for row in rows if row.id in answers]
    if not answered:
        raise DataError(f"{asked.predictions.name}: no answer at all; expected one for each of {len(rows):,} samples")
    texts = [answers[row.id] for row in answered]
    remarks = _partial(len(answered), len(rows))
    if asked.benchmark == UPHILL:
        found = _uphill(asked, answered, texts)
    else:
        found, more = _clinical(asked, rows, answered, texts)
        remarks += more
    found += fidelity([row.language for row in answered], texts)
    return Scored(asked, len(rows), len(answered), tuple(found), tuple(remarks))


def text_of(scored: Scored) -> str:
    """The results as lines, one metric each, under the remarks."""
    head = f"{scored.asked.benchmark} ({scored.asked.language}): {scored.n_answered:,} of {scored.n_samples:,} answered"
    cells = [
        (
            result.metric,
            result.definition,
            f"{result.kind}, {result.language}",
            f"{result.estimate.value:.4f}",
            f"[{result.estimate.low:.4f}, {result.estimate.high:.4f}]",
            f"{result.estimate.n:,}" + (f" ({result.n_unscored:,} unscored)" if result.n_unscored else ""),
        )
        for result in scored.results
    ]
    lines = [("metric", "definition", "group", "value", "95% interval", "n"), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([head, *scored.remarks, "", *table])


def as_json(scored: Scored) -> str:
    """Results, remarks, and keys of the files they come from."""
    asked = scored.asked
    record = {
        "benchmark": asked.benchmark,
        "language": asked.language,
        "data": data_key(asked.data),
        "predictions": data_key(asked.predictions),
        "scorer": f"bimedix2_core.score {__version__}",
        "n_samples": scored.n_samples,
        "n_answered": scored.n_answered,
        "is_partial": scored.n_answered < scored.n_samples,
        "remarks": list(scored.remarks),
        "results": [_flat(result) for result in scored.results],
    }
    return json.dumps(record | {"key": content_key(record)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Score as the command line says; return 0, or 2 where something is wrong with what was given."""
    given = _parser().parse_args(arguments)
    asked = Asked(
        given.benchmark,
        given.data,
        given.predictions,
        given.language,
        given.english,
        Fields(given.id_field, given.answer_field),
        given.label_field,
        given.judge,
        given.by_position,
        given.allow_partial,
    )
    try:
        scored = score(asked)
        write_atomic(given.out, as_json(scored))
    except CompanionError as error:
        print(error, file=sys.stderr)
        return 2
    print(text_of(scored))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bimedix2_core.score", description="Score answers made elsewhere, under every definition."
    )
    parser.add_argument("benchmark", choices=BENCHMARKS, metavar="BENCHMARK", help=", ".join(BENCHMARKS))
    parser.add_argument("--data", type=Path, required=True, help="file or folder of the benchmark, as published")
    parser.add_argument("--predictions", type=Path, required=True, help="JSON lines with an id and an answer each")
    parser.add_argument("--out", type=Path, required=True, help="takes every metric as JSON")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the data (default: en)")
    parser.add_argument("--english", type=Path, help="English twin of an Arabic set, for its alignment audit")
    parser.add_argument("--id-field", default=Fields.id, help="name of the id (default: id)")
    parser.add_argument("--answer-field", default=Fields.answer, help="name of the answer (default: answer)")
    parser.add_argument("--by-position", action="store_true", help="answers have no ids and are in the data's order")
    parser.add_argument("--allow-partial", action="store_true", help="score what is there; every output says so")
    parser.add_argument("--label-field", help="uphill: field of the entailment label (agree, disagree, neutral)")
    parser.add_argument(
        "--judge", default="", help="uphill: who gave the labels; without labels a rule reads yes and no"
    )
    return parser


def _rows(asked: Asked, place: Path, language: str) -> list[Row]:
    if asked.benchmark == UPHILL:
        return list(uphill.read(place, allow_partial=asked.allow_partial))
    names = GROUPS.get(asked.benchmark, (asked.benchmark,))
    return [row for name in names for row in read_set(name, place, language, allow_partial=asked.allow_partial)]


def _partial(n_answered: int, n_samples: int) -> list[str]:
    if n_answered == n_samples:
        return []
    return [f"partial run: {n_answered:,} of {n_samples:,} samples; these are no numbers of the benchmark"]


def _clinical(
    asked: Asked, rows: Sequence[Row], answered: Sequence[Row], texts: Sequence[str]
) -> tuple[list[Result], list[str]]:
    checked = _audited(asked, rows)
    excluded = set(checked.not_translations) if checked else set()
    found = every_definition(text_scores(answered, texts, own_reader), excluded=excluded)
    if not excluded:
        return found, []
    how = "with its English rows" if asked.english else "alone (name the English set with --english for more)"
    return found, [
        f"alignment audit {how}: {len(excluded):,} of {len(rows):,} rows are no translations; "
        "metrics are given with and without them"
    ]


def _audited(asked: Asked, rows: Sequence[Row]) -> Audit | None:
    """The audit of an Arabic set; English ones are originals."""
    if asked.language != "ar":
        return None
    english = None
    if asked.english is not None:
        kept = {row.id for row in rows}
        english = [row for row in _rows(asked, asked.english, "en") if row.id in kept]
    return audit(english, rows)


def _uphill(asked: Asked, rows: Sequence[Row], answers: Sequence[str]) -> list[Result]:
    if asked.label_field is None:
        judged = uphill.labelled_by_rule(rows, answers)
    else:
        if not asked.judge:
            raise DataError("labels were given without the name of who gave them; say it with --judge")
        if asked.by_position:
            raise DataError("labels are joined by id; leave out --by-position")
        labels = read_field(asked.predictions, asked.fields.id, asked.label_field)
        judged = uphill.labelled_elsewhere(rows, answers, [labels[row.id] for row in rows], judge=asked.judge)
    found = uphill.results(judged)
    accuracies = (uphill.FACTUAL, uphill.REFUTATION)
    check(uphill.scores(judged), [one for one in found if one.metric in accuracies and one.kind == "all"])
    return found


def _flat(result: Result) -> Mapping[str, object]:
    return {name: value for name, value in asdict(result).items() if name != "estimate"} | asdict(result.estimate)


if __name__ == "__main__":
    sys.exit(main())
