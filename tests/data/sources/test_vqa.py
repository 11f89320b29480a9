import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
from shared_data import real

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import vqa
from bimedix2_core.data.sources.card import Source
from bimedix2_core.data.sources.reading import BadRows
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

RAD, SLAKE, PATH, PMC = vqa.SOURCES

RAD_RECORD = {
    "qid": 1,
    "image_name": "synpic54610.jpg",
    "image_organ": "HEAD",
    "answer": "Yes",
    "answer_type": "CLOSED",
    "question_type": "PRES",
    "question": "Are regions of the brain infarcted?",
    "phrase_type": "freeform",
    "modality": "MRI",
}
SLAKE_RECORD = {
    "img_id": 102,
    "img_name": "xmlab102/source.jpg",
    "question": "What modality is used to take this image?",
    "answer": "CT",
    "q_lang": "en",
    "location": "Lung",
    "modality": "CT",
    "answer_type": "OPEN",
    "base_type": "vqa",
    "triple": ["vhead", "_", "_"],
    "qid": 11934,
    "content_type": "Modality",
}


@pytest.fixture
def store(tmp_path) -> ImageStore:
    return ImageStore(tmp_path / "store")


@pytest.fixture
def image_folder(tmp_path) -> Path:
    """Holds the two images of the tiny files."""
    folder = tmp_path / "images"
    (folder / "xmlab102").mkdir(parents=True)
    tiny.colour_image(10).save(folder / "synpic54610.jpg")
    tiny.colour_image(20).save(folder / "xmlab102" / "source.jpg")
    return folder


def written(folder: Path, *records: dict) -> Path:
    (folder / "questions.json").write_text(json.dumps(records), encoding="utf-8")
    return folder / "questions.json"


def rows_of(source: Source, file: Path, *, limit: int = 0, **options) -> list[Row]:
    return list(source.read(file, bad_rows=BadRows(limit), **options))


def problems_of(source: Source, file: Path, **options) -> list[str]:
    bad_rows = BadRows(100)
    list(source.read(file, bad_rows=bad_rows, **options))
    return [f"{bad.place}: {bad.problem}" for bad in bad_rows.found]


# --- real files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_rows", "n_closed", "n_open"), [("trainset", 3064, 1823, 1241), ("testset", 451, 272, 179)]
)
def test_every_row_of_rad_vqa_is_read(name, n_rows, n_closed, n_open):
    rows = rows_of(RAD, real(f"vqa_rad/{name}.json"))

    assert len({row.id for row in rows}) == len(rows) == n_rows
    assert Counter(row.kind for row in rows) == {"closed": n_closed, "open": n_open}
    assert {(row.language, row.task, row.source) for row in rows} == {("en", "vqa", "rad_vqa")}
    assert all(row.answer == text_of(row.messages[1]) == row.answer.strip() for row in rows)


def test_all_images_of_rad_vqas_test_questions_occur_in_its_training_questions():
    train, test = (
        {row.facts["image"] for row in rows_of(RAD, real(f"vqa_rad/{name}.json"))} for name in ("trainset", "testset")
    )

    assert len(test) == len(test & train) == 203


def test_the_traps_of_rad_vqas_training_file_are_put_right():
    rows = rows_of(RAD, real("vqa_rad/trainset.json"))

    assert Counter(row.facts["answer_type"] for row in rows) == {"CLOSED": 1823, "OPEN": 1241}
    assert Counter(row.answer for row in rows if row.answer.isdecimal())["12"] >= 4
    types = Counter(part for row in rows for part in row.facts["question_type"].split(", "))
    assert set(types) == {
        "PRES", "POS", "ABN", "SIZE", "OTHER", "MODALITY", "ATTRIB", "PLANE", "COLOR", "ORGAN", "COUNT"
    }  # fmt: skip
    assert types["OTHER"] == 169 + 2
    assert types["ATTRIB"] == 140 + 10 + 6 + 1 + 2, "alone, with PRES in both orders, with SIZE, misspelt"


def test_slake_is_read_in_english_and_says_how_many_questions_are_left_out():
    file = real("slake/test.json")

    rows = rows_of(SLAKE, file)

    assert len({row.id for row in rows}) == len(rows) == 1061
    assert Counter(row.kind for row in rows) == {"open": 645, "closed": 416}
    assert sum(row.answer.lower() in ("yes", "no") for row in rows) == 355
    assert vqa.slake_languages(file, bad_rows=BadRows(0)) == {"en": 1061, "zh": 1033}
    assert len({row.facts["image"] for row in rows}) == 96


def test_seventy_two_of_slakes_english_test_images_occur_in_its_training_questions():
    train, test = (
        {row.facts["image"] for row in rows_of(SLAKE, real(f"slake/{name}.json"))} for name in ("train", "test")
    )

    assert (len(test), len(test & train)) == (96, 72)


def test_a_real_image_of_rad_vqa_is_stored_for_its_questions(store, tmp_path):
    folder = tmp_path / "rad"
    folder.mkdir()
    for name in ("synpic42202", "synpic32933"):
        (folder / f"{name}.jpg").write_bytes(real(f"images/vqarad_{name}.jpg").read_bytes())
    bad_rows = BadRows(451)

    rows = list(RAD.read(real("vqa_rad/testset.json"), bad_rows=bad_rows, images=store, image_folder=folder))

    of_first = [row for row in rows if row.facts["image"] == "synpic42202.jpg"]
    assert [row.id for row in of_first] == ["11", "24"]
    assert len({row.images for row in of_first}) == 1
    assert store.open(of_first[0].images[0]).size == (1024, 1291)
    assert len(rows) + len(bad_rows.found) == 451
    assert f"no image 'synpic17738.jpg' in {folder}; download it or drop the row" in str(bad_rows.found)


# --- files in the published layout ---------------------------------------------------------------------------------


def test_a_question_of_rad_vqa_becomes_a_row_with_its_image_first(tmp_path, store, image_folder):
    (row,) = rows_of(RAD, written(tmp_path, RAD_RECORD), images=store, image_folder=image_folder)

    key = store.add(image_folder / "synpic54610.jpg")
    assert row == Row(
        id="1",
        language="en",
        task="vqa",
        source="rad_vqa",
        messages=[message("user", "Are regions of the brain infarcted?", images=1), message("assistant", "Yes")],
        images=(key,),
        kind="closed",
        answer="Yes",
        facts={
            "image": "synpic54610.jpg",
            "image_organ": "HEAD",
            "modality": "MRI",
            "phrase_type": "freeform",
            "answer_type": "CLOSED",
            "question_type": "PRES",
        },
    )


def test_without_a_store_a_row_differs_only_by_its_missing_keys(tmp_path, store, image_folder):
    file = written(tmp_path, RAD_RECORD)

    (without,) = rows_of(RAD, file)
    (with_store,) = rows_of(RAD, file, images=store, image_folder=image_folder)

    assert without == replace(with_store, images=())
    assert without.facts["image"] == "synpic54610.jpg"


def test_numbers_spaces_and_misspelt_types_of_rad_vqa_are_put_right(tmp_path):
    odd = RAD_RECORD | {"answer": 12, "answer_type": "CLOSED ", "question_type": "PRSE, ATRIB", "question": " How? "}

    (row,) = rows_of(RAD, written(tmp_path, odd))

    assert (row.answer, text_of(row.messages[1]), text_of(row.messages[0])) == ("12", "12", "How?")
    assert (row.kind, row.facts["answer_type"], row.facts["question_type"]) == ("closed", "CLOSED", "PRES, ATTRIB")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer": True}, "answer is True; expected text"),
        ({"answer": " "}, "answer is blank; expected text"),
        ({"answer": None}, "answer is None; expected text"),
        ({"answer_type": "BOTH"}, "answer_type is 'both'; expected one of open, closed in capitals"),
        ({"image_name": "../synpic54610.jpg"}, "the image '../synpic54610.jpg' lies outside the image folder"),
        ({"image_name": "/etc/passwd"}, "the image '/etc/passwd' lies outside the image folder"),
        ({"image_name": "..\\synpic54610.jpg"}, "lies outside the image folder"),
        ({"image_name": "b.jpg"}, "no image 'b.jpg' in"),
        ({"image_name": "."}, "no image '.' in"),
        ({"image_name": "a caption " * 60}, "no image 'a caption a caption"),
        ({"image_name": "note.jpg"}, "note.jpg: not an image: found text"),
    ],
)
def test_a_corrupt_row_is_counted_with_file_and_row_and_the_others_are_read(
    tmp_path, store, image_folder, change, expected
):
    (image_folder / "note.jpg").write_text("no image")
    file = written(tmp_path, RAD_RECORD, RAD_RECORD | change, RAD_RECORD)
    bad_rows = BadRows(1)

    rows = list(RAD.read(file, bad_rows=bad_rows, images=store, image_folder=image_folder))

    assert len(rows) == 2
    assert bad_rows.found[0].place == "questions.json, row 1"
    assert expected in bad_rows.found[0].problem
    with pytest.raises(DataError, match=r"1 row could not be read:\n  questions\.json, row 1: "):
        rows_of(RAD, file, images=store, image_folder=image_folder)


def test_a_missing_field_is_a_bad_row_that_names_it(tmp_path):
    file = written(tmp_path, {name: value for name, value in RAD_RECORD.items() if name != "image_name"})

    assert problems_of(RAD, file)[0].startswith("questions.json, row 0: no field 'image_name'; it has 'qid'")


def test_a_store_without_an_image_folder_stops_at_the_first_row(tmp_path, store):
    with pytest.raises(DataError, match=r"row 0: the row names the image 'synpic54610\.jpg', but no image folder"):
        rows_of(RAD, written(tmp_path, RAD_RECORD), limit=1000, images=store)


def test_slake_keeps_its_facts_and_only_the_language_asked(tmp_path, store, image_folder):
    chinese = SLAKE_RECORD | {"q_lang": "zh", "question": "这张图片的成像方式是什么?", "qid": 11935}
    arabic = SLAKE_RECORD | {"q_lang": "ar", "question": "ما نوع التصوير؟", "answer": "أشعة مقطعية", "qid": 11936}
    file = written(tmp_path, SLAKE_RECORD, chinese, arabic)

    (row,) = rows_of(SLAKE, file, images=store, image_folder=image_folder)
    (in_arabic,) = rows_of(replace(SLAKE, language="ar"), file)

    assert (row.id, row.kind, row.answer) == ("11934", "open", "CT")
    assert row.images == (store.add(image_folder / "xmlab102" / "source.jpg"),)
    assert row.facts["triple"] == '["vhead", "_", "_"]'
    assert (row.facts["content_type"], row.facts["location"]) == ("Modality", "Lung")
    assert (in_arabic.id, in_arabic.language) == ("11936", "ar")


def parquet(file: Path, *records: dict) -> Path:
    """A file as the hub stores image questions: image is a struct of bytes and path."""
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", struct), ("question", pa.string()), ("answer", pa.string())])
    pq.write_table(pa.Table.from_pylist(list(records), schema=schema), file)
    return file


@pytest.mark.parametrize("source", [RAD, PATH], ids=["rad_vqa", "path_vqa"])
def test_a_parquet_copy_brings_its_images_along(tmp_path, store, image_folder, source):
    content = (image_folder / "synpic54610.jpg").read_bytes()
    file = parquet(
        tmp_path / "train-00000-of-00001.parquet",
        {"image": {"bytes": content, "path": None}, "question": "is it there?", "answer": "yes"},
        {"image": {"bytes": content, "path": "a.jpg"}, "question": "where?", "answer": "yesterday's slide"},
    )

    first, second = rows_of(source, file, images=store)

    assert first.images == second.images == (store.add(content),)
    assert [row.kind for row in (first, second)] == ["closed", "open"]
    assert [row.facts for row in (first, second)] == [{}, {"image": "a.jpg"}]
    assert first.id == "train-00000-of-00001-0"
    assert first.messages == [message("user", "is it there?", images=1), message("assistant", "yes")]


def test_a_parquet_row_without_an_image_is_a_bad_row(tmp_path, store):
    file = parquet(
        tmp_path / "test.parquet",
        {"image": None, "question": "what?", "answer": "a cell"},
        {"image": {"bytes": None, "path": "a.jpg"}, "question": "what?", "answer": "a cell"},
        {"image": {"bytes": b"GIF89a", "path": "b.gif"}, "question": "what?", "answer": "a cell"},
    )

    none, empty, other = problems_of(PATH, file, images=store)

    assert none == "test.parquet, row 0: image holds a NoneType; expected a struct with the bytes of an image file"
    assert empty.startswith("test.parquet, row 1: image holds the fields bytes, path; expected")
    assert other.startswith("test.parquet, row 2: b.gif: not an image")
    assert len(rows_of(PATH, file)) == 3, "without a store nothing is opened"


VERSION_1 = ("Figure_path", "Question", "Answer", "Choice A", "Choice B", "Choice C", "Choice D", "Answer_label")
VERSION_2 = ("index", "Figure_path", "Caption", "Question", *VERSION_1[3:7], "Answer", "split")
OPTIONS = ("A:Diffuse uptake pattern", " B:Focal uptake pattern ", "C: No uptake pattern", "D:Cannot be told")


def sheet(file: Path, columns: tuple[str, ...], *rows: tuple) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return file


def test_version_1_of_pmc_vqa_becomes_multiple_choice_with_clean_options(tmp_path, store, image_folder):
    asked = "What is the uptake pattern in the breast?"
    file = sheet(tmp_path / "train.csv", VERSION_1, ("synpic54610.jpg", asked, " Focal uptake pattern", *OPTIONS, "B"))

    (row,) = rows_of(PMC, file, images=store, image_folder=image_folder)

    assert row.choices == ("Diffuse uptake pattern", "Focal uptake pattern", "No uptake pattern", "Cannot be told")
    assert (row.task, row.answer, text_of(row.messages[1])) == ("mcq", "B", "B. Focal uptake pattern")
    assert [part["type"] for part in row.messages[0]["content"]] == ["image", "text"]
    assert text_of(row.messages[0]).splitlines()[:3] == [asked, "A. Diffuse uptake pattern", "B. Focal uptake pattern"]
    assert row.facts == {"image": "synpic54610.jpg", "Answer": " Focal uptake pattern"}
    assert row.images == (store.add(image_folder / "synpic54610.jpg"),)


def test_version_2_of_pmc_vqa_names_its_split_and_its_key_elsewhere(tmp_path):
    rows = [(n, f"PMC{n}_F1.jpg", "A caption.", "What?", *OPTIONS, "C ", split) for n, split in enumerate("ab")]
    file = sheet(tmp_path / "train_2.csv", VERSION_2, *rows)

    first, _ = rows_of(PMC, file)
    (of_b,) = rows_of(PMC, file, split="b")

    assert (first.id, first.answer, first.facts["Caption"]) == ("train_2-0", "C", "A caption.")
    assert (of_b.id, of_b.facts) == ("train_2-1", {"image": "PMC1_F1.jpg", "Caption": "A caption.", "split": "b"})


def test_a_bad_key_or_option_of_pmc_vqa_is_a_bad_row_with_its_line(tmp_path):
    file = sheet(
        tmp_path / "train.csv",
        VERSION_1,
        ("a.jpg", "What?", "x", *OPTIONS, "E"),
        ("a.jpg", "What?", "x", "A:", *OPTIONS[1:], "B"),
        ("a.jpg", "What?", "x", *OPTIONS),
    )

    key, option, short = problems_of(PMC, file)

    assert key == "train.csv, line 2: the key is 'E'; expected one of A, B, C, D"
    assert option == "train.csv, line 3: Choice A is 'A:'; expected text after the letter"
    assert short.startswith("train.csv, line 4: 7 fields, but 8 columns")


def test_an_option_that_only_looks_like_its_letter_keeps_it(tmp_path):
    options = ("A. fumigatus", "A:B ratio", "Candida", "D:dimer")
    file = sheet(tmp_path / "train.csv", VERSION_1, ("a.jpg", "Which?", "x", *options, "A"))

    (row,) = rows_of(PMC, file)

    assert row.choices == ("A. fumigatus", "A:B ratio", "Candida", "dimer")


@pytest.mark.parametrize("source", vqa.SOURCES, ids=lambda source: source.card.source_id)
def test_every_source_says_where_it_comes_from(source):
    card = source.card

    assert all([card.source_id, card.name, card.hub_id, card.licence, card.citation])
    assert source.language == "en"
