"""What the ablations show: shapes beside phantoms with their captions, and what a baseline says of both."""

import pytest

from bimedix2_core.demo import ablation_lesson, lessons
from bimedix2_core.demo.shapes import shape_samples
from bimedix2_core.errors import DataError
from tests.paper.figures.drawing import cut_off, overlapping, words


@pytest.fixture(scope="module")
def examples():
    return ablation_lesson.examples(seed=0)


def test_five_shapes_stand_before_a_phantom_of_each_modality_in_both_languages(examples):
    assert [sample.source for sample in examples] == ["shapes"] * 10 + ["phantom"] * 10
    assert [sample.language for sample in examples] == ["en", "ar"] * 10
    assert len({sample.id for sample in examples}) == 10
    phantoms = [sample.target for sample in lessons.caption_examples(seed=0, held_out=False)]
    assert [sample.target for sample in examples[10:]] == phantoms


def test_no_shape_that_is_shown_is_trained_on(examples):
    trained = {sample.images[0].tobytes() for sample in shape_samples(200, seed=0)}

    assert trained.isdisjoint(sample.images[0].tobytes() for sample in examples)


def test_the_picture_has_every_caption_and_nothing_is_cut_off(examples):
    picture = ablation_lesson.wanted(examples)

    assert all(sample.target in picture.alt for sample in examples if sample.language == "en")
    assert cut_off(picture.figure) == []
    assert overlapping(picture.figure) == []
    assert words(picture.figure)[0] == "Pairs that are not medical, and pairs that are"


def test_what_the_baseline_says_takes_the_place_of_what_is_wanted(examples):
    said = ablation_lesson.said(examples, [f"word {number}" for number in range(20)])

    shown = words(said.figure)
    assert {f"word {number}" for number in range(20)} <= set(shown)
    assert shown[0] == "What the baseline says"
    assert "Figure: What the baseline says" in repr(said)


def test_where_no_baseline_is_trained_the_title_says_so(examples):
    picture = ablation_lesson.said(examples, None)

    assert words(picture.figure)[0] == "No baseline is trained here: the captions wanted"


def test_a_caption_too_few_is_refused(examples):
    with pytest.raises((DataError, ValueError)):
        ablation_lesson.said(examples, ["one"])
