"""The stand-ins of BiMed-V's sources: read by the readers of the published sets, broken and leaking only on purpose."""

import json
from pathlib import Path

import pytest
import yaml

from bimedix2_core.data.compose.parts import PartFile, published_origin
from bimedix2_core.data.decontaminate import Index, Settings
from bimedix2_core.data.decontaminate.parts import check_parts, hash_stored, image_keys
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources import BadRows
from bimedix2_core.demo import bimed_v, corpus, curriculum
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.params import MedicalVqaParams
from bimedix2_core.records import text_of

TABLE_12 = reported.read("table12_bimed_v_composition")
WANTED = dict.fromkeys(TABLE_12.column("samples"), 8)
SIZES = MedicalVqaParams(
    sets={},
    protocols=["short_answer"],
    n_per_set=None,
    n_closed=8,
    n_side=2,
    n_open=4,
    n_choice=2,
    n_caption=2,
    n_follow_up=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bimed_v")


@pytest.fixture(scope="module")
def files(folder):
    return bimed_v.write_sources(folder / "sources", WANTED, seed=0)


@pytest.fixture(scope="module")
def readings(folder, files):
    """Rows and unreadable rows of each source, read as published."""
    store, found = ImageStore(folder / "images"), {}
    for source, file in files.items():
        bad = BadRows(20)
        found[source] = list(part(source, file, store).read(bad)), bad
    return found


def part(source, file, store):
    return PartFile(source, file, store, 20, published_origin(source))


def test_every_source_of_table_12_has_a_stand_in(files):
    assert list(files) == list(TABLE_12.column("samples"))


def test_each_is_read_as_published_and_has_a_row_to_spare_but_one(readings):
    counts = {source: len(rows) for source, (rows, _) in readings.items()}
    planted = {"single_turn_qa", "single_turn_qa_ar", "multi_turn_conversation", "slake_vqa", "llava_med_to_qa",
               "llava_med_to_qa_ar"}  # fmt: skip

    assert counts.pop("medqa_ar") == 3  # 8 wanted, 5 missing on purpose
    assert counts == {source: 9 + (source in planted) for source in counts}


def test_exactly_the_rows_broken_on_purpose_are_unreadable(readings):
    problems = {source: [(bad.place, bad.problem) for bad in found.found] for source, (_, found) in readings.items()}

    broken = {source: one for source, one in problems.items() if one}
    assert {source: len(one) for source, one in broken.items()} == dict.fromkeys(
        ("pubmedqa", "medmcqa", "medqa", "single_turn_qa", "rad_vqa", "pmc_vqa", "path_vqa", "llava_med_to_qa"), 1
    )
    assert broken["medmcqa"] == [("demo.json, line 10", "cop is 7; expected 0 to 3, or -1 without a key")]
    assert broken["medqa"][0][1].startswith("not JSON")
    assert "no field 'answer'" in broken["rad_vqa"][0][1]
    assert "no image 'demo-not-there.png'" in broken["llava_med_to_qa"][0][1]


@pytest.mark.parametrize("source", [source for source in WANTED if source.endswith("_ar")])
def test_an_arabic_row_is_the_twin_of_the_english_row_of_its_id(readings, source):
    arabic, english = readings[source][0], readings[source.removesuffix("_ar")][0]
    by_id = {row.id: row for row in english}

    for row in arabic:
        twin = by_id[row.id]
        assert (row.language, twin.language) == ("ar", "en")
        assert (row.images, row.answer, row.task) == (twin.images, twin.answer, twin.task)
        assert len(row.messages) == len(twin.messages)
        said = " ".join(text_of(turn) for turn in row.messages)
        assert language_of(said) == "ar", said


def test_the_modality_is_what_table_12_is_read_as(readings):
    for source, (rows, _) in readings.items():
        assert {row.modality for row in rows} == {TABLE_12.cell(source, "modality_inferred")}, source


def test_several_questions_share_an_image(readings):
    assert len({row.images for row in readings["path_vqa"][0]}) == 3  # 9 questions, 4 on an image
    assert len({row.images for row in readings["pmc_mcq"][0]}) == 9


def test_every_file_and_every_id_says_demo(files, readings):
    assert all(file.name.startswith("demo.") for file in files.values())
    assert all(row.id.startswith("demo") for rows, _ in readings.values() for row in rows)


def test_the_option_that_is_keyed_is_the_one_that_is_true(readings):
    for row in readings["medqa"][0]:
        assert text_of(row.messages[1]).startswith(f"{row.answer}. {row.choices[ord(row.answer) - ord('A')]}")
    keys = [row.answer for source in ("medqa", "medmcqa", "pmc_mcq") for row in readings[source][0]]
    assert set(keys) == set("ABCD")


def test_the_keyed_answer_to_a_fact_is_the_fact(readings):
    grammar = Path(corpus.__file__).with_name("grammar.yaml").read_text(encoding="utf-8")
    facts = [one["en"] for one in yaml.safe_load(grammar)["facts"].values()]

    for row in readings["medmcqa"][0]:
        answers = {answer for question, answer in facts if question in text_of(row.messages[0])}
        assert row.choices["ABCD".index(row.answer)] in answers


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(folder, files, tmp_path):
    again = bimed_v.write_sources(tmp_path / "again", WANTED, seed=0)
    other = bimed_v.write_sources(tmp_path / "other", WANTED, seed=1)

    assert {source: file.read_bytes() for source, file in again.items()} == {
        source: file.read_bytes() for source, file in files.items()
    }
    assert all(other[source].read_bytes() != file.read_bytes() for source, file in files.items())


def test_a_larger_source_begins_with_the_smaller_one(files, tmp_path):
    larger = bimed_v.write_sources(tmp_path, {"medqa": 16}, seed=0)["medqa"]

    assert larger.read_text().splitlines()[:9] == files["medqa"].read_text().splitlines()[:9]


def test_a_source_without_a_stand_in_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no stand-in for mimic, usmle; there is one for each of pubmedqa, medmcqa"):
        bimed_v.write_sources(tmp_path, {"mimic": 1, "usmle_ar": 1, "medqa": 1}, seed=0)


# --- leaks -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkup(folder, files, readings):
    store = ImageStore(folder / "images")
    benchmarks = bimed_v.exam_rows(SIZES, store, seed=0)
    keys = image_keys(benchmarks) | {key for rows, _ in readings.values() for row in rows for key in row.images}
    index = Index.build(benchmarks, image_hashes=hash_stored(store, keys), settings=Settings(distance=0))
    return check_parts([part(source, file, store).part for source, file in files.items()], index)


def test_every_planted_leak_is_found_as_what_it_is(folder, checkup):
    planted = bimed_v.planted_leaks(folder / "sources")

    assert len(planted) == 6
    for leak in planted:
        matches = checkup.leaks[leak.source, leak.language, leak.row_id]
        assert leak.kind in {match.kind for match in matches if match.benchmark_id == leak.item_id}, leak


def test_a_planted_image_is_another_file_than_the_test_image(folder, readings, checkup):
    (leaked,) = [row for row in readings["slake_vqa"][0] if row.id.endswith("leak")]

    details = [match.detail for match in checkup.leaks["slake_vqa", "en", leaked.id] if match.kind == "image"]
    assert details
    assert all("0 of 64 bits differ" in detail and leaked.images[0] not in detail for detail in details)


def test_the_arabic_leak_is_spelt_otherwise_than_the_test(folder, readings):
    store = ImageStore(folder / "images")
    asked = {text_of(row.messages[0]) for row in bimed_v.exam_rows(SIZES, store, seed=0)["demo_follow_up"]}
    (leaked,) = [row for row in readings["single_turn_qa_ar"][0] if row.id.endswith("leak")]

    said = text_of(leaked.messages[0])
    assert said not in asked
    assert "\u0640" in said  # tatweel
    assert "\u0623" not in said  # alef with hamza


def test_no_image_was_drawn_for_training_and_test_alike(folder, readings):
    tests = image_keys(bimed_v.exam_rows(SIZES, ImageStore(folder / "images"), seed=0))

    assert not tests & {key for rows, _ in readings.values() for row in rows for key in row.images}
    assert bimed_v.SOURCE_SEEDS > curriculum.TEST_SEEDS + 1_000_000


def test_where_nothing_was_drawn_nothing_was_planted(tmp_path):
    assert bimed_v.planted_leaks(tmp_path) == ()


def test_the_exam_is_the_one_of_notebook_09_in_two_languages(folder):
    rows = bimed_v.exam_rows(SIZES, ImageStore(folder / "images"), seed=0)

    assert {name: len(one) for name, one in rows.items()} == {
        "demo_closed": 16, "demo_side": 4, "demo_open": 8, "demo_choice": 4, "demo_caption": 4, "demo_follow_up": 8
    }  # fmt: skip
    english, arabic = rows["demo_choice"][:2]
    assert (english.id, english.images) == (arabic.id, arabic.images)
    assert len(english.choices) == len(arabic.choices) == 4


def test_the_list_of_what_was_planted_is_plain_json(folder, files):
    listed = json.loads((folder / "sources" / bimed_v.PLANTED).read_text())

    assert {leak["kind"] for leak in listed} == {"question_answer", "ngram", "image_question_answer", "image"}
