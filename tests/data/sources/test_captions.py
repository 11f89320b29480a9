import json

import pytest
import tiny

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import captions, llava
from bimedix2_core.data.sources.reading import BadRows
from bimedix2_core.records import message, text_of

(PMC_OA,) = captions.SOURCES
ALIGNMENT, INSTRUCT, _ = llava.SOURCES

FIGURE = {"image": "PMC212319_Fig3_4.jpg", "caption": " A. Real time image of the translocation of ARF1-GFP."}


@pytest.fixture
def folder(tmp_path):
    for name in ("PMC212319_Fig3_4.jpg", "29048403_F3.jpg"):
        tiny.colour_image(len(name)).save(tmp_path / name)
    return tmp_path


def lines(file, *records):
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return file


def test_a_figure_of_pmc_oa_is_an_image_and_its_caption(folder):
    store = ImageStore(folder / "store")
    file = lines(folder / "pmc_oa.jsonl", FIGURE | {"alignment_type": "ocr", "alignment_score": 0.5})

    (row,) = PMC_OA.read(file, bad_rows=BadRows(0), images=store, image_folder=folder)

    assert row.messages == [
        message("user", "", images=1),
        message("assistant", "A. Real time image of the translocation of ARF1-GFP."),
    ]
    assert row.images == (store.add(folder / FIGURE["image"]),)
    assert (row.id, row.task, row.source, row.language) == ("pmc_oa-0", "caption", "pmc_oa", "en")
    assert row.facts == {"image": FIGURE["image"], "alignment_type": "ocr", "alignment_score": "0.5"}


def test_the_older_layout_of_pmc_oa_names_its_article(folder):
    file = lines(folder / "train.jsonl", FIGURE | {"pmcid": "PMC212319", "url_name": "1471-2121-4-13-3.jpg"})

    (row,) = PMC_OA.read(file, bad_rows=BadRows(0))

    assert (row.facts["pmcid"], row.facts["url_name"], row.images) == ("PMC212319", "1471-2121-4-13-3.jpg", ())


def test_a_corrupt_figure_is_counted_with_its_line(folder):
    file = folder / "pmc_oa.jsonl"
    lines(file, FIGURE, {"image": "x.jpg"}, FIGURE | {"caption": ""}, FIGURE | {"image": "none.jpg"})
    file.write_text(file.read_text() + '{"image": "cut', encoding="utf-8")
    bad_rows = BadRows(4)

    rows = list(
        PMC_OA.read(file, bad_rows=bad_rows, images=ImageStore(folder / "store"), image_folder=folder),
    )

    assert len(rows) == 1
    assert [bad.place for bad in bad_rows.found] == [f"pmc_oa.jsonl, line {n}" for n in (2, 3, 4, 5)]
    problems = [bad.problem for bad in bad_rows.found]
    assert problems[0] == "no field 'caption'; it has 'image'"
    assert problems[1] == "caption is blank; expected text"
    assert problems[2].startswith("no image 'none.jpg' in")
    assert problems[3].startswith("not JSON")


def test_a_pair_of_llava_meds_alignment_is_read_under_both_spellings_of_its_field(folder):
    turns = [
        {"from": "human", "value": "Summarize the visual content of the image.\n<image>"},
        {"from": "gpt", "value": "T1-weighted MRI of the brain."},
    ]
    pair = {"id": "29048403_F3", "image": "29048403_F3.jpg", "domain": {"mri": True, "gross": False}}
    file = folder / "llava_med_alignment_500k.json"
    file.write_text(json.dumps([pair | {"conversations": turns}, pair | {"conversatons": turns}]))
    store = ImageStore(folder / "store")

    first, second = ALIGNMENT.read(file, bad_rows=BadRows(0), images=store, image_folder=folder)

    assert first == second
    assert (first.id, first.task, first.source) == ("29048403_F3", "caption", "llava_med_alignment")
    assert [part["type"] for part in first.messages[0]["content"]] == ["text", "image"]
    assert text_of(first.messages[1]) == "T1-weighted MRI of the brain."
    assert first.facts == {"domain": '{"mri": true, "gross": false}', "image": "29048403_F3.jpg"}
    assert first.images == (store.add(folder / "29048403_F3.jpg"),)


def test_a_conversation_of_llava_med_that_lost_its_first_turn_still_sees_its_image(folder):
    turns = [{"from": "human", "value": "And the liver?"}, {"from": "gpt", "value": "It is normal."}]
    file = folder / "llava_med_instruct_60k_inline_mention.json"
    file.write_text(json.dumps([{"id": "1_F1", "image": "29048403_F3.jpg", "conversations": turns}]))

    (row,) = INSTRUCT.read(file, bad_rows=BadRows(0))

    assert row.task == "instruction"
    assert row.messages[0]["content"] == [{"type": "image"}, {"type": "text", "text": "\nAnd the liver?"}]


@pytest.mark.parametrize("source", [*captions.SOURCES, *llava.SOURCES], ids=lambda source: source.card.source_id)
def test_every_source_says_where_it_comes_from(source):
    card = source.card

    assert all([card.source_id, card.name, card.licence, card.citation, card.note])
