"""Protocols: how a report is asked for, each under a name; their wordings are in prompts.yaml.

Which version of MultiMedEval the paper used is not known: its printed request is that of the first releases, almost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from PIL.Image import Image

from bimedix2_core.data.sources.reports import GENERATION, SUMMARISATION
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Query, Row, n_images, text_of
from bimedix2_core.runs import content_key

FINDINGS = "{findings}"
"""Stands in a request where the findings go."""


@dataclass(frozen=True)
class Protocol:
    """One way to ask."""

    id: str
    task: str
    """``report_generation`` or ``report_summarisation``."""
    language: str
    origin: str
    """Who asks so."""
    request: str
    images: str = "before"
    """Whether the images stand ``before`` or ``after`` the words; matters to generation only."""


@cache
def protocols() -> dict[str, Protocol]:
    """Every protocol by its id."""
    listed = yaml.safe_load(Path(__file__).with_name("prompts.yaml").read_text(encoding="utf-8"))
    return {id: Protocol(id, **fields) for id, fields in listed.items()}


def protocol_named(protocol_id: str) -> Protocol:
    """The protocol with this id.

    Raises:
        DataError: there is none; the message lists the known ones.
    """
    if protocol_id not in protocols():
        raise DataError(f"no report protocol {protocol_id!r}; known: {', '.join(protocols())}")
    return protocols()[protocol_id]


def own_protocol(task: str, language: str) -> Protocol:
    """Our protocol for a task in a language.

    Raises:
        DataError: there is none.
    """
    for protocol in protocols().values():
        if (protocol.task, protocol.language) == (task, language) and protocol.id.startswith("ours"):
            return protocol
    raise DataError(f"no report protocol of ours for task {task!r} in {language!r}; known: {', '.join(protocols())}")


def query(row: Row, protocol: Protocol, open_image: Callable[[str], Image] | None = None) -> Query:
    """What a model is asked.

    Args:
        row: a report, as `data.sources.reports` gives it.
        protocol: how it is asked.
        open_image: gives the image of a content key, such as `ImageStore.open`; needed for generation.

    Raises:
        DataError: the protocol is for another task or language, or the images of the row are not there.
    """
    if (row.task, row.language) != (protocol.task, protocol.language):
        raise DataError(
            f"report {row.id!r} is {row.task} in {row.language!r}, but protocol {protocol.id!r} asks for "
            f"{protocol.task} in {protocol.language!r}; take one of that task and language"
        )
    if protocol.task == SUMMARISATION:
        return Query(row.id, row.language, [_turn(protocol.request.replace(FINDINGS, findings_of(row)), 0, "before")])
    n_views = n_images(row.messages)
    if not n_views or open_image is None or len(row.images) != n_views:
        raise DataError(
            f"report {row.id!r}: {len(row.images)} images for {n_views} views"
            f"{'' if open_image else ' and nothing to open them with'}; read the study with an image store, and give "
            "query its `open`"
        )
    images = [open_image(key) for key in row.images]
    return Query(row.id, row.language, [_turn(protocol.request, n_views, protocol.images)], images=images)


def findings_of(row: Row) -> str:
    """The findings of a report: what summarisation is given, and generation is to give."""
    return text_of(row.messages[-1 if row.task == GENERATION else 0])


def reference_of(row: Row) -> str:
    """What a model is to write."""
    return text_of(row.messages[-1])


def prompt_key(protocol: Protocol) -> str:
    """Content key of a protocol's words and where the images stand, for the protocol card."""
    return content_key({"request": protocol.request, "images": protocol.images, "task": protocol.task})


def _turn(text: str, n_views: int, images: str) -> Message:
    views, words = [{"type": "image"}] * n_views, [{"type": "text", "text": text}]
    return {"role": "user", "content": views + words if images == "before" else words + views}
