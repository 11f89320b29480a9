"""Statistics: what a composed data set holds, counted in one reading, a row group at a time.

Texts of all turns count, images do not: how many tokens an image takes is the model's matter, not the data's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.columns import row_of_stored
from bimedix2_core.data.compose.shards import ROWS_PER_GROUP
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, text_of

CountTokens = Callable[[list[str]], list[int]]
"""Tokens of each text, such as ``lambda texts: [len(e.ids) for e in tokenizer.encode_batch(texts)]``."""


@dataclass(frozen=True)
class Size:
    """How much text some rows hold; sizes add up."""

    messages: int = 0
    """Turns of all rows."""
    words: int = 0
    """Stretches of text between white space."""
    characters: int = 0
    """Code points, white space included."""
    lengths: Mapping[int, int] = field(default_factory=dict)
    """How many rows have how many tokens in all their turns."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.lengths.values())

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(length * rows for length, rows in self.lengths.items())

    @property
    def fertility(self) -> float:
        """Tokens for each word.

        Raises:
            DataError: there is no word.
        """
        if not self.words:
            raise DataError(f"{self.rows} rows without a word have no fertility; expected text in them")
        return self.tokens / self.words

    def percentile(self, percent: float) -> int:
        """The smallest number of tokens that at least ``percent`` of the rows do not exceed (nearest rank).

        Raises:
            DataError: there is no row, or ``percent`` does not lie from 0 to 100.
        """
        if not self.rows or not 0 <= percent <= 100:
            raise DataError(f"percentile {percent} of {self.rows} rows; expected 0 to 100, and at least one row")
        n_below = 0
        for length in sorted(self.lengths):
            n_below += self.lengths[length]
            if n_below * 100 >= percent * self.rows:
                break
        return length

    def __add__(self, other: "Size") -> "Size":
        """Both together."""
        return Size(
            self.messages + other.messages,
            self.words + other.words,
            self.characters + other.characters,
            Counter(self.lengths) + Counter(other.lengths),
        )


@dataclass(frozen=True)
class Group:
    """The rows of one source, language and modality."""

    source: str
    language: str
    modality: str
    """``text`` or ``image_text``."""
    size: Size


@dataclass(frozen=True)
class Statistics:
    """What a composed data set holds."""

    groups: tuple[Group, ...]
    """In the order of the recipe, of one source by language and modality."""

    def size(self, *, source: str | None = None, language: str | None = None, modality: str | None = None) -> Size:
        """The rows of a source, of a language, of a modality, of those together; of all where none is given."""
        asked = {"source": source, "language": language, "modality": modality}
        named = {name: value for name, value in asked.items() if value is not None}
        return sum(
            (one.size for one in self.groups if all(getattr(one, name) == named[name] for name in named)), Size()
        )

    def by(self, name: str) -> dict[str, Size]:
        """Sizes by ``source``, ``language`` or ``modality``, in the order of the groups."""
        return {value: self.size(**{name: value}) for value in dict.fromkeys(getattr(one, name) for one in self.groups)}

    def shares(self, name: str) -> dict[str, float]:
        """Shares of the rows by ``source``, ``language`` or ``modality``; they add up to 1."""
        sizes, total = self.by(name), self.size().rows
        return {value: size.rows / total for value, size in sizes.items()}


def statistics(folder: Path, count_tokens: CountTokens) -> Statistics:
    """Count a composed data set by source, language and modality.

    Args:
        folder: what ``compose`` wrote.
        count_tokens: called with the texts of some thousand turns at a time.

    Raises:
        DataError: the data set was not finished, shards are missing or were changed, or ``count_tokens`` gives another
            number of counts than it was given texts.
    """
    composition = manifest.load(folder)
    manifest.check(folder, composition)
    tally: dict[tuple[str, str, str], _Tally] = {}
    for rows in _batches(folder / shard.file for shard in composition.shards):
        texts = [[text_of(turn) for turn in row.messages] for row in rows]
        counts = iter(_counted([text for turns in texts for text in turns], count_tokens))
        for row, turns in zip(rows, texts, strict=True):
            length = sum(next(counts) for _ in turns)
            tally.setdefault((row.source, row.language, row.modality), _Tally()).add(turns, length)
    return Statistics(
        tuple(
            Group(one.source, one.language, one.modality, tally[one.source, one.language, one.modality].size())
            for one in composition.counts
        )
    )


@dataclass
class _Tally:
    """A size that grows."""

    messages: int = 0
    words: int = 0
    characters: int = 0
    lengths: Counter[int] = field(default_factory=Counter)

    def add(self, texts: list[str], length: int) -> None:
        self.messages += len(texts)
        self.words += sum(len(text.split()) for text in texts)
        self.characters += sum(map(len, texts))
        self.lengths[length] += 1

    def size(self) -> Size:
        return Size(self.messages, self.words, self.characters, dict(sorted(self.lengths.items())))


def _batches(files: Iterable[Path]) -> Iterator[list[Row]]:
    for file in files:
        with pq.ParquetFile(file) as shard:
            for batch in shard.iter_batches(ROWS_PER_GROUP):
                yield [row_of_stored(values) for values in batch.to_pylist()]


def _counted(texts: list[str], count_tokens: CountTokens) -> list[int]:
    counts = count_tokens(texts)
    if len(counts) != len(texts):
        raise DataError(f"count_tokens gave {len(counts)} counts for {len(texts)} texts; expected one for each")
    return counts
