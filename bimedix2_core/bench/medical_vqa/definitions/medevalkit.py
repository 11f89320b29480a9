"""MedEvalKit: closed by substrings, open by strings and sets of words, its columns under the names that it prints.

Kept as they are:

- closed, Rad-VQA and Path-VQA: right where exactly one of "yes" and "no" stands anywhere in the answer, and the target
  does. "The heart is normal" is a no; "Yes, abnormal" and "Yes, there is no doubt" are wrong for yes.
- closed, SLAKE: the published "Yes" is compared with "yes" before it is lower-cased, so that all fall back to strict
  equality (`closed_slake`), where "Answer: yes" is wrong for the space in front; nothing is trimmed.
- the function that returns F1, precision, recall is unpacked as precision, recall, F1: the column called precision
  holds F1, recall holds precision, F1 holds recall.
- open accuracy is the share of equal strings, divided by the number of questions once more (`divided_again`): 10 of 10
  right are printed as 0.10.
- equal strings keep their punctuation: "Pneumonia." is not "pneumonia".

The tool itself crashes on an empty answer; here it scores 0. Its open metrics count the questions whose answer is
neither yes nor no, as for Rad-VQA and Path-VQA; for SLAKE the tool goes by label there too. Its ROUGE (package
``rouge``) and BLEU-2 to 4 are left out, and its judge, whose scores are no function of the texts.

Source: MedEvalKit 9b12e3b, utils/utils.py, VQA_RAD.py, SLAKE.py (shared/notes/evaluation.md, 3.2 D and section 4; read
and compared).
"""

import re
from dataclasses import replace

from bimedix2_core.bench.answer_markers import behind_markers
from bimedix2_core.bench.medical_vqa.definitions.definition import (
    CLOSED,
    CLOSED_ANSWER,
    CLOSED_LABEL,
    OPEN_ACCURACY,
    OPEN_ANSWER,
    OPEN_EXACT,
    OPEN_F1,
    OPEN_PRECISION,
    OPEN_RECALL,
    Definition,
    Group,
)
from bimedix2_core.bench.medical_vqa.definitions.tokens import bleu
from bimedix2_core.records import Row
from bimedix2_core.statistics import Estimate

NAME, WHOLE, SLAKE = "MedEvalKit", "MedEvalKit, whole answer", "MedEvalKit, as for SLAKE"
SOURCE = "MedEvalKit 9b12e3b, utils.py"

_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.S)


def extracted(prediction: str) -> str:
    """The part of an answer that the tool compares, in small letters: boxed or tagged, behind the last marker."""
    return behind_markers(_marked(prediction).strip().lower())


def is_yes_or_no(target: str) -> bool:
    """Whether a published answer is yes or no in small letters, after trimming."""
    return target.lower().strip() in ("yes", "no")


def closed_whole(prediction: str, target: str) -> float:
    """1.0 where exactly one of "yes" and "no" is a substring of the whole answer, and the target is one."""
    said = _bare(prediction.lower())
    return float((("yes" in said) != ("no" in said)) and target.lower().strip() in said)


def closed(prediction: str, target: str) -> float:
    """The same of the part that the tool cuts out of the answer."""
    return closed_whole(extracted(prediction), target)


def closed_slake(prediction: str, target: str) -> float:
    """Strict equality of what is cut out, unless the target is published as yes or no in small letters."""
    if target in ("yes", "no"):
        return closed(prediction, target)
    return float(bool(prediction.strip()) and _bare(behind_markers(_marked(prediction).lower())) == target.lower())


def exact_match(prediction: str, target: str) -> float:
    """1.0 where what is cut out is the target, punctuation included."""
    return float(bool(prediction.strip()) and extracted(prediction) == target.lower().strip())


def column_precision(prediction: str, target: str) -> float:
    """What the tool prints as precision: the F1 of the sets of words."""
    shared, n_said, n_expected = _overlap(prediction, target)
    return 2 * shared / (n_said + n_expected) if shared else 0.0


def column_recall(prediction: str, target: str) -> float:
    """What the tool prints as recall: the precision."""
    shared, n_said, _ = _overlap(prediction, target)
    return shared / n_said if shared else 0.0


def column_f1(prediction: str, target: str) -> float:
    """What the tool prints as F1: the recall."""
    shared, _, n_expected = _overlap(prediction, target)
    return shared / n_expected if shared else 0.0


def bleu_1(prediction: str, target: str) -> float:
    """Sentence BLEU of single tokens, as nltk computes it: split at single spaces, a space before each period."""
    return bleu(_tokens(extracted(prediction)), _tokens(target.strip())) if prediction.strip() else 0.0


def divided_again(estimate: Estimate) -> Estimate:
    """The mean as the tool prints it: divided by the number of questions twice."""
    n = estimate.n
    return replace(estimate, value=estimate.value / n, low=estimate.low / n, high=estimate.high / n)


def _marked(prediction: str) -> str:
    boxed, tagged = _BOXED.findall(prediction), " ".join(_TAGGED.findall(prediction)).strip()
    return boxed[-1] if boxed else tagged or prediction


def _bare(said: str) -> str:
    return said.replace("\n", "").replace(".", "")


def _overlap(prediction: str, target: str) -> tuple[int, int, int]:
    said, expected = set(extracted(prediction).split()), set(target.lower().split())
    return len(said & expected), len(said), len(expected)


def _tokens(text: str) -> list[str]:
    return text.lower().replace(".", " .").split(" ")


_CLOSED = Group(CLOSED_ANSWER.name, lambda row: is_yes_or_no(row.answer))
_OPEN = Group(OPEN_ANSWER.name, lambda row: not is_yes_or_no(row.answer))


def _is_slake(row: Row) -> bool:
    return row.source == "slake_vqa" and CLOSED_LABEL.holds(row)


DEFINITIONS = (
    Definition(WHOLE, CLOSED, closed_whole, (_CLOSED,), f"{SOURCE}, without its extraction"),
    Definition(NAME, CLOSED, closed, (_CLOSED,), SOURCE),
    Definition(SLAKE, CLOSED, closed_slake, (Group(CLOSED_LABEL.name, _is_slake),), "MedEvalKit 9b12e3b, SLAKE.py"),
    Definition(NAME, OPEN_EXACT, exact_match, (_OPEN,), SOURCE),
    Definition(f"{NAME}, as printed", OPEN_ACCURACY, exact_match, (_OPEN,), "MedEvalKit 9b12e3b, VQA_RAD.py",
               printed=divided_again),
    Definition(f"{NAME}, as printed", OPEN_PRECISION, column_precision, (_OPEN,), SOURCE),
    Definition(f"{NAME}, as printed", OPEN_RECALL, column_recall, (_OPEN,), SOURCE),
    Definition(f"{NAME}, as printed", OPEN_F1, column_f1, (_OPEN,), SOURCE),
    Definition(NAME, "open BLEU-1", bleu_1, (_OPEN,), SOURCE),
)  # fmt: skip
