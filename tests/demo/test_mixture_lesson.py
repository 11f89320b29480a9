import dataclasses
from types import SimpleNamespace

import pytest

from bimedix2_core.demo import mixture_lesson
from bimedix2_core.demo.clinical_sets import clinical_sets
from bimedix2_core.records import LANGUAGES
from bimedix2_core.statistics import Estimate


@pytest.fixture(scope="module")
def sets():
    return clinical_sets(4, seed=0)


def test_exam_questions_are_read_in_twins_with_their_answers(sets):
    samples = mixture_lesson.exam_samples(sets, n_per_set=2)

    assert len(samples) == 2 * 2 * len(sets)
    by_language = {language: [one.id for one in samples if one.language == language] for language in LANGUAGES}
    assert by_language["en"] == by_language["ar"]
    assert all(one.messages[-1]["role"] == "assistant" and not one.images for one in samples)


def model(row, english, arabic):
    return row, {"en": english, "ar": arabic, "bilingual": english}


def floors(monkeypatch, models, share=0.038):
    means = dict(models)
    monkeypatch.setattr(mixture_lesson, "means_of", lambda one: means[one.row])
    examined = [SimpleNamespace(row=row) for row, _ in models]
    return mixture_lesson.floors(examined, base="base", tuned="mixture", trained_share=share).splitlines()


LOW, HIGH = Estimate(0.85, 0.82, 0.87, 800), Estimate(0.94, 0.92, 0.95, 800)


def test_a_mixture_above_its_base_in_both_languages_meets_its_floors(monkeypatch):
    said = floors(monkeypatch, [model("base", LOW, LOW), model("mixture", HIGH, HIGH)])

    assert [line.rpartition(": ")[2] for line in said] == ["met"] * 3


def test_intervals_that_touch_and_another_share_are_noticed(monkeypatch):
    touching = dataclasses.replace(HIGH, low=0.87)
    said = floors(monkeypatch, [model("base", LOW, LOW), model("mixture", HIGH, touching)], share=0.05)

    assert [line.rpartition(": ")[2] for line in said] == ["met", "NOT MET", "NOT MET"]


def test_the_composition_is_said_with_its_ratio_and_what_was_left_out():
    built = SimpleNamespace(n_rows=30, rows=lambda *, language: {"en": 20, "ar": 10}[language])

    assert mixture_lesson.composition_line(built, {"medqa": 2, "pubmedqa_ar": 1}) == (
        "30 rows, Arabic to English 10 to 20 (1 : 2.00); 3 rows of the sources hold something of an examination and "
        "were left out"
    )
