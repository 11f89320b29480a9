import json

import pytest
import tiny
from mbench_records import ARABIC, DOMAIN, ENGLISH

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.benchmarks import mbench_prose, with_mbench_prose
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

# shared/notes/formats.md, "UPHILL with responses (seen, JSON and CSV of the same columns)"; the texts are made up
UPHILL = {
    "claim_id": "12_p",
    "claim": "Tea cures flu",
    "claim_veracity": "False",
    "presupposition_level": "Mild Presupposition",
    "query_with_presupposition": "I heard that tea cures flu. Is it so?",
    "model_response": "Yes, it does.",
    "entailment_prediction": "agree",
}


def read(source_id, file, *records, limit=0, **where):
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return list(read_source(source_id, file, bad_rows=BadRows(limit), **where))


def test_a_bimed_mbench_question_keeps_what_the_judge_is_shown(tmp_path):
    [row] = read("bimed_mbench", tmp_path / "q.jsonl", ENGLISH)

    assert (row.id, row.language, row.task, row.kind) == ("142", "en", "judge", "conversation")
    assert [part["type"] for part in row.messages[0]["content"]] == ["image", "text"]
    assert [text_of(turn) for turn in row.messages] == ["What does the film show?", "A nodule of 8 mm."]
    assert json.loads(row.facts["domain"]) == DOMAIN
    assert json.loads(row.facts["in_text_mention"]) == ENGLISH["in_text_mention"]
    assert (row.facts["image"], row.facts["fig_caption"]) == ("0000000_F1.jpg", "Chest film with a nodule.")


@pytest.mark.parametrize(
    ("published", "kind"),
    [
        ("conversation", "conversation"),
        ("detailed_description", "detailed_description"),
        ("وصف تفصيلي", "detailed_description"),
        ("وصف مفصل", "detailed_description"),
    ],
)
def test_a_translated_type_is_kept_as_published_and_normalised_as_kind(tmp_path, published, kind):
    [row] = read("bimed_mbench_ar", tmp_path / "q.jsonl", ARABIC | {"type": published})

    assert (row.language, row.kind, row.facts["type"]) == ("ar", kind, published)


def test_the_image_marker_of_llava_meds_own_file_makes_no_difference(tmp_path):
    with_marker = ENGLISH | {"text": ENGLISH["text"] + "\n<image>"}

    [marked, plain] = read("bimed_mbench", tmp_path / "q.jsonl", with_marker, ENGLISH)

    assert marked == plain


def test_the_figure_is_stored_where_there_is_a_store(tmp_path):
    tiny.colour_image(50).save(tmp_path / "0000000_F1.jpg")
    store = ImageStore(tmp_path / "store")

    [row] = read("bimed_mbench", tmp_path / "q.jsonl", ENGLISH, images=store, image_folder=tmp_path)

    assert len(row.images) == 1
    assert row.images[0] in store


def test_a_figure_that_is_missing_is_a_bad_row(tmp_path):
    with pytest.raises(DataError, match=r"q\.jsonl, line 1: no image '0000000_F1\.jpg'"):
        read("bimed_mbench", tmp_path / "q.jsonl", ENGLISH, images=ImageStore(tmp_path / "s"), image_folder=tmp_path)


def test_null_mentions_and_empty_ones_stay_apart(tmp_path):
    null, empty = read("bimed_mbench", tmp_path / "q.jsonl", ENGLISH | {"in_text_mention": None}, ARABIC)

    assert "in_text_mention" not in null.facts
    assert empty.facts["in_text_mention"] == ""
    assert set(mbench_prose(null)) == set(mbench_prose(empty)) == {"fig_caption", "fig_label"}


def test_prose_is_taken_out_and_put_back_with_everything_else_untouched(tmp_path):
    [row] = read("bimed_mbench", tmp_path / "q.jsonl", ENGLISH)
    prose = mbench_prose(row)

    shouted = with_mbench_prose(row, {name: text.upper() for name, text in prose.items()})

    assert prose == {
        "fig_caption": "Chest film with a nodule.",
        "fig_label": "Figure 1",
        "in_text_mention 0": "A nodule was seen (Fig. 1).",
        "in_text_mention 1": "It had grown (Fig. 1).",
    }
    assert with_mbench_prose(row, prose) == row
    assert shouted.facts["fig_caption"] == "CHEST FILM WITH A NODULE."
    assert json.loads(shouted.facts["in_text_mention"]) == [
        ENGLISH["in_text_mention"][0] | {"tokens": "A NODULE WAS SEEN (FIG. 1)."},
        ENGLISH["in_text_mention"][1] | {"tokens": "IT HAD GROWN (FIG. 1)."},
    ]
    assert {name for name in row.facts if row.facts[name] != shouted.facts[name]} == {
        "fig_caption",
        "fig_label",
        "in_text_mention",
    }
    with pytest.raises(DataError, match="row '142': prose for"):
        with_mbench_prose(row, {"fig_caption": "x"})


def test_an_uphill_query_is_answered_by_the_veracity_of_its_claim_and_not_by_a_model(tmp_path):
    [row] = read("uphill", tmp_path / "q.jsonl", UPHILL)

    assert (row.id, row.kind, row.answer) == ("12_p Mild Presupposition", "Mild Presupposition", "false")
    assert [text_of(turn) for turn in row.messages] == ["I heard that tea cures flu. Is it so?"]
    assert row.facts["model_response"] == "Yes, it does."


def test_uphill_as_csv_and_with_json_booleans_is_the_same(tmp_path):
    (tmp_path / "q.csv").write_text(
        ",".join(UPHILL) + "\n" + ",".join(f'"{value}"' for value in UPHILL.values()) + "\n"
    )

    from_csv = list(read_source("uphill", tmp_path / "q.csv", bad_rows=BadRows(0)))
    from_booleans = read("uphill", tmp_path / "q.jsonl", UPHILL | {"claim_veracity": False})

    assert from_csv == from_booleans == read("uphill", tmp_path / "q.jsonl", UPHILL)


@pytest.mark.parametrize(
    ("source", "record", "problem"),
    [
        ("bimed_mbench", ENGLISH | {"type": "description"}, "type is 'description'; expected one of conversation"),
        ("bimed_mbench", ENGLISH | {"question_id": "x"}, "invalid literal for int"),
        ("bimed_mbench", ENGLISH | {"domain": "ct"}, "domain is 'ct'; expected an object"),
        ("bimed_mbench", ENGLISH | {"gpt4_answer": ""}, "gpt4_answer is blank"),
        (
            "uphill",
            UPHILL | {"claim_veracity": "unproven"},
            "claim_veracity is 'unproven'; expected one of true",
        ),
        (
            "uphill",
            UPHILL | {"presupposition_level": "Mild"},
            "presupposition_level is 'Mild'; expected one of",
        ),
    ],
)
def test_a_value_outside_the_published_ones_is_a_bad_row(tmp_path, source, record, problem):
    with pytest.raises(DataError) as stopped:
        read(source, tmp_path / "q.jsonl", record)

    assert f"q.jsonl, line 1: {problem}" in str(stopped.value)
    assert read(source, tmp_path / "q.jsonl", record, limit=1) == []
