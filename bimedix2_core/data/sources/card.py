"""Cards: what a source is, where it comes from, and how its records become rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_core.data.sources.reading import BadRows, Place, Record, Records, read_records, readable
from bimedix2_core.records import Row

if TYPE_CHECKING:
    from bimedix2_core.data.image_store import ImageStore

NOT_STATED = "not stated"


@dataclass(frozen=True)
class SourceCard:
    """Where a source comes from."""

    source_id: str
    """The id in Table 12 (table12_bimed_v_composition.csv) where the source has one."""
    name: str
    hub_id: str | None
    """``owner/name`` on the Hugging Face hub, with ``:config`` where the set has several."""
    licence: str
    """As the publisher states it, or `NOT_STATED`."""
    citation: str
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """What a record does not say itself: the source it is read as, and where its images are and go."""

    source: str
    language: str
    """The language of the source; empty where each row has to be asked."""
    split: str
    """The split that is asked for; empty for all rows."""
    images: ImageStore | None
    image_folder: Path | None


ToRow = Callable[[Place, Record, Reading], Row | None]
"""Makes a row of a record; None where the record is not asked for (another split or language)."""


@dataclass(frozen=True)
class Source:
    """A published data set: its card, and the function that makes a row of one of its records."""

    card: SourceCard
    to_row: ToRow
    language: str = ""
    """``"en"`` or ``"ar"``; empty where each row has to be asked."""
    columns: Sequence[str] = ()
    """Columns of a published CSV file that has no header."""
    records: Callable[..., Records] = read_records
    """Reads a published file; another function than `read_records` where the set is spread over several files."""

    def read(
        self,
        file: Path,
        *,
        bad_rows: BadRows,
        images: ImageStore | None = None,
        image_folder: Path | None = None,
        split: str | None = None,
    ) -> Iterator[Row]:
        """The rows of a published file, in file order.

        Args:
            file: a file in the published format.
            bad_rows: counts the rows that cannot be read and stops the run beyond its limit.
            images: takes the images of the rows; needed by sources with images only.
            image_folder: the folder that the published image names are relative to.
            split: the split to keep, where the records name theirs; None keeps all.

        Raises:
            DataError: the file cannot be read, or has more bad rows than accepted.
        """
        records = self.records(file, bad_rows, columns=self.columns)
        return self.rows(records, bad_rows=bad_rows, images=images, image_folder=image_folder, split=split)

    def rows(
        self,
        records: Records,
        *,
        bad_rows: BadRows,
        images: ImageStore | None = None,
        image_folder: Path | None = None,
        split: str | None = None,
    ) -> Iterator[Row]:
        """The rows of records that are already being read, from a file or from the hub; arguments as for `read`."""
        reading = Reading(self.card.source_id, self.language, split or "", images, image_folder)
        return readable(records, partial(_row, self.to_row, reading), bad_rows)


def _row(to_row: ToRow, reading: Reading, place: Place, record: Record) -> Row | None:
    return to_row(place, record, reading)
