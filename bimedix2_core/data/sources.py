"""Sources: published files become samples."""

import json
from pathlib import Path

from PIL import Image

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.language import language_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample, message

ROLES = {"human": "user", "gpt": "assistant", "system": "system"}


def read_llava(file: Path, *, image_folder: Path) -> list[Sample]:
    """Read LLaVA-style JSON, the form in which BiMed-V is published.

    Each row has ``id``, ``conversations`` (``from`` human or gpt, ``value``) and, where there is an image, ``image``
    and one ``<image>`` in a human value. The language is the script of the first answer.

    Images are read when the file is: this suits up to some ten thousand samples; larger sets need a stored dataset.

    Raises:
        DataError: the file or an image is missing, or a row is malformed; the message names the row.

    Source:
        shared/notes/formats.md, "LLaVA instruction data".
    """
    if not file.is_file():
        raise DataError(f"{file}: no such data file; download it, or change the profile's data section")
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(rows, list):
        raise DataError(f"{file.name} holds a {type(rows).__name__}; expected a list of conversations")
    return [_sample(row, f"{file.name}, row {index}", image_folder) for index, row in enumerate(rows)]


def _sample(row: dict, place: str, image_folder: Path) -> Sample:
    try:
        turns = [(ROLES[turn["from"]], turn["value"]) for turn in row["conversations"]]
        name = str(row["id"])
    except (KeyError, TypeError) as error:
        raise DataError(f"{place}: no usable {error}; expected id and conversations of from human or gpt") from None
    images = [_open(image_folder, row["image"], place)] if row.get("image") else []
    messages = [
        message(role, value.replace(IMAGE_TOKEN, "").strip(), images=value.count(IMAGE_TOKEN)) for role, value in turns
    ]
    answers = [value for role, value in turns if role == "assistant"]
    return Sample(
        id=name,
        language=language_of(answers[0]) if answers else "",
        task="instruction",
        source=place.split(",", maxsplit=1)[0],
        messages=messages,
        images=images,
    )


def _open(folder: Path, name: str, place: str) -> Image.Image:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{place}: the image {name!r} lies outside the image folder; give a path below it")
    if not file.is_file():
        raise DataError(f"{place}: no image {name!r} in {folder}; download it or drop the row")
    with Image.open(file) as image:
        return image.convert("RGB")
