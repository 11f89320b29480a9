"""Catalogue: every source by its id, read from a file or from the Hugging Face hub."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_core.data.sources import benchmarks, captions, dialogues, llava, questions, vqa
from bimedix2_core.data.sources.card import Source
from bimedix2_core.data.sources.reading import BadRows, Place, Records
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

if TYPE_CHECKING:
    from bimedix2_core.data.image_store import ImageStore

HUB = "hub:"
"""Begins a location on the hub: ``hub:owner/name`` or ``hub:owner/name:config``."""

PARTS = (questions, dialogues, llava, captions, vqa, benchmarks)

SOURCES: dict[str, Source] = {source.card.source_id: source for part in PARTS for source in part.SOURCES}
"""Every source by its id, that of Table 12 where it has one."""


def source_named(source_id: str) -> Source:
    """The source with this id.

    Raises:
        DataError: there is none; the message has the likely spelling.
    """
    if source_id in SOURCES:
        return SOURCES[source_id]
    close = difflib.get_close_matches(source_id, SOURCES, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise DataError(f"no source {source_id!r}{hint}; known: {', '.join(SOURCES)}")


def read_source(
    source_id: str,
    location: str | Path,
    *,
    bad_rows: BadRows,
    images: "ImageStore | None" = None,
    image_folder: Path | None = None,
    split: str | None = None,
) -> Iterator[Row]:
    """The rows of a source, one at a time.

    Args:
        source_id: a key of `SOURCES`.
        location: a local file in the published format, or ``hub:owner/name`` (``:config`` where the set has several).
            The hub is streamed with `datasets`, which runs no code of the repository.
        bad_rows: counts the rows that cannot be read and stops the run beyond its limit.
        images: takes the images of the rows; needed by sources with images only.
        image_folder: the folder that the published image names are relative to.
        split: the split to keep; for the hub ``"train"`` unless another is named.

    Raises:
        DataError: no such source, file or split, or more bad rows than accepted.
    """
    source = source_named(source_id)
    if str(location).startswith(HUB):
        records = _hub_records(str(location).removeprefix(HUB), split or "train")
        return source.rows(records, bad_rows=bad_rows, images=images, image_folder=image_folder)
    return source.read(Path(location), bad_rows=bad_rows, images=images, image_folder=image_folder, split=split)


def _hub_records(name: str, split: str) -> Records:
    """The records of a data set on the hub, or in a folder laid out like one; images stay the bytes they are.

    Not run on the hub where this was written, for want of a network; a folder takes the same way.
    """
    import datasets

    repository, _, config = name.partition(":")
    streamed = datasets.load_dataset(repository, config or None, split=split, streaming=True)
    undecoded = streamed.decode(False) if streamed.features else streamed  # CSV does not say its own
    for row, record in enumerate(undecoded):
        yield Place(f"{name} {split}", f"row {row}", row), record
