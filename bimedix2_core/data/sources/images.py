"""Images of a source: published file names and embedded bytes become content keys.

Without an image store nothing is opened: a row then keeps its image parts and has no key, and its fact `image` still
names the published file. That suits work on the questions alone (decontamination by text, splits by image name); such
a row cannot be trained on by mistake, because `data.chat.encode` asks for one image for each part.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bimedix2_core.data.sources.card import Reading
from bimedix2_core.data.sources.reading import WrongFileError
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row


def named_images(names: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """The keys of image files, stored under way; none where the reading has no image store.

    Raises:
        DataError: a file is missing, lies outside the image folder or is no image.
    """
    if reading.images is None:
        return ()
    return tuple(reading.images.add(image_file(name, reading.image_folder), name=name) for name in names)


def embedded_image(image: Any, reading: Reading) -> tuple[str, ...]:
    """The key of an image that a parquet record holds as a struct of ``bytes`` and ``path``, stored under way.

    Raises:
        DataError: the record holds no bytes, or they are no image.
    """
    if reading.images is None:
        return ()
    content = image.get("bytes") if isinstance(image, dict) else None
    if not content:
        raise DataError(f"image holds {_shown(image)}; expected a struct with the bytes of an image file")
    return (reading.images.add(content, name=image.get("path") or "image"),)


def with_image(row: Row, keys: tuple[str, ...]) -> Row:
    """The row with one image before its first turn, and its key where there is one."""
    first, *others = row.messages
    asked = first | {"content": [{"type": "image"}, *first["content"]]}
    return replace(row, images=keys, messages=[asked, *others])


def image_file(name: str, folder: Path | None) -> Path:
    """The file of a published image name.

    Raises:
        DataError: there is no such file, or the name leads out of the folder.
        WrongFileError: no folder was given, which no row can help.
    """
    if folder is None:
        raise WrongFileError(f"the row names the image {name!r}, but no image folder was given; say which holds it")
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or Path(name).is_absolute():
        raise DataError(f"the image {name!r} lies outside the image folder; give a path below it")
    file = folder / parts
    try:
        found = file.is_file()
    except OSError:  # a text far too long for a name, as shifted columns give
        found = False
    if not found:
        raise DataError(f"no image {name!r:.80} in {folder}; download it or drop the row")
    return file


def _shown(image: Any) -> str:
    """What a record has in place of an image, without its bytes."""
    return f"the fields {', '.join(image)}" if isinstance(image, dict) else f"a {type(image).__name__}"
