"""BiMed-MBench's lesson: figures, marks of the rubric, and a blind comparison by script and by experts."""

import zipfile
from collections import Counter

import pytest
from openpyxl import load_workbook

from bimedix2_core.bench import mbench
from bimedix2_core.bench.blind_comparison.form import read_key
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.demo import mbench_lesson as lesson
from bimedix2_core.demo.mbench_set import read_truths, write_mbench
from bimedix2_core.demo.rubric import judged_by_rubric
from bimedix2_core.errors import DataError
from bimedix2_core.paper.blind_comparison import PAPER
from bimedix2_core.records import text_of

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

DESCRIPTION = "detailed_description"


def drawn(folder, *, n_images):
    """Questions, their images and their truths."""
    files = write_mbench(folder, n_images=n_images, seed=0)
    images = ImageStore(folder / "store")
    questions = mbench.read(
        {"en": files.english, "ar": files.arabic}, images=images, image_folder=files.images, allow_partial=True
    )
    return questions, images, read_truths(files.truths)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("mbench"), n_images=10)


@pytest.fixture(scope="module")
def questions(stand_in):
    return stand_in[0]


def references(questions, language="ar"):
    return [mbench.reference_of(row) for row in questions.of(language)]


def scores_of(stand_in, answers):
    questions, _, truths = stand_in
    return {name: judged_by_rubric(questions.of("ar"), said, truths) for name, said in answers.items()}


# --- figures and marks ------------------------------------------------------------------------------------------------


def test_the_figure_shows_one_image_of_each_kind_with_both_captions(stand_in):
    questions, images, truths = stand_in
    found = lesson.figure(questions, images)

    shown = [axes for axes in found.axes if axes.images]
    first = {truths[mbench.image_of(row)].modality for row in questions.of("en")}
    assert len(shown) == len(first) == 5


def test_the_first_image_is_that_of_the_first_question(questions):
    assert lesson.first_image(questions) == questions.of("en")[0].facts["image"]


def test_a_reference_has_ten_marks_nothing_has_one_and_anothers_reference_loses_some(stand_in):
    questions, _, truths = stand_in
    table = lesson.marked_table(questions, truths)
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    assert [(one["language"], one["marks of 10"] == 10) for one in cells] == [
        (language, is_reference) for language in ("English", "Arabic") for is_reference in (True, False, False)
    ]
    assert [(one["answer"], one["right"], one["taken off"], one["marks of 10"]) for one in cells[2::3]] == [
        ("(nothing)", "", "", 1)
    ] * 2
    assert not cells[0]["missing"]
    assert set(cells[0]["right"].split(", ")) == set(cells[2]["missing"].split(", "))


@pytest.mark.parametrize("n_images", [5, 6, 7, 8])
def test_the_other_reference_is_another_figures_however_few_there_are(tmp_path, n_images):
    questions, _, truths = drawn(tmp_path, n_images=n_images)
    table = lesson.marked_table(questions, truths)

    described = {text_of(row.messages[-1]): mbench.image_of(row) for row in questions.rows if row.kind == DESCRIPTION}
    figures = [described[row[table.columns.index("answer")]] for row in table.rows if row[2] != "(nothing)"]
    assert len(set(figures)) == 2
    assert figures[:2] == figures[2:]  # the same two in both languages


def test_without_truths_there_is_nothing_for_the_rubric_to_mark(questions):
    assert lesson.marked_table(questions, {}).rows == ()
    assert lesson.known(questions, {}) == {}


def test_references_as_answers_score_as_the_references_and_exchanged_ones_less(stand_in):
    questions, _, truths = stand_in
    found = lesson.known(questions, truths)

    assert {name: len(judged) for name, judged in found.items()} == dict.fromkeys(
        ("references", "shuffled"), len(questions.rows)
    )
    assert all(one.answer_score == one.reference_score == 10 for one in found["references"])
    for language in ("en", "ar"):
        given = [one.answer for one in found["shuffled"] if one.row.language == language]
        assert Counter(given) == Counter(references(questions, language))  # exchanged within the language
    assert all(one.answer_score <= one.reference_score for one in found["shuffled"])
    assert sum(one.answer_score for one in found["shuffled"]) < 6 * len(questions.rows)


# --- blind comparison -------------------------------------------------------------------------------------------------


def compared(stand_in, answers, folder, *, by_script, seed=0):
    return lesson.blind_comparison(
        stand_in[0], answers, scores_of(stand_in, answers), by_script=by_script, folder=folder, seed=seed
    )


def measured(blind):
    """Model and choices of the measured rows."""
    column = blind.table.columns.index
    rows = [row for row in blind.table.rows if row[0] != PAPER]
    return {row[column("model")]: (row[column("chosen")], row[column("choices")]) for row in rows}


@pytest.fixture(scope="module")
def two(questions):
    """One model says the references, the other nothing."""
    return {"good": references(questions), "mute": [""] * len(references(questions))}


def test_a_script_prefers_what_the_rubric_marks_higher_and_is_called_no_expert(stand_in, two, tmp_path):
    blind = compared(stand_in, two, tmp_path, by_script=True)

    assert measured(blind) == {"model good": (12, 12), "model mute": (0, 12)}
    assert {row[0] for row in blind.table.rows} == {PAPER, "scripted reviewer A, no expert"}
    assert blind.said == (
        "a form of 12 questions and 2 answers each, in random order; its key is in a file of its own; "
        "1 filled forms read back"
    )


def test_equal_answers_are_ties_and_leave_no_share(stand_in, questions, tmp_path):
    same = dict.fromkeys(("one", "other"), references(questions))
    blind = compared(stand_in, same, tmp_path, by_script=True)

    assert blind.said.endswith("1 filled forms read back, with no clear choice")
    assert measured(blind) == {}


def test_one_model_alone_is_compared_with_nobody(stand_in, two, tmp_path):
    blind = compared(stand_in, {"good": two["good"]}, tmp_path, by_script=True)

    assert blind.said.startswith("no form")
    assert measured(blind) == {}
    assert not list(tmp_path.iterdir())


def filled(folder, name, model, *, n=12):
    """The form of an expert who prefers one model in the first so many questions, and returns it."""
    key = read_key(folder / f"key_ar_{name}.json")
    book = load_workbook(folder / f"form_ar_{name}.xlsx")
    sheet = book["Review"]
    column = next(cell.column for cell in sheet[2] if cell.value == "أفضل إجابة")
    for number, row in enumerate(key.rows[:n], start=3):
        sheet.cell(number, column).value = key.letters[row.models.index(model)]
    (folder / "filled").mkdir(exist_ok=True)
    book.save(folder / "filled" / f"form_ar_{name}.xlsx")


def test_each_expert_has_a_form_of_an_own_order_that_names_no_model(stand_in, two, tmp_path):
    blind = compared(stand_in, two, tmp_path, by_script=False)
    keys = [read_key(tmp_path / f"key_ar_{name}.json") for name in lesson.REVIEWERS]

    assert blind.said.endswith("0 filled forms read back")
    assert measured(blind) == {}
    assert len({tuple((row.id, row.models) for row in key.rows) for key in keys}) == len(keys) == 3
    assert len({frozenset(row.id for row in key.rows) for key in keys}) == 1  # the same questions
    for name in lesson.REVIEWERS:
        with zipfile.ZipFile(tmp_path / f"form_ar_{name}.xlsx") as book:
            assert not any(b"model good" in book.read(part) for part in book.namelist())


def test_what_several_experts_filled_in_is_read_together_and_open_rows_are_no_choices(stand_in, two, tmp_path):
    compared(stand_in, two, tmp_path, by_script=False)
    filled(tmp_path, "R1", "model good")
    filled(tmp_path, "R3", "model mute", n=4)

    blind = compared(stand_in, two, tmp_path, by_script=False)  # the notebook again, when the forms are back

    assert measured(blind) == {"model good": (12, 16), "model mute": (4, 16)}
    assert blind.said.endswith("2 filled forms read back")
    assert {row[0] for row in blind.table.rows} == {PAPER, "experts"}


def test_a_form_under_another_name_is_refused_and_not_left_aside(stand_in, two, tmp_path):
    compared(stand_in, two, tmp_path, by_script=False)
    filled(tmp_path, "R2", "model good")
    (tmp_path / "filled/form_ar_R2.xlsx").rename(tmp_path / "filled/form_ar_R2 (1).xlsx")

    with pytest.raises(DataError, match=r"form_ar_R2 \(1\).xlsx in filled: no name of a form .* form_ar_R2.xlsx"):
        compared(stand_in, two, tmp_path, by_script=False)


def test_a_form_of_other_answers_is_refused_by_its_id(stand_in, two, tmp_path):
    compared(stand_in, two, tmp_path, by_script=False)
    filled(tmp_path, "R1", "model good")
    other = two | {"mute": ["لا أعرف."] * len(two["mute"])}

    with pytest.raises(DataError, match="the form's id is"):
        compared(stand_in, other, tmp_path, by_script=False)
