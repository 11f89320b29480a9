"""Chats of a synthesis in words: which are kept, what stands for an image, and that they are read as published ones."""

import asyncio

import pytest
from synthesis_rows import ARABIC_CHAT, CHAT, TALK, caption_row, choice_row, said, short_row

from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.synthesize.prompts import prompts
from bimedix2_core.data.synthesize.rollout import Synthesis
from bimedix2_core.data.synthesize.text_chats import chats_file, save_chats, text_chats
from bimedix2_core.records import n_images, text_of


def made(kind, row, answer):
    """The result of one rollout whose model always says the same."""

    async def ask(payload):
        return answer

    rollout = Synthesis(
        kind=kind,
        source="x",
        prompts=prompts("instructed"),
        rounds=1,
        max_new_tokens=500,
        refine_temperature=0.0,
    )
    return asyncio.run(rollout(row, ask))


@pytest.fixture(scope="module")
def results():
    arabic = choice_row(
        id="m2",
        language="ar",
        question="امرأة عمرها 24 عامًا تعاني من صفير بعد الجهد. ما الدواء الأول؟",
        choices=["ثيوفيلين", "سالبوتامول مستنشق", "أدرينالين", "ستيرويد"],
        explanation="",
    )
    return {
        "doctor_chat, a": [
            made("doctor_chat", choice_row(), said(CHAT)),
            made("doctor_chat", arabic, said(ARABIC_CHAT)),
            made("doctor_chat", choice_row(id="m3"), "no chat at all"),
        ],
        "image_conversation, b": [made("image_conversation", caption_row(id="m1"), said(TALK))],
        "fuller_answer, c": [made("fuller_answer", short_row(), "Yes, there is a fracture.")],
    }


def all_of(results):
    return [one for each in results.values() for one in each]


def test_the_rollouts_went_as_the_tests_here_expect(results):
    assert [one["row"] is not None for one in all_of(results)] == [True, True, False, True, True]


def test_a_chat_with_a_doctor_stays_as_it_is(results):
    chat = next(text_chats(all_of(results)))

    assert [text_of(turn) for turn in chat.messages] == [text for _, text in CHAT]


def test_a_conversation_about_an_image_begins_with_its_caption_and_shows_nothing(results):
    (chat,) = text_chats(results["image_conversation, b"])

    assert text_of(chat.messages[0]) == (
        "A chest X-ray with a small left pleural effusion, 3 cm high.\nWhat kind of image is this?"
    )
    assert [text_of(turn) for turn in chat.messages[1:]] == [text for _, text in TALK[1:]]
    assert (chat.images, n_images(chat.messages)) == ((), 0)


def test_only_what_passed_the_checks_and_has_two_questions_is_kept(results):
    assert [row.id for row in text_chats(all_of(results))] == [
        "doctor_chat-medqa-m1", "doctor_chat-medqa-m2", "image_conversation-llava_med_alignment-m1"
    ]  # fmt: skip
    short = results["doctor_chat, a"][0]
    short = short | {"row": short["row"] | {"messages": short["row"]["messages"][:2]}}
    assert list(text_chats([short])) == []


def test_chats_are_read_back_as_published_conversations_of_their_language(results, tmp_path):
    assert save_chats(results, tmp_path) == {"en": 2, "ar": 1}

    for language, source in (("en", "multi_turn_conversation"), ("ar", "multi_turn_conversation_ar")):
        read = list(read_source(source, chats_file(tmp_path, language), bad_rows=BadRows(0)))
        kept = [row for row in text_chats(all_of(results)) if row.language == language]
        assert [(row.id, row.language, row.messages) for row in read] == [
            (row.id, language, row.messages) for row in kept
        ]


def test_a_language_without_chats_has_an_empty_file(results, tmp_path):
    save_chats({"fuller_answer, c": results["fuller_answer, c"]}, tmp_path)

    assert list(read_source("multi_turn_conversation", chats_file(tmp_path, "en"), bad_rows=BadRows(0))) == []
