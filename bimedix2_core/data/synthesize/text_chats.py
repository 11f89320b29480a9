"""Text chats: the conversations that were made, for a model that reads text only, in files as published ones come.

A chat between patient and doctor stays as it is. A conversation about an image is told in words: the caption that it
was made from stands before the first question, in the place of the image.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bimedix2_core.data.sources import write_llava
from bimedix2_core.records import LANGUAGES, Message, Row, message, row_of, text_of

FEWEST_QUESTIONS = 2
"""User turns that make a conversation of several turns."""

KINDS = ("doctor_chat", "image_conversation")
"""The syntheses whose results are conversations."""


def save_chats(made: Mapping[str, Iterable[Mapping[str, Any]]], folder: Path) -> dict[str, int]:
    """Write the chats among the results of syntheses, one LLaVA JSON file a language: ``en.json`` and ``ar.json``.

    A file is written where a language has no chat, too; it is then an empty list.

    Args:
        made: results of each synthesis, as `data.synthesize.rollout.Synthesis` gives them.
        folder: takes the files; they are read as the source ``multi_turn_conversation``.

    Returns:
        The chats of each language.
    """
    chats = list(text_chats(result for results in made.values() for result in results))
    return {
        language: write_llava((row for row in chats if row.language == language), chats_file(folder, language))
        for language in LANGUAGES
    }


def chats_file(folder: Path, language: str) -> Path:
    """The file of a language below the folder of `save_chats`."""
    return folder / f"{language}.json"


def text_chats(results: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The conversations of two questions or more that passed the checks, in words alone.

    Ids say by which synthesis and from which source a chat was made, so that those of several syntheses differ.
    """
    for result in results:
        if result["row"] is None or result["kind"] not in KINDS:
            continue
        row = row_of(result["row"])
        if sum(turn["role"] == "user" for turn in row.messages) < FEWEST_QUESTIONS:
            continue
        id = f"{result['kind']}-{result['source']}-{row.id}".replace(" ", "-")
        yield replace(row, id=id, messages=_told(row, row.facts.get("caption", "")), images=())


def _told(row: Row, caption: str) -> list[Message]:
    """The turns without images; of a conversation about one, its caption before the first question."""
    texts = [text_of(turn).strip() for turn in row.messages]
    first = next(index for index, turn in enumerate(row.messages) if turn["role"] == "user")
    texts[first] = f"{caption}\n{texts[first]}" if caption else texts[first]
    return [message(turn["role"], text) for turn, text in zip(row.messages, texts, strict=True)]
