"""The stand-ins of Rad-VQA, SLAKE and Path-VQA: read by the readers of the published sets, twins in both languages."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from bimedix2_core.bench.medical_vqa.clean_subset import IMAGE, QUESTION, TRIPLET, overlaps
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources import BadRows, read_records, read_source, slake_languages, source_named
from bimedix2_core.demo import corpus
from bimedix2_core.demo.curriculum import TEST_SEEDS
from bimedix2_core.demo.lessons import EXAMPLE_SEEDS
from bimedix2_core.demo.mbench_set import MBENCH_SEEDS
from bimedix2_core.demo.vqa_sets import SEEDS_PER_SET, SET_IDS, VQA_SEEDS, write_vqa_sets
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

N = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vqa")


@pytest.fixture(scope="module")
def files(folder):
    return write_vqa_sets(folder / "sets", sizes=dict.fromkeys(SET_IDS, N), seed=0)


@pytest.fixture(scope="module")
def readings(folder, files):
    """English test rows, their Arabic twins and the training rows of each set; not one row is bad."""
    store, found = ImageStore(folder / "images"), {}
    for set_id, one in files.items():
        where = {"bad_rows": BadRows(0), "images": store, "image_folder": one.images}
        arabic = replace(source_named(set_id), language="ar").read(one.arabic, **where)
        english, train = (list(read_source(set_id, file, **where)) for file in (one.test, one.train))
        found[set_id] = english, list(arabic), train
    return found


def question(row):
    return text_of(row.messages[0])


@pytest.mark.parametrize("set_id", SET_IDS)
def test_a_set_is_read_as_published_in_the_sizes_asked_for(readings, set_id):
    english, arabic, train = readings[set_id]

    assert (len(english), len(arabic), len(train)) == (N, N, 2 * N)
    assert {(row.task, len(row.images)) for row in english + arabic + train} == {("vqa", 1)}
    assert {row.language for row in arabic} == {"ar"}
    assert len({row.id for row in english}) == N
    assert len({(row.images, question(row)) for row in english}) == N


@pytest.mark.parametrize("set_id", SET_IDS)
def test_the_arabic_twin_has_the_ids_and_images_and_says_it_in_arabic(readings, set_id):
    for one, other in zip(*readings[set_id][:2], strict=True):
        assert (one.id, one.images) == (other.id, other.images)
        assert language_of(question(one)) == "en"
        assert {language_of(question(other)), language_of(other.answer)} == {"ar"}
        if set_id != "path_vqa":
            assert one.kind == other.kind
        if one.answer.lower() in ("yes", "no"):
            assert other.answer == {"yes": "نعم", "no": "لا"}[one.answer.lower()]


def test_the_fields_are_those_of_the_published_files(files):
    """shared/data/README.md, "Formats"; shared/notes/formats.md."""
    fields = {
        "rad_vqa": {"qid", "image_name", "image_organ", "modality", "question", "question_type", "phrase_type",
                    "answer", "answer_type"},
        "slake_vqa": {"qid", "img_id", "img_name", "question", "answer", "q_lang", "answer_type", "content_type",
                      "modality", "location", "base_type", "triple"},
        "path_vqa": {"image", "question", "answer"},
    }  # fmt: skip
    for set_id, one in files.items():
        for file in (one.test, one.train, one.arabic):
            for _, record in read_records(file, BadRows(0)):
                assert set(record) == fields[set_id]
        assert (one.images is None) == (set_id == "path_vqa")


def test_answers_are_short_as_published(readings):
    for set_id, rows in readings.items():
        answers = {row.answer for row in rows[0]}
        assert not any(answer.endswith(".") for answer in answers)
        assert answers >= ({"Yes", "No"} if set_id == "slake_vqa" else {"yes", "no"})
        assert not answers & ({"yes", "no"} if set_id == "slake_vqa" else {"Yes", "No"})


def test_closed_by_label_and_closed_by_yes_or_no_are_two_counts(readings):
    for set_id in ("rad_vqa", "slake_vqa"):
        english = readings[set_id][0]
        closed = [row for row in english if row.kind == "closed"]
        yes_or_no = [row for row in english if row.answer.lower() in ("yes", "no")]
        counts = Counter(row.answer.lower() for row in yes_or_no)

        assert {row.id for row in yes_or_no} < {row.id for row in closed}
        assert N / 4 < len(closed) < 3 * N / 4
        assert min(counts.values()) > N / 10


def test_slake_has_chinese_rows_that_the_language_filter_leaves_out(files, readings):
    for file, rows in (
        (files["slake_vqa"].test, readings["slake_vqa"][0]),
        (files["slake_vqa"].train, readings["slake_vqa"][2]),
    ):
        counts = slake_languages(file, bad_rows=BadRows(0))
        assert counts == {"en": len(rows), "zh": counts["zh"]}
        assert counts["zh"] == 2 * len({row.images for row in rows})
        assert len({record["qid"] for _, record in read_records(file, BadRows(0))}) == counts.total()
    assert slake_languages(files["slake_vqa"].arabic, bad_rows=BadRows(0)) == {"ar": N}


def test_radiological_phantoms_are_in_two_sets_and_the_others_in_the_third(readings):
    for set_id in ("rad_vqa", "slake_vqa"):
        assert {row.facts["modality"] for row in readings[set_id][0]} == {"X-Ray", "CT", "MRI"}
    asked = " ".join(row.answer for row in readings["path_vqa"][0])
    assert "histology" in asked or "microscopy" in asked
    assert "gross" in asked


@pytest.mark.parametrize("set_id", ["rad_vqa", "slake_vqa"])
def test_the_test_questions_are_in_words_kept_for_tests(readings, set_id):
    """Of the four ways to ask for an abnormality each modality has one that training on phantoms never uses."""
    modality = {"X-Ray": "cxr", "CT": "ct", "MRI": "mri"}
    templates = corpus._grammar()["templates"]["closed_question"]["abnormal"]
    ways = [template["en"] for template in templates]
    asked = [(modality[row.facts["modality"]], question(row)) for row in readings[set_id][0]]
    found = {(name, text) for name, text in asked if text in ways}

    assert found
    for name, text in found:
        assert ways.index(text) == corpus.reserved("closed_question", "abnormal", name, len(ways))


@pytest.mark.parametrize("set_id", SET_IDS)
def test_the_overlap_is_what_a_reader_of_the_two_files_finds(files, readings, set_id):
    """Counted again from the files by decontamination, on the bytes of the images and the words."""
    english, _, train = readings[set_id]
    found = {shared: len(ids) for shared, ids in overlaps(english, train).ids.items()}
    counted = files[set_id].overlap

    assert (found[IMAGE], found[QUESTION], found[TRIPLET]) == (counted.image, counted.question, counted.triplet)
    assert 0 < counted.triplet <= min(counted.image, counted.question)
    assert max(counted.image, counted.question) < N / 2
    assert counted.triplet == N // 20


def test_image_seeds_lie_apart_from_all_that_is_trained_on_shown_or_tested_elsewhere():
    """curriculum.py tests up to 400,000 above TEST_SEEDS, lessons.py shows from 900,000 on."""
    begins = [TEST_SEEDS + 400_000, MBENCH_SEEDS + 100_000, VQA_SEEDS + len(SET_IDS) * SEEDS_PER_SET, EXAMPLE_SEEDS]

    assert begins[0] <= MBENCH_SEEDS
    assert begins[1] <= VQA_SEEDS
    assert begins == sorted(begins)


def test_no_two_sets_share_an_image(readings):
    images = {
        set_id: {key for rows in found for row in rows for key in row.images} for set_id, found in readings.items()
    }

    assert not images["rad_vqa"] & images["slake_vqa"]
    assert not images["path_vqa"] & (images["rad_vqa"] | images["slake_vqa"])


def test_a_seed_gives_the_same_files_and_another_seed_others(tmp_path):
    sizes = dict.fromkeys(SET_IDS, 5)
    drawn = [write_vqa_sets(tmp_path / name, sizes=sizes, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]

    for set_id in SET_IDS:
        same, again, other = (one[set_id] for one in drawn)
        for name in ("test", "train", "arabic"):
            assert getattr(same, name).read_bytes() == getattr(again, name).read_bytes()
            assert getattr(same, name).read_bytes() != getattr(other, name).read_bytes()
        assert same.overlap == again.overlap


def test_a_set_of_one_question_is_written(tmp_path):
    files = write_vqa_sets(tmp_path, sizes={"rad_vqa": 1}, seed=0)["rad_vqa"]

    assert len(json.loads(files.test.read_text(encoding="utf-8"))) == 1
    assert len(json.loads(files.train.read_text(encoding="utf-8"))) == 2
    assert files.overlap.triplet == 1


@pytest.mark.parametrize("sizes", [{"omni_vqa": 5}, {"rad_vqa": 0}])
def test_an_unknown_set_and_no_question_are_refused(tmp_path, sizes):
    with pytest.raises(DataError, match="expected at least one of rad_vqa, slake_vqa, path_vqa"):
        write_vqa_sets(tmp_path, sizes=sizes, seed=0)
