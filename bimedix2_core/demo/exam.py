"""Exam: the medical VQA questions about held-out phantoms, put to a model and to its controls.

Predictions are kept in a store and known by the weights that made them, so a second run only scores them again.
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from matplotlib.figure import Figure

from bimedix2_core.bench.floors import Floor, at_least, no_control_above_majority, overall, rises
from bimedix2_core.bench.follow_up import follow_up_rows
from bimedix2_core.bench.medical_vqa.by_kind import (
    ControlTest,
    Row,
    choice_predictions,
    choice_rows,
    closed_rows,
    control_tests,
    holm_adjusted,
    open_rows,
)
from bimedix2_core.bench.metrics import exact_match
from bimedix2_core.bench.task import predict, with_wrong_images, without_images
from bimedix2_core.data.sources.multiple_choice import LETTERS
from bimedix2_core.demo import curriculum
from bimedix2_core.inference.backends import EndpointBackend, LocalBackend
from bimedix2_core.paper.figures import Bar, image_grid
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.params import MedicalVqaParams
from bimedix2_core.records import LANGUAGES, Query, Sample, text_of
from bimedix2_core.runs import JsonlStore

FULL = "after Stage 2"
RIGHT, WRONG = "\u2713", "\u2717"

CLOSED_FLOOR, SIDE_FLOOR, F1_FLOOR, LANGUAGE_FLOOR = 0.93, 0.90, 0.85, 0.99
SIDE_METRIC = "left and right, closed accuracy"


_CONTROL_PARTS = ("accuracy", "from", "to", "majority", "p (Holm)")


@dataclass(frozen=True)
class Questions:
    """The question sets, English and Arabic twins side by side."""

    closed: tuple[Sample, ...] = ()
    """Yes, no, or one of two words: eight kinds."""
    side: tuple[Sample, ...] = ()
    """Left or right only."""
    open: tuple[Sample, ...] = ()
    """A short free answer."""
    choice: tuple[Sample, ...] = ()
    """Four options."""
    follow_up: tuple[Sample, ...] = ()
    """Patients without an image; every second one has left something out."""

    def __len__(self) -> int:
        return sum(len(getattr(self, part.name)) for part in fields(self))


@dataclass(frozen=True)
class Answers:
    """One answer for each question, in the same order."""

    closed: tuple[str, ...]
    side: tuple[str, ...]
    open: tuple[str, ...]
    choice: tuple[str, ...]
    """Option letters, the likeliest."""
    follow_up: tuple[str, ...]


def draw_questions(sizes: MedicalVqaParams, *, seed: int) -> Questions:
    """Draw the sets; sizes are per language."""
    return Questions(
        closed=tuple(curriculum.held_out_closed(sizes.n_closed, seed=seed)),
        side=tuple(curriculum.held_out_closed(sizes.n_side, seed=seed, kinds=curriculum.SIDE_KINDS)),
        open=tuple(curriculum.held_out_open(sizes.n_open, seed=seed)),
        choice=tuple(curriculum.held_out_choice(sizes.n_choice, seed=seed)),
        follow_up=tuple(curriculum.held_out_follow_up(sizes.n_follow_up, seed=seed)),
    )


def draw_small(sizes: MedicalVqaParams, *, seed: int) -> Questions:
    """The first quarter of the closed and the first half of the open questions: enough to see what a stage adds."""
    return Questions(
        closed=tuple(curriculum.held_out_closed(max(sizes.n_closed // 4, 1), seed=seed)),
        open=tuple(curriculum.held_out_open(max(sizes.n_open // 2, 1), seed=seed)),
    )


def no_image(questions: Questions) -> Questions:
    """Control: closed questions and multiple choice without their images."""
    return _changed(questions, without_images)


def wrong_image(questions: Questions, *, seed: int) -> Questions:
    """Control: closed questions and multiple choice, each with the image of another question of its kind and language.

    A model that looks answers for the image it is shown, and is right as often as that image has the same answer. In a
    free draw of 50 questions that share has a standard deviation of 7%, so a good model can look like one that guesses.
    Here the images of every answer are spread evenly over the questions of every answer, and the share is what chance
    expects.
    """
    return _changed(questions, lambda samples: _with_others_images(samples, seed=seed))


def answer(backend: LocalBackend | EndpointBackend, questions: Questions, *, store: JsonlStore) -> Answers:
    """Put all questions to a model; answers that are in the store already are taken from there."""
    key = backend.model_key

    def written(samples: tuple[Sample, ...]) -> tuple[str, ...]:
        found = predict(samples, backend.generate, store=store, model_key=key, decoding=dict(backend.decoding))
        return tuple(found)

    def chosen(samples: tuple[Sample, ...]) -> tuple[str, ...]:
        return tuple(predict(samples, letters, store=store, model_key=key, decoding={"options": "log-likelihood"}))

    def letters(samples: Sequence[Sample]) -> list[str]:
        return choice_predictions(backend.score_options([_letter_query(sample) for sample in samples]))

    return Answers(
        closed=written(questions.closed),
        side=written(questions.side),
        open=written(questions.open),
        choice=chosen(questions.choice),
        follow_up=written(questions.follow_up),
    )


def answer_models(models: Sequence[Any], questions: Questions, *, store: JsonlStore) -> dict[str, Answers]:
    """Put all questions to several models, each loaded when it is its turn (``respondents.Respondent``), by row."""
    return {model.row: answer(model.load(), questions, store=store) for model in models}


def answer_each(
    backend: LocalBackend | EndpointBackend, asked: Mapping[str, Questions], *, store: JsonlStore
) -> dict[str, Answers]:
    """Put several sets of questions, such as the controls, to one model."""
    return {name: answer(backend, questions, store=store) for name, questions in asked.items()}


def size_table(questions: Questions) -> Table:
    """How many questions of each set and language there are."""
    table = tuple(
        (part.name.replace("_", " "), language_name(language), sum(sample.language == language for sample in samples))
        for part in fields(questions)
        for samples in [getattr(questions, part.name)]
        for language in LANGUAGES
    )
    return Table(("set", "language", "n"), table, "Questions about held-out phantoms")


# --- scores ----------------------------------------------------------------------------------------------------------


def rows(questions: Questions, answers: Answers) -> list[Row]:
    """All metrics of one model; sets that were left out give no row."""
    closed = _by_their_kinds(closed_rows(questions.closed, answers.closed)) if questions.closed else []
    sides = _by_their_kinds(closed_rows(questions.side, answers.side)) if questions.side else []
    return [
        *closed,
        *(replace(row, metric=SIDE_METRIC) for row in sides if row.kind == "all"),
        *(open_rows(questions.open, answers.open) if questions.open else []),
        *(choice_rows(questions.choice, answers.choice) if questions.choice else []),
        *(follow_up_rows(questions.follow_up, answers.follow_up) if questions.follow_up else []),
    ]


def all_rows(questions: Questions, answers: Mapping[str, Answers]) -> dict[str, list[Row]]:
    """All metrics of several models on the same questions, the last model first."""
    return {name: rows(questions, answers[name]) for name in reversed(answers)}


def control_rows(asked: Mapping[str, Questions], answers: Mapping[str, Answers]) -> dict[str, list[Row]]:
    """All metrics of several controls, each on its own questions."""
    return {name: rows(asked[name], answers[name]) for name in asked}


def row_table(rows: Sequence[Row], *, caption: str) -> Table:
    """Metrics with n, 95% interval and what guessing the majority reaches."""
    columns = ("metric", "kind", "language", "value", "95% from", "to", "n", "majority")
    return Table(columns, tuple(_cells(row) for row in rows), caption)


def model_table(results: Mapping[str, Sequence[Row]], *, metrics: Sequence[str], caption: str) -> Table:
    """The same metrics over all kinds of several models, one below the other."""
    columns = ("metric", "model", "language", "value", "95% from", "to", "n", "majority")
    table = [
        (metric, name, *_cells(row)[2:])
        for metric in metrics
        for name, found in results.items()
        for row in found
        if (row.metric, row.kind) == (metric, "all")
    ]
    return Table(columns, tuple(table), caption)


def tested_controls(asked: Mapping[str, Questions], answers: Mapping[str, Answers]) -> list[ControlTest]:
    """Test each control by kind and language against the majority, adjusted for all of them together.

    The two sets of closed questions are tested as one.
    """
    tests = []
    for name in asked:
        questions, given = asked[name], answers[name]
        tests += control_tests(name, questions.closed + questions.side, given.closed + given.side)
        tests += [
            replace(test, kind=f"multiple choice, {test.kind}")
            for test in control_tests(name, questions.choice, given.choice)
        ]
    return holm_adjusted(tests)


def control_table(tests: Sequence[ControlTest]) -> Table:
    """Accuracy of each control beside the majority, with its adjusted p-value, English beside Arabic."""
    columns = ("control", "kind", "n", *(f"{name} {part}" for name in ("English", "Arabic") for part in _CONTROL_PARTS))
    by_place = {(test.control, test.kind, test.language): test for test in tests}
    places = dict.fromkeys((test.control, test.kind) for test in tests)
    table = tuple(
        (control, _in_words(kind), by_place[control, kind, LANGUAGES[0]].accuracy.n, *numbers)
        for control, kind in places
        for numbers in [[x for language in LANGUAGES for x in _numbers(by_place[control, kind, language])]]
    )
    return Table(columns, table, "Controls: is a kind of question answered without looking?")


def majority(rows: Sequence[Row], metric: str) -> float:
    """What guessing each kind's most frequent answer reaches, the higher of the two languages."""
    return max(row.majority for row in rows if (row.metric, row.kind) == (metric, "all"))


def summary(rows: Sequence[Row]) -> dict[str, float]:
    """The values over all kinds, for run.json."""
    return {f"{row.metric}, {row.language}": row.estimate.value for row in rows if row.kind == "all"}


def floors(full: Sequence[Row], before: Sequence[Row], tests: Sequence[ControlTest]) -> list[Floor]:
    """What the demo must reach after both stages, against before them and against the controls."""
    return [
        *at_least(full, "closed accuracy", CLOSED_FLOOR),
        *at_least(full, SIDE_METRIC, SIDE_FLOOR, least_n=200),
        *at_least(full, "open token F1", F1_FLOOR),
        *at_least(full, "answers in the language asked", LANGUAGE_FLOOR, name="share of answers in the language asked"),
        *no_control_above_majority(tests),
        *rises(before, full, "closed accuracy", stage="training"),
        *rises(before, full, "open token F1", stage="training"),
    ]


def stage_floors(before: Sequence[Row], after: Sequence[Row]) -> list[Floor]:
    """Stage 2 adds: closed accuracy and open F1 rise, intervals apart."""
    return [
        *rises(before, after, "closed accuracy", stage="Stage 2"),
        *rises(before, after, "open token F1", stage="Stage 2"),
    ]


# --- pictures --------------------------------------------------------------------------------------------------------


def model_bars(results: Mapping[str, Sequence[Row]], metric: str) -> list[Bar]:
    """One pair of bars for each model."""
    return [
        _bar(name, language, overall(found, metric, language))
        for name, found in results.items()
        for language in LANGUAGES
    ]


def kind_bars(rows: Sequence[Row]) -> list[Bar]:
    """One pair of bars for each kind of closed question."""
    return [_bar(_in_words(row.kind), row.language, row.estimate) for row in _by_kind(rows)]


def kind_chance(rows: Sequence[Row]) -> dict[str, float]:
    """What guessing the majority reaches in each kind, the higher of the two languages."""
    chance: dict[str, float] = {}
    for row in _by_kind(rows):
        name = _in_words(row.kind)
        chance[name] = max(row.majority, chance.get(name, 0.0))
    return chance


def gallery(samples: Sequence[Sample], answers: Sequence[str], *, n_each: int = 5) -> Figure:
    """Some right and some wrong answers, marked; beneath a wrong one stands the right one.

    Where there are no wrong (or no right) answers, there are none of them in the picture.
    """
    pairs = list(zip(samples, answers, strict=True))
    right = [pair for pair in pairs if exact_match(pair[1], pair[0].target)]
    wrong = [pair for pair in pairs if not exact_match(pair[1], pair[0].target)]
    shown = [*_spread(right, n_each), *_spread(wrong, n_each)]
    captions = [_verdict(sample, given) for sample, given in shown]
    return image_grid([sample.images[0] for sample, _ in shown], captions, columns=5)


def _letter_query(sample: Sample) -> Query:
    """A multiple choice whose options are letters, the first thing the assistant says."""
    letters = tuple(LETTERS[: len(sample.choices)])
    return Query(sample.id, sample.language, sample.prompt, options=letters, images=sample.images)


def _spread(pairs: list[tuple[Sample, str]], n: int) -> list[tuple[Sample, str]]:
    """So many, evenly from the whole list; an odd step takes both languages."""
    step = max(len(pairs) // n, 1) if n else 1
    step -= step % 2 == 0 and step > 1
    return pairs[::step][:n]


def _verdict(sample: Sample, given: str) -> tuple[str, ...]:
    question = text_of(sample.prompt[-1])
    if exact_match(given, sample.target):
        return (question, f"{RIGHT} {given}")
    return (question, f"{WRONG} {given}", f"{RIGHT} {sample.target}")


def _by_their_kinds(rows: Sequence[Row]) -> list[Row]:
    """The rows, English first; over all kinds the majority is that of each kind, weighted by its questions.

    Who guesses knows the kind of a question: no and left are not answers to the same one.
    """
    kinds = [row for row in rows if row.kind != "all"]
    means = {
        language: sum(row.majority * row.estimate.n for row in kinds if row.language == language)
        / sum(row.estimate.n for row in kinds if row.language == language)
        for language in LANGUAGES
    }
    changed = [replace(row, majority=means[row.language]) if row.kind == "all" else row for row in rows]
    return sorted(changed, key=lambda row: (row.kind == "all", row.kind, LANGUAGES.index(row.language)))


def _by_kind(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.metric == "closed accuracy" and row.kind != "all"]


def _bar(label: str, group: str, estimate) -> Bar:
    return Bar(label, group, estimate.value, estimate.low, estimate.high, estimate.n)


def _in_words(kind: str) -> str:
    return kind.replace("_yes_no", ", yes or no").replace("_", " and ")


def _numbers(test: ControlTest) -> tuple[float, ...]:
    return (test.accuracy.value, test.accuracy.low, test.accuracy.high, test.majority, test.p_holm)


def _cells(row: Row) -> tuple:
    one = row.estimate
    kind = _in_words(row.kind)
    return (row.metric, kind, language_name(row.language), one.value, one.low, one.high, one.n, row.majority)


def _with_others_images(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """Each sample with the image of another of its kind and language; where there is none, of any other."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        groups[sample.kind, sample.language].append(index)
    changed = with_wrong_images(samples, seed=seed)
    for group in groups.values():
        for index, other in _partners(group, [samples[index].target for index in group], seed=seed).items():
            changed[index] = replace(samples[index], images=samples[other].images)
    return changed


def _partners(indices: Sequence[int], answers: Sequence[str], *, seed: int) -> dict[int, int]:
    """A partner for each index, itself never: the partners of those with one answer have all answers, as all have.

    Indices are sorted by answer, in random order within one; partners walk through the same list in strides of its
    square root. None where there is nobody else.
    """
    random.Random(f"partners {seed}").shuffle(shuffled := list(zip(answers, indices, strict=True)))
    order = [index for _, index in sorted(shuffled, key=lambda pair: pair[0])]
    stride = math.isqrt(len(order))
    strided = [index for start in range(stride) for index in order[start::stride]]
    for turn in range(1, len(order)):
        partners = strided[turn:] + strided[:turn]
        if all(one != other for one, other in zip(order, partners, strict=True)):
            return dict(zip(order, partners, strict=True))
    return {}


def _changed(questions: Questions, change: Callable[[Sequence[Sample]], list[Sample]]) -> Questions:
    return Questions(
        closed=tuple(change(questions.closed)),
        side=tuple(change(questions.side)),
        choice=tuple(change(questions.choice)),
    )
