"""Judged: an answer beside the reference, each with the judge's score."""

from dataclasses import dataclass
from typing import Literal

from bimedix2_core.records import Row

LOWEST, HIGHEST = 1, 10
"""The judge's scale."""

Order = Literal["reference_first", "answer_first"]
"""Which of the two the judge reads first; the paper's judge always reads the reference first."""


@dataclass(frozen=True)
class Judged:
    """One answer and what a judge made of it, once."""

    row: Row
    """The question; its assistant turn is the reference answer."""
    answer: str
    judge: str
    """Name of the judge, with the version of its prompts."""
    reference_score: float | None
    """1 to 10; None where the verdict could not be read."""
    answer_score: float | None
    order: Order = "reference_first"
    repeat: int = 0
    """Number of the draw, from 0, where a judge is asked several times."""
    problem: str = ""
    """Why there is no score."""

    @property
    def is_scored(self) -> bool:
        """Whether both scores were read."""
        return self.reference_score is not None and self.answer_score is not None
