"""Asked and scored: what the command line asked for, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bimedix2_core.bench.answer_file import Fields
from bimedix2_core.bench.task import Result
from bimedix2_core.records import Row


@dataclass(frozen=True)
class Asked:
    """What was asked of `score`."""

    benchmark: str
    data: Path
    predictions: Path
    language: str = "en"
    english: Path | None = None
    """The English rows of an Arabic set, for its alignment audit."""
    training: Path | None = None
    """Training questions, to leave out what a model may have seen."""
    fields: Fields = field(default_factory=Fields)
    label_field: str | None = None
    """Field of UPHILL's entailment label."""
    verdicts: Path | None = None
    """What a judge said of the answers."""
    judge: str = ""
    """Who gave the labels or verdicts."""
    by_position: bool = False
    allow_partial: bool = False


Found = tuple[list[Result], list[str]]
"""The metrics, and what must be said beside them."""


@dataclass(frozen=True)
class Scorer:
    """How one benchmark is read and scored."""

    read: Callable[[Asked], Sequence[Row]]
    """Its samples, in the order of the file."""
    score: Callable[[Asked, Sequence[Row], Sequence[Row], Sequence[str]], Found]
    """From all samples, those answered, and their answers."""
    fields: Fields = field(default_factory=Fields)
    """What the fields of its answer files are usually called."""


@dataclass(frozen=True)
class Scored:
    """Every metric of an answer file."""

    asked: Asked
    n_samples: int
    n_answered: int
    results: tuple[Result, ...]
    remarks: tuple[str, ...]
    """What must be said beside the numbers."""
