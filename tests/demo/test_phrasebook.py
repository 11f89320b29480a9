"""The phrasebook: it knows the grammar's sentences in both directions, and nothing else."""

from collections import defaultdict

import pytest

from bimedix2_core.bench import mbench
from bimedix2_core.demo import phrasebook
from bimedix2_core.demo.mbench_set import write_mbench

IT_IS = {"It is small.", "It is large."}
"""Sentences whose Arabic depends on the gender of what they speak of."""


@pytest.fixture(scope="module", params=[0, 1, 2])
def twins(request, tmp_path_factory):
    """The 193 questions of a stand-in in both languages, English beside Arabic."""
    files = write_mbench(tmp_path_factory.mktemp("mbench"), n_images=50, seed=request.param)
    return mbench.pairs(mbench.read({"en": files.english, "ar": files.arabic}).rows)


def test_every_question_is_translated_to_its_twin_word_for_word(twins):
    asked = [mbench.question_of(arabic) for _, arabic in twins]

    assert phrasebook.translated(asked, into="en") == [mbench.question_of(english) for english, _ in twins]
    assert len(twins) == 193


def test_every_reference_answer_is_translated_to_its_twin_but_what_a_gender_decides(twins):
    said = [mbench.reference_of(english) for english, _ in twins]
    found = phrasebook.translated(said, into="ar")

    others = {text for text, got, (_, row) in zip(said, found, twins, strict=True) if got != mbench.reference_of(row)}
    assert others <= IT_IS
    assert all(found)


def test_of_all_sentences_only_these_have_several_arabic_twins_of_which_the_first_is_taken():
    wanted = defaultdict(list)
    for twin in phrasebook._twins():
        for known, arabic in zip(twin.turns["en"], twin.turns["ar"], strict=True):
            for text, translation in zip(known, arabic, strict=True):
                wanted[text].append(translation)

    assert {text for text, twins in wanted.items() if len(set(twins)) > 1} == IT_IS
    assert phrasebook.translated(sorted(IT_IS), into="ar") == [wanted[text][0] for text in sorted(IT_IS)]


def test_more_draws_would_find_no_further_sentence(monkeypatch):
    known = {into: set(phrasebook._book.__wrapped__(into)) for into in ("en", "ar")}
    monkeypatch.setattr(phrasebook, "DRAWS", 3 * phrasebook.DRAWS)

    assert {into: set(phrasebook._book.__wrapped__(into)) for into in ("en", "ar")} == known


@pytest.mark.parametrize(
    "text", ["", "   ", "It is enormous.", "Is there a pleural effusion and a nodule?", "It is small. It is small."]
)
def test_what_the_grammar_does_not_say_has_no_translation(text):
    assert phrasebook.translated([text], into="ar") == [""]


def test_a_sentence_is_known_whatever_its_case_and_punctuation_and_only_in_its_own_direction():
    assert phrasebook.translated(["yes", "YES!", " Yes. "], into="ar") == ["نعم."] * 3
    assert phrasebook.translated(["نعم", "Yes."], into="en") == ["Yes.", ""]


def test_texts_keep_their_order_and_their_number():
    assert phrasebook.translated(["No.", "unknown words", "Yes.", "No."], into="ar") == ["لا.", "", "نعم.", "لا."]
    assert phrasebook.translated([], into="ar") == []
