"""Parts held against benchmarks: one reading of every row, a report, and the flag that composition writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.decontaminate.images import ImageHashes, hash_images
from bimedix2_core.data.decontaminate.index import Index, Match
from bimedix2_core.data.decontaminate.report import Report, Tally, scan
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.records import Row

RowKey = tuple[str, str, str]
"""Source, language and id: what tells one row of all parts from another."""


@dataclass(frozen=True)
class Checkup:
    """What holding parts against benchmarks found."""

    report: Report
    leaks: Mapping[RowKey, tuple[Match, ...]]
    """The matches of every row that is not clean."""

    def is_clean(self, row: Row) -> bool:
        """Whether a row of these parts is clean: what ``compose`` asks."""
        return key_of(row) not in self.leaks


def check_parts(parts: Iterable[Part], index: Index) -> Checkup:
    """Read each part once and hold every row against the benchmarks.

    Memory grows with the rows that leak and the items that are touched, not with the rows.
    """
    tally, leaks = Tally(index), {}
    for part in parts:
        for checked in scan(part.rows(), index, tally, source=part.source_id):
            if not checked.clean:
                leaks[key_of(checked.row)] = checked.matches
    return Checkup(tally.report(), leaks)


def hash_stored(images: ImageStore, keys: Iterable[str]) -> ImageHashes:
    """The perceptual hashes of stored images, each opened once and held alone."""
    return hash_images((key, images.open(key)) for key in sorted(set(keys)))


def image_keys(benchmarks: Mapping[str, Sequence[Row]]) -> set[str]:
    """Content keys of all images of benchmarks."""
    return {key for rows in benchmarks.values() for row in rows for key in row.images}


def key_of(row: Row) -> RowKey:
    """Source, language and id of a row."""
    return row.source, row.language, row.id
