"""Medical VQA's questions, definitions and numbers as a notebook shows them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.medical_vqa import (
    DEFINITIONS,
    Protocol,
    clean_results,
    disagreements,
    examples,
    group_sizes,
    majority_answers,
    overlaps,
    prompt_of,
    results,
    spread,
    table5,
)
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.data.sources import SOURCES
from bimedix2_core.errors import DataError
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Row, text_of
from bimedix2_core.runs import Run
from bimedix2_core.statistics import Estimate

CLOSED = "closed accuracy"
OURS = "ours"
SHOWN = (CLOSED, "open recall", "open F1", "open exact match", "open accuracy")
AVERAGE = "average"

IMAGINED = ("yes", "Yes, there is.", "No.", "The heart is normal.", "There is no doubt that it is normal.", "Not sure.",
            "It is known to be abnormal.", "")  # fmt: skip
"""Answers to a yes-or-no question that anyone can imagine."""

Texts = Mapping[str, Sequence[str]]
"""Answers by set."""


def title_of(rows: Sequence[Row]) -> str:
    """Name of a set, as the paper spells it; a stand-in says that it is one."""
    source = rows[0].source
    return SOURCES[source].card.name if source in SOURCES else source


def quiet(scored: Callable, *arguments) -> list:
    """What is scored; how many images a number rests on stands in the table, so no warning is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return scored(*arguments)


def set_table(sets: Mapping[str, Sequence[Row]]) -> Table:
    """How many questions each set has, closed and open by both ways to tell, and on how many images."""
    counts = {name: group_sizes(rows) for name, rows in sets.items()}
    groups = [name for name in next(iter(counts.values())) if name != "all"]
    shown = tuple(
        (title_of(rows), len(rows), len({row.images or row.facts["image"] for row in rows}),
         *(counts[name][group] for group in groups))
        for name, rows in sets.items()
    )  # fmt: skip
    return Table(("set", "questions", "images", *groups), shown, "English test questions")


def yes_or_no_question(sets: Mapping[str, Sequence[Row]]) -> Row:
    """The first question that is published with the answer no.

    Raises:
        DataError: there is none.
    """
    for rows in sets.values():
        for row in rows:
            if row.answer.lower() == "no":
                return row
    raise DataError(f"no question with the published answer no among {', '.join(sets)}")


def prompt_table(row: Row, protocols: Sequence[Protocol]) -> Table:
    """One question as each protocol puts it, and what that tells of the answer."""
    shown = tuple(
        ("published as " + repr(answer), one.id, text_of(prompt_of(replace(row, answer=answer), one)),
         one.leaks or "nothing")
        for one in protocols
        for answer in dict.fromkeys((row.answer.lower(), row.answer.capitalize()))
    )  # fmt: skip
    return Table(("answer", "protocol", "the model reads", "what the prompt gives away"), shown, "One question, asked")


def definition_list(metric: str = CLOSED) -> Table:
    """Every definition of a metric, over which questions, and whose it is."""
    shown = tuple(
        (one.name, ", ".join(group.name for group in one.groups), " and ".join(map(language_name, one.languages)),
         one.source)
        for one in DEFINITIONS
        if one.metric == metric
    )  # fmt: skip
    return Table(("definition", "questions", "languages", "source"), shown, f"Definitions of {metric}")


def imagined_table(row: Row) -> Table:
    """What every definition of closed accuracy makes of some answers to one question, which must have yes or no."""
    names = [one.name for one in DEFINITIONS if one.metric == CLOSED]
    shown = []
    for text in IMAGINED:
        values = [one.value(text, row.answer) for one in DEFINITIONS if one.metric == CLOSED]
        shown.append((text or "(nothing)", *map(_verdict, values)))
    caption = f"{text_of(row.messages[0])} Published answer: {row.answer}"
    return Table(("answer", *names), tuple(shown), caption)


def spread_lines(sets: Mapping[str, Sequence[Row]], texts: Texts) -> str:
    """For each set, how far the definitions of one metric lie apart on the same answers."""
    found = {name: quiet(results, rows, texts[name]) for name, rows in sets.items()}
    return "\n".join(f"{title_of(sets[name])}: {one}" for name, scores in found.items() for one in spread(scores))


def definition_marks(rows: Sequence[Row], texts: Mapping[str, Sequence[str]]) -> list[Mark]:
    """Closed accuracy of one set under each definition, for each model, as marks of a dot plot."""
    marks = {}
    for model, said in texts.items():
        for one in quiet(results, rows, said):
            if one.metric == CLOSED:
                marks.setdefault((model, f"{one.definition} ({one.kind.removeprefix('closed ')})"), one.estimate)
    return [Mark(model, group, estimate) for (model, group), estimate in marks.items()]


def disagreement_table(rows: Sequence[Row], texts: Sequence[str], *, n: int = 8) -> Table:
    """Answers on which definitions of closed accuracy disagree: one of each pattern, and how many have it."""
    found = examples(disagreements(rows, texts))[:n]
    names = [one.name for one in DEFINITIONS if one.metric == CLOSED]
    shown = tuple(
        (one.question, one.target, one.answer or "(nothing)", count, *(one.verdicts.get(name, "-") for name in names))
        for one, count in found
    )
    return Table(("question", "published", "answered", "such answers", *names), shown, "Where definitions disagree")


def own_table(parts: Sequence[tuple[Mapping[str, Sequence[Row]], Mapping[str, Texts]]]) -> Table:
    """Our own definition for each set, model and language: what new results are to be given in.

    Args:
        parts: questions by set with each model's answers, a part for each language.
    """
    shown = [
        (title_of(rows), model, language_name(one.language), one.metric, one.kind, *_numbers(one.estimate),
         one.estimate.n_clusters)
        for sets, texts in parts
        for model, said in texts.items()
        for name, rows in sets.items()
        if name in said
        for one in quiet(results, rows, said[name])
        if one.definition == OURS and one.metric in SHOWN[:3] and "by answer" in one.kind
    ]  # fmt: skip
    columns = ("set", "model", "language", "metric", "questions", "value", "from", "to", "n", "images")
    return Table(columns, tuple(shown), "Our definition")


def control_table(
    sets: Mapping[str, Sequence[Row]], texts: Texts, controls: Mapping[str, Texts], *, model: str
) -> Table:
    """Closed accuracy and open F1, ours, of a model beside its controls and beside guessing the majority."""
    asked = {model: texts, **controls, "majority": {name: majority_answers(rows) for name, rows in sets.items()}}
    shown = [
        (title_of(rows), one.metric, who, *_numbers(one.estimate))
        for name, rows in sets.items()
        for metric in (CLOSED, "open F1")
        for who, said in asked.items()
        for one in quiet(results, rows, said[name])
        if (one.metric, one.definition) == (metric, OURS) and "by answer" in one.kind
    ]
    return Table(("set", "metric", "who", "value", "from", "to", "n"), tuple(shown), "Beside the controls")


def clean_table(sets: Mapping[str, Sequence[Row]], training: Mapping[str, Sequence[Row]], texts: Texts) -> Table:
    """Closed accuracy, ours, on the questions that share nothing with training, for each thing they may share."""
    shown = []
    for name, rows in sets.items():
        if not training[name]:
            continue
        whole = quiet(results, rows, texts[name])
        shown.append((title_of(rows), "nothing left out", 0, *_closed(whole)))
        for subset in quiet(clean_results, rows, texts[name], overlaps(rows, training[name])):
            shown.append((title_of(rows), subset.shared, subset.n_shared, *_closed(subset.results)))  # noqa: PERF401
    columns = ("set", "left out: shares with training", "left out", "closed accuracy", "from", "to", "n")
    return Table(columns, tuple(shown), "Clean subsets")


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
        answered: each model; its questions are all sets'.
        sets: questions by set.
        texts: answers by row and set.
    """
    cells = []
    for one in answered:
        columns: dict[str, Result] = {}
        for name, rows in sets.items():
            found = quiet(table5, rows, texts[one.row][name])
            columns |= {f"{name}__{column}": result for column, result in found.items()}
        if len(columns) + 1 == len(exhibit.columns):
            columns[AVERAGE] = _average(list(columns.values()))
        cells += result_cells(run, exhibit, one, columns)
    return cells


def floors(sets: Mapping[str, Sequence[Row]], texts: Texts, blind: Texts) -> str:
    """What has to hold on every machine."""
    gold = {name: [row.answer for row in rows] for name, rows in sets.items()}
    sentences = []
    for name, rows in sets.items():
        found = quiet(results, rows, gold[name])
        ours = [one.estimate.value for one in found if one.definition == OURS]
        sentences.append(
            Floor(f"{title_of(rows)}: published answers score full under our definition", min(ours) == 1.0)
        )
        at_all = [_closed(quiet(results, rows, said[name]))[0] for said in (texts, blind)]
        sentences.append(Floor(f"{title_of(rows)}: closed accuracy is lower without images", at_all[1] < at_all[0]))
    empty = [_closed(quiet(results, rows, [""] * len(rows)))[0] for rows in sets.values()]
    sentences.append(Floor("an empty answer is never right", max(empty) == 0.0))
    return lines(sentences)


def summary(sets: Mapping[str, Sequence[Row]], texts: Mapping[str, Texts]) -> dict[str, float]:
    """Closed accuracy by model and set, ours and MultiMedEval's, for run.json."""
    return {
        f"{model} {title_of(rows)} closed accuracy, {one.definition}": one.estimate.value
        for model, said in texts.items()
        for name, rows in sets.items()
        for one in quiet(results, rows, said[name])
        if one.metric == CLOSED and one.definition in (OURS, "MultiMedEval") and "by answer" in one.kind
    }


def _average(found: Sequence[Result]) -> Result:
    """The mean of a table's numbers; they share questions, so the mean of their ends is at least wide enough."""
    low, value, high = (fmean(getattr(one.estimate, end) for one in found) for end in ("low", "value", "high"))
    n = int(np.sum([one.estimate.n for one in found if one.metric == "recall"]))
    estimate = Estimate(value, low, high, n, None, "mean of the ends: at least wide enough")
    return Result("mean of all columns", "MultiMedEval", "all", "en", estimate)


def _closed(found: Sequence[Result]) -> tuple[float | int | None, ...]:
    for one in found:
        if (one.metric, one.definition, one.kind) == (CLOSED, OURS, "closed by answer"):
            return _numbers(one.estimate)
    return (None, None, None, 0)


def _numbers(estimate: Estimate) -> tuple[float | int, ...]:
    return estimate.value, estimate.low, estimate.high, estimate.n


def _verdict(value: float | None) -> str:
    return "left out" if value is None else "right" if value == 1 else "wrong"
