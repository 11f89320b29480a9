"""Ours: the default for new results, in English and Arabic.

Words are those of `data.words`: case, punctuation, Arabic diacritics and spelling, and the form of digits do not count.

- closed: what `bench.answers.read_polarity` reads, yes or no, is the target's. An answer in which neither or both are
  read is an abstention: wrong under `NAME`; taken out and counted under `READ`. A target that is neither yes nor no
  ("Left", closed by label only) needs the same words.
- open: overlap of words, each counted as often as both texts have it, so that repeating a word earns nothing.
"""

from collections import Counter
from functools import cache, lru_cache

from bimedix2_core.bench.answers import Reading, read_polarity
from bimedix2_core.bench.medical_vqa.definitions.definition import (
    ALL,
    BLEU_1,
    CHRF,
    CLOSED,
    CLOSED_ANSWER,
    CLOSED_LABEL,
    F1,
    OPEN_ACCURACY,
    OPEN_ANSWER,
    OPEN_EXACT,
    OPEN_F1,
    OPEN_LABEL,
    OPEN_PRECISION,
    OPEN_RECALL,
    RECALL,
    Definition,
    polarity_of,
)
from bimedix2_core.bench.medical_vqa.definitions.tokens import CACHED_TEXTS, bleu
from bimedix2_core.data.language import language_of
from bimedix2_core.data.words import words
from bimedix2_core.records import LANGUAGES

NAME, READ, MEAN = "ours", "ours, abstentions left out", "ours, mean over questions"
SOURCE = "bimedix2_core.bench.medical_vqa"

OPEN_SHARE = 0.75
"""Least recall of a right open answer, MultiMedEval's."""


def closed(prediction: str, target: str) -> float:
    """1.0 where the answer is read as the target's yes or no, or has the words of any other target; else 0.0."""
    if not polarity_of(target):
        return exact_match(prediction, target)
    return float(polarity(prediction).answer == polarity_of(target))


def closed_read(prediction: str, target: str) -> float | None:
    """The same, None for an abstention; a refusal and an empty answer abstain too."""
    return closed(prediction, target) if polarity(prediction).answer else None


@lru_cache(maxsize=CACHED_TEXTS)
def polarity(prediction: str) -> Reading:
    """What an answer says, yes or no; the words of both languages are read, whatever the question's."""
    return read_polarity(prediction, language=language_of(prediction) or "en", maybe=False)


def recall(prediction: str, target: str) -> float:
    """Share of the target's words that the answer has, clipped."""
    shared, _, n_expected = overlap(prediction, target)
    return shared / n_expected if shared else 0.0


def precision(prediction: str, target: str) -> float:
    """Share of the answer's words that the target has, clipped."""
    shared, n_said, _ = overlap(prediction, target)
    return shared / n_said if shared else 0.0


def f1(prediction: str, target: str) -> float:
    """Harmonic mean of clipped recall and precision.

    Example:
        >>> round(f1("lung lung lung lung", "right lung"), 3)
        0.333
    """
    shared, n_said, n_expected = overlap(prediction, target)
    return 2 * shared / (n_said + n_expected) if shared else 0.0


def open_accuracy(prediction: str, target: str) -> float:
    """1.0 where the clipped recall is 0.75 or more."""
    return float(recall(prediction, target) >= OPEN_SHARE)


def exact_match(prediction: str, target: str) -> float:
    """1.0 where both have the same words in the same order."""
    return float(bool(prediction.strip()) and comparable(prediction) == comparable(target))


def bleu_1(prediction: str, target: str) -> float:
    """BLEU-1 of one answer."""
    return bleu(comparable(prediction), comparable(target))


def chrf(prediction: str, target: str) -> float:
    """chrF++ of one answer, 0 to 1: characters up to 6 and words up to 2 in a row, on the words as compared."""
    said = comparable(prediction)
    return _chrf().sentence_score(" ".join(said), [" ".join(comparable(target))]).score / 100 if said else 0.0


def overlap(prediction: str, target: str) -> tuple[int, int, int]:
    """Words that both have, each as often as both have it; words of the answer; words of the target."""
    said, expected = Counter(comparable(prediction)), Counter(comparable(target))
    return (said & expected).total(), said.total(), expected.total()


@lru_cache(maxsize=CACHED_TEXTS)
def comparable(text: str) -> tuple[str, ...]:
    """The words of a text; of one that has none, such as "+", the text itself, and nothing of an empty one."""
    return tuple(words(text) or text.split())


@cache
def _chrf():
    from sacrebleu import metrics  # a fifth of a second, which importing the core should not cost

    return metrics.CHRF(word_order=2)


_OPEN = (OPEN_LABEL, OPEN_ANSWER)

DEFINITIONS = (
    Definition(NAME, CLOSED, closed, (CLOSED_LABEL, CLOSED_ANSWER), SOURCE, LANGUAGES),
    Definition(READ, CLOSED, closed_read, (CLOSED_ANSWER,), SOURCE, LANGUAGES, leaves_out=True),
    Definition(NAME, OPEN_RECALL, recall, _OPEN, SOURCE, LANGUAGES),
    Definition(NAME, OPEN_PRECISION, precision, _OPEN, SOURCE, LANGUAGES),
    Definition(NAME, OPEN_F1, f1, _OPEN, SOURCE, LANGUAGES),
    Definition(NAME, OPEN_ACCURACY, open_accuracy, _OPEN, SOURCE, LANGUAGES),
    Definition(NAME, OPEN_EXACT, exact_match, _OPEN, SOURCE, LANGUAGES),
    Definition(NAME, f"open {CHRF}", chrf, _OPEN, f"{SOURCE}; sacrebleu", LANGUAGES),
    Definition(NAME, RECALL, recall, (ALL,), SOURCE, LANGUAGES),
    Definition(NAME, F1, f1, (ALL,), SOURCE, LANGUAGES),
    Definition(MEAN, BLEU_1, bleu_1, (ALL,), SOURCE, LANGUAGES),
)
