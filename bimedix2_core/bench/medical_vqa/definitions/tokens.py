"""Tokens: the legacy cleaning, done once for each text, and BLEU of one order between two lists of tokens."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from bimedix2_core.bench.legacy_normaliser import normalise

CACHED_TEXTS = 2**15

cleaned = lru_cache(maxsize=CACHED_TEXTS)(normalise)
"""`legacy_normaliser.normalise`; many definitions clean the same text."""


def bleu(prediction: Sequence[str], target: Sequence[str], *, order: int = 1) -> float:
    """Share of the prediction's n-grams of one order that the target has, each as often at most, times brevity.

    An answer shorter than ``order`` scores 0, as does one that shares nothing.

    Source:
        BLEU (Papineni et al. 2002) with weight 1 on one order and one reference. For order 1 equal to torchmetrics
        ``BLEUScore(n_gram=1)`` and to nltk's ``sentence_bleu(weights=(1, 0, 0, 0))``, unsmoothed.

    Example:
        >>> bleu(["lung", "lung"], ["right", "lung"])
        0.5
    """
    said, expected = _n_grams(prediction, order), _n_grams(target, order)
    shared = (said & expected).total()
    if not shared:
        return 0.0
    return shared / said.total() * math.exp(min(0.0, 1 - len(target) / len(prediction)))


def _n_grams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))
