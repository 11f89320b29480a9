from dataclasses import replace

import pytest

from bimedix2_core.demo import exam
from bimedix2_core.demo.exam import Answers, Questions
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.params import MedicalVqaParams
from bimedix2_core.records import LANGUAGES
from bimedix2_core.runs import JsonlStore
from tests.tiny import GREEDY, sample, tiny_lmm

SIZES = MedicalVqaParams(
    sets={},
    protocols=["short_answer"],
    n_per_set=None,
    n_closed=8,
    n_side=2,
    n_open=2,
    n_choice=2,
    n_caption=2,
    n_follow_up=2,
)


@pytest.fixture(scope="module")
def questions() -> Questions:
    return exam.draw_questions(SIZES, seed=0)


def perfect(questions: Questions) -> Answers:
    return Answers(*(tuple(one.target for one in getattr(questions, name)) for name in Answers.__annotations__))


def empty(questions: Questions) -> Answers:
    return Answers(*(("",) * len(getattr(questions, name)) for name in Answers.__annotations__))


def test_sizes_are_per_language(questions):
    assert exam.size_table(questions).rows == tuple(
        (name, language, n)
        for name, n in (("closed", 8), ("side", 2), ("open", 2), ("choice", 2), ("follow up", 2))
        for language in ("English", "Arabic")
    )
    assert len(questions) == 2 * (8 + 2 + 2 + 2 + 2)


def test_a_perfect_model_is_right_everywhere(questions):
    rows = exam.rows(questions, perfect(questions))

    assert {row.estimate.value for row in rows} == {1.0}
    assert {row.metric for row in rows if row.kind == "all"} >= {"closed accuracy", exam.SIDE_METRIC, "multiple choice"}


def test_a_silent_model_is_wrong_and_lies_below_its_floors(questions):
    silent = exam.rows(questions, empty(questions))
    tests = exam.tested_controls({"no image": questions}, {"no image": empty(questions)})

    found = {str(floor) for floor in exam.floors(silent, silent, tests)}

    assert "closed accuracy at least 0.93 in Arabic: NOT MET" in found
    assert "open token F1 rises with training in English, intervals apart: NOT MET" in found
    assert "no image: not above the majority in any kind and language (one-sided, Holm): met" in found


def test_a_control_that_knows_the_answers_is_caught():
    one, two = replace(sample(answer="Left."), kind="side"), replace(sample(answer="Right."), kind="side")
    pool = tuple(replace(one if index % 2 else two, id=str(index)) for index in range(40))
    asked = {"no image": Questions(closed=pool, choice=pool[:2])}
    given = {
        "no image": Answers(tuple(q.target for q in pool), (), (), ("", ""), ()),
    }

    tests = exam.tested_controls(asked, given)

    assert [test.kind for test in tests] == ["side", "multiple choice, side"]
    assert tests[0].p_holm == pytest.approx(2 * 0.5**40)  # 40 of 40 at a majority of 0.5; two tests


def test_over_all_kinds_the_majority_is_that_of_each_kind():
    answers = {"side": ("Left.", "Left.", "Right."), "abnormal": ("Yes.",)}
    closed = tuple(
        replace(sample(answer=text, language=language, name=f"{kind}{index}"), kind=kind)
        for kind, texts in answers.items()
        for index, text in enumerate(texts)
        for language in LANGUAGES
    )
    asked = Questions(closed=closed)

    rows = exam.rows(asked, perfect(asked))

    assert [(row.kind, row.language) for row in rows[:2]] == [("abnormal", "en"), ("abnormal", "ar")]
    assert [row.majority for row in rows if row.kind == "all"] == pytest.approx([3 / 4, 3 / 4])  # (2 + 1) of 4
    assert exam.majority(rows, "closed accuracy") == pytest.approx(3 / 4)


def test_controls_lose_their_images_or_get_others(questions):
    blind, wrong = exam.no_image(questions), exam.wrong_image(questions, seed=0)

    assert not any(one.images for one in blind.closed + blind.choice)
    assert all(one.images for one in wrong.closed + wrong.side)
    assert [one.target for one in wrong.choice] == [one.target for one in questions.choice]
    assert blind.open == blind.follow_up == ()


def test_answers_are_taken_from_the_store_the_second_time(tmp_path):
    questions = Questions(closed=(sample(), sample(language="ar", name="t")))
    path = tmp_path / "predictions.jsonl"

    first = exam.answer(LocalBackend(tiny_lmm(), GREEDY), questions, store=JsonlStore(path))
    size = path.stat().st_size
    again = exam.answer(LocalBackend(tiny_lmm(), GREEDY), questions, store=JsonlStore(path))
    exam.answer(LocalBackend(tiny_lmm(seed=5), GREEDY), questions, store=JsonlStore(path))

    assert first == again
    assert path.stat().st_size > size  # other weights, other answers


def test_options_are_chosen_by_likelihood_and_are_letters(tmp_path):
    choices = ("a", "b", "c", "d")
    asked = Questions(choice=(replace(sample(), choices=choices), replace(sample(language="ar"), choices=choices)))

    given = exam.answer(LocalBackend(tiny_lmm(), GREEDY), asked, store=JsonlStore(tmp_path / "p.jsonl"))

    assert set(given.choice) <= set("ABCD")
    assert len(given.choice) == 2


def test_bars_have_both_languages_and_english_comes_first(questions):
    rows = exam.rows(questions, perfect(questions))

    bars = exam.kind_bars(rows)
    models = exam.model_bars({"a": rows, "b": rows}, "closed accuracy")

    assert [bar.group for bar in bars[:2]] == ["en", "ar"]
    assert "side, yes or no" in exam.kind_chance(rows)
    assert [(bar.label, bar.group) for bar in models] == [("a", "en"), ("a", "ar"), ("b", "en"), ("b", "ar")]


def test_tables_hold_every_model_metric_and_control(questions):
    rows = exam.rows(questions, perfect(questions))
    tests = exam.tested_controls({"no image": questions}, {"no image": perfect(questions)})

    assert len(exam.model_table({"a": rows, "b": rows}, metrics=["open token F1"], caption="x").rows) == 4
    assert len(exam.row_table(rows, caption="x").rows) == len(rows)
    assert 2 * len(exam.control_table(tests).rows) == len(tests)
    assert exam.summary(rows)["closed accuracy, en"] == 1.0


def test_a_small_exam_is_the_beginning_of_the_large_one(questions):
    small = exam.draw_small(SIZES, seed=0)

    assert [one.messages for one in small.closed] == [one.messages for one in questions.closed[:4]]
    assert (len(small.open), small.side, small.choice) == (2, (), ())


def test_a_gallery_marks_right_and_wrong(questions):
    figure = exam.gallery(questions.closed, [questions.closed[0].target] * len(questions.closed), n_each=2)
    texts = "".join(text.get_text() for text in figure.texts)

    assert exam.RIGHT in texts
    assert exam.WRONG in texts
    assert len(exam.gallery(questions.closed[:2], perfect(questions).closed[:2], n_each=1).axes) == 1


def test_the_models_stand_in_the_order_full_to_untrained(questions):
    given = perfect(questions)

    assert list(exam.all_rows(questions, {"before": given, exam.FULL: given})) == [exam.FULL, "before"]


@pytest.mark.parametrize(("n_yes", "n_no"), [(25, 25), (30, 20), (9, 4), (2, 1), (1, 1)])
def test_wrong_images_agree_with_the_answer_as_often_as_chance_expects(n_yes, n_no):
    answers = ["Yes."] * n_yes + ["No."] * n_no
    n = len(answers)
    expected = (n_yes**2 + n_no**2) / n

    partners = exam._partners(range(n), answers, seed=0)

    assert sorted(partners) == sorted(partners.values()) == list(range(n))
    assert all(index != other for index, other in partners.items())
    agree = sum(answers[index] == answers[other] for index, other in partners.items())
    assert agree == pytest.approx(expected, abs=max(1.5, 0.06 * n))


def test_a_wrong_image_is_of_the_same_kind_and_language_and_never_the_own():
    samples = [
        sample(name=f"{index}", language=language, answer=answer)
        for index in range(6)
        for language, answer in (("en", "Yes." if index % 2 else "No."), ("ar", "No."))
    ]

    wrong = exam._with_others_images(samples, seed=0)

    owner = {id(one.images[0]): one for one in samples}
    for one, changed in zip(samples, wrong, strict=True):
        other = owner[id(changed.images[0])]
        assert (other.language, other.id == one.id) == (one.language, False)
        assert changed.target == one.target
