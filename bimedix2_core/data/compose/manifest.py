"""Manifest: ``dataset.json``, written last, says what a composed data set holds; without it nothing is there."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bimedix2_core.errors import DataError
from bimedix2_core.runs import content_key, data_key, write_atomic

MANIFEST = "dataset.json"


@dataclass(frozen=True)
class PartCount:
    """One part against the recipe."""

    source_id: str
    wanted: int
    """Rows the recipe asks for."""
    available: int
    """Rows the part had; 0 where the part was not given."""
    taken: int
    """Rows in the data set."""

    @property
    def shortfall(self) -> int:
        """Rows that are missing: no row is ever repeated to fill the count."""
        return self.wanted - self.taken


@dataclass(frozen=True)
class Count:
    """Rows of one source, language and modality."""

    source: str
    language: str
    modality: str
    """``text`` or ``image_text``."""
    rows: int
    n_clean: int
    """Rows that decontamination found clean."""
    n_unclean: int
    """Rows that it did not; the rest was not checked."""


@dataclass(frozen=True)
class Shard:
    """One Parquet file."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Composition:
    """What a composed data set holds."""

    seed: int
    share: str
    """Share of the recipe, a fraction such as ``1/10``."""
    parts: tuple[PartCount, ...]
    """In the order of the recipe."""
    counts: tuple[Count, ...]
    """In the order of the parts, of one part by language and modality."""
    shards: tuple[Shard, ...]
    versions: dict[str, str]
    """Of what wrote it, by package."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    @property
    def n_rows(self) -> int:
        """Rows of all shards."""
        return sum(shard.rows for shard in self.shards)

    @property
    def key(self) -> str:
        """Content key: data sets with the same key have the same rows in the same order."""
        return content_key([shard.sha256 for shard in self.shards])

    @property
    def shortfalls(self) -> tuple[PartCount, ...]:
        """The parts that have fewer rows than wanted."""
        return tuple(part for part in self.parts if part.shortfall)

    def rows(self, *, source: str | None = None, language: str | None = None, modality: str | None = None) -> int:
        """Rows of a source, of a language, of a modality, or of those together."""
        asked = {"source": source, "language": language, "modality": modality}
        named = {name: value for name, value in asked.items() if value is not None}
        return sum(one.rows for one in self.counts if all(getattr(one, name) == named[name] for name in named))


def save(folder: Path, composition: Composition) -> Path:
    """Write the manifest, whole or not at all."""
    text = json.dumps(asdict(composition), indent=1, ensure_ascii=False)
    return write_atomic(folder / MANIFEST, text + "\n")


def load(folder: Path) -> Composition:
    """The manifest of a composed data set.

    Raises:
        DataError: there is none, so that the data set was not finished, or it is no such record.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder.name}: no {MANIFEST}, so there is no finished data set: it is written last; compose it again"
        )
    try:
        return TypeAdapter(Composition).validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise DataError(f"{folder.name}/{MANIFEST}: {place}: {problem['msg']}; compose it again") from None


def check(folder: Path, composition: Composition) -> None:
    """Hold every shard against its sha256.

    Raises:
        DataError: shards are missing or were changed; the message names them all.
    """
    files = {shard: folder / shard.file for shard in composition.shards}
    missing = [shard.file for shard, file in files.items() if not file.is_file()]
    changed = [shard.file for shard, file in files.items() if file.is_file() and data_key(file) != shard.sha256]
    problems = _named("missing", missing) + _named("changed since it was written", changed)
    if problems:
        raise DataError(
            f"{folder.name}: of {len(files)} shards {'; '.join(problems)}; fetch them again or compose it anew"
        )


def _named(what: str, files: Sequence[str]) -> list[Any]:
    return [f"{len(files)} {what}: {', '.join(files)}"] if files else []
