from dataclasses import replace

import pytest
from shared_data import real

from bimedix2_core.bench.medical_vqa import OVERLAPS, clean_results, overlaps
from bimedix2_core.bench.medical_vqa.clean_subset import IMAGE, PAIR, QUESTION, TRIPLET
from bimedix2_core.data.decontaminate import ImageHashes
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

few = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


def question(number, text, answer, image):
    turns = [message("user", text, images=1), message("assistant", answer)]
    return Row(str(number), "en", "vqa", "rad_vqa", turns, kind="closed", answer=answer, facts={"image": image})


TEST = [
    question(1, "Is the heart enlarged?", "Yes", "a.jpg"),
    question(2, "Is the heart enlarged?", "no", "b.jpg"),
    question(3, "Is there a fracture?", "no", "c.jpg"),
    question(4, "Which side?", "Left", "d.jpg"),
]
TRAIN = [
    question("t1", "is the heart enlarged", "yes.", "a.jpg"),
    question("t2", "Is there a mass?", "no", "b.jpg"),
    question("t3", "Is there a fracture?", "yes", "c.jpg"),
]


def test_what_is_shared_is_told_apart():
    found = overlaps(TEST, iter(TRAIN))

    assert found.ids == {
        IMAGE: {"1", "2", "3"},
        QUESTION: {"1", "2", "3"},  # the second with another image's training row
        PAIR: {"1", "3"},
        TRIPLET: {"1"},
    }
    assert (found.n_test, found.n_train) == (4, 3)


def test_a_copy_that_looks_alike_is_found_by_hash_and_a_name_of_another_source_is_not():
    copy = replace(TRAIN[1], source="slake_vqa")
    hashes = ImageHashes({"rad_vqa/b.jpg": 0b1111, "slake_vqa/b.jpg": 0b1110}, frozenset())

    assert overlaps(TEST, [copy]).ids[IMAGE] == set()
    assert overlaps(TEST, [copy], image_hashes=hashes).ids[IMAGE] == {"2"}


@few
def test_clean_scores_are_of_the_questions_that_are_left():
    texts = ["Yes", "yes", "no", "Left"]

    subsets = {one.shared: one for one in clean_results(TEST, texts, overlaps(TEST, TRAIN))}

    closed = {
        shared: [r.estimate for r in one.results if (r.definition, r.kind) == ("ours", "closed by label")]
        for shared, one in subsets.items()
    }
    assert [(e[0].value, e[0].n) for e in closed.values()] == [(1.0, 1), (1.0, 1), (0.5, 2), (pytest.approx(2 / 3), 3)]
    assert str(subsets[TRIPLET]) == "3 of 4 questions share no image, question and answer with training"


def test_no_question_and_an_unknown_overlap_are_refused():
    with pytest.raises(DataError, match="overlap of no question"):
        overlaps([], TRAIN)
    with pytest.raises(DataError, match="no overlap 'answer'; known: image, question"):
        overlaps(TEST, TRAIN).clean(TEST, "answer")


def test_rad_vqas_test_file_shares_every_image_and_86_questions_word_for_word():
    test, train = (
        list(read_source("rad_vqa", real(f"vqa_rad/{name}set.json"), bad_rows=BadRows(0))) for name in ("test", "train")
    )

    found = overlaps(test, train)

    def said(row):
        return text_of(row.messages[0])

    questions = {said(row) for row in train}
    triplets = {(row.facts["image"], said(row), row.answer) for row in train}
    same_question = {row.id for row in test if said(row) in questions}
    same_triplet = {row.id for row in test if (row.facts["image"], said(row), row.answer) in triplets}
    assert len({row.facts["image"] for row in test}) == 203
    assert (len(found.ids[IMAGE]), len(same_question), len(same_triplet)) == (451, 86, 14)
    # four more questions and two more triplets are the same but for case, white space and punctuation
    assert found.ids[QUESTION] > same_question
    assert found.ids[TRIPLET] > same_triplet
    assert [len(found.ids[shared]) for shared in OVERLAPS] == [451, 90, 16, 16]


def test_no_image_of_rad_vqa_is_clean_and_that_is_a_result():
    test, train = (
        list(read_source("rad_vqa", real(f"vqa_rad/{name}set.json"), bad_rows=BadRows(0))) for name in ("test", "train")
    )

    by_image, by_question, *_ = clean_results(test, [row.answer for row in test], overlaps(test, train))

    assert (by_image.n_clean, by_image.results) == (0, ())
    assert str(by_image) == "0 of 451 questions share no image with training"
    assert by_question.n_clean == 361
    assert by_question.results
