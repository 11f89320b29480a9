"""Controls of medical VQA: what is right without looking or without what training shares, and what must hold."""

from collections.abc import Mapping, Sequence

from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.medical_vqa import clean_results, majority_answers, overlaps, results
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.image_questions.numbers import OURS, Texts, is_own, numbers_of, quiet
from bimedix2_core.paper.image_questions.questions import CLOSED
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table
from bimedix2_core.records import Row

SHOWN = (CLOSED, "open F1")
"""Metrics of a model beside its controls."""


def control_table(
    sets: Mapping[str, Sequence[Row]], texts: Texts, controls: Mapping[str, Texts], *, model: str
) -> Table:
    """Closed accuracy and open F1, ours, of a model beside its controls and beside guessing the majority.

    Args:
        sets: questions by set.
        texts: the model's answers.
        controls: its answers to changed questions, by the name of the control.
        model: its name.
    """
    asked = {model: texts, **controls, "majority": {name: majority_answers(rows) for name, rows in sets.items()}}
    shown = []
    for name, rows in sets.items():
        found = {who: quiet(results, rows, said[name]) for who, said in asked.items()}
        shown += [
            (title_of(rows), metric, who, *numbers_of(one.estimate))
            for metric in SHOWN
            for who, scores in found.items()
            for one in scores
            if is_own(one) and one.metric == metric
        ]
    return Table(("set", "metric", "who", "value", "from", "to", "n"), tuple(shown), "Beside the controls")


def clean_table(sets: Mapping[str, Sequence[Row]], training: Mapping[str, Sequence[Row]], texts: Texts) -> Table:
    """Closed accuracy, ours, on the questions that share nothing with training, for each thing they may share.

    Args:
        sets: questions by set.
        training: training questions by set; a set without any is left out.
        texts: a model's answers.
    """
    shown = []
    for name, rows in sets.items():
        if not training[name]:
            continue
        whole = quiet(results, rows, texts[name])
        shown.append((title_of(rows), "nothing left out", 0, *_closed(whole)))
        subsets = quiet(clean_results, rows, texts[name], overlaps(rows, training[name]))
        shown += [(title_of(rows), one.shared, one.n_shared, *_closed(one.results)) for one in subsets]
    columns = ("set", "left out: shares with training", "left out", "closed accuracy", "from", "to", "n")
    return Table(columns, tuple(shown), "Clean subsets")


def floors(sets: Mapping[str, Sequence[Row]], texts: Texts, blind: Texts) -> str:
    """What has to hold on every machine.

    Args:
        sets: questions by set, each with closed ones.
        texts: a model's answers.
        blind: its answers without the images.
    """
    sentences, empty = [], []
    for name, rows in sets.items():
        gold = _ours(rows, [row.answer for row in rows])
        sentences.append(Floor(f"{title_of(rows)}: published answers score full under our definition", min(gold) == 1))
        at_all = [_closed(quiet(results, rows, said[name]))[0] for said in (texts, blind)]
        sentences.append(Floor(f"{title_of(rows)}: closed accuracy is lower without images", at_all[1] < at_all[0]))
        empty += _ours(rows, [""] * len(rows))
    sentences.append(Floor("an empty answer is never right", max(empty) == 0))
    return lines(sentences)


def _ours(rows: Sequence[Row], texts: Sequence[str]) -> list[float]:
    """Every metric of ours."""
    return [one.estimate.value for one in quiet(results, rows, texts) if one.definition == OURS]


def _closed(found: Sequence[Result]) -> tuple[float | int | None, ...]:
    """Ours; None and n = 0 where no closed question is left."""
    for one in found:
        if is_own(one) and one.metric == CLOSED:
            return numbers_of(one.estimate)
    return (None, None, None, 0)
