"""Command: the command line of the scorer, and how its numbers are printed and kept.

An answer file is JSON lines with an id and an answer each. Research use only, not for clinical use.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from bimedix2_core import __version__
from bimedix2_core.bench.answer_file import Fields, read_answers
from bimedix2_core.bench.language_fidelity import fidelity
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import CompanionError, DataError
from bimedix2_core.records import LANGUAGES
from bimedix2_core.runs import content_key, data_key, write_atomic
from bimedix2_core.score import images, texts
from bimedix2_core.score.asked import Asked, Scored

SCORERS = texts.SCORERS | images.SCORERS


def score(asked: Asked) -> Scored:
    """Score an answer file; the same files give the same numbers.

    Raises:
        DataError: the data or the answers cannot be read or do not belong together, or a conservation law is broken.
    """
    scorer = SCORERS[asked.benchmark]
    rows = scorer.read(asked)
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
    given = [answers[row.id] for row in answered]
    found, remarks = scorer.score(asked, rows, answered, given)
    found += fidelity([row.language for row in answered], given)
    remarks = _partial(len(answered), len(rows)) + remarks
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
    usual = SCORERS[given.benchmark].fields
    given.fields = Fields(given.id_field or usual.id, given.answer_field or usual.answer)
    asked = Asked(**{one.name: getattr(given, one.name) for one in fields(Asked)})
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
    parser.add_argument("benchmark", choices=tuple(SCORERS), metavar="BENCHMARK", help=", ".join(SCORERS))
    parser.add_argument("--data", type=Path, required=True, help="file or folder of the benchmark, as published")
    parser.add_argument("--predictions", type=Path, required=True, help="JSON lines with an id and an answer each")
    parser.add_argument("--out", type=Path, required=True, help="takes every metric as JSON")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the data (default: en)")
    parser.add_argument("--english", type=Path, help="English twin of an Arabic set, for its alignment audit")
    parser.add_argument("--training", type=Path, help="training questions, to score without those that occur there")
    parser.add_argument("--id-field", help="name of the id (default: id, or as the benchmark publishes it)")
    parser.add_argument("--answer-field", help="name of the answer (default: answer, or as the benchmark publishes it)")
    parser.add_argument("--by-position", action="store_true", help="answers have no ids and are in the data's order")
    parser.add_argument("--allow-partial", action="store_true", help="score what is there; every output says so")
    parser.add_argument("--label-field", help="uphill: field of the entailment label (agree, disagree, neutral)")
    parser.add_argument("--verdicts", type=Path, help="bimed_mbench: what a judge said, in LLaVA-Med's layout or ours")
    parser.add_argument("--judge", default="", help="who gave the labels or the verdicts")
    return parser


def _partial(n_answered: int, n_samples: int) -> list[str]:
    if n_answered == n_samples:
        return []
    return [f"partial run: {n_answered:,} of {n_samples:,} samples; these are no numbers of the benchmark"]


def _flat(result: Result) -> Mapping[str, object]:
    return {name: value for name, value in asdict(result).items() if name != "estimate"} | asdict(result.estimate)
