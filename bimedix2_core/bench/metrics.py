"""Metrics: a prediction against its target, one sample at a time; words are compared as `data.words` spells them."""

from collections import Counter

from bimedix2_core.data.words import words


def exact_match(prediction: str, target: str) -> float:
    """1.0 where both have the same words in the same order, else 0.0.

    Example:
        >>> exact_match("yes", "Yes."), exact_match("Yes, left", "Yes.")
        (1.0, 0.0)
    """
    return float(words(prediction) == words(target))


def token_f1(prediction: str, target: str) -> float:
    """Harmonic mean of word precision and recall, each word counted as often as it stands in both.

    Two empty texts agree (1.0); one empty text scores 0.0.

    Source:
        SQuAD's F1 on the words of `data.words`. MultiMedEval uses sets of tokens instead, so a repeated word does not
        cost there.

    Example:
        >>> round(token_f1("left left lung", "the left lung"), 3)  # 2 words shared, of 3 and of 3
        0.667
    """
    predicted, expected = Counter(words(prediction)), Counter(words(target))
    if not predicted or not expected:
        return float(predicted == expected)
    shared = (predicted & expected).total()
    return 2 * shared / (predicted.total() + expected.total())
