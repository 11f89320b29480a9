"""Reading: a composed data set as a memory-mapped `datasets.Dataset`; a row at a time as a `Row`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.columns import row_of_stored
from bimedix2_core.data.compose.shards import CACHE
from bimedix2_core.records import Row

if TYPE_CHECKING:
    from datasets import Dataset


def open_composed(folder: Path) -> Dataset:
    """Open a composed data set; its rows stay on the disk and are mapped into memory where they are asked for.

    Parquet is compressed and cannot be mapped itself: the first opening writes the rows once more, as Arrow, below
    ``.cache`` in the folder. Every opening holds the shards against their sha256.

    Raises:
        DataError: the data set was not finished, or shards are missing or were changed.
    """
    composition = manifest.load(folder)
    manifest.check(folder, composition)
    from datasets import Dataset

    files = [str(folder / shard.file) for shard in composition.shards]
    return Dataset.from_parquet(files, cache_dir=str(folder / CACHE / composition.key[:16]))


def row_at(dataset: Dataset, index: int) -> Row:
    """One row of an opened data set; its ``source`` is the id of its part."""
    return row_of_stored(dataset[index])
