import pytest
from shared_data import real

from bimedix2_core.bench.medical_vqa import majority_answers, table5, text_only, wrong_image
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of


def question(number, answer="yes", *, kind="closed", image="a"):
    turns = [message("user", f"Question {number}?", images=1), message("assistant", answer)]
    return Row(str(number), "en", "vqa", "rad_vqa", turns, images=(image,), kind=kind, answer=answer)


def test_the_majority_is_of_each_kind_whatever_its_case():
    rows = [question(n, answer) for n, answer in enumerate(("Yes", "yes", "no", "Left", "Left", "right"))]
    rows += [question(9, "lung", kind="open")]

    assert majority_answers(rows) == ["yes", "yes", "yes", "left", "left", "left", "lung"]


def test_always_no_is_right_on_133_of_rad_vqas_251_questions():
    rows = list(read_source("rad_vqa", real("vqa_rad/testset.json"), bad_rows=BadRows(0)))

    closed = table5(rows, majority_answers(rows))["closed_q_accuracy"].estimate

    assert (closed.value, closed.n) == (pytest.approx(133 / 251), 251)


def test_text_only_takes_the_image_and_nothing_else():
    [row] = text_only([question(1)])

    assert row.images == ()
    assert row.messages == [message("user", "Question 1?"), message("assistant", "yes")]


def test_a_wrong_image_is_never_an_image_of_the_same_question_though_questions_share_images():
    rows = [question(n, image=f"image {n // 3}") for n in range(30)]

    wrong = wrong_image(rows, seed=0)

    assert all(w.images != r.images for w, r in zip(wrong, rows, strict=True))
    assert {w.images for w in wrong} == {r.images for r in rows}
    assert all(len({w.images for w in wrong[n : n + 3]}) == 1 for n in range(0, 30, 3))
    assert [text_of(w.messages[0]) for w in wrong] == [text_of(r.messages[0]) for r in rows]
    assert wrong == wrong_image(rows, seed=0) != wrong_image(rows, seed=1)


def test_wrong_images_need_keys_and_two_images():
    with pytest.raises(DataError, match="1 questions have no image key, first '1'"):
        wrong_image(text_only([question(1)]), seed=0)
    with pytest.raises(DataError, match="at least two different ones; the 2 questions have 1"):
        wrong_image([question(1), question(2)], seed=0)
