import json
from dataclasses import replace

import pytest
import tiny
from shared_data import real

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.images import read_image
from bimedix2_core.data.sources import read_llava
from bimedix2_core.data.sources.llava import images_first, read_llava_rows
from bimedix2_core.data.sources.llava_writing import write_llava
from bimedix2_core.data.sources.reading import BadRows
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

ROW = {
    "id": "7",
    "image": "a.png",
    "conversations": [
        {"from": "human", "value": "<image>\nWhat is seen?"},
        {"from": "gpt", "value": "A nodule."},
    ],
}
TEXT_ROW = {"id": 8, "conversations": [{"from": "human", "value": "ما هو؟"}, {"from": "gpt", "value": "عقيدة."}]}
TWO_IMAGES = {
    "id": "9",
    "image": ["a.png", "sub/b.png"],
    "conversations": [
        {"from": "system", "value": "Answer briefly."},
        {"from": "human", "value": "Compare <image> with  <image>."},
        {"from": "gpt", "value": " The second is \t darker.\n"},
        {"from": "human", "value": "Sure?"},
        {"from": "gpt", "value": "Yes — ½ as bright.\u2028"},
    ],
}
IMAGE_LAST = {
    "id": "10",
    "image": "sub/b.png",
    "domain": {"mri": True},
    "year": 2024,
    "conversations": [{"from": "human", "value": "What is it?\n<image>"}, {"from": "gpt", "value": "A square."}],
}
ALL = (ROW, TEXT_ROW, TWO_IMAGES, IMAGE_LAST)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    tiny.colour_image(50).save(tmp_path / "a.png")
    tiny.colour_image(60).save(tmp_path / "sub" / "b.png")
    return tmp_path


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "store")


def written(folder, *rows):
    (folder / "data.json").write_text(json.dumps(list(rows)), encoding="utf-8")
    return folder / "data.json"


def read(folder, *rows):
    return read_llava(written(folder, *rows), image_folder=folder)


def rows_of(file, *, limit=0, **options):
    return list(read_llava_rows(file, bad_rows=BadRows(limit), **options))


# --- samples -------------------------------------------------------------------------------------------------------


def test_a_llava_row_becomes_a_sample_with_its_image_part(folder):
    sample, text_only = read(folder, ROW, TEXT_ROW)

    assert [part["type"] for part in sample.messages[0]["content"]] == ["image", "text"]
    assert text_of(sample.messages[0]) == "What is seen?"
    assert (sample.id, sample.language, sample.target) == ("7", "en", "A nodule.")
    assert (sample.task, sample.source) == ("instruction", "data.json")
    assert (text_only.id, text_only.language, len(text_only.images)) == ("8", "ar", 0)


def test_samples_have_all_their_images_first_in_their_turn_and_in_order(folder):
    two, last = read(folder, TWO_IMAGES, IMAGE_LAST)

    assert [part["type"] for part in two.messages[1]["content"]] == ["image", "image", "text"]
    assert [image.getpixel((0, 0)) for image in two.images] == [(50, 50, 50), (60, 60, 60)]
    assert last.messages[0] == message("user", "What is it?", images=1)


def test_images_are_opened_when_they_are_asked_for_and_not_before(folder):
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:40])

    whole, broken = read(folder, ROW, ROW | {"image": "broken.png"})

    assert (len(broken.images), whole.images[0].getpixel((0, 0))) == (1, (50, 50, 50))
    assert whole.images[0] is not whole.images[0]  # nothing is kept
    with pytest.raises(DataError, match=r"broken\.png: a PNG file that breaks off or is damaged"):
        broken.images[0]


def test_samples_of_every_kind_of_real_image_have_the_pictures_the_reader_reads(folder):
    files = sorted(real("images").iterdir())
    rows = [ROW | {"id": file.name, "image": file.name} for file in files]

    samples = read_llava(written(folder, *rows), image_folder=files[0].parent)

    assert [one.images[0].tobytes() for one in samples] == [read_image(file).image.tobytes() for file in files]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW | {"image": "b.png"}, r"data\.json, row 0: no image 'b\.png'"),
        (ROW | {"image": "../a.png"}, "lies outside the image folder"),
        ({"id": "1"}, r"data\.json, row 0: no field 'conversations'"),
        ({"conversations": TEXT_ROW["conversations"]}, r"data\.json, row 0: no field 'id'"),
        (ROW | {"conversations": [{"from": "robot", "value": "x"}]}, r"row 0: a turn is {'from': 'robot'"),
        (ROW | {"conversations": [{"from": "gpt", "value": 4}]}, "row 0: a turn is .* and value"),
        (ROW | {"conversations": ["x"]}, "row 0: a turn is 'x'"),
        (ROW | {"conversations": []}, r"conversations is \[\]; expected a list of turns"),
        (ROW | {"image": 7}, "image is 7; expected a file name or a list of them"),
        (TWO_IMAGES | {"image": "a.png"}, "2 <image> in its conversation but 1 images"),
        (ROW | {"image": None}, "1 <image> in its conversation but 0 images"),
        (
            TEXT_ROW | {"conversations": [{"from": "human", "value": "1?"}, {"from": "gpt", "value": "2"}]},
            "row 0: no letter in its conversation",
        ),
    ],
)
def test_a_malformed_row_is_an_error_that_names_it(folder, store, row, expected):
    with pytest.raises(DataError, match=expected):
        read(folder, row)
    with pytest.raises(DataError, match=expected):
        rows_of(written(folder, row), images=store, image_folder=folder)


def test_a_file_that_is_missing_no_json_or_empty_is_one_clear_error(folder):
    with pytest.raises(DataError, match=r"none\.json: no such data file"):
        read_llava(folder / "none.json", image_folder=folder)
    (folder / "bad.json").write_text("[")
    with pytest.raises(DataError, match=r"bad\.json cannot be read to its end: not JSON"):
        read_llava(folder / "bad.json", image_folder=folder)
    for empty in ("[]", "{}"):
        (folder / "empty.json").write_text(empty)
        with pytest.raises(DataError, match=r"empty\.json holds no conversation"):
            read_llava(folder / "empty.json", image_folder=folder)


# --- rows ----------------------------------------------------------------------------------------------------------


def test_a_row_keeps_its_text_as_published_and_its_image_where_it_was(folder, store):
    row, text_only, two, last = rows_of(written(folder, *ALL), images=store, image_folder=folder)
    first, second = store.add(folder / "a.png"), store.add(folder / "sub" / "b.png")

    assert row.messages[0]["content"] == [{"type": "image"}, {"type": "text", "text": "\nWhat is seen?"}]
    assert last.messages[0]["content"] == [{"type": "text", "text": "What is it?\n"}, {"type": "image"}]
    assert two.messages[1]["content"] == [
        {"type": "text", "text": "Compare "},
        {"type": "image"},
        {"type": "text", "text": " with  "},
        {"type": "image"},
        {"type": "text", "text": "."},
    ]
    assert [one.images for one in (row, text_only, two, last)] == [(first,), (), (first, second), (second,)]
    assert [one.language for one in (row, text_only, two, last)] == ["en", "ar", "en", "en"]
    assert two.facts == {"image": "a.png\nsub/b.png"}
    assert last.facts == {"image": "sub/b.png", "domain": '{"mri": true}', "year": "2024"}


def test_the_language_is_that_of_the_first_answer_with_letters(folder):
    numbers = {"id": "1", "conversations": [{"from": "human", "value": "كم عددها؟"}, {"from": "gpt", "value": "12"}]}
    mixed = {"id": "2", "conversations": [{"from": "human", "value": "ترجم"}, {"from": "gpt", "value": "Translate"}]}

    assert [row.language for row in rows_of(written(folder, numbers, mixed))] == ["ar", "en"]


def test_without_a_store_rows_differ_only_by_their_missing_keys(folder, store):
    file = written(folder, *ALL)

    with_keys = rows_of(file, images=store, image_folder=folder)

    assert rows_of(file) == [replace(row, images=()) for row in with_keys]


def test_a_bad_row_is_counted_and_the_others_are_read(folder, store):
    bad_rows = BadRows(2)
    file = written(folder, ROW, {"id": "1"}, ROW | {"image": "b.png"}, TEXT_ROW)

    rows = list(read_llava_rows(file, bad_rows=bad_rows, images=store, image_folder=folder))

    assert [row.id for row in rows] == ["7", "8"]
    assert [bad.place for bad in bad_rows.found] == ["data.json, row 1", "data.json, row 2"]


def test_rows_stream_so_that_a_break_late_in_the_file_does_not_hide_what_stands_before(folder):
    file = written(folder, ROW, TEXT_ROW)
    file.write_text(file.read_text().removesuffix("]") + ", {broken")

    rows = read_llava_rows(file, bad_rows=BadRows(0))

    assert [next(rows).id, next(rows).id] == ["7", "8"]
    with pytest.raises(DataError, match=r"data\.json cannot be read to its end"):
        next(rows)


# --- export --------------------------------------------------------------------------------------------------------


def conversations(file):
    return [record["conversations"] for record in json.loads(file.read_text(encoding="utf-8"))]


def test_what_was_read_is_written_with_the_same_texts_and_the_same_images(folder, store):
    rows = rows_of(written(folder, *ALL), images=store, image_folder=folder)

    assert write_llava(rows, folder / "out" / "export.json", images=store) == 4

    exported = json.loads((folder / "out" / "export.json").read_text(encoding="utf-8"))
    assert [record["conversations"] for record in exported] == [record["conversations"] for record in ALL]
    assert [record["id"] for record in exported] == ["7", "8", "9", "10"]
    assert [type(record.get("image")) for record in exported] == [str, type(None), list, str]
    originals = [(folder / name).read_bytes() for name in TWO_IMAGES["image"]]
    assert [(store.folder / name).read_bytes() for name in exported[2]["image"]] == originals
    assert (exported[3]["domain"], exported[3]["year"]) == ('{"mri": true}', "2024")


def test_import_export_import_gives_the_same_rows_and_export_again_the_same_file(folder, store):
    first = rows_of(written(folder, *ALL), images=store, image_folder=folder)
    write_llava(first, folder / "one.json", images=store)

    second = rows_of(folder / "one.json", images=store, image_folder=store.folder)
    write_llava(second, folder / "two.json", images=store)

    def but_names(row):
        return replace(row, source="", facts={name: text for name, text in row.facts.items() if name != "image"})

    assert [but_names(row) for row in second] == [but_names(row) for row in first]
    assert (folder / "two.json").read_bytes() == (folder / "one.json").read_bytes()


@pytest.mark.parametrize(
    "value",
    [
        "<image>Where?",
        "Where?<image>",
        "<image>\n\n Where?",
        "<image>",
        "A<image><image>\n?",
        "<image> <image>",
        "\n<image>\t",
    ],
)
def test_text_around_an_image_is_written_byte_for_byte(folder, value):
    names = ["a.png"] * value.count("<image>")
    turns = [{"from": "human", "value": value}, {"from": "gpt", "value": "Here.\r\n"}]

    rows = rows_of(written(folder, {"id": "1", "image": names, "conversations": turns}))
    write_llava(rows, folder / "export.json")

    assert conversations(folder / "export.json") == [turns]


def test_without_a_store_images_keep_their_published_names(folder):
    write_llava(rows_of(written(folder, *ALL)), folder / "export.json")

    exported = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    assert [record.get("image") for record in exported] == ["a.png", None, ["a.png", "sub/b.png"], "sub/b.png"]
    assert rows_of(folder / "export.json") == [
        replace(row, source="export.json") for row in rows_of(folder / "data.json")
    ]


def test_a_row_of_another_source_is_written_as_llava_reads_it(folder, store):
    key = store.add(folder / "a.png")
    row = Row("1", "en", "vqa", "rad_vqa", [message("user", "Where?", images=1), message("assistant", "Left.")], (key,))

    write_llava([row], folder / "export.json", images=store)

    (sample,) = read_llava(folder / "export.json", image_folder=store.folder)
    assert (sample.messages, sample.images[0].getpixel((0, 0))) == (row.messages, (50, 50, 50))


def test_no_rows_are_an_empty_list(folder):
    assert write_llava([], folder / "export.json") == 0
    assert json.loads((folder / "export.json").read_text()) == []


def test_a_row_whose_images_cannot_be_named_leaves_the_old_file(folder, store):
    (folder / "export.json").write_text("old")
    good, bad = rows_of(written(folder, TEXT_ROW, ROW))

    with pytest.raises(DataError, match=r"row '7' of data\.json: 1 image parts but 0 keys; give the image store"):
        write_llava([good, bad], folder / "export.json", images=store)
    with pytest.raises(DataError, match=r"row '7' of data\.json: 1 image parts but 0 published names"):
        write_llava([replace(bad, facts={})], folder / "export.json")
    with pytest.raises(DataError, match="no image with key"):
        write_llava([replace(bad, images=("0" * 64,))], folder / "export.json", images=store)

    assert (folder / "export.json").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["a.png", "data.json", "export.json"]


def test_images_first_keeps_role_and_words():
    turn = {"role": "user", "content": [{"type": "text", "text": "Compare\n"}, {"type": "image"}]}

    assert images_first(turn) == message("user", "Compare", images=1)
    assert images_first(message("assistant", "A nodule. ")) == message("assistant", "A nodule.")
