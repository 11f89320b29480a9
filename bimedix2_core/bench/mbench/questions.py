"""Questions: BiMed-MBench in one language or both, joined by id, with an audit of the files."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from bimedix2_core.bench.mbench.audit import NO_FILE, NO_MARKER, OTHER_IMAGE, UNPAIRED, Audit, Finding, findings_of
from bimedix2_core.bench.mbench.facts import image_of
from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows, read_records, source_named
from bimedix2_core.data.sources.images import image_file
from bimedix2_core.errors import DataError, listed
from bimedix2_core.records import LANGUAGES, Query, Row

N_QUESTIONS = 193
"""Of the whole benchmark in each language."""

SOURCES = {"en": "bimed_mbench", "ar": "bimed_mbench_ar"}
"""The source that reads the file of a language."""


@dataclass(frozen=True)
class Questions:
    """The questions, English before Arabic, each in file order, and what is wrong with them."""

    rows: tuple[Row, ...]
    audit: Audit

    def of(self, language: str) -> tuple[Row, ...]:
        """The questions of one language."""
        return tuple(row for row in self.rows if row.language == language)


def read(
    files: Mapping[str, Path],
    *,
    images: ImageStore | None = None,
    image_folder: Path | None = None,
    allow_partial: bool = False,
) -> Questions:
    """Read one or both published files.

    Args:
        files: the file of each language, ``en`` and ``ar``.
        images: takes the figures, so that a model can be asked; without, rows have no image keys.
        image_folder: where the figures are; without, it is not looked whether they are there.
        allow_partial: accept another number of questions than 193, questions without a figure (they are left out where
            `images` are asked for), and ids that are not, or not alike, in both files (they stay and are listed).

    Raises:
        DataError: a line cannot be read, an id comes twice, the file is a part of the benchmark, a figure is missing or
            no image, or the two files do not belong together.
    """
    unknown = sorted(set(files) - set(SOURCES))
    if unknown or not files:
        raise DataError(f"BiMed-MBench files for {unknown or 'no language'}; expected {' or '.join(SOURCES)}")
    rows: list[Row] = []
    findings: list[Finding] = []
    for language in (language for language in LANGUAGES if language in files):
        read_rows, without_marker = _read_one(files[language], language)
        _check_one(read_rows, files[language].name, allow_partial=allow_partial)
        findings += [one for row in read_rows for one in findings_of(row)]
        findings += [Finding(NO_MARKER, language, id) for id in without_marker]
        lacking = _lacking(read_rows, image_folder)
        findings += [Finding(NO_FILE, language, row.id, row.facts["image"]) for row in lacking]
        if images is not None:
            _check_images(lacking, image_folder, allow_partial=allow_partial)
            gone = {row.id for row in lacking}
            read_rows = [_with_image(row, images, image_folder) for row in read_rows if row.id not in gone]
        rows += read_rows
    if len(files) == len(SOURCES):
        findings += _unlike(rows, allow_partial=allow_partial)
    return Questions(tuple(rows), Audit(tuple(findings)))


def pairs(rows: Iterable[Row]) -> list[tuple[Row, Row]]:
    """The questions that are there in both languages, each English row with its Arabic twin, in English order."""
    by_language: dict[str, dict[str, Row]] = {language: {} for language in LANGUAGES}
    for row in rows:
        by_language[row.language][row.id] = row
    return [(row, by_language["ar"][id]) for id, row in by_language["en"].items() if id in by_language["ar"]]


def query(row: Row, open_image: Callable[[str], Image]) -> Query:
    """What a model is asked: the figure and the question, through its chat template.

    Args:
        row: a question whose figure is stored.
        open_image: gives the picture of a content key, such as `ImageStore.open`.

    Raises:
        DataError: the row was read without its figure.
    """
    if not row.images:
        raise DataError(f"question {row.id!r} ({row.language}) has no figure; read the questions with an image store")
    return Query(row.id, row.language, row.messages[:-1], images=[open_image(key) for key in row.images])


def _read_one(file: Path, language: str) -> tuple[list[Row], list[str]]:
    """The rows of a file, and the ids of those whose question has no image marker."""
    records = list(read_records(file, BadRows(0)))
    rows = list(source_named(SOURCES[language]).rows(iter(records), bad_rows=BadRows(0)))
    without_marker = [
        row.id for row, (_, record) in zip(rows, records, strict=True) if IMAGE_TOKEN not in record["text"]
    ]
    return rows, without_marker


def _check_one(rows: Sequence[Row], name: str, *, allow_partial: bool) -> None:
    twice = [id for id, times in Counter(row.id for row in rows).items() if times > 1]
    if twice:
        raise DataError(f"{name}: {len(twice)} question ids come twice ({listed(twice)}); expected each once")
    if not rows or (len(rows) != N_QUESTIONS and not allow_partial):
        raise DataError(
            f"{name}: {len(rows)} questions; expected {N_QUESTIONS}: get the whole file, or allow a partial set (the "
            "exhibit then says so)"
        )


def _lacking(rows: Iterable[Row], folder: Path | None) -> list[Row]:
    """The rows whose figure is not in the folder."""
    return [row for row in rows if folder is not None and not _is_there(row.facts["image"], folder)]


def _is_there(name: str, folder: Path) -> bool:
    try:
        image_file(name, folder)
    except DataError:
        return False
    return True


def _check_images(lacking: Sequence[Row], folder: Path | None, *, allow_partial: bool) -> None:
    if folder is None:
        raise DataError("figures are asked for, but no image folder was given; say which folder holds them")
    if lacking and not allow_partial:
        names = list(dict.fromkeys(row.facts["image"] for row in lacking))
        raise DataError(
            f"{folder.name}: {len(names)} figures of {len(lacking)} questions are not there ({listed(names)}); "
            "download them, or allow a partial set without these questions"
        )


def _with_image(row: Row, images: ImageStore, folder: Path) -> Row:
    name = row.facts["image"]
    return dataclasses.replace(row, images=(images.add(image_file(name, folder), name=name),))


def _unlike(rows: Sequence[Row], *, allow_partial: bool) -> list[Finding]:
    """Where the files of the two languages do not belong together."""
    shared = pairs(rows)
    both = {row.id for row, _ in shared}
    found = [Finding(UNPAIRED, row.language, row.id) for row in rows if row.id not in both]
    found += [
        Finding(OTHER_IMAGE, row.language, row.id, image_of(row))
        for pair in shared
        for row in pair
        if image_of(pair[0]) != image_of(pair[1])
    ]
    if found and not allow_partial:
        first = found[0]
        raise DataError(
            f"the English and the Arabic file do not belong together: {len(found)} questions are {first.name}, the "
            f"first is {first.id!r} ({first.language}); ids join the languages: take the files of one release"
        )
    return found
