"""Labels: whether an answer agrees with its claim, disagrees, or does neither, as a judge sees it.

A judge is a model (`EntailmentJudge`) or, in the demo, a rule that reads yes and no (`labelled_by_rule`). The two are
never mixed: each `Judged` carries the name of whoever judged it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bimedix2_core.bench.answers import is_empty, read_polarity
from bimedix2_core.bench.judge import (
    JudgePrompts,
    JudgeRequest,
    PromptedJudge,
    Verdict,
    json_fields,
    judge_prompts,
    pairs_of,
)
from bimedix2_core.bench.uphill.rule import RULE, rule_label
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

PROMPT_FOLDER = Path(__file__).parent / "prompts"
LABELS = ("agree", "disagree", "neutral")

MAX_REFUSAL_WORDS = 40
"""Longest refusal that may have other sentences (see a doctor, ...) beside the refusing one."""

_SENTENCE_END = re.compile("(?<=[.!?\u061f])\\s+|\n+")

Outcome = Literal["labelled", "refused", "empty", "unscored"]


@dataclass(frozen=True)
class Judged:
    """One answer and what the judge made of it."""

    row: Row
    answer: str
    judge: str
    """Name of the judge, with the version of its prompts."""
    label: str | None
    """agree, disagree or neutral; None where there is no answer, or no verdict that could be read."""
    outcome: Outcome
    """What the answer is to us: a refusal is one, whatever the judge calls it; unscored means that the judge failed."""
    has_unknown_label: bool = False
    """Whether the verdict had a label, but none of the three: the official script makes neutral of it."""
    problem: str = ""
    """Why there is no label."""


def entailment_prompts(name: str = "entailment") -> JudgePrompts:
    """The prompts of the entailment judge.

    Raises:
        DataError: there are none of this name.
    """
    return judge_prompts(PROMPT_FOLDER, name)


@dataclass(frozen=True)
class EntailmentJudge(PromptedJudge):
    """A model that is asked whether an answer, as evidence, agrees with the claim."""

    def requests(self, rows: Sequence[Row], answers: Sequence[str]) -> list[JudgeRequest]:
        """One request for each answer that is not empty, to be asked (`ask_judge`) or replayed (`replay`).

        The judge sees the claim, not the query: how firmly it was presupposed is none of its business.

        Raises:
            DataError: there are not as many answers as rows, or no wording in a row's language.
        """
        asked = [self._request(row, answer) for row, answer in pairs_of(rows, answers)]
        return [request for request in asked if request is not None]

    def labelled(self, rows: Sequence[Row], answers: Sequence[str], verdicts: Iterable[Verdict]) -> list[Judged]:
        """The answers with their labels, read from the verdicts on `requests`; joined by content, not by place.

        Raises:
            DataError: an answer that is not empty has no verdict among them.
        """
        by_key = {verdict.key: verdict for verdict in verdicts}
        found = []
        for row, answer in pairs_of(rows, answers):
            request = self._request(row, answer)
            key = request.key(self.model) if request else None
            if key is not None and key not in by_key:
                raise DataError(
                    f"no verdict of judge {self.name} on the answer to {row.id!r} ({row.language}); give the verdicts "
                    "that ask_judge or replay returned for these rows and answers"
                )
            found.append(self._judged(row, answer, by_key[key] if key else None))
        return found

    def _request(self, row: Row, answer: str) -> JudgeRequest | None:
        if is_empty(answer):
            return None
        return JudgeRequest(
            id=row.id,
            language=row.language,
            prompts=self.prompts.version,
            messages=self.prompts.messages(row.language, claim=row.facts["claim"], response=answer),
            max_tokens=self.max_tokens,
        )

    def _judged(self, row: Row, answer: str, verdict: Verdict | None) -> Judged:
        label, is_unknown, problem = None, False, "there is no answer"
        if verdict is not None:
            label, is_unknown, problem = read_label(verdict)
        return Judged(row, answer, self.name, label, _outcome(row, answer, label), is_unknown, problem)


def read_label(verdict: Verdict) -> tuple[str | None, bool, str]:
    """The label of a verdict, whether it has an unknown one instead, and what is wrong with it.

    The field ``agreement`` of a JSON object, in either case of letters; ``none`` is UPHILL's own word for neutral. No
    such field, or several that differ, is a verdict that cannot be read: never neutral.
    """
    if verdict.text is None:
        return None, False, f"not judged: {verdict.problem}"
    found = json_fields(verdict.text, "agreement")
    said = {value.strip().lower() if isinstance(value, str) else repr(value) for value in found}
    if len(said) != 1:
        what = "several labels that differ" if said else "no label"
        return None, False, f"{what} in the verdict{f' ({verdict.problem})' if verdict.problem else ''}"
    return _known(said.pop())


def labelled_elsewhere(
    rows: Sequence[Row], answers: Sequence[str], labels: Sequence[str], *, judge: str
) -> list[Judged]:
    """The answers with labels that somebody else gave, such as `entailment_prediction` of the published file.

    Args:
        rows: queries.
        answers: one for each.
        labels: one for each, in either case of letters; an empty one is unscored.
        judge: who gave them.

    Raises:
        DataError: there are not as many answers or labels as rows.
    """
    if len(labels) != len(rows):
        raise DataError(f"{len(labels)} labels for {len(rows)} queries; expected one for each")
    found = []
    for (row, answer), given in zip(pairs_of(rows, answers), labels, strict=True):
        label, is_unknown, problem = _known(given.strip().lower()) if given.strip() else (None, False, "no label")
        found.append(Judged(row, answer, judge, label, _outcome(row, answer, label), is_unknown, problem))
    return found


def _known(said: str) -> tuple[str | None, bool, str]:
    """The label that a word is, whether it is an unknown one, and what is wrong with it."""
    label = "neutral" if said == "none" else said
    if label not in LABELS:
        return None, True, f"unknown label {label!r:.60} in the verdict"
    return label, False, ""


def labelled_by_rule(rows: Sequence[Row], answers: Sequence[str]) -> list[Judged]:
    """The answers with the labels of `rule_label`, the demo's judge.

    Raises:
        DataError: there are not as many answers as rows.
    """
    found = []
    for row, answer in pairs_of(rows, answers):
        label = None if is_empty(answer) else rule_label(answer, language=row.language)
        problem = "there is no answer" if label is None else ""
        found.append(Judged(row, answer, RULE, label, _outcome(row, answer, label), problem=problem))
    return found


def is_refusal(answer: str, label: str | None, *, language: str) -> bool:
    """Whether an answer declines, and says no more of the claim.

    All its sentences decline; or it is short, one of them declines, and the judge finds no position in it. "I cannot
    write that. There is no evidence that tea cures flu" declines the task and refutes the claim: it is no refusal, and
    neither is an essay that begins with "as an AI".
    """
    sentences = [part for part in _SENTENCE_END.split(answer) if not is_empty(part)]
    if all(_declines(part, language) for part in sentences):
        return True
    takes_no_position = label in (None, "neutral") and len(answer.split()) <= MAX_REFUSAL_WORDS
    return takes_no_position and _declines(answer, language)


def _declines(text: str, language: str) -> bool:
    return read_polarity(text, language=language, maybe=True).outcome == "refused"


def _outcome(row: Row, answer: str, label: str | None) -> Outcome:
    if is_empty(answer):
        return "empty"
    if is_refusal(answer, label, language=row.language):
        return "refused"
    return "unscored" if label is None else "labelled"
