import json
from dataclasses import replace

import pytest

from bimedix2_core.demo import lessons
from bimedix2_core.demo.tiny_base import sources_key
from bimedix2_core.environment import Machine, Package, Readiness
from bimedix2_core.errors import DataError
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.params import load_params
from bimedix2_core.records import LANGUAGES
from tests.tiny import mixed_samples, sample, tiny_lmm


def test_the_weights_stage_2_trains_are_counted_before_any_adapter_is_there():
    lmm = tiny_lmm()
    table = lessons.lora_table(lmm, rank=2)
    sentence = lessons.trained_share(lmm, table)

    adapted = add_lora(lmm.model, rank=2, alpha=4, dropout=0.0, seed=0)
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)

    assert sum(row[-1] for row in table.rows) == trained
    assert f"trained: {trained:,} of " in sentence
    assert [row[0] for row in table.rows][-1] == "projector, whole"


def test_the_parts_add_up_to_the_whole_model():
    lmm = tiny_lmm()

    *parts, together = lessons.parts_table(lmm).rows

    assert sum(part[2] for part in parts) == together[2] == sum(weight.numel() for weight in lmm.model.parameters())


def test_pieces_of_tokens_are_whole_letters_and_lose_nothing():
    tokenizer = tiny_lmm().tokenizer
    text = "Left: القلب طبيعي."  # letters this tokenizer has no merges for: two tokens each
    ids = tokenizer.encode(text, add_special_tokens=False)

    pieces = lessons.readable_pieces(ids, tokenizer)

    assert len(pieces) < len(ids)
    assert "".join(piece for _, piece in pieces) == text
    assert pieces[0][0] == 0
    assert [start for start, _ in pieces] == sorted({start for start, _ in pieces})


def test_a_token_picture_can_be_drawn_of_both_languages():
    lmm = tiny_lmm()

    for language in LANGUAGES:
        assert lessons.token_picture(sample(language=language), lmm).axes


def test_examples_show_each_modality_once_in_both_languages_and_never_change():
    first, again = lessons.caption_examples(seed=3), lessons.caption_examples(seed=3)

    assert [one.id for one in first[::2]] == [f"example-{name}" for name in ("cxr", "ct", "mri", "histology", "gross")]
    assert [one.language for one in first] == ["en", "ar"] * 5
    assert [one.target for one in first] == [one.target for one in again]
    assert first[0].images[0].tobytes() == again[0].images[0].tobytes()


def test_an_interview_asks_of_the_side_only_where_there_is_one():
    turns = {one.id: len(one.messages) // 2 for one in lessons.interview_examples(seed=0)}

    assert turns == {"example-cxr": 3, "example-ct": 3, "example-mri": 3, "example-histology": 2, "example-gross": 2}


def test_a_chat_begins_without_its_image():
    chat = lessons.chat_examples(seed=0)[0]

    assert [part["type"] for part in chat.messages[0]["content"]] == ["text"]
    assert [part["type"] for part in chat.messages[2]["content"]] == ["image", "text"]


def test_one_truth_is_said_in_both_languages():
    table = lessons.truth_in_words(lessons.TELLING["cxr"], seed=0)

    assert table.columns == ("form", "English", "Arabic")
    assert "large left pleural effusion (cxr)" in table.caption
    assert table._repr_html_().count("lang='ar'") == len(table.rows) == 8


def test_the_phantoms_are_drawn_with_two_captions_each():
    assert len(lessons.normal_and_finding(seed=0).axes) == 10
    assert len(lessons.left_and_right(seed=0).axes) == 4
    assert len(lessons.truth_table().rows) == 21


def test_samples_are_counted_by_task_and_language():
    rows = lessons.sample_table(mixed_samples(8)).rows

    assert rows == (("closed", "English", 4, 2), ("closed", "Arabic", 4, 3))


def test_one_sample_of_each_task_is_found_and_a_missing_task_is_an_error():
    samples = [sample(name="a"), sample(name="b", language="ar"), replace(sample(name="c"), task="chat")]

    assert [one.id for one in lessons.one_of_each_task(samples, "en", ["chat", "closed"])] == ["c", "a"]
    with pytest.raises(DataError, match=r"no ar sample of \['chat'\]"):
        lessons.one_of_each_task(samples, "ar", ["chat"])


def test_a_grid_of_captions_needs_both_languages():
    twins = [sample(name="a"), sample(name="a", language="ar")]

    assert len(lessons.caption_grid(twins, ["", "لا شيء"], title="x").axes) == 1
    with pytest.raises(DataError, match=r"images \['a'\] lack a caption"):
        lessons.caption_grid(twins[:1], title="x")


def card_of(key: str) -> dict:
    return {
        "made_by": "x",
        "content_key": key,
        "settings": {"seed": 0},
        "versions": {"torch": "2"},
        "seconds": 1000,
        "vocabulary": 1536,
        "zero_shot_accuracy": 0.9,
        "curves": {"vision": {"steps": [1, 2], "losses": [3.0, 1.0]}},
    }


def test_a_stale_base_is_said_to_be_stale():
    assert "STALE" in lessons.freshness(card_of("another"))
    assert "STALE" not in lessons.freshness(card_of(sources_key()))


def test_the_card_of_the_base_in_the_profile_is_shown(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(card_of("k")))
    card = lessons.base_card(load_params("params/demo.yaml", {"model": {"base": str(tmp_path)}}, environment={}))

    assert card["content_key"] == "k"
    assert lessons.base_curves(card, "vision") == [(1, 3.0), (2, 1.0)]
    assert ("seconds, on two cores", "1,000") in lessons.base_table(card).rows


def test_the_environment_is_shown_with_what_differs_and_what_is_missing():
    machine = Machine("3.11", 2, None, (), 1.5, offline=True)

    assert lessons.package_table([Package("six", "1", "")]).rows == (("six", "1", "not installed", "differs"),)
    assert ("memory", "unknown") in lessons.machine_table(machine).rows
    assert lessons.profile_table([Readiness("x.yaml", "paper", ("a GPU", "data"))]).rows == (
        ("x.yaml", "paper", "not yet", "a GPU\ndata"),
    )
