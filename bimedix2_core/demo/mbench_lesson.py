"""BiMed-MBench's lesson: one figure and its questions, how the rubric marks, and a blind comparison step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bimedix2_core.bench import mbench
from bimedix2_core.bench.blind_comparison.form import Form, make_form, write_key
from bimedix2_core.bench.blind_comparison.items import blind_items, sampled
from bimedix2_core.bench.blind_comparison.reading import read_form
from bimedix2_core.bench.blind_comparison.scripted import scripted_choices, scripted_reviewer
from bimedix2_core.bench.blind_comparison.shares import preference_shares
from bimedix2_core.bench.blind_comparison.sheet import write_form
from bimedix2_core.bench.mbench import Judged, Questions
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.demo.rubric import judged_by_rubric, marks
from bimedix2_core.errors import DataError
from bimedix2_core.paper.blind_comparison import preference_table
from bimedix2_core.paper.figures import image_grid
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES, Row

N_BLIND = 12
"""Questions of the demo's blind comparison."""

REVIEWERS = ("R1", "R2", "R3")
"""Codes of the experts: each has a form with an order of its own, and returns it under its name."""

ANOTHER = 7
"""An answer of the lesson is the reference of the question so many places on."""


@dataclass(frozen=True)
class Blind:
    """What came of a blind comparison."""

    said: str
    table: Table


def figure(questions: Questions, images: ImageStore) -> Figure:
    """The first figure of each kind of image, with its caption in both languages."""
    shown_rows: dict[str, Row] = {}
    for row in questions.of("en"):
        for domain in mbench.domains(row, mbench.FIRST_FLAG):
            shown_rows.setdefault(domain, row)
    twins = {row.id: row for row in questions.of("ar")}
    captions = [
        tuple(one.facts.get("fig_caption", "") for one in (row, twins.get(row.id, row))) for row in shown_rows.values()
    ]
    return image_grid([images.open(row.images[0]) for row in shown_rows.values()], captions, columns=5)


def first_image(questions: Questions) -> str:
    """The figure whose questions are listed."""
    return mbench.image_of(questions.of("en")[0])


def marked_table(questions: Questions, truths: Mapping[str, Truth]) -> Table:
    """How the rubric marks some answers: the reference, another figure's reference, and nothing; in both languages."""
    columns = ("language", "question", "answer", "right", "missing", "taken off", "marks of 10")
    if not truths:
        return Table(columns, (), "The rubric knows phantoms only; here a judge grades")
    rows = []
    for language in LANGUAGES:
        asked = questions.of(language)
        described = [index for index, row in enumerate(asked) if row.kind == "detailed_description"]
        row = asked[described.pop(1)]
        other = asked[described[ANOTHER % len(described)]]
        for answer in (mbench.reference_of(row), mbench.reference_of(other), ""):
            found = marks(truths[mbench.image_of(row)], row, answer)
            parts = (", ".join(names) for names in (found.right, found.missing, found.costs))
            said = answer or "(nothing)"
            rows.append((language_name(language), mbench.question_of(row), said, *parts, found.grade))
    return Table(columns, tuple(rows), "The rubric at work")


def known(questions: Questions, truths: Mapping[str, Truth]) -> dict[str, list[Judged]]:
    """The rubric's verdicts on the references as answers, and on references of other questions; none without truths."""
    if not truths:
        return {}
    rows = questions.rows
    by_language = {language: questions.of(language) for language in LANGUAGES}
    others = [
        mbench.reference_of(asked[(index + ANOTHER) % len(asked)])
        for asked in by_language.values()
        for index in range(len(asked))
    ]
    return {
        "references": judged_by_rubric(rows, [mbench.reference_of(row) for row in rows], truths),
        "shuffled": judged_by_rubric(rows, others, truths),
    }


def blind_comparison(
    questions: Questions,
    answers: Mapping[str, Sequence[str]],
    scores: Mapping[str, Sequence[Judged]],
    *,
    by_script: bool,
    folder: Path,
    seed: int,
) -> Blind:
    """Write a form for each Arabic expert, and read filled ones back.

    Args:
        questions: of both languages.
        answers: each model's, to the Arabic questions, in their order.
        scores: verdicts on them, which a scripted reviewer follows.
        by_script: fill one form by script; else those that experts filled are taken from the folder ``filled``, by the
            names they were handed out under.
        folder: takes forms and keys.
        seed: of the orders.

    Raises:
        DataError: a filled form has another name, or is not as it was handed out.
    """
    rows = questions.of("ar")
    if len(answers) < 2:
        return Blind("no form: a comparison needs the answers of two models or more", preference_table((), name=""))
    by_id = {f"model {name}": dict(zip((row.id for row in rows), said, strict=True)) for name, said in answers.items()}
    items = blind_items(sampled(rows, n=N_BLIND, seed=seed), by_id)
    reviewers = (scripted_reviewer("A"),) if by_script else REVIEWERS
    forms = {f"form_ar_{one.split()[-1]}.xlsx": make_form(items, reviewer=one, seed=seed) for one in reviewers}
    for name, form in forms.items():
        write_form(folder / name, form)
        write_key((folder / name.replace("form", "key")).with_suffix(".json"), form)
    filled = _by_script(folder, forms, rows, scores) if by_script else _by_experts(folder / "filled", forms)
    choices = [choice for file, form in filled.items() for choice in read_form(file, form)]
    is_decided = any(choice.outcome == "chosen" for choice in choices)
    said = (
        f"a form of {len(items)} questions and {len(by_id)} answers each, in random order; its key is in a file of its "
        f"own; {len(filled)} filled forms read back{', with no clear choice' if filled and not is_decided else ''}"
    )
    groups = preference_shares(choices, tuple(by_id))[:1] if is_decided else ()
    return Blind(said, preference_table(groups, name=f"{reviewers[0]}, no expert" if by_script else "experts"))


def _by_script(
    folder: Path, forms: Mapping[str, Form], rows: Sequence[Row], scores: Mapping[str, Sequence[Judged]]
) -> dict[Path, Form]:
    """The form as a script fills it that follows the scores."""
    graded = {
        row.id: {f"model {name}": float(judged[index].answer_score or 0) for name, judged in scores.items()}
        for index, row in enumerate(rows)
    }
    (form,) = forms.values()
    return {write_form(folder / "filled_by_script.xlsx", form, choices=scripted_choices(form, graded)): form}


def _by_experts(folder: Path, forms: Mapping[str, Form]) -> dict[Path, Form]:
    """The workbooks that came back, each with its own form."""
    files = sorted(folder.glob("*.xlsx"))
    foreign = [file.name for file in files if file.name not in forms]
    if foreign:
        raise DataError(
            f"{', '.join(foreign)} in {folder.name}: no name of a form that was handed out; name each as it was: "
            f"{', '.join(forms)}"
        )
    return {file: forms[file.name] for file in files}
