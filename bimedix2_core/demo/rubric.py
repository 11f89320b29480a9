"""Rubric: the demo's judge, which knows what a phantom shows and grades what an answer says of it, in both languages.

    answer -> mentions (finding, side, size, modality; said or denied) -> marks, against the truth record -> 1 to 10

What is asked is what the reference answer names. Points, costs and synonyms are in rubric.yaml; the other words are the
grammar's. It reads words, not sense: a hedge ("possibly an effusion") counts as said, detail beyond the four traits as
nothing. Only a phantom has a truth record, so a rubric's number is never one of GPT-4o or of the paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.bench.answers import read_polarity
from bimedix2_core.bench.language_fidelity import script_of
from bimedix2_core.bench.mbench.facts import image_of, question_of, reference_of
from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST, Judged
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.demo.rubric_words import PARTS, Mention, mentions_of
from bimedix2_core.errors import DataError
from bimedix2_core.paper.tables import Table
from bimedix2_core.records import Row
from bimedix2_core.runs import content_key, data_key

RUBRIC = "rubric"
"""Name of the judge, before its version."""

ANSWER = "answer"
"""The part that is a yes or a no."""


@dataclass(frozen=True)
class Marks:
    """What an answer has right and what it costs."""

    right: tuple[str, ...]
    """Of the asked parts."""
    missing: tuple[str, ...]
    """Of the asked parts: not said, or not rightly."""
    costs: tuple[str, ...]
    """Names of costs, one for each time."""
    grade: int
    """1 to 10."""


def grade(truth: Truth, row: Row, answer: str) -> int:
    """The grade of an answer, 1 to 10; see `marks`.

    Raises:
        DataError: the reference answer of the question names nothing that can be graded.
    """
    return marks(truth, row, answer).grade


def marks(truth: Truth, row: Row, answer: str) -> Marks:
    """What an answer has right of what its question asks, what it costs, and the grade that follows from it.

    Args:
        truth: what the image shows.
        row: the question; its assistant turn is the reference answer.
        answer: the model's. One without any word has the lowest grade.

    Raises:
        DataError: the reference answer names no part of a truth record and says neither yes nor no.
    """
    asked, said = _asked(row), mentions_of(answer)
    states = {part: _state(part, truth, said) for part in PARTS}
    if ANSWER in asked:
        agrees = _yes_or_no(row, answer) == _yes_or_no(row, reference_of(row))
        states[ANSWER] = "right" if agrees else "missing"
    right = tuple(part for part in asked if states[part] == "right")
    costs = (
        *["wrong" for part in PARTS if states[part] == "wrong"],
        *["invented" for _ in _invented(truth, said)],
        *_language_costs(row.language, answer),
    )
    return Marks(right, tuple(part for part in asked if part not in right), costs, _points(asked, right, costs))


def judged_by_rubric(rows: Sequence[Row], answers: Sequence[str], truths: Mapping[str, Truth]) -> list[Judged]:
    """Each answer beside its reference, both graded alike, the reference first.

    Args:
        rows: questions about phantoms, in either language.
        answers: the model's, one for each row in the same order.
        truths: what each image shows, by its published name (`mbench_set.read_truths`).

    Raises:
        DataError: not as many answers as rows, an image without a truth, or a reference that cannot be graded.
    """
    if len(rows) != len(answers):
        raise DataError(f"{len(rows)} questions but {len(answers)} answers; they must pair up one to one")
    missing = sorted({image_of(row) for row in rows} - set(truths))
    if missing:
        raise DataError(
            f"the rubric knows no truth of {', '.join(missing[:5])} ({len(missing)} images); it grades answers about "
            "phantoms only, for anything else ask a model judge"
        )
    name = judge_name()
    return [
        Judged(
            row,
            answer,
            name,
            reference_score=float(grade(truths[image_of(row)], row, reference_of(row))),
            answer_score=float(grade(truths[image_of(row)], row, answer)),
        )
        for row, answer in zip(rows, answers, strict=True)
    ]


def verdict_text(judged: Judged) -> str:
    """A verdict in LLaVA-Med's form: two numbers on the first line, Assistant 1's first, then what each answer says.

    Raises:
        DataError: there are no scores.
    """
    if not judged.is_scored:
        raise DataError(f"question {judged.row.id!r} has no scores to write a verdict of: {judged.problem or 'unread'}")
    both = [(judged.reference_score, reference_of(judged.row)), (judged.answer_score, judged.answer)]
    if judged.order == "answer_first":
        both.reverse()
    lines = [f"Assistant {number} {_in_words(text)}." for number, (_, text) in enumerate(both, start=1)]
    return "\n".join([f"{both[0][0]:g} {both[1][0]:g}", *lines])


def points_table() -> Table:
    """The rubric: points of each part that is asked, and what is taken off."""
    table = _table()
    rows = [(name.replace("_", " "), f"+{points}") for name, points in table["points"].items()]
    rows += [(name.replace("_", " "), f"-{cost}") for name, cost in table["costs"].items()]
    caption = "The rubric: points are scaled to 1 to 10 over the parts that a question asks, then costs are taken off"
    return Table(("part or fault", "points"), tuple(rows), caption)


@cache
def judge_name() -> str:
    """``rubric, version ...``: another table, vocabulary or reading is another judge."""
    folder = Path(__file__).parent
    files = ("rubric.py", "rubric_words.py", "rubric.yaml", "grammar.yaml")
    return f"{RUBRIC}, version {content_key([data_key(folder / name) for name in files])[:12]}"


# --- marks ------------------------------------------------------------------------------------------------------------


def _asked(row: Row) -> tuple[str, ...]:
    """The parts that the reference names; its yes or no where it names none."""
    reference = reference_of(row)
    named = {mention.part for mention in mentions_of(reference) if not mention.is_denied}
    if named:
        return tuple(part for part in _table()["points"] if part in named)
    if _yes_or_no(row, reference):
        return (ANSWER,)
    raise DataError(
        f"question {row.id!r} ({row.language}): the reference {reference!r:.80} names no finding, modality, side or "
        "size and says neither yes nor no, so the rubric cannot grade answers to it; ask a model judge"
    )


def _points(asked: Sequence[str], right: Sequence[str], costs: Sequence[str]) -> int:
    """The grade: the share of the asked points, on the scale, less the costs; half a point is rounded up."""
    points, prices = _table()["points"], _table()["costs"]
    share = sum(points[part] for part in right) / sum(points[part] for part in asked)
    full = int(LOWEST + (HIGHEST - LOWEST) * share + 0.5)
    return max(LOWEST, full - sum(prices[cost] for cost in costs))


def _state(part: str, truth: Truth, said: Sequence[Mention]) -> str:
    """``right``, ``wrong`` or ``missing``; a side, size or modality that is only denied is missing."""
    held = [one.values for one in said if one.part == part and not one.is_denied]
    if part == "finding":
        return _finding_state(truth, held, [one.values for one in said if one.part == part and one.is_denied])
    if any(getattr(truth, part) not in values for values in held):
        return "wrong"
    return "right" if held else "missing"


def _finding_state(truth: Truth, held: Sequence[frozenset[str]], denied: Sequence[frozenset[str]]) -> str:
    """Whether the finding is named, or, of a normal image, that there is none.

    What is said and denied counts as said: "on the right, none on the left".
    """
    claims = {value for values in held for value in values}
    if truth.finding == "normal":
        return "wrong" if "abnormal" in claims else "right" if claims == {"normal"} else "missing"
    if "normal" in claims:
        return "wrong"
    if truth.finding in claims:
        return "right"
    return "wrong" if any(truth.finding in values for values in denied) else "missing"


def _invented(truth: Truth, said: Sequence[Mention]) -> set[frozenset[str]]:
    """The findings said to be there that are not; "tumour" beside "brain tumour" is the same one."""
    held = {one.values for one in said if one.part == "finding" and not one.is_denied}
    other = {values for values in held if not values & {truth.finding, "normal", "abnormal"}}
    return {values for values in other if not any(narrower < values for narrower in other)}


def _yes_or_no(row: Row, answer: str) -> str:
    """Yes or no, said or, where the finding that the question names is said to be there, implied; else nothing."""
    reading = read_polarity(answer, language=row.language, maybe=False)
    if reading.outcome == "found":
        return reading.answer
    named, said = (_findings(text) for text in (question_of(row), answer))
    return "yes" if named and named <= said else ""


def _findings(text: str) -> set[frozenset[str]]:
    return {one.values for one in mentions_of(text) if one.part == "finding" and not one.is_denied}


def _language_costs(language: str, answer: str) -> list[str]:
    script = script_of(answer)
    if script.language and script.language != language:
        return ["other_language"]
    return ["mixed_script"] if script.is_mixed else []


def _in_words(text: str) -> str:
    """What an answer is read to say."""
    said = mentions_of(text)
    parts = [f"{'no ' * one.is_denied}{one.part} {' or '.join(sorted(one.values))}" for one in said]
    return f"names {'; '.join(dict.fromkeys(parts)).replace('_', ' ')}" if parts else "names none of what is graded"


@cache
def _table() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
