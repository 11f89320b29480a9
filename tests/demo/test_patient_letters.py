"""Patients' letters: the same in both languages, answered truly, and never in a sentence of the exam's frames."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bimedix2_core.data.compose.parts import PartFile, published_origin
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.demo import bimed_v, clinical_sets, corpus, patient_letters
from bimedix2_core.demo.patient_letters import NUMBERS, patient_letter
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.records import LANGUAGES, text_of

EXAM = yaml.safe_load(Path(clinical_sets.__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
FRAMES = yaml.safe_load(Path(patient_letters.__file__).with_suffix(".yaml").read_text(encoding="utf-8"))["letters"]
SOURCES = [f"{one}{end}" for one in ("single_turn_qa", "multi_turn_conversation") for end in ("", "_ar")]


def exam_sentences(language):
    """The sentences of the exam's frames as patterns: any number in the place of a number."""
    frames = [*EXAM["patients"], *EXAM["vignettes"].values()]
    told = [piece for frame in frames for piece in re.split(r"\{(?:complaint|patient|question)\}", frame[language])]
    sentences = [one.strip() for piece in told for one in re.split(r"(?<=\.)\s", piece)]
    return [re.compile(re.sub(r"\\\{\w+\\\}", r"\\d+", re.escape(one))) for one in sentences if one]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    files = bimed_v.write_sources(folder / "sources", dict.fromkeys(SOURCES, 150), seed=0)
    store = ImageStore(folder / "images")
    return {name: list(PartFile(name, file, store, 5, published_origin(name)).rows()) for name, file in files.items()}


def texts(rows, language):
    return [
        text_of(turn) for name in SOURCES for row in rows[name] for turn in row.messages if row.language == language
    ]


@pytest.fixture(scope="module")
def letters():
    rng = random.Random(0)
    return [patient_letter(corpus.even_truth(rng), rng) for _ in range(400)]


def frame_of(said, language):
    """The numbers of the frames that a letter may be written in."""
    found = []
    for number, frame in enumerate(FRAMES):
        pattern = re.escape(frame[language])
        pattern = re.sub(r"\\\{(complaint|question)\\\}", ".+", pattern)
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", r"\\d+", pattern), said):
            found.append(number)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_exams_frames_is_in_a_training_row(rows, language):
    patterns = exam_sentences(language)
    training = texts(rows, language)

    assert len(patterns) == 5  # a man, a woman, the image (twice), temperature and pulse
    assert len(training) > 900
    assert not [said for said in training for pattern in patterns if pattern.search(said)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_question_of_the_exam_has_such_a_sentence(language):
    patterns = exam_sentences(language)
    exam = clinical_sets.clinical_sets(8, seed=0)
    asked = [
        row for name in ("demo_vignettes", "demo_long_vignettes") for row in exam[name] if row.language == language
    ]

    assert len(asked) == 16
    assert all(any(pattern.search(text_of(row.messages[0])) for pattern in patterns) for row in asked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_frames_are_at_least_five_and_differ_from_the_exams_word_for_word(language):
    told = [re.sub(r"\{\w+\}", "7", frame[language]) for frame in FRAMES]

    assert len(set(told)) == len(FRAMES) >= 5
    assert not [said for said in told for pattern in exam_sentences(language) if pattern.search(said)]


def test_both_sides_of_a_frame_have_the_same_places_in_the_same_order():
    for frame in FRAMES:
        english, arabic = (re.findall(r"\{(\w+)\}", frame[language]) for language in LANGUAGES)
        assert english == arabic
        assert english[-1] == "question"
        assert set(english) <= {"complaint", "question", *NUMBERS}


def test_every_frame_is_used_and_twins_have_the_same_one_and_the_same_numbers(letters):
    used = Counter()
    for twin in letters:
        english, arabic = (twin.turns[language][0][0] for language in LANGUAGES)
        shared = set(frame_of(english, "en")) & set(frame_of(arabic, "ar"))
        assert shared
        assert re.findall(r"\d+", english) == re.findall(r"\d+", arabic)
        used.update(shared)

    assert set(used) == set(range(len(FRAMES)))


def test_a_complaint_is_one_that_leads_to_such_an_image_and_any_before_a_slide():
    grammar = yaml.safe_load(Path(corpus.__file__).with_name("grammar.yaml").read_text(encoding="utf-8"))
    complaints = grammar["follow_up"]["complaints"]

    rng = random.Random(1)
    for modality, fitting in EXAM["complaints"].items():
        assert {patient_letters._complaint(modality, rng).kind for _ in range(300)} == set(fitting)
    assert {patient_letters._complaint("histology", rng).kind for _ in range(2000)} == set(complaints)


def test_half_the_letters_are_about_a_side_whatever_was_given():
    rng, given = random.Random(0), Truth("histology", "normal")
    asked = [patient_letter(given, rng).turns["en"][0][0] for _ in range(300)]

    sided = sum(bool(re.search(r"\b(left|right)\b", said)) for said in asked)
    assert 110 < sided < 190  # 150, and 4.6 standard deviations of 8.7


def test_the_answer_is_that_of_the_report_and_never_asks_back(letters):
    for twin in letters:
        assert len(twin.turns["en"]) == 1
        question, answer = twin.turns["en"][0]
        for side, other in (("left", "right"), ("right", "left")):
            if re.search(rf"\b{side}\b", answer.lower()):
                assert re.search(rf"\b{side}\b", question), question
                assert not re.search(rf"\b{other}\b", answer.lower())
        assert not answer.endswith("?")


def is_letter(row, turn=0):
    return bool(frame_of(text_of(row.messages[turn]), row.language))


@pytest.mark.parametrize("source", SOURCES[:2])
def test_nine_of_ten_single_turns_are_letters(rows, source):
    own = [row for row in rows[source] if not row.id.endswith("leak")]

    assert 0.83 < sum(map(is_letter, own)) / len(own) < 0.97  # 168 rows: 0.9 and 3 standard deviations


@pytest.mark.parametrize("source", SOURCES[2:])
def test_each_conversation_ends_with_a_letter(rows, source):
    own = [row for row in rows[source] if not row.id.endswith("leak")]

    assert all(len(row.messages) == 4 and is_letter(row, turn=2) for row in own)
