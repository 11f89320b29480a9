"""Parts as files: read anew each time, in the language their id names, with their bad rows and images."""

import json

import pytest
import tiny

from bimedix2_core.data.compose.parts import LAYOUTS, PartFile, published_origin, survey
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import SOURCES
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported


def dialogue(name, *, question="Is it broken?", answer="No.", **fields):
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": name, "conversations": turns} | fields


@pytest.fixture
def part(tmp_path):
    """Makes a part of LLaVA records; names of images start from the folder ``images`` beside the file."""
    home = tmp_path / "set"
    (home / "images").mkdir(parents=True)
    for level in (10, 200):
        tiny.colour_image(level).save(home / "images" / f"{level}.png")

    def made(source_id, records, max_bad_rows=1):
        file = home / "all.json"
        file.write_text(json.dumps(records))
        return PartFile(source_id, file, ImageStore(tmp_path / "store"), max_bad_rows, published_origin(source_id))

    return made


def test_every_row_of_table_12_has_a_reader():
    ids = reported.read("table12_bimed_v_composition").column("samples")

    assert [source for source in ids if LAYOUTS.get(source, source) not in SOURCES] == []
    assert [source for source in LAYOUTS if source in SOURCES] == []  # a reader of its own would be passed over


def test_a_part_is_read_anew_at_each_call_and_counts_its_bad_rows_anew(part):
    one = part("single_turn_qa", [dialogue("a"), {"id": "broken"}, dialogue("b")])

    first, second = (list(one.part.rows()) for _ in range(2))

    assert [row.id for row in first] == ["a", "b"] == [row.id for row in second]


def test_more_bad_rows_than_accepted_stop_it(part):
    with pytest.raises(DataError, match="2 rows could not be read"):
        list(part("single_turn_qa", [{"id": "x"}, {"id": "y"}, dialogue("a")]).rows())


@pytest.mark.parametrize(("source_id", "language"), [("llava_med_to_qa", "en"), ("llava_med_to_qa_ar", "ar")])
def test_a_derived_source_is_read_in_anothers_layout_as_itself_in_its_own_language(part, source_id, language):
    shown = dialogue("a", question="<image>\nIs it broken?", image="10.png")

    (row,) = part(source_id, [shown]).rows()

    assert (row.source, row.language, row.modality, row.task) == (source_id, language, "image_text", "instruction")


def test_a_survey_counts_rows_different_images_and_bad_rows_with_their_place(part):
    records = [
        dialogue("a", question="<image>\n?", image="10.png"),
        dialogue("b", question="<image>\n?", image="10.png"),
        dialogue("c", question="<image>\n?", image="200.png"),
        dialogue("d", question="<image>\n?", image="gone.png"),
    ]

    found = survey(part("llava_med_to_qa", records))

    assert (found.file, found.layout, found.rows, len(found.image_keys)) == ("set/all.json", "llava_med_instruct", 3, 2)
    (bad,) = found.bad_rows
    assert (bad.place, bad.problem) == (
        "all.json, row 3", "no image 'gone.png' in images; download it or drop the row"
    )  # fmt: skip


def test_without_a_folder_of_images_names_start_beside_the_file(tmp_path):
    tiny.colour_image(10).save(tmp_path / "10.png")
    file = tmp_path / "all.json"
    file.write_text(json.dumps([dialogue("a", question="<image>\n?", image="10.png")]))
    one = PartFile("llava_med_to_qa", file, ImageStore(tmp_path / "s"), 0, published_origin("llava_med_to_qa"))

    assert [len(row.images) for row in one.rows()] == [1]


def test_a_derived_source_has_no_stated_licence_and_names_what_it_was_made_from_where_the_paper_does():
    assert published_origin("rad_vqa") == ("CC0 1.0", "Lau et al., Scientific Data 2018")
    licence, citation = published_origin("llava_med_to_qa_ar")
    assert licence == "not stated"
    assert "BiMediX2" in citation
    assert "LLaVA-Med, NeurIPS 2023" in citation
    assert published_origin("pmc_mcq")[1].endswith("what it was made from is not stated")
