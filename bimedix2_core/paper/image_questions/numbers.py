"""Numbers of medical VQA: the same answers under every definition, our own, and the cells of Table 5."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from bimedix2_core.bench.medical_vqa import DEFINITIONS, disagreements, examples, results, spread, table5
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.image_questions.questions import CLOSED
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Row
from bimedix2_core.runs import Run
from bimedix2_core.statistics import Estimate

OURS, MULTIMEDEVAL = "ours", "MultiMedEval"
BY_ANSWER = "by answer"
"""Ends the name of a group of questions that their published answer makes closed or open."""

OWN = (CLOSED, "open recall", "open F1")
"""Metrics that new results are to be given in."""

AVERAGE = "average"

Texts = Mapping[str, Sequence[str]]
"""Answers by set."""


def quiet(scored: Callable, *arguments) -> list | dict:
    """What a function scores, without warning that numbers rest on few images: how many, the table of sets says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return scored(*arguments)


def spread_lines(sets: Mapping[str, Sequence[Row]], texts: Texts) -> str:
    """For each set and metric, how far the definitions lie apart on the same answers, a line each."""
    found = {name: quiet(results, rows, texts[name]) for name, rows in sets.items()}
    return "\n".join(f"{title_of(sets[name])}: {one}" for name, scores in found.items() for one in spread(scores))


def definition_marks(rows: Sequence[Row], texts: Mapping[str, Sequence[str]]) -> list[Mark]:
    """Closed accuracy of one set under each definition, for each model, as marks of a dot plot."""
    return [
        Mark(model, f"{one.definition} ({one.kind.removeprefix('closed ')})", one.estimate)
        for model, said in texts.items()
        for one in quiet(results, rows, said)
        if one.metric == CLOSED
    ]


def disagreement_table(rows: Sequence[Row], texts: Sequence[str], *, n: int = 8) -> Table:
    """Answers on which definitions of closed accuracy disagree: one of each pattern, and how many have it."""
    found = examples(disagreements(rows, texts))[:n]
    names = [one.name for one in DEFINITIONS if one.metric == CLOSED]
    shown = tuple(
        (one.question, one.target, one.answer or "(nothing)", count, *(one.verdicts.get(name, "-") for name in names))
        for one, count in found
    )
    caption = f"{title_of(rows)}: where definitions disagree"
    return Table(("question", "published", "answered", "such answers", *names), shown, caption)


def own_table(parts: Sequence[tuple[Mapping[str, Sequence[Row]], Mapping[str, Texts]]]) -> Table:
    """Our own definition for each set, model and language: what new results are to be given in.

    Args:
        parts: questions by set with each model's answers by set, a part for each language.
    """
    shown = [
        (title_of(rows), model, language_name(one.language), one.metric, one.kind, *numbers_of(one.estimate),
         one.estimate.n_clusters)
        for sets, texts in parts
        for model, said in texts.items()
        for name, rows in sets.items()
        if name in said
        for one in quiet(results, rows, said[name])
        if is_own(one) and one.metric in OWN
    ]  # fmt: skip
    columns = ("set", "model", "language", "metric", "questions", "value", "from", "to", "n", "images")
    return Table(columns, tuple(shown), "Our definition")


def table5_cells(
    run: Run,
    exhibit: Exhibit,
    answered: Sequence[Answered],
    sets: Mapping[str, Sequence[Row]],
    texts: Mapping[str, Texts],
) -> list[Measured]:
    """MultiMedEval's six numbers of each set, and their mean where all three sets are there, for each model.

    Args:
        run: of the notebook.
        exhibit: Table 5.
        answered: each model; its questions are all sets'. The card of a number names its own set.
        sets: questions by set.
        texts: answers by row and set.

    Raises:
        DataError: a set has no closed or no open question.
    """
    cells: list[Measured] = []
    for one in answered:
        numbers: list[Result] = []
        for name, rows in sets.items():
            columns = {f"{name}__{column}": each for column, each in quiet(table5, rows, texts[one.row][name]).items()}
            own = replace(one, dataset=title_of(rows), rows=tuple(rows))
            cells += result_cells(run, exhibit, own, columns)
            numbers += columns.values()
        if len(numbers) == len(exhibit.columns) - 1:
            cells += result_cells(run, exhibit, one, {AVERAGE: _average(numbers)})
    return cells


def summary(sets: Mapping[str, Sequence[Row]], texts: Mapping[str, Texts]) -> dict[str, float]:
    """Closed accuracy by model and set, ours and MultiMedEval's, for run.json."""
    return {
        f"{model} {title_of(rows)} closed accuracy, {one.definition}": one.estimate.value
        for model, said in texts.items()
        for name, rows in sets.items()
        for one in quiet(results, rows, said[name])
        if one.metric == CLOSED and one.definition in (OURS, MULTIMEDEVAL) and BY_ANSWER in one.kind
    }


def is_own(one: Result) -> bool:
    """Whether a result is of our definition, its questions told apart by their answer."""
    return one.definition == OURS and BY_ANSWER in one.kind


def numbers_of(estimate: Estimate) -> tuple[float | int, ...]:
    """Value, ends of the interval, and n."""
    return estimate.value, estimate.low, estimate.high, estimate.n


def _average(found: Sequence[Result]) -> Result:
    """The mean of a table's numbers, and of their ends: wide enough however the numbers hang together."""
    low, value, high = (fmean(getattr(one.estimate, end) for one in found) for end in ("low", "value", "high"))
    n = sum(one.estimate.n for one in found if one.metric == "recall")
    estimate = Estimate(value, low, high, n, None, "mean of the ends: at least wide enough")
    return Result("mean of all columns", MULTIMEDEVAL, "all", "en", estimate)
