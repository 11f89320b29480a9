"""Definition: one way to score answers, by name, and which questions it counts.

Two ways to tell closed from open questions are in use, and both are counted:

- by label: the published ``answer_type`` (Path-VQA publishes none; its hub copy is read as closed where the answer is
  yes or no). Rad-VQA has 272 closed questions by label, SLAKE 416.
- by answer: closed where the published answer is yes or no, which leaves out "Left", "one" or "MRI": 251 and 355.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bimedix2_core.data.words import words
from bimedix2_core.records import Row
from bimedix2_core.statistics import Estimate

CLOSED, OPEN_ACCURACY, OPEN_EXACT = "closed accuracy", "open accuracy", "open exact match"
OPEN_RECALL, OPEN_PRECISION, OPEN_F1 = "open recall", "open precision", "open F1"
RECALL, F1, BLEU_1, CHRF = "recall", "F1", "BLEU-1", "chrF++"
"""Metrics; those without "open" or "closed" are over all questions."""

POLARITIES = {"yes": "yes", "no": "no", "\u0646\u0639\u0645": "yes", "\u0644\u0627": "no"}
"""Answers that make a question closed, in both languages."""


@dataclass(frozen=True)
class Group:
    """The questions that a definition counts."""

    name: str
    holds: Callable[[Row], bool]


def polarity_of(target: str) -> str:
    """``yes`` or ``no`` where a published answer is one of these words alone, whatever its case; else empty.

    Example:
        >>> polarity_of("Yes"), polarity_of("No fracture")
        ('yes', '')
    """
    found = words(target)
    return POLARITIES.get(found[0], "") if len(found) == 1 else ""


CLOSED_LABEL = Group("closed by label", lambda row: row.kind == "closed")
OPEN_LABEL = Group("open by label", lambda row: row.kind == "open")
CLOSED_ANSWER = Group("closed by answer", lambda row: bool(polarity_of(row.answer)))
OPEN_ANSWER = Group("open by answer", lambda row: not polarity_of(row.answer))
ALL = Group("all", lambda row: True)


@dataclass(frozen=True)
class Definition:
    """A metric as somebody computes it."""

    name: str
    """Of the tool, or ``ours``; one metric under one name is computed in one way."""
    metric: str
    value: Callable[[str, str], float | None]
    """Of a prediction and a target, 0 to 1; None where the definition leaves the question out."""
    groups: tuple[Group, ...]
    source: str
    languages: tuple[str, ...] = ("en",)
    """The published tools know English only: of Arabic answers their numbers say nothing."""
    leaves_out: bool = False
    """Whether it takes answers out of its own denominator; how many is then a metric of its own."""
    printed: Callable[[Estimate], Estimate] | None = None
    """What the tool does to the mean before it prints it."""
