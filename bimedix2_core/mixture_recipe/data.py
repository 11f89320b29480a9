"""Data: BiMed1.3M as a profile names it, composed from the text sources of Table 12 and the chats of notebook 02.

    sources, chats -> rows without images -> rows that hold no examination -> Arabic to English 1:2 -> samples

BiMediX was examined in the sets of Table 2, so a row that shares a run of words with a question of theirs, or what it
is answered from, is left out before the rows are drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bimedix2_core.data.compose.bimed13m import MULTI_TURN, SYNTHESISED, bimed13m_counts, part_id
from bimedix2_core.data.compose.columns import row_of_stored
from bimedix2_core.data.compose.manifest import Composition
from bimedix2_core.data.compose.parts import PartFile, published_origin
from bimedix2_core.data.compose.reading import open_composed
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.data.decontaminate import Index, Settings, read_report, write_report
from bimedix2_core.data.decontaminate.parts import Checkup, check_parts
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources.catalogue import HUB
from bimedix2_core.data.synthesize.text_chats import chats_file
from bimedix2_core.demo import bimed_v
from bimedix2_core.errors import DataError
from bimedix2_core.mixture_recipe.section import mixture_of
from bimedix2_core.paper import reported
from bimedix2_core.params import Params, root
from bimedix2_core.records import LANGUAGES, Row, Sample, n_images

NAME = "bimed13m"
"""The folder of the composed data, and what its shards are called by."""

SOURCES = "sources"
"""Folder of the stand-ins that the project draws."""

DECONTAMINATION = "decontamination"
"""Folder of the report on what the sources share with the examinations."""


def made_chats(folder: Path | None) -> dict[str, Path]:
    """The files of the chats that notebook 02 left in a folder, by language; none where there is no folder."""
    return {} if folder is None else {language: chats_file(folder, language) for language in LANGUAGES}


def compose_mixture_data(
    params: Params, folder: Path, *, exams: Mapping[str, Sequence[Row]], chats: Mapping[str, Path]
) -> Composition:
    """Compose BiMed1.3M below ``bimed13m`` in a folder: the files that the profile names, or stand-ins drawn there.

    Rows that hold something of an examination are left out first, so that the counts hold without them; the report
    stands below ``decontamination``, and `rows_left_out` counts them. Where the profile says nothing of the words that
    a leak must share (``composition`` is null), it is 13.

    Args:
        params: the profile.
        folder: takes everything.
        exams: the questions of each examination, as `benchmark_recipe.question_sets` gives them.
        chats: of `made_chats`.

    Returns:
        What was composed; a source that has fewer rows than wanted is stated in it.

    Raises:
        DataError: a file is missing or not of the published form, a row shows an image, or there is no row at all.
        ParamsError: the profile has no mixture.
    """
    settings = mixture_of(params).data
    made = {part_id(SYNTHESISED, language): _file(MULTI_TURN, place, folder, 0) for language, place in chats.items()}
    counts = bimed13m_counts(
        reported.read("table12_bimed_v_composition").column("samples"),
        n_rows=settings.n_rows,
        arabic_per_english=settings.arabic_per_english,
        chats={language: sum(1 for _ in made[part_id(SYNTHESISED, language)].rows()) for language in chats},
    )
    files = _published(params, folder, counts) | {name: file for name, file in made.items() if name in counts}
    parts = [Part(name, partial(_text_rows, name, file)) for name, file in files.items()]
    checkup = check_parts(parts, Index.build(exams, settings=_compared(params)))
    write_report(checkup.report, folder / DECONTAMINATION)
    return compose(
        [Part(part.source_id, partial(_clean_rows, part, checkup)) for part in parts],
        counts,
        folder=folder / NAME,
        seed=params.run.seed,
        rows_per_shard=settings.rows_per_shard,
        is_clean=checkup.is_clean,
        name=NAME,
    )


def rows_left_out(folder: Path) -> dict[str, int]:
    """Rows of each source that held something of an examination, sources without one left out.

    Args:
        folder: that of `compose_mixture_data`.

    Raises:
        DataError: nothing was composed there.
    """
    sources = read_report(folder / DECONTAMINATION).sources
    return {name: found["unclean"] for name, found in sources.items() if found["unclean"]}


def mixture_samples(folder: Path) -> list[Sample]:
    """All rows of a composed data set as samples of text, in its order, all in memory.

    An id says the source and is the same for twins, so that it is unique within a language.

    Args:
        folder: of the data set itself, such as ``bimed13m``.

    Raises:
        DataError: the data set was not finished or was changed, or a row shows an image.
    """
    return [_sample(_text(row_of_stored(values))) for values in open_composed(folder)]


def _published(params: Params, folder: Path, counts: Mapping[str, int]) -> dict[str, PartFile]:
    """The files of the published sources, by part."""
    settings = mixture_of(params).data
    if settings.sources:
        places = {name: place if place.startswith(HUB) else root() / place for name, place in settings.sources.items()}
    else:
        wanted = {name: n for name, n in counts.items() if not name.startswith(SYNTHESISED)}
        places = bimed_v.write_sources(folder / SOURCES, wanted, seed=params.run.seed)
    return {name: _file(name, place, folder, settings.max_bad_rows) for name, place in places.items()}


def _file(source_id: str, place: str | Path, folder: Path, max_bad_rows: int) -> PartFile:
    return PartFile(source_id, place, ImageStore(folder / "images"), max_bad_rows, published_origin(source_id))


def _text_rows(name: str, file: PartFile) -> Iterator[Row]:
    """The rows of a file as those of a part, in the language that the part's id names."""
    language = "ar" if name.endswith("_ar") else "en"
    return (replace(_text(row), source=name, language=language) for row in file.rows())


def _clean_rows(part: Part, checkup: Checkup) -> Iterator[Row]:
    return filter(checkup.is_clean, part.rows())


def _text(row: Row) -> Row:
    if row.images or n_images(row.messages):
        raise DataError(
            f"row {row.id!r} of {row.source} shows an image; BiMed1.3M is text only: name text sources in "
            "mixture.data.sources"
        )
    return row


def _compared(params: Params) -> Settings:
    return Settings() if params.composition is None else Settings(n=params.composition.ngram)


def _sample(row: Row) -> Sample:
    id = f"{row.source.removesuffix('_ar')}/{row.id}"
    return Sample(id, row.language, row.task, row.source, row.messages, kind=row.kind, choices=row.choices)
