"""Metrics: one set of answers under every definition, each number with its interval, clustered by image.

A result's `kind` is the group of questions that a definition counts (`definitions.definition`): closed and open, each
by label and by answer, or all. Where a definition takes answers out of its own denominator, `n_unscored` counts them,
and their share is the metric `LEFT_OUT`.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from bimedix2_core.bench.medical_vqa.definitions import (
    ALL,
    BLEU_1,
    CLOSED,
    CLOSED_ANSWER,
    CLOSED_LABEL,
    DEFINITIONS,
    OPEN_ANSWER,
    OPEN_F1,
    OPEN_LABEL,
    OPEN_RECALL,
    Definition,
    Group,
    multimedeval,
    ours,
)
from bimedix2_core.bench.statistics import FewClustersWarning, bootstrap, interval
from bimedix2_core.bench.statistics.conservation import check
from bimedix2_core.bench.task import Result, Score
from bimedix2_core.data.decontaminate import image_ids
from bimedix2_core.data.sources.vqa import KINDS
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

LEFT_OUT = "left out"
"""Share of the questions that a definition drops from its denominator."""

CORPUS = "ours, over the whole set"
"""BLEU-1 of all answers at once: sacrebleu's ``corpus_bleu`` with ``max_ngram_order=1``, on our words."""

N_RESAMPLES = 1000
"""Of the bootstrap of the one metric that is no mean."""

SPREAD = (CLOSED, OPEN_RECALL, OPEN_F1)
"""The metrics that several tools publish under one name."""

GROUPS = (ALL, CLOSED_LABEL, OPEN_LABEL, CLOSED_ANSWER, OPEN_ANSWER)


@dataclass(frozen=True)
class Spread:
    """How far the definitions of one metric lie apart on the same answers."""

    metric: str
    language: str
    lowest: Result
    highest: Result
    n_definitions: int

    def __str__(self) -> str:
        low, high = self.lowest.estimate.value, self.highest.estimate.value
        return (
            f"the same answers, {self.metric} from {low:.3f} ({_named(self.lowest)}) to {high:.3f} "
            f"({_named(self.highest)}), {self.n_definitions} definitions"
        )


def results(rows: Sequence[Row], texts: Sequence[str]) -> list[Result]:
    """Every metric under every definition, of each language for which it is defined.

    A group without a question, or of which a definition leaves every answer out, has no row. Where images are fewer
    than intervals are checked for, one warning says how many numbers rest on them.

    Args:
        rows: questions of one set, as `data.sources` reads them.
        texts: what the model wrote, in the same order.

    Raises:
        DataError: no question, not one answer for each, a row that is neither closed nor open, an id that occurs
            twice, or a conservation law is broken.
    """
    _check_pairs(rows, texts)
    with _one_warning() as found:
        for language in dict.fromkeys(row.language for row in rows):
            pairs = [(row, text) for row, text in zip(rows, texts, strict=True) if row.language == language]
            for definition in DEFINITIONS:
                if language in definition.languages:
                    found += _results(definition, language, pairs)
            found.append(_corpus_bleu_1(language, pairs))
    return found


def table5(rows: Sequence[Row], texts: Sequence[str]) -> dict[str, Result]:
    """MultiMedEval's six numbers of one set, by the columns of Table 5.

    Raises:
        DataError: as for `results`, rows in another language than English, or no closed or no open question among them.
    """
    _check_pairs(rows, texts)
    others = sorted({row.language for row in rows} - {"en"})
    if others:
        raise DataError(f"Table 5 of questions in {', '.join(others)}; MultiMedEval knows English only")
    pairs = list(zip(rows, texts, strict=True))
    with _one_warning() as found:
        for definition in multimedeval.DEFINITIONS:
            found += _results(definition, "en", pairs)
    by_metric = {one.metric: one for one in found}
    missing = [column for column, metric in multimedeval.TABLE_5.items() if metric not in by_metric]
    if missing:
        raise DataError(f"no question for {', '.join(missing)} among {len(rows)}; give the whole set")
    return {column: by_metric[metric] for column, metric in multimedeval.TABLE_5.items()}


def spread(results: Sequence[Result], metrics: Sequence[str] = SPREAD) -> list[Spread]:
    """For each metric and language the lowest and the highest number, where there are two or more.

    A definition that counts closed questions by label and by answer gives two numbers; of equals the first is named.
    """
    found = []
    for metric in metrics:
        for language in dict.fromkeys(one.language for one in results):
            same = [one for one in results if (one.metric, one.language) == (metric, language)]
            if len(same) > 1:
                lowest = min(same, key=lambda one: one.estimate.value)
                highest = max(same, key=lambda one: one.estimate.value)
                n_definitions = len({one.definition for one in same})
                found.append(Spread(metric, language, lowest, highest, n_definitions))
    return found


def group_sizes(rows: Sequence[Row]) -> dict[str, int]:
    """How many questions each way of counting calls closed and open; each way's two add up to all.

    Raises:
        DataError: there is no question, or a row is neither closed nor open.
    """
    _check_kinds(rows)
    return {group.name: sum(map(group.holds, rows)) for group in GROUPS}


def image_of(row: Row) -> str:
    """What names the images of a question, so that questions about the same are not taken for independent.

    A question whose image has neither content key nor published name stands for itself.
    """
    return " ".join(image_ids(row)) or f"question {row.id}"


def _results(definition: Definition, language: str, pairs: Sequence[tuple[Row, str]]) -> list[Result]:
    found = []
    values: dict[str, float | None] = {}
    for group in definition.groups:
        asked = [(row, text) for row, text in pairs if group.holds(row)]
        values |= {row.id: definition.value(text, row.answer) for row, text in asked if row.id not in values}
        scores = [_score(definition, group, row, text, values[row.id]) for row, text in asked]
        if scores:
            made = _summary(definition, group, language, scores)
            scored = [one for one in made if one.metric != LEFT_OUT]
            check(scores, scored, n=len(asked), gold=_gold(definition, group, [row for row, _ in asked]))
            found += made
    return found


def _score(definition: Definition, group: Group, row: Row, text: str, value: float | None) -> Score:
    if value is None and not definition.leaves_out:
        raise DataError(f"question {row.id!r}: {definition.name} gives no value, and may leave nothing out")
    outcome = "unscored" if value is None else "empty" if not text.strip() else "right" if value else "wrong"
    return Score(row.id, row.language, group.name, value, text, row.answer, outcome, image_of(row))


def _summary(definition: Definition, group: Group, language: str, scores: Sequence[Score]) -> list[Result]:
    """The mean over what is counted, and the share of what is not, if the definition leaves anything out."""
    found = []
    kept = [score for score in scores if score.value is not None]
    if kept:
        estimate = interval([score.value for score in kept], [score.cluster for score in kept])
        estimate = definition.printed(estimate) if definition.printed else estimate
        n_left_out = len(scores) - len(kept)
        found.append(Result(definition.metric, definition.name, group.name, language, estimate, n_left_out))
    if definition.leaves_out:
        share = interval([float(score.value is None) for score in scores], [score.cluster for score in scores])
        found.append(Result(LEFT_OUT, definition.name, group.name, language, share))
    return found


def _gold(definition: Definition, group: Group, rows: Sequence[Row]) -> Callable[[], Iterable[Score]] | None:
    """The published answers as predictions, each once; ours must give them 1, the defects of others need not."""
    if definition not in ours.DEFINITIONS:
        return None
    rows = {row.answer: row for row in rows}.values()
    return lambda: [
        _score(definition, group, row, row.answer, definition.value(row.answer, row.answer)) for row in rows
    ]


def _corpus_bleu_1(language: str, pairs: Sequence[tuple[Row, str]]) -> Result:
    counts_N3 = np.array([ours.overlap(text, row.answer) for row, text in pairs], dtype=float)

    def bleu_1(weight_BN: np.ndarray) -> np.ndarray:
        shared_B, said_B, expected_B = (weight_BN @ counts_N3).T
        precision_B = np.divide(shared_B, said_B, out=np.zeros_like(shared_B), where=said_B > 0)
        return precision_B * np.exp(np.minimum(0, 1 - expected_B / np.maximum(said_B, 1)))

    estimate = bootstrap(bleu_1, len(pairs), [image_of(row) for row, _ in pairs], n_resamples=N_RESAMPLES)
    low, high = min(estimate.low, estimate.value), max(estimate.high, estimate.value)
    return Result(BLEU_1, CORPUS, ALL.name, language, replace(estimate, low=low, high=high))


def _check_pairs(rows: Sequence[Row], texts: Sequence[str]) -> None:
    if len(rows) != len(texts):
        raise DataError(
            f"{len(rows)} questions but {len(texts)} answers; they must pair up one to one: join them by id"
        )
    sizes = group_sizes(rows)
    for closed, opened in ((CLOSED_LABEL, OPEN_LABEL), (CLOSED_ANSWER, OPEN_ANSWER)):
        if sizes[closed.name] + sizes[opened.name] != len(rows):
            raise DataError(f"{sizes} of {len(rows)} questions; {closed.name} and {opened.name} must add up to all")


def _check_kinds(rows: Sequence[Row]) -> None:
    if not rows:
        raise DataError("medical VQA: no question; a score over nothing is no number: give at least one")
    for row in rows:
        if row.kind not in KINDS:
            raise DataError(f"question {row.id!r} of {row.source}: kind {row.kind!r}; expected {' or '.join(KINDS)}")


@contextmanager
def _one_warning() -> Iterator[list[Result]]:
    """Collect results; one warning says how many of them rest on few images."""
    found: list[Result] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    few = [one for one in caught if issubclass(one.category, FewClustersWarning)]
    for one in caught:
        if one not in few:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if few:
        said = f"{len(few)} of {len(found)} numbers of medical VQA rest on few images: read their intervals with care"
        warnings.warn(said, FewClustersWarning, stacklevel=4)


def _named(result: Result) -> str:
    return f"{result.definition}, {result.kind}, n = {result.estimate.n}"
