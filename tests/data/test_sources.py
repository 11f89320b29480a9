import json

import pytest
import tiny

from bimedix2_core.data.sources import read_llava
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

ROW = {
    "id": "7",
    "image": "a.png",
    "conversations": [
        {"from": "human", "value": "<image>\nWhat is seen?"},
        {"from": "gpt", "value": "A nodule."},
    ],
}
TEXT_ROW = {"id": 8, "conversations": [{"from": "human", "value": "ما هو؟"}, {"from": "gpt", "value": "عقيدة."}]}


@pytest.fixture
def folder(tmp_path):
    tiny.colour_image(50).save(tmp_path / "a.png")
    return tmp_path


def read(folder, *rows):
    (folder / "data.json").write_text(json.dumps(list(rows)), encoding="utf-8")
    return read_llava(folder / "data.json", image_folder=folder)


def test_a_llava_row_becomes_a_sample_with_its_image_part(folder):
    sample, text_only = read(folder, ROW, TEXT_ROW)

    assert [part["type"] for part in sample.messages[0]["content"]] == ["image", "text"]
    assert text_of(sample.messages[0]) == "What is seen?"
    assert (sample.id, sample.language, sample.target) == ("7", "en", "A nodule.")
    assert (text_only.id, text_only.language, text_only.images) == ("8", "ar", [])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW | {"image": "b.png"}, "data.json, row 0: no image 'b.png'"),
        (ROW | {"image": "../a.png"}, "lies outside the image folder"),
        ({"id": "1"}, "data.json, row 0: no usable 'conversations'"),
        (ROW | {"conversations": [{"from": "robot", "value": "x"}]}, "no usable 'robot'"),
    ],
)
def test_a_malformed_row_is_an_error_that_names_it(folder, row, expected):
    with pytest.raises(DataError, match=expected):
        read(folder, row)


def test_a_file_that_is_missing_no_json_or_no_list_is_one_clear_error(folder):
    with pytest.raises(DataError, match=r"none\.json: no such data file"):
        read_llava(folder / "none.json", image_folder=folder)
    (folder / "bad.json").write_text("[")
    with pytest.raises(DataError, match=r"bad\.json is not JSON"):
        read_llava(folder / "bad.json", image_folder=folder)
    (folder / "map.json").write_text("{}")
    with pytest.raises(DataError, match="holds a dict"):
        read_llava(folder / "map.json", image_folder=folder)
