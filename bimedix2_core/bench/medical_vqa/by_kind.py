"""By kind: the project's own questions about held-out phantoms, scored by kind and language, next to their controls.

Rad-VQA, SLAKE and Path-VQA are scored by `metrics`, under the definitions of their tools.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bimedix2_core import statistics
from bimedix2_core.bench.language_fidelity import IN_LANGUAGE, WITHOUT_WORDS, fidelity
from bimedix2_core.bench.metrics import exact_match, token_f1
from bimedix2_core.bench.task import Score, accuracy, average, majority_share, score
from bimedix2_core.data.sources.multiple_choice import LETTERS
from bimedix2_core.records import LANGUAGES, OptionScores, Sample
from bimedix2_core.statistics import Estimate


@dataclass(frozen=True)
class Row:
    """One metric of one language."""

    metric: str
    kind: str
    language: str
    estimate: Estimate
    majority: float | None
    """Accuracy of the most frequent target; none where the metric is no accuracy."""


@dataclass(frozen=True)
class ControlTest:
    """Whether a control beats guessing the majority."""

    control: str
    kind: str
    language: str
    accuracy: Estimate
    majority: float
    p_holm: float
    """One-sided, adjusted over all kinds and languages; below 0.05 the questions leak their answers."""


def closed_rows(samples: Sequence[Sample], predictions: Sequence[str]) -> list[Row]:
    """Closed accuracy: the whole answer has the target's words. By kind, and over all kinds, per language."""
    return _rows("closed accuracy", samples, score(samples, predictions, metric=exact_match), accuracy)


def open_rows(samples: Sequence[Sample], predictions: Sequence[str]) -> list[Row]:
    """Open questions: exact match, token F1, and the share of answers in the language asked."""
    exact = score(samples, predictions, metric=exact_match)
    overlap = score(samples, predictions, metric=token_f1)
    return [
        *_overall("open exact match", exact, accuracy),
        *_overall("open token F1", overlap, average),
        *language_rows(samples, predictions),
    ]


def language_rows(samples: Sequence[Sample], predictions: Sequence[str]) -> list[Row]:
    """Share of the answers with words that are in the language of the question; 0 where no answer has words.

    Raises:
        DataError: as `language_fidelity.fidelity`.
    """
    found = fidelity([sample.language for sample in samples], predictions)
    shares = {one.language: one.estimate for one in found if one.metric == IN_LANGUAGE}
    wordless = {one.language: one.estimate.n for one in found if one.metric == WITHOUT_WORDS}
    return [
        Row("answers in the language asked", "all", language, shares.get(language) or statistics.proportion(0, n), None)
        for language, n in wordless.items()
    ]


def choice_predictions(scores: Sequence[OptionScores]) -> list[str]:
    """The likeliest letter of each question, the first of equally likely ones."""
    return [LETTERS[one.log_probs.index(max(one.log_probs))] for one in scores]


def choice_rows(samples: Sequence[Sample], predictions: Sequence[str]) -> list[Row]:
    """Multiple-choice accuracy: the likeliest letter is the right one."""
    scores = score(samples, predictions, metric=exact_match)
    return _overall("multiple choice", scores, accuracy, samples)


def control_tests(control: str, samples: Sequence[Sample], predictions: Sequence[str]) -> list[ControlTest]:
    """Test for each kind and language that a control does not beat the majority; adjust with ``holm_adjusted``.

    The majority is counted over the English twins: one Arabic answer takes several forms (masculine, feminine).
    """
    tests = []
    for kind, language in sorted({(sample.kind, sample.language) for sample in samples}):
        chosen = [index for index, sample in enumerate(samples) if (sample.kind, sample.language) == (kind, language)]
        estimate = accuracy(score([samples[i] for i in chosen], [predictions[i] for i in chosen], metric=exact_match))
        majority = majority_share(_english([sample for sample in samples if sample.kind == kind]))
        p = statistics.p_above(round(estimate.value * estimate.n), estimate.n, majority)
        tests.append(ControlTest(control, kind, language, estimate, majority, p))
    return tests


def holm_adjusted(tests: Sequence[ControlTest]) -> list[ControlTest]:
    """The same tests with p-values adjusted for all of them together."""
    adjusted = statistics.holm([test.p_holm for test in tests])
    return [
        ControlTest(test.control, test.kind, test.language, test.accuracy, test.majority, p)
        for test, p in zip(tests, adjusted, strict=True)
    ]


def _rows(metric: str, samples: Sequence[Sample], scores: list[Score], summarise: Callable) -> list[Row]:
    """One row for each kind and language, then one for each language."""
    rows = []
    for kind, language in sorted({(single.kind, single.language) for single in scores}):
        chosen = [single for single in scores if (single.kind, single.language) == (kind, language)]
        share = majority_share([s for s in samples if (s.kind, s.language) == (kind, language)])
        rows.append(Row(metric, kind, language, summarise(chosen), share))
    return rows + _overall(metric, scores, summarise, samples)


def _overall(metric: str, scores: list[Score], summarise: Callable, samples: Sequence[Sample] = ()) -> list[Row]:
    return [
        Row(
            metric,
            "all",
            language,
            summarise([single for single in scores if single.language == language]),
            majority_share([s for s in samples if s.language == language]) if samples else None,
        )
        for language in LANGUAGES
    ]


def _english(samples: Sequence[Sample]) -> list[Sample]:
    """The English twins, or all samples where there are none."""
    return [sample for sample in samples if sample.language == "en"] or list(samples)
