"""Reading: published files become records with a place, one at a time; rows that cannot be read are counted.

    file -> read_records -> (place, record) -> readable(to_row) -> Row
                 |                                |
                 +---------> BadRows <------------+      stops the run beyond its limit

Nothing here holds a file: a JSON list of a gigabyte streams as a JSONL file does.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from bimedix2_core.data.sources.bad_rows import BadRows
from bimedix2_core.data.sources.json_stream import json_values
from bimedix2_core.errors import DataError

MAX_CSV_FIELD = 10_000_000
"""Characters of one CSV field; a quote that is never closed is a bad row, and does not swallow the file."""

PARQUET_BATCH = 64
"""Records that are in memory at once; they may hold images."""

FIRST_LINE = 1 << 20
"""Bytes of a first line that are looked at to tell JSON Lines from one JSON value."""


class WrongFileError(DataError):
    """A row shows that the whole file is another one than the reader expects; never counted as one bad row."""


Made = TypeVar("Made")


@dataclass(frozen=True)
class Place:
    """Where a record stands; printed, it reads ``questions.jsonl, line 7``."""

    file: str
    where: str
    """``line 7`` (from 1, as editors count), ``row 7`` (from 0, as the list is indexed) or ``key '7'``."""
    row: int
    """Number of the record in its file, from 0, header and blank lines left out."""

    def __str__(self) -> str:
        return f"{self.file}, {self.where}"

    @property
    def stem(self) -> str:
        """File name without endings."""
        return self.file.split(".", maxsplit=1)[0]

    @property
    def id(self) -> str:
        """Stem and row, for files that publish no id: ``anatomy_test-7``."""
        return f"{self.stem}-{self.row}"


Record = dict[str, Any]
Records = Iterator[tuple[Place, Record]]


def read_records(file: Path, bad_rows: BadRows, *, columns: Sequence[str] = ()) -> Records:
    """The records of a published file, in file order, each with its place.

    Args:
        file: ``.json`` (a list of objects; an object keyed by id, whose keys become the field ``id``; or JSON Lines,
            as MedMCQA and MedQA call them), ``.jsonl``, ``.csv``, each also as ``.gz``, or ``.parquet``.
        bad_rows: takes note of a line that is not JSON, a CSV row of another length, a value that is no object.
        columns: names of the columns of a CSV file that has no header.

    Raises:
        DataError: at once where the file is missing or of another kind; while reading where the rest of the file
            cannot be read (cut, not UTF-8, broken JSON between rows) or `bad_rows` found too many.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such data file; download it, or change the profile's data section")
    suffix = Path(file.name.removesuffix(".gz")).suffix
    if suffix not in FORMS or file.name.endswith(".parquet.gz"):
        raise DataError(f"{file}: no known data file; expected .parquet, or {', '.join(FORMS)} or these with .gz")
    if suffix == ".parquet":
        return _parquet(file)
    if suffix == ".csv":
        return _csv(file, bad_rows, columns)
    return FORMS[suffix](file, bad_rows)


def readable(
    records: Iterator[tuple[Place, Record]], to_row: Callable[[Place, Record], Made | None], bad_rows: BadRows
) -> Iterator[Made]:
    """What `to_row` makes of each record; a record it cannot read is a bad row, one it answers with None is left out.

    Raises:
        DataError: `bad_rows` found too many, or a row shows that this is another file (`WrongFileError`).
    """
    for place, record in records:
        try:
            row = to_row(place, record)
        except WrongFileError as error:
            raise WrongFileError(f"{place}: {error}") from None
        except KeyError as error:
            bad_rows.note(place, f"no field {error}; it has {', '.join(map(repr, record))}")
        except (TypeError, ValueError) as error:  # a DataError is a ValueError
            bad_rows.note(place, str(error).removeprefix(f"{place}: "))
        else:
            if row is not None:
                yield row


def text_at(record: Mapping[str, Any], name: str) -> str:
    """The text of a field.

    Raises:
        KeyError: the field is absent.
        DataError: it is no text, or blank.
    """
    value = record[name]
    if not isinstance(value, str):
        raise DataError(f"{name} is {value!r:.80}; expected text")
    if not value.strip():
        raise DataError(f"{name} is blank; expected text")
    return value


def facts_of(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """The named fields as a row keeps them: text as it is, everything else as JSON; absent and null ones left out."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name in names
        if (value := record.get(name)) is not None
    }


def _json(file: Path, bad_rows: BadRows) -> Records:
    with _opened(file) as binary:
        if _is_json_lines(binary.readline(FIRST_LINE)):
            yield from _jsonl(file, bad_rows)
            return
        binary.seek(0)
        text = io.TextIOWrapper(binary, encoding="utf-8-sig")
        for row, (key, value) in enumerate(json_values(text)):
            place = Place(file.name, f"row {row}" if key is None else f"key {key!r}", row)
            if _is_object(value, place, bad_rows):
                yield place, value if key is None else {"id": key} | value


def _jsonl(file: Path, bad_rows: BadRows) -> Records:
    row = -1
    with _opened(file) as binary:
        for number, line in enumerate(binary, start=1):
            if not line.strip():
                continue
            row += 1
            place = Place(file.name, f"line {number}", row)
            try:
                value = json.loads(line)
            except ValueError as error:  # not JSON, or not UTF-8
                bad_rows.note(place, f"not JSON: {error}")
                continue
            if _is_object(value, place, bad_rows):
                yield place, value


def _is_json_lines(first: bytes) -> bool:
    """Whether a first line is a record of its own, and not the beginning of a list or of an object of objects."""
    try:
        value = json.loads(first)
    except ValueError:
        return False
    return isinstance(value, dict) and not all(isinstance(part, dict) for part in value.values())


def _csv(file: Path, bad_rows: BadRows, columns: Sequence[str]) -> Records:
    csv.field_size_limit(MAX_CSV_FIELD)
    with _opened(file) as binary:
        lines = csv.reader(io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""), strict=True)
        columns = columns or next(lines, ())
        row = -1
        while True:
            before = lines.line_num
            try:
                values = next(lines, None)
            except csv.Error as error:
                values = error
            if values is None:
                return
            if values == []:
                continue
            row += 1
            place = Place(file.name, f"line {before + 1}", row)
            if isinstance(values, csv.Error):
                bad_rows.note(place, f"not CSV: {values}")
            elif len(values) != len(columns):
                bad_rows.note(place, f"{len(values)} fields, but {len(columns)} columns: {', '.join(columns)}")
            else:
                yield place, dict(zip(columns, values, strict=True))


def _parquet(file: Path) -> Records:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    row = -1
    try:
        with ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=PARQUET_BATCH):
                for record in batch.to_pylist():
                    row += 1
                    yield Place(file.name, f"row {row}", row), record
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(file, error) from None


FORMS = {".json": _json, ".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked; what makes its rest unreadable becomes one clear error."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as binary:
            yield binary
    except (EOFError, OSError, zlib.error, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"{file.name} cannot be read to its end: {error}; download it again, or convert it to UTF-8")


def _is_object(value: object, place: Place, bad_rows: BadRows) -> bool:
    if isinstance(value, dict):
        return True
    bad_rows.note(place, f"holds a {type(value).__name__}; expected an object with named fields")
    return False
