"""Overlap: BLEU and ROUGE of one report with its reference, by our rule and by MultiMedEval's.

Ours compare the words of `data.words`: any script, one Arabic spelling, no punctuation; and a text that is shorter than
n words has BLEU of the order of its length, so that identical texts score 1. MultiMedEval's are those of torchmetrics:
BLEU on what stands between spaces, ROUGE on [a-z0-9] alone, so that identical Arabic texts have ROUGE 0.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from bimedix2_core.data.words import words

ROUGES = ("ROUGE-1", "ROUGE-L")

_ASCII_WORD = re.compile("[a-z0-9]+")


def bleu(hypothesis: str, reference: str, order: int) -> float:
    """BLEU of up to `order` words by our rule, 0 to 1; 0 where either text has no words.

    Not smoothed: a report of four words and more that shares no run of four has BLEU-4 0.

    Example:
        >>> bleu("no effusion", "No effusion.", 4)
        1.0
    """
    ours, theirs = words(hypothesis), words(reference)
    return _bleu(ours, theirs, min(order, len(ours), len(theirs)))


def multimedeval_bleu(hypothesis: str, reference: str, order: int) -> float:
    """BLEU of exactly `order` words as torchmetrics computes it for one pair, without smoothing, 0 to 1.

    Example:
        >>> multimedeval_bleu("no effusion", "no effusion", 4)
        0.0
    """
    return _bleu(hypothesis.split(), reference.split(), order)


def rouge(hypothesis: str, reference: str) -> dict[str, float]:
    """F of ROUGE-1 and ROUGE-L on our words, 0 to 1."""
    return _rouge(words(hypothesis), words(reference))


def multimedeval_rouge(hypothesis: str, reference: str) -> dict[str, float]:
    """F of ROUGE-1 and ROUGE-L on runs of a-z and 0-9, without stemming, as torchmetrics and rouge-score split."""
    return _rouge(_ASCII_WORD.findall(hypothesis.lower()), _ASCII_WORD.findall(reference.lower()))


def _rouge(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, float]:
    total = max(1, len(ours) + len(theirs))
    shared = (Counter(ours) & Counter(theirs)).total()
    return {"ROUGE-1": 2 * shared / total, "ROUGE-L": 2 * longest_common(ours, theirs) / total}


def longest_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest common subsequence; a row of the usual table is the bits of one number.

    Source:
        Crochemore et al., Information Processing Letters 80 (2001); 50 times as fast as rouge-score on a report.
    """
    places: dict[str, int] = defaultdict(int)
    for place, word in enumerate(ours):
        places[word] |= 1 << place
    row = everything = (1 << len(ours)) - 1
    for word in theirs:
        matched = row & places[word]
        row = ((row + matched) | (row - matched)) & everything
    return len(ours) - row.bit_count()


def _bleu(ours: Sequence[str], theirs: Sequence[str], order: int) -> float:
    if order < 1 or len(ours) < order:
        return 0.0
    logs = []
    for n in range(1, order + 1):
        mine, other = _grams(ours, n), _grams(theirs, n)
        matches = (mine & other).total()
        if not matches:
            return 0.0
        logs.append(math.log(matches / mine.total()))
    brevity = min(0.0, 1 - len(theirs) / len(ours))
    return min(1.0, math.exp(sum(logs) / order + brevity))


def _grams(tokens: Sequence[str], n: int) -> Counter:
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))
