from dataclasses import replace

import pytest
from PIL import Image

from bimedix2_core.data.images import Problem, ReadImage, Readings
from bimedix2_core.demo import conversations
from bimedix2_core.demo.conversations import (
    beside_phantoms,
    played,
    readings_table,
    sampled_answers,
    switching,
    written,
)
from bimedix2_core.errors import DataError
from bimedix2_core.records import message
from tests.tiny import GREEDY, colour_image, sample, tiny_lmm


def chat(language: str):
    """Text first, then an image."""
    one = sample(language=language)
    greeting = {"en": ("Hello.", "Hello."), "ar": ("مرحبًا.", "مرحبًا.")}[language]
    return replace(one, messages=[message("user", greeting[0]), message("assistant", greeting[1]), *one.messages])


def test_a_written_conversation_shows_the_image_at_its_turn():
    dialogue = written(chat("en"), title="t")

    assert [exchange.image is not None for exchange in dialogue.exchanges] == [False, True]
    assert [exchange.answer for exchange in dialogue.exchanges] == ["Hello.", "Yes, on the left."]


def test_a_played_conversation_has_the_users_turns_and_the_models_answers():
    dialogue = played(tiny_lmm(), chat("ar"), settings=GREEDY, title="t")

    assert [exchange.question for exchange in dialogue.exchanges] == ["مرحبًا.", "هل تقع الآفة في الجهة اليسرى؟"]
    assert [exchange.language for exchange in dialogue.exchanges] == ["ar", "ar"]
    assert dialogue.exchanges[1].image is not None
    assert all(exchange.answer for exchange in dialogue.exchanges)


def test_a_conversation_switches_its_language_with_every_turn():
    mixed = switching(chat("en"), chat("ar"))

    assert [exchange.language for exchange in written(mixed, title="t").exchanges] == ["en", "ar"]
    assert len(mixed.images) == 1


def test_draws_stand_beside_the_greedy_answer_and_come_again():
    lmm, asked = tiny_lmm(), [sample(), sample(language="ar")]

    table = sampled_answers(lmm, asked, settings=GREEDY, temperature=1.5, n_draws=2)
    again = sampled_answers(lmm, asked, settings=GREEDY, temperature=1.5, n_draws=2)

    assert table.columns == ("question", "greedy", "draw 1", "draw 2")
    assert table.rows == again.rows
    assert table.rows[0][0] == "Is the lesion on the left?"


def test_no_folder_is_no_error_and_says_how_to_name_one():
    assert "overrides = {'data': {'reader_images'" in conversations.reader_folder_line(None)
    assert conversations.read_reader_images(None) == Readings((), ())


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        conversations.read_reader_images(str(tmp_path / "absent"))


def test_a_folder_is_read_and_a_broken_file_is_listed_by_name(tmp_path):
    colour_image(90).save(tmp_path / "a.png")
    (tmp_path / "b.dcm").write_bytes(b"no image")

    readings = conversations.read_reader_images(str(tmp_path))

    assert [(row[0], row[1]) for row in readings_table(readings).rows] == [("a.png", "png"), ("b.dcm", "NOT READ")]


def test_each_image_of_the_reader_is_beside_a_phantom_asked_the_same_in_both_languages():
    own = Image.new("RGB", (40, 20), (9, 9, 9))
    readings = Readings((ReadImage(own, "mine.png", "png", ""),), (Problem("x", "y"),))

    reader, phantom = beside_phantoms(tiny_lmm(), readings, settings=GREEDY, seed=0)

    assert (reader.title, phantom.title) == ("mine.png", "a phantom, asked the same")
    assert [exchange.language for exchange in reader.exchanges] == ["en", "ar"]
    assert [one.question for one in reader.exchanges] == [one.question for one in phantom.exchanges]
    assert reader.exchanges[0].image is own
    assert reader.exchanges[1].image is None


def test_no_image_is_no_picture():
    conversations.show_pages([], alt="nothing")
