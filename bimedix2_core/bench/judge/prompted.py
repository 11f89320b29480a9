"""Prompted: what the judges of all benchmarks have in common: a model, its prompts, and an answer for each question."""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.bench.judge.prompts import JudgePrompts
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row


@dataclass(frozen=True)
class PromptedJudge:
    """A model that judges under a prompt file."""

    model: str
    """Its name at the endpoint."""
    prompts: JudgePrompts
    max_tokens: int = 1024
    """Longest verdict, explanation included; one that is cut off where its score or label stands is unscored."""

    @property
    def name(self) -> str:
        """What stands in the definition of every number it gives."""
        return f"{self.model}, prompts {self.prompts.version}"


def pairs_of(rows: Sequence[Row], answers: Sequence[str]) -> list[tuple[Row, str]]:
    """Each question with its answer.

    Raises:
        DataError: there are not as many answers as questions.
    """
    if len(rows) != len(answers):
        raise DataError(f"{len(rows)} questions but {len(answers)} answers; they must pair up one to one")
    return list(zip(rows, answers, strict=True))
