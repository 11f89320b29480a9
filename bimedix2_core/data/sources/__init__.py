"""Sources: published files become rows, one reader for each data set of Table 12, of stage 1 and of the benchmarks."""

from bimedix2_core.data.sources.bad_rows import BadRow, BadRows
from bimedix2_core.data.sources.card import NOT_STATED, Reading, Source, SourceCard
from bimedix2_core.data.sources.catalogue import SOURCES, read_source, source_named
from bimedix2_core.data.sources.llava import read_llava, read_llava_rows
from bimedix2_core.data.sources.llava_writing import write_llava
from bimedix2_core.data.sources.reading import (
    Place,
    WrongFileError,
    facts_of,
    read_records,
    readable,
    text_at,
)
from bimedix2_core.data.sources.vqa import slake_languages
from bimedix2_core.data.sources.writing import bimed_mbench_record, write_bimed_mbench, write_mcq

__all__ = [
    "NOT_STATED",
    "SOURCES",
    "BadRow",
    "BadRows",
    "Place",
    "Reading",
    "Source",
    "SourceCard",
    "WrongFileError",
    "bimed_mbench_record",
    "facts_of",
    "read_llava",
    "read_llava_rows",
    "read_records",
    "read_source",
    "readable",
    "slake_languages",
    "source_named",
    "text_at",
    "write_bimed_mbench",
    "write_llava",
    "write_mcq",
]
