"""Parts: the sources of Table 12 as files, each with the reader of its published layout, read anew at each call.

    location -> PartFile -> survey            rows, unreadable rows, images: one reading
                        '-> part -> compose   and decontamination's `check_parts`

Five sources of Table 12 were made by the authors from other sets and are published inside BiMed-V only. They are read
in the layout of a published set of their kind; which layout the authors kept them in is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bimedix2_core.data.compose.card import Origin
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import NOT_STATED, BadRow, BadRows, read_source, source_named
from bimedix2_core.records import Row

LAYOUTS = {
    "pmc_mcq": "pmc_vqa",
    "pmc_mcq_ar": "pmc_vqa",
    "llava_med_subset_to_conv": "llava_med_instruct",
    "llava_med_to_qa": "llava_med_instruct",
    "llava_med_to_qa_ar": "llava_med_instruct",
}
"""The source whose layout serves for a source of Table 12 that has no reader of its own."""

MADE_FROM = {
    "llava_med_subset_to_conv": "llava_med_alignment",
    "llava_med_to_qa": "llava_med_instruct",
    "llava_med_to_qa_ar": "llava_med_instruct",
}
"""What the paper says a source was made from; of the PMC-MCQ rows it says nothing (PMC-OA probably, inferred)."""

IMAGE_FOLDERS = ("images", "imgs")
"""Folders beside a file that its image names may start from; without one they start from the file's own folder."""

_BIMEDIX2 = "Mullappilly et al., BiMediX2, arXiv 2412.07769"


@dataclass(frozen=True)
class PartFile:
    """A source of BiMed-V at its place."""

    source_id: str
    """Id in Table 12."""
    location: str | Path
    """A file in the published format, or ``hub:owner/name``."""
    images: ImageStore
    """Takes the images of its rows."""
    max_bad_rows: int
    """Unreadable rows before a reading stops."""
    origin: Origin
    """Licence and citation."""

    @property
    def layout(self) -> str:
        """Id of the source whose reader reads it."""
        return LAYOUTS.get(self.source_id, self.source_id)

    @property
    def part(self) -> Part:
        """What ``compose`` takes."""
        return Part(self.source_id, self.rows)

    def rows(self) -> Iterator[Row]:
        """The rows from the start.

        Raises:
            DataError: the file cannot be read, or has more unreadable rows than accepted.
        """
        return self.read(BadRows(self.max_bad_rows))

    def read(self, bad_rows: BadRows) -> Iterator[Row]:
        """The rows from the start, the unreadable ones counted; in the language that the id names."""
        language = "ar" if self.source_id.endswith("_ar") else "en"
        read = read_source(
            self.layout, self.location, bad_rows=bad_rows, images=self.images, image_folder=_image_folder(self.location)
        )
        return (replace(row, source=self.source_id, language=language) for row in read)


@dataclass(frozen=True)
class Survey:
    """What one reading of a part found."""

    source_id: str
    file: str
    """The file with its folder, or the location on the hub."""
    layout: str
    rows: int
    bad_rows: tuple[BadRow, ...]
    """The rows that could not be read, and why; paths begin at the file's folder."""
    image_keys: frozenset[str]
    """Content keys of its images; questions about one image share one."""


def survey(file: PartFile) -> Survey:
    """Read a part once: count its rows, list those that could not be read, store its images.

    Raises:
        DataError: as ``PartFile.rows``.
    """
    bad_rows, n_rows, keys = BadRows(file.max_bad_rows), 0, set()
    for row in file.read(bad_rows):
        n_rows += 1
        keys.update(row.images)
    bad = tuple(bad_rows.found)
    if isinstance(file.location, str):
        return Survey(file.source_id, file.location, file.layout, n_rows, bad, frozenset(keys))
    folder, name = file.location.parent, f"{file.location.parent.name}/{file.location.name}"
    bad = tuple(BadRow(one.place, one.problem.replace(f"{folder}/", "")) for one in bad)
    return Survey(file.source_id, name, file.layout, n_rows, bad, frozenset(keys))


def published_origin(source_id: str) -> Origin:
    """Licence and citation of a published source; of the authors' own derivations no licence is stated.

    Raises:
        DataError: there is no such source.
    """
    if source_id in MADE_FROM:
        return Origin(NOT_STATED, f"{_BIMEDIX2}; made from {source_named(MADE_FROM[source_id]).card.citation}")
    if source_id in LAYOUTS:
        return Origin(NOT_STATED, f"{_BIMEDIX2}; what it was made from is not stated")
    card = source_named(source_id).card
    return Origin(card.licence, card.citation)


def _image_folder(location: str | Path) -> Path | None:
    if isinstance(location, str):
        return None
    named = (location.parent / name for name in IMAGE_FOLDERS)
    return next((folder for folder in named if folder.is_dir()), location.parent)
