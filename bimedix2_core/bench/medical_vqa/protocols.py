"""Protocols: how a question about an image is put to a model, each under a name.

``multimedeval`` is the paper's: a sentence that asks for yes or no stands before the image where, and only where, the
published answer is ``yes`` or ``no`` in small letters. It tells the model which questions are closed (Rad-VQA's hub
copy and Path-VQA; SLAKE publishes "Yes" and never gets it): its `leaks` says so, and so must whoever shows its numbers.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from PIL.Image import Image

from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Message, Query, Row, message, n_images, text_of
from bimedix2_core.runs import content_key

WORDING = "protocols.yaml"


@dataclass(frozen=True)
class Protocol:
    """One way to ask."""

    id: str
    hint: str
    """Name of the sentence in protocols.yaml; empty where the question stands alone."""
    announces: tuple[str, ...] = ()
    """Published answers whose questions alone get the sentence, before the image; without, all do, after the text."""
    leaks: str = ""
    """What the prompt tells of the published answer; empty where it depends on nothing but the question."""


PROTOCOLS: dict[str, Protocol] = {
    one.id: one
    for one in (
        Protocol("plain", ""),
        Protocol("short_answer", "short_answer"),
        Protocol(
            "multimedeval", "yes_or_no", ("yes", "no"), leaks="the answer type: yes-or-no questions are announced"
        ),
    )
}
"""Every protocol by its id: the question alone, a request for a short answer to each question alike, the paper's."""


def protocol_named(protocol_id: str) -> Protocol:
    """The protocol with this id.

    Raises:
        DataError: there is none; the message lists the known ones.
    """
    if protocol_id not in PROTOCOLS:
        raise DataError(f"no protocol {protocol_id!r}; known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol_id]


def query_of(row: Row, protocol: Protocol, open_image: Callable[[str], Image]) -> Query:
    """What a model is asked: the prompt as messages, with the images of the row.

    Args:
        row: a question as `data.sources` reads it; a control without image has no image part.
        protocol: how it is asked.
        open_image: gives the picture of a content key.

    Raises:
        DataError: image parts without keys, or a protocol that has no wording in the row's language.
    """
    n_parts = n_images(row.messages)
    if n_parts != len(row.images):
        raise DataError(
            f"question {row.id!r}: {n_parts} image parts but {len(row.images)} images; read the set with an image store"
        )
    return Query(row.id, row.language, [prompt_of(row, protocol)], images=[open_image(key) for key in row.images])


def prompt_of(row: Row, protocol: Protocol) -> Message:
    """The user turn: image parts and text in the order that the protocol has.

    Raises:
        DataError: the protocol has no wording in the row's language.
    """
    asked = [turn for turn in row.messages if turn["role"] == "user"][-1]
    if not protocol.hint:
        return asked
    wording = _wording()[protocol.hint]
    if row.language not in wording:
        raise DataError(
            f"question {row.id!r} is in {row.language!r}, but protocol {protocol.id!r} has words in "
            f"{', '.join(wording)} only; ask it with the protocol short_answer"
        )
    sentence = wording[row.language]
    if not protocol.announces:
        return message("user", f"{text_of(asked)}\n{sentence}", images=n_images([asked]))
    if row.answer not in protocol.announces:
        return asked
    return asked | {"content": [{"type": "text", "text": f"{sentence} "}, *asked["content"]]}


def prompt_key(protocol: Protocol) -> str:
    """Content key of every text that a protocol puts around a question, for the protocol card."""
    languages = _wording()[protocol.hint] if protocol.hint else LANGUAGES
    asked = [
        prompt_of(_placeholder(language, answer), protocol) for language in languages for answer in ("yes", "Yes", "x")
    ]
    return content_key({"protocol": dataclasses.asdict(protocol), "asked": asked})


def _placeholder(language: str, answer: str) -> Row:
    turns = [message("user", "question", images=1), message("assistant", answer)]
    return Row("placeholder", language, "vqa", "placeholder", turns, answer=answer)


@cache
def _wording() -> Mapping[str, Mapping[str, str]]:
    return yaml.safe_load(Path(__file__).with_name(WORDING).read_text(encoding="utf-8"))
