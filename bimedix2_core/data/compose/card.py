"""Card: the data card of a composed data set, ``README.md`` with the front matter the Hugging Face hub reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.manifest import Composition
from bimedix2_core.data.compose.shards import CARD, NAME
from bimedix2_core.data.compose.statistics import Statistics
from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

_HUB_SIZES = {
    1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"
}  # fmt: skip
"""The hub's word for a number of rows below the key."""

_USE = (
    "For research only; not for clinical use. Texts are partly written or translated by models and may be wrong; "
    "nothing in here is medical advice."
)

_WORDS = {"en": "English", "ar": "Arabic", "text": "text", "image_text": "image and text"}


class Origin(NamedTuple):
    """Where a source comes from."""

    licence: str
    """Its terms, as its publishers state them."""
    citation: str
    """Whom to cite."""


def write_card(
    folder: Path, origins: Mapping[str, tuple[str, str]], *, statistics: Statistics | None = None,
    decontamination: str = "", remark: str = "",
) -> Path:  # fmt: skip
    """Write the data card beside the shards.

    Args:
        folder: what ``compose`` wrote.
        origins: licence and citation of each source (an ``Origin``).
        statistics: what ``statistics`` counted, for a section on lengths.
        decontamination: what was checked against which benchmarks, as Markdown.
        remark: a sentence on top, such as that this is a demo and no result of the paper.

    Raises:
        DataError: the data set was not finished, or a source in it has no licence or no citation.
    """
    return write_atomic(folder / CARD, data_card(manifest.load(folder), origins, statistics=statistics,
                                                 decontamination=decontamination, remark=remark))  # fmt: skip


def data_card(
    composition: Composition, origins: Mapping[str, tuple[str, str]], *, statistics: Statistics | None = None,
    decontamination: str = "", remark: str = "",
) -> str:  # fmt: skip
    """The text of the data card; see ``write_card``."""
    sources = [part.source_id for part in composition.parts if part.taken]
    _check_origins(sources, origins)
    front = yaml.safe_dump(_front_matter(composition), sort_keys=False, allow_unicode=True)
    sections = [
        f"# BiMed-V, composed from {len(sources)} sources",
        remark,
        _USE,
        _composition(composition),
        _shares(composition),
        _lengths(statistics) if statistics else "",
        _decontamination(composition, decontamination),
        _origins(sources, origins),
        _making(composition),
    ]
    return f"---\n{front}---\n\n" + "\n\n".join(section for section in sections if section) + "\n"


def _check_origins(sources: Sequence[str], origins: Mapping[str, tuple[str, str]]) -> None:
    without = [one for one in sources if one not in origins or not all(text.strip() for text in origins[one])]
    if without:
        raise DataError(
            f"data card: no licence or no citation of {', '.join(without)}; expected both of each source: "
            "say `not stated` where the publishers do not"
        )


def _front_matter(composition: Composition) -> dict[str, object]:
    has_images = composition.rows(modality="image_text") > 0
    size = next((word for below, word in _HUB_SIZES.items() if composition.n_rows < below), "n>10M")
    return {
        "pretty_name": "BiMed-V, composed",
        "language": list(dict.fromkeys(one.language for one in composition.counts)),
        "license": "other",
        "license_name": "terms-of-each-source",
        "task_categories": ["question-answering", *(["visual-question-answering"] if has_images else [])],
        "size_categories": [size],
        "tags": ["medical", "bilingual", "not-for-clinical-use"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": f"{NAME}-*.parquet"}]}],
    }


def _composition(composition: Composition) -> str:
    rows = [
        (part.source_id, f"{part.wanted:,}", f"{part.taken:,}", f"{part.available:,}", f"{part.shortfall:,}")
        for part in composition.parts
    ]
    wanted = sum(part.wanted for part in composition.parts)
    total = ("all", f"{wanted:,}", f"{composition.n_rows:,}", f"{sum(part.available for part in composition.parts):,}",
             f"{wanted - composition.n_rows:,}")  # fmt: skip
    short = [part.source_id for part in composition.shortfalls]
    said = (
        f"Short of rows: {', '.join(short)}. No row is repeated to fill a count."
        if short
        else "Every source has as many rows as wanted."
    )
    share = "the counts" if composition.share == "1" else f"{composition.share} of the counts"
    return (
        f"## Composition\n\nWanted: {share} of the recipe (BiMediX2, arXiv 2412.07769v2, Table 12). {said}\n\n"
        + _table(("source", "wanted", "taken", "available", "shortfall"), [*rows, total])
    )


def _shares(composition: Composition) -> str:
    languages = list(dict.fromkeys(one.language for one in composition.counts))
    kinds = [(language, modality) for language in languages for modality in ("text", "image_text")]
    rows = [
        (_WORDS.get(language, language), _WORDS[modality], f"{n:,}", f"{n / composition.n_rows:.1%}")
        for language, modality in kinds
        if (n := composition.rows(language=language, modality=modality))
    ]
    return "## Languages and modalities\n\n" + _table(("language", "modality", "rows", "share"), rows)


def _lengths(statistics: Statistics) -> str:
    rows = [
        (one.source, _WORDS.get(one.language, one.language), _WORDS[one.modality], f"{one.size.rows:,}",
         f"{one.size.messages:,}", f"{one.size.words:,}", f"{one.size.characters:,}", f"{one.size.tokens:,}",
         *(f"{one.size.percentile(percent):,}" for percent in (5, 50, 95)))
        for one in statistics.groups
    ]  # fmt: skip
    fertility = ", ".join(
        f"{_WORDS.get(language, language)} {size.fertility:.2f}"
        for language, size in statistics.by("language").items()
        if size.words
    )
    columns = (
        "source",
        "language",
        "modality",
        "rows",
        "turns",
        "words",
        "characters",
        "tokens",
        "p5",
        "median",
        "p95",
    )
    return f"## Lengths\n\nTokens for each word: {fertility}. Percentiles are of the tokens in a row.\n\n" + _table(
        columns, rows
    )


def _decontamination(composition: Composition, said: str) -> str:
    n_clean = sum(one.n_clean for one in composition.counts)
    n_unclean = sum(one.n_unclean for one in composition.counts)
    n_unchecked = composition.n_rows - n_clean - n_unclean
    counted = (
        f"Column `clean`: {n_clean:,} rows clean, {n_unclean:,} not, {n_unchecked:,} not checked (null)."
        if n_clean or n_unclean
        else "No row was checked against the benchmarks: the column `clean` is null."
    )
    return "\n\n".join(["## Decontamination", counted, *([said.strip()] if said.strip() else [])])


def _origins(sources: Sequence[str], origins: Mapping[str, tuple[str, str]]) -> str:
    lines = [f"- `{one}`: {origins[one][0].strip()}. {origins[one][1].strip()}" for one in sources]
    return "\n".join(["## Sources, licences, citations", "", *lines])


def _making(composition: Composition) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in composition.versions.items())
    return (
        f"## How it was made\n\nSeed {composition.seed}; {versions}; content key `{composition.key}`. "
        "Rows were drawn by a hash of their id, so that English and Arabic twins are taken together, and shuffled over "
        "all sources. `images` holds the SHA-256 of each image; the images themselves are stored apart. "
        f"`{manifest.MANIFEST}` holds the SHA-256 of every shard."
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
