"""Writing LLaVA JSON: rows in the form in which LLaVA-Med and BiMed-V are published, as other trainers read it."""

import json
from collections.abc import Iterable
from pathlib import Path

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources.llava import FORM, ROLES
from bimedix2_core.data.sources.reading import Record
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row, n_images
from bimedix2_core.runs import atomic_text

SPEAKERS = {role: speaker for speaker, role in ROLES.items()}


def write_llava(rows: Iterable[Row], file: Path, *, images: ImageStore | None = None) -> int:
    """Write rows as LLaVA JSON, whole or not at all; reading it back gives the same conversations, byte for byte.

    Args:
        rows: streamed; only one is in memory.
        file: a JSON list with one row on each line. Facts become fields of text.
        images: the store that holds the rows' images; they are named by their path in it, so that its folder is the
            image folder of the file. Without it, images keep their published names.

    Returns:
        The number of rows.

    Raises:
        DataError: an image part has no image to name, or the store lacks one.
    """
    n_rows = 0
    with atomic_text(file) as stream:
        for row in rows:
            stream.write("[\n" if n_rows == 0 else ",\n")
            stream.write(json.dumps(_record(row, images), ensure_ascii=False))
            n_rows += 1
        stream.write("\n]\n" if n_rows else "[]\n")
    return n_rows


def _record(row: Row, images: ImageStore | None) -> Record:
    names = _names_of(row, images)
    turns = [{"from": SPEAKERS[turn["role"]], "value": _value(turn)} for turn in row.messages]
    facts = {name: text for name, text in row.facts.items() if name not in FORM}
    image = {"image": names[0] if len(names) == 1 else names} if names else {}
    return {"id": row.id, **image, "conversations": turns, **facts}


def _names_of(row: Row, images: ImageStore | None) -> list[str]:
    if images is None:
        names = row.facts["image"].split("\n") if row.facts.get("image") else []
    else:
        names = [images.path(key).relative_to(images.folder).as_posix() for key in row.images]
    if len(names) != (n_parts := n_images(row.messages)):
        raise DataError(
            f"row {row.id!r} of {row.source}: {n_parts} image parts but {len(names)} "
            f"{'published names' if images is None else 'keys'}; "
            "give the image store that its images were read into"
        )
    return names


def _value(turn: Message) -> str:
    return "".join(IMAGE_TOKEN if part["type"] == "image" else part["text"] for part in turn["content"])
