"""LLaVA-Med: its closed accuracy before and after fix #35, and its unclipped open metrics.

Both texts go through the legacy normaliser; of the open ones, a second time inside each function. Kept as they are:

- "yes" and "no" are looked for as substrings, so that normal, not and know hold a "no".
- Before the fix a wrong yes or no was dropped from the denominator (`closed_before_fix`); run_eval_pvqa.py, which
  scores Path-VQA, still does it.
- A word that the target has counts as often as the answer repeats it: "lung lung lung lung" against "right lung" has
  F1 0.889, clipped it would be 0.333.
- Its exact match is a precision: distinct target words found, over the length of the answer.
- Its BLEU-2 and BLEU-3 weigh one order only.

Its open accuracy takes the nearest of a list of candidate answers that was never released, so it cannot be computed.
The labels num_open and num_close that it prints are exchanged; no number depends on them.

Source: microsoft/LLaVA-Med, v1.0 archive, llava/eval/run_eval.py and eval_metrics/ (shared/notes/evaluation.md, 3.1 to
3.3; read and compared).
"""

from collections import Counter

from bimedix2_core.bench.medical_vqa.definitions.definition import (
    CLOSED,
    CLOSED_LABEL,
    OPEN_EXACT,
    OPEN_F1,
    OPEN_LABEL,
    OPEN_PRECISION,
    OPEN_RECALL,
    Definition,
)
from bimedix2_core.bench.medical_vqa.definitions.tokens import bleu, cleaned

NAME, BEFORE, AFTER = "LLaVA-Med", "LLaVA-Med before fix #35", "LLaVA-Med after fix #35"
SOURCE = "LLaVA-Med v1.0, run_eval.py"


def closed_after_fix(prediction: str, target: str) -> float:
    """1.0 where the cleaned answer holds "yes" or "no", anywhere, and the cleaned target; else 0.0."""
    said = cleaned(prediction)
    return float(("yes" in said or "no" in said) and cleaned(target) in said)


def closed_before_fix(prediction: str, target: str) -> float | None:
    """As after the fix, but an answer that holds "yes" or "no" and not the target is left out: None."""
    said = cleaned(prediction)
    if "yes" not in said and "no" not in said:
        return 0.0
    return 1.0 if cleaned(target) in said else None


def recall(prediction: str, target: str) -> float:
    """Unclipped: answer words that the target has, over these and the target words that the answer lacks."""
    found, _, missing = _counts(prediction, target)
    return found / (found + missing) if found else 0.0


def precision(prediction: str, target: str) -> float:
    """Answer words that the target has, over all answer words."""
    found, added, _ = _counts(prediction, target)
    return found / (found + added) if found else 0.0


def f1(prediction: str, target: str) -> float:
    """Harmonic mean of the unclipped recall and precision."""
    p, r = precision(prediction, target), recall(prediction, target)
    return 2 * p * r / (p + r) if p else 0.0


def exact_match(prediction: str, target: str) -> float:
    """Distinct target words that the answer has, over the number of answer words."""
    said, expected = _words(prediction), _words(target)
    return len(said.keys() & expected.keys()) / said.total() if said else 0.0


def bleu_1(prediction: str, target: str) -> float:
    """BLEU of single words."""
    return _bleu(prediction, target, 1)


def bleu_2(prediction: str, target: str) -> float:
    """BLEU of word pairs alone, weights (0, 1, 0, 0)."""
    return _bleu(prediction, target, 2)


def bleu_3(prediction: str, target: str) -> float:
    """BLEU of word triples alone, weights (0, 0, 1, 0)."""
    return _bleu(prediction, target, 3)


def _bleu(prediction: str, target: str, order: int) -> float:
    return bleu(cleaned(prediction).split(), cleaned(target).split(), order=order)


def _counts(prediction: str, target: str) -> tuple[int, int, int]:
    """Answer words in the target, answer words not in it, target words not in the answer; all with repeats."""
    said, expected = _words(prediction), _words(target)
    found = sum(count for word, count in said.items() if word in expected)
    missing = sum(count for word, count in expected.items() if word not in said)
    return found, said.total() - found, missing


def _words(text: str) -> Counter[str]:
    return Counter(cleaned(cleaned(text)).split())


DEFINITIONS = (
    Definition(BEFORE, CLOSED, closed_before_fix, (CLOSED_LABEL,), f"{SOURCE} and run_eval_pvqa.py", leaves_out=True),
    Definition(AFTER, CLOSED, closed_after_fix, (CLOSED_LABEL,), SOURCE),
    Definition(NAME, OPEN_RECALL, recall, (OPEN_LABEL,), SOURCE),
    Definition(NAME, OPEN_PRECISION, precision, (OPEN_LABEL,), SOURCE),
    Definition(NAME, OPEN_F1, f1, (OPEN_LABEL,), SOURCE),
    Definition(NAME, OPEN_EXACT, exact_match, (OPEN_LABEL,), SOURCE),
    Definition(NAME, "open BLEU-1", bleu_1, (OPEN_LABEL,), SOURCE),
    Definition(NAME, "open BLEU-2", bleu_2, (OPEN_LABEL,), SOURCE),
    Definition(NAME, "open BLEU-3", bleu_3, (OPEN_LABEL,), SOURCE),
)
