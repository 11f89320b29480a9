"""Shuffle: the drawn rows of all parts in an order of the seed's choosing, through files, a few thousand at a time.

Every row goes to a bucket by a hash of seed, source, language and id; the buckets are sorted one by one. That is a sort
of all rows by their hash, so the order is the same whatever the number of buckets and the order of the parts.
"""

import contextlib
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.json

from bimedix2_core.data.compose.columns import SCHEMA, stored
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

_ROWS_PER_BUCKET = 4096
_MAX_BUCKETS = 256
"""As many files are open at once while the rows are spread."""

_PLACE_LETTERS = 16
"""Hexadecimal letters of a row's place in the shuffle, which begin its line in a bucket."""

IsClean = Callable[[Row], bool | None]
"""Whether a row is clean of benchmark questions and images; None where it was not checked."""

Kind = tuple[str, str, str, bool | None]
"""Source, language, modality and cleanliness."""


@dataclass(frozen=True)
class Buckets:
    """Rows on the disk, one file after the other in the order of the shuffle."""

    files: tuple[Path, ...]
    counts: Counter[Kind]
    """How many rows there are of each kind."""

    def tables(self) -> Iterator[pa.Table]:
        """The rows in the order of the shuffle, a bucket at a time; a bucket is deleted once it was read.

        Raises:
            DataError: a value of a row is not what its column holds.
        """
        return (_sorted_table(file) for file in self.files)


def spread(rows: Iterable[Row], folder: Path, *, n_rows: int, seed: int, is_clean: IsClean | None = None) -> Buckets:
    """Write each row to its bucket, one line of JSON behind its place in the shuffle.

    Args:
        rows: each source, language and id once.
        folder: where the buckets are made.
        n_rows: about how many rows there are.
        seed: of the shuffle.
        is_clean: asked of each row; without it the column ``clean`` is null.

    Raises:
        DataError: a value of a row is no valid text.
    """
    n_buckets = min(_MAX_BUCKETS, -(-n_rows // _ROWS_PER_BUCKET))
    files = tuple(folder / f"bucket-{index:03d}" for index in range(n_buckets))
    counts: Counter[Kind] = Counter()
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(file.open("wb")) for file in files]
        for row in rows:
            clean = is_clean(row) if is_clean else None
            place = _place(row, seed)
            streams[place * n_buckets >> 4 * _PLACE_LETTERS].write(_line(place, row, clean=clean))
            counts[row.source, row.language, row.modality, clean] += 1
    return Buckets(files, counts)


def _place(row: Row, seed: int) -> int:
    name = "\0".join((row.source, row.language, row.id)).encode()
    hashed = hashlib.blake2b(name, digest_size=_PLACE_LETTERS // 2, key=str(seed).encode(), person=b"shuffle")
    return int.from_bytes(hashed.digest())


def _line(place: int, row: Row, *, clean: bool | None) -> bytes:
    try:
        text = json.dumps(stored(row, clean=clean), ensure_ascii=False)
        return f"{place:0{_PLACE_LETTERS}x}{text}\n".encode()
    except (UnicodeEncodeError, TypeError) as error:
        raise _unstorable(row.source, row.id, error) from None


def _unstorable(source: str, name: str, error: Exception) -> DataError:
    return DataError(
        f"part {source!r}, row {name!r} cannot be stored: {error}; expected valid Unicode text wherever `Row` says "
        "text: mend what reads the source, or drop the row"
    )


def _sorted_table(bucket: Path) -> pa.Table:
    with bucket.open("rb") as stream:
        lines = sorted(stream)
    bucket.unlink()
    texts = [line[_PLACE_LETTERS:] for line in lines]
    try:
        return _table(texts)
    except pa.ArrowInvalid:
        raise _first_unstorable(texts) from None


def _table(lines: Sequence[bytes]) -> pa.Table:
    text = b"".join(lines)
    if not text:
        return SCHEMA.empty_table()
    return pyarrow.json.read_json(
        io.BytesIO(text),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(text)),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=SCHEMA),
    )


def _first_unstorable(lines: Sequence[bytes]) -> DataError:
    """Which of the lines does not fit the schema, for the error."""
    for line in lines:
        try:
            _table([line])
        except pa.ArrowInvalid as error:
            values = json.loads(line)
            return _unstorable(values["source"], values["id"], error)
    return DataError("compose: a bucket of single rows that fit does not fit as a whole; please report this")
