"""Published: LLaVA-Med's files of answers and of verdicts, read and written; ids join, never position.

The question file is read by `questions`. Layouts: shared/notes/formats.md. The reference is `ans1`, the model's answer
`ans2`; the judge's words stand in `result` (LLaVA-Med v1.0) or in `gpt_eval` (LLaVA-Med v1.5, BiMed-MBench).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bimedix2_core.bench.answer_file import Fields, read_answers
from bimedix2_core.bench.judge import Verdict
from bimedix2_core.bench.mbench.facts import question_of, reference_of
from bimedix2_core.bench.mbench.judged import Judged
from bimedix2_core.bench.mbench.pairwise import PairwiseJudge
from bimedix2_core.bench.mbench.verdict import Reading, strict_scores
from bimedix2_core.data.sources import BadRows, Place, bimed_mbench_record, read_records
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row
from bimedix2_core.runs import json_lines, write_atomic

ANSWER_FIELDS = Fields(id="question_id", answer="text")
SAID = ("result", "gpt_eval")
"""Names of the field with the judge's words."""


def read_answer_file(path: Path, rows: Sequence[Row], *, allow_partial: bool = False) -> dict[str, str]:
    """The answers of a model in LLaVA's layout, by question id; their order in the file means nothing.

    Args:
        path: JSON lines with `question_id` and `text`.
        rows: the questions of one language, which the file answers.
        allow_partial: questions may lack an answer; they are left out.

    Raises:
        DataError: as for `answer_file.read_answers`, or the questions are in two languages, which share their ids.
    """
    _check_one_language(rows)
    return read_answers(path, [row.id for row in rows], fields=ANSWER_FIELDS, allow_partial=allow_partial)


def read_verdict_file(path: Path, rows: Sequence[Row], *, judge: str, reading: Reading = strict_scores) -> list[Judged]:
    """The verdicts of a file in LLaVA-Med's layout, in the order of the questions.

    A question that the file has no verdict on is unscored: a published file has 192 of 193.

    Args:
        path: JSON lines: the question with `ans1`, `ans2`, and `result` or `gpt_eval`.
        rows: the questions of one language.
        judge: who judged.
        reading: how the first line is read.

    Raises:
        DataError: a line cannot be read or lacks a field, its id comes twice or is none of the questions', its `ans1`
            is not the reference, the questions are in two languages, or there is no verdict.
    """
    _check_one_language(rows)
    known = {row.id: row for row in rows}
    found: dict[str, Judged] = {}
    for place, record in read_records(path, BadRows(0)):
        row = known.get(id := str(_field(record, place, "question_id")))
        if row is None:
            raise DataError(
                f"{place}: question_id {id!r} is none of the {len(known)} questions; is it a file of another set?"
            )
        if id in found:
            raise DataError(f"{place}: a verdict on question {id!r} stands above already; expected one")
        found[id] = _judged(row, record, place, judge, reading)
    if not found:
        raise DataError(f"{path.name}: no verdict in it; expected one on each of {len(known)} questions")
    return [found.get(row.id) or _missing(row, judge, path) for row in rows]


def write_verdict_file(
    path: Path, rows: Sequence[Row], answers: Sequence[str], verdicts: Iterable[Verdict], judge: PairwiseJudge
) -> Path:
    """Write verdicts in LLaVA-Med's layout, so that its summary script reads them.

    The layout has no place for an order or a draw: the verdicts are those of the first draw with the reference read
    first. A question on which there is no text is left out, as in the published file.

    Args:
        path: the file.
        rows: the questions of one language.
        answers: one for each.
        verdicts: what `ask_judge` or `replay` returned on `judge.requests(rows, answers)`.
        judge: which was asked.

    Returns:
        The path written.

    Raises:
        DataError: an answer has no verdict among them, the questions are in two languages, or one is no BiMed-MBench
            row.
    """
    _check_one_language(rows)
    verdicts = list(verdicts)
    judge.judged(rows, answers, verdicts)  # each answer has its verdict
    texts = {verdict.key: verdict.text for verdict in verdicts}
    requests = judge.requests(rows, answers)
    lines = [
        bimed_mbench_record(row)
        | {"question": question_of(row), "ans1": reference_of(row), "ans2": answer, "result": text}
        for row, answer, request in zip(rows, answers, requests, strict=True)
        if (text := texts[request.key(judge.model)]) is not None
    ]
    return write_atomic(path, json_lines(lines))


def _judged(row: Row, record: dict[str, Any], place: Place, judge: str, reading: Reading) -> Judged:
    reference, answer = (_field(record, place, name) for name in ("ans1", "ans2"))
    said = next((name for name in SAID if name in record), SAID[0])
    if not isinstance(reference, str) or reference.strip() != reference_of(row).strip():
        raise DataError(
            f"{place}: ans1 is {reference!r:.60}, but the reference answer to question {row.id!r} ({row.language}) is "
            f"{reference_of(row)!r:.60}; expected verdicts on this question file, the reference read first"
        )
    scores = reading(_field(record, place, said), "")
    return Judged(row, answer or "", judge, scores.first, scores.second, problem=scores.problem)


def _missing(row: Row, judge: str, path: Path) -> Judged:
    return Judged(row, "", judge, None, None, problem=f"no verdict in the file ({path.name})")


def _field(record: dict[str, Any], place: Place, name: str) -> Any:
    if name not in record:
        raise DataError(f"{place}: no field {name!r}; it has {', '.join(record)}")
    return record[name]


def _check_one_language(rows: Sequence[Row]) -> None:
    languages = sorted({row.language for row in rows})
    if len(languages) != 1:
        raise DataError(
            f"questions in {' and '.join(languages) or 'no language'} for one file; a question has the same id in both "
            "languages: give the questions of one"
        )
