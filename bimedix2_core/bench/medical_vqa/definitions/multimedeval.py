"""MultiMedEval: the six columns of Table 5.

Both texts go through the legacy normaliser, and become sets of words. Kept as they are:

- closed is a question whose cleaned answer is yes or no; a share of 0.4 of {no, not} is enough for a "no", so "not"
  anywhere is one, and an answer that holds both yes and no is right for either.
- BLEU-1, recall and F1 are over all questions, closed ones included.
- F1 has 1e-8 in its denominator, so that a perfect answer scores 0.999999995.
- an answer that cleans to nothing, such as the article "A", scores 0.

Source: MultiMedEval d9ac283, multimedeval/task_families.py (shared/notes/evaluation.md, 3.2 C and 3.4; read and
compared).
"""

from bimedix2_core.bench.medical_vqa.definitions.definition import (
    ALL,
    BLEU_1,
    CLOSED,
    CLOSED_ANSWER,
    F1,
    OPEN_ACCURACY,
    OPEN_ANSWER,
    OPEN_RECALL,
    RECALL,
    Definition,
    Group,
)
from bimedix2_core.bench.medical_vqa.definitions.tokens import bleu, cleaned
from bimedix2_core.records import Row

NAME = "MultiMedEval"
SOURCE = "MultiMedEval d9ac283, task_families.py"

CLOSED_SHARE, OPEN_SHARE = 0.4, 0.75
"""Least share of the target's words that makes an answer right."""

_RIGHT = {"yes": {"yes"}, "no": {"no", "not"}}


def is_closed(row: Row) -> bool:
    """Whether the cleaned answer is yes or no."""
    return cleaned(row.answer.strip()) in _RIGHT


def closed(prediction: str, target: str) -> float:
    """1.0 where the answer has 0.4 of the words that stand for the target, yes or no; 0.0 for any other target."""
    right = _RIGHT.get(cleaned(target.strip()), set())
    return float(bool(right) and len(right & _words(prediction)) / len(right) >= CLOSED_SHARE)


def recall(prediction: str, target: str) -> float:
    """Share of the target's distinct words that the answer has."""
    said, expected = _words(prediction), _words(target)
    return len(said & expected) / len(expected) if expected else 0.0


def f1(prediction: str, target: str) -> float:
    """Of the sets of words, with 1e-8 in the denominator."""
    said, expected = _words(prediction), _words(target)
    precision = len(said & expected) / len(said) if said else 0.0
    share = recall(prediction, target)
    return 2 * precision * share / (precision + share + 1e-8)


def open_accuracy(prediction: str, target: str) -> float:
    """1.0 where the answer has three quarters of the target's distinct words."""
    return float(recall(prediction, target) >= OPEN_SHARE)


def bleu_1(prediction: str, target: str) -> float:
    """BLEU of single words of the cleaned texts, as torchmetrics' ``BLEUScore(n_gram=1)`` computes it."""
    return bleu(cleaned(prediction).split(), cleaned(target.strip()).split())


def _words(text: str) -> set[str]:
    return set(cleaned(text).split())


_CLOSED = Group(CLOSED_ANSWER.name, is_closed)
_OPEN = Group(OPEN_ANSWER.name, lambda row: not is_closed(row))

DEFINITIONS = (
    Definition(NAME, CLOSED, closed, (_CLOSED,), SOURCE),
    Definition(NAME, OPEN_RECALL, recall, (_OPEN,), SOURCE),
    Definition(NAME, OPEN_ACCURACY, open_accuracy, (_OPEN,), SOURCE),
    Definition(NAME, RECALL, recall, (ALL,), SOURCE),
    Definition(NAME, F1, f1, (ALL,), SOURCE),
    Definition(NAME, BLEU_1, bleu_1, (ALL,), SOURCE),
)

TABLE_5 = {
    "bleu_1": BLEU_1,
    "closed_q_accuracy": CLOSED,
    "open_q_recall": OPEN_RECALL,
    "recall": RECALL,
    "open_q_accuracy": OPEN_ACCURACY,
    "f1": F1,
}
"""Column of the exhibit, after the name of the set, to metric."""
