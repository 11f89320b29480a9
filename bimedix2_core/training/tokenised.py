"""Tokenised: a training set as tokens in one memory-mapped file, made once and found again by its content.

    samples -> content key -> tokens-<key>.arrow -> Tokenised

Lists of Python numbers would take eight bytes for each token and each label in every process; the file takes four, and
all processes of a machine share its pages. Images are named in the key and never opened here.
"""

import fcntl
import hashlib
import inspect
import json
import operator
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from tqdm.auto import tqdm

from bimedix2_core.data import chat
from bimedix2_core.data.chat import Encoded
from bimedix2_core.data.image_key import ImageKeys
from bimedix2_core.errors import DataError, listed
from bimedix2_core.records import Sample
from bimedix2_core.runs import content_key
from bimedix2_core.training.token_rows import SCHEMA, TokenRows, TooLong, Words, encodings

if TYPE_CHECKING:
    from bimedix2_core.model.assemble import Lmm
    from bimedix2_core.model.text_model import TextModel

VERSION = 1
"""Of the file's columns; part of the key, so that a file of another version is not taken."""

CHUNK = 2_048
"""Samples that travel to a worker and back at once, and that a batch of the file holds."""

BAR_FROM = 5_000
"""Number of samples from which a progress bar is worth its line."""


class Tokenised(Sequence[Encoded]):
    """The samples of a training set as tokens; a sample's are read when it is asked for, the rest stays on the disk.

    Raises:
        DataError: the file is missing, cut short or not what its name says.
    """

    lengths: np.ndarray
    """int64[N], tokens of each sample."""
    n_supervised: np.ndarray
    """int64[N], tokens of each sample that count in the loss."""
    n_prefix: np.ndarray
    """int64[N], tokens up to and including the last image token; 0 where there is no image, or where the assistant
    speaks before the last one."""
    groups: np.ndarray
    """int64[N], equal where prefix tokens and images are equal; -1 where ``n_prefix`` is 0."""
    has_image: np.ndarray
    """bool[N]."""
    n_cut: int
    """Number of samples that were cut."""
    key: str
    """SHA-256 of all that the tokens follow from."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.key, self._batches = _opened(file)
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])
        self._input_ids, self._labels = self._lists("input_ids"), self._lists("labels")
        self.lengths = np.concatenate([np.diff(ids.offsets) for ids in self._input_ids], dtype=np.int64)
        self.n_supervised, self.n_prefix = self._numbers("n_supervised"), self._numbers("n_prefix")
        self.groups, self.has_image = self._numbers("group"), self._numbers("n_images") > 0
        self.n_cut = int((self._numbers("n_tokens") > self.lengths).sum())

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Encoded:
        """The sample as ``data.chat.encode`` gave it, or the first tokens of that where it was cut."""
        number = operator.index(index)
        number += len(self) if number < 0 else 0
        if not 0 <= number < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        part = int(np.searchsorted(self._starts, number, side="right")) - 1
        batch, row = self._batches[part], number - int(self._starts[part])
        return Encoded(
            sample_id=batch.column("id")[row].as_py(),
            input_ids=self._input_ids[part].row(row).tolist(),
            labels=self._labels[part].row(row).tolist(),
            n_images=batch.column("n_images")[row].as_py(),
        )

    @cached_property
    def ids(self) -> list[str]:
        """Names of the samples, with their language, as ``Encoded.sample_id`` and errors have them."""
        return [name for batch in self._batches for name in batch.column("id").to_pylist()]

    @cached_property
    def languages(self) -> list[str]:
        """Language of each sample."""
        return [sys.intern(name) for batch in self._batches for name in batch.column("language").to_pylist()]

    def _lists(self, column: str) -> list["_Lists"]:
        return [_Lists.of(batch.column(column)) for batch in self._batches]

    def _numbers(self, column: str) -> np.ndarray:
        return np.concatenate([batch.column(column).to_numpy() for batch in self._batches], dtype=np.int64)


def tokenise(
    samples: Sequence[Sample],
    lmm: "Lmm | TextModel",
    *,
    max_length: int,
    too_long: TooLong,
    folder: Path,
    workers: int,
) -> Tokenised:
    """The samples as tokens: from the file in ``folder`` where it is, else encoded and written, whole or not at all.

    Several processes may ask for the same at once: one encodes, the others wait and find the file.

    Args:
        samples: what is trained on, in order.
        lmm: gives the tokenizer, and how many tokens an image takes.
        max_length: most tokens of a sample.
        too_long: ``error``, or ``cut`` to keep the first ``max_length`` tokens (``Tokenised.n_cut`` counts them).
        folder: where the file is; made where it is not there. Files of other content stay.
        workers: processes that encode; 0 encodes in this one. A script that asks for some runs below
            ``if __name__ == "__main__"``, because each begins by importing it.

    Raises:
        DataError: there is no sample; one does not fit its template or images, or shows an image to a model that reads
            text only; one is too long, or its cut would go through its images or leave nothing supervised.
    """
    if not samples:
        raise DataError("there is no sample to train on; expected at least one")
    rows = TokenRows(lmm.tokenizer, lmm.n_image_tokens, max_length, too_long)
    image_keys = ImageKeys()
    images = [image_keys(sample.images) for sample in _watched(samples, "Looking at images")]
    if not lmm.n_image_tokens:
        _check_text_only(samples, images)
    key = _key(rows, samples, images)
    file = folder / f"tokens-{key}.arrow"
    with _alone(folder):
        if _found(file) is None:
            _write(file, key, rows, samples, images, workers=workers)
    return Tokenised(file)


def _check_text_only(samples: Sequence[Sample], images: Sequence[tuple[str, ...]]) -> None:
    shown = [sample.id for sample, keys in zip(samples, images, strict=True) if keys]
    if shown:
        raise DataError(
            f"{len(shown):,} of {len(samples):,} samples show images ({listed(shown, shown=3)}), but the model reads "
            "text only; leave them out, or train a multimodal model"
        )


def _key(rows: TokenRows, samples: Sequence[Sample], images: Sequence[tuple[str, ...]]) -> str:
    """SHA-256 of all that the tokens follow from, the code that encodes included."""
    recipe = {"version": VERSION, "encode": inspect.getsource(chat), **rows.recipe()}
    digest = hashlib.sha256(content_key(recipe).encode())
    for sample, keys in zip(samples, images, strict=True):
        said = json.dumps([sample.id, sample.language, sample.messages, keys], sort_keys=True)
        digest.update(f"{said}\n".encode())
    return digest.hexdigest()


def _write(
    file: Path,
    key: str,
    rows: TokenRows,
    samples: Sequence[Sample],
    images: Sequence[tuple[str, ...]],
    *,
    workers: int,
) -> None:
    """Encode chunk by chunk; samples that are too long are counted to the end, and then there is no file."""
    schema = SCHEMA.append(pa.field("group", pa.int64())).with_metadata({"key": key})
    words = (Words(one.id, one.language, one.messages, len(one.images)) for one in _watched(samples, "Tokenising"))
    groups, refused, done = _Groups(), [], 0
    with _whole(file) as stream, pa.ipc.new_file(stream, schema) as writer:
        for encoding in encodings(rows, _chunks(words), workers=workers):
            refused += encoding.refused
            start, done = done, done + encoding.rows.num_rows
            if not refused:
                group = groups.of(encoding.rows, images[start:done])
                writer.write_batch(pa.record_batch([*encoding.rows.columns, group], schema=schema))
        rows.check(refused, n_samples=len(samples))


class _Groups:
    """What samples begin with, prefix tokens and images, numbered from 0 in order of appearance."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, tuple[str, ...]], int] = {}

    def of(self, rows: pa.RecordBatch, images: Sequence[tuple[str, ...]]) -> pa.Array:
        """int64, the number of each row's beginning; -1 where it has none to share."""
        tokens = _Lists.of(rows.column("input_ids"))
        prefixes = [tokens.row(row)[:end] for row, end in enumerate(rows.column("n_prefix").to_pylist())]
        numbers = [self._number(*one) if len(one[0]) else -1 for one in zip(prefixes, images, strict=True)]
        return pa.array(numbers, pa.int64())

    def _number(self, prefix: np.ndarray, images: tuple[str, ...]) -> int:
        return self._known.setdefault((hashlib.sha256(prefix).digest(), images), len(self._known))


class _Lists(NamedTuple):
    """The lists of a column as numpy sees them, nothing copied."""

    offsets: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, column: pa.ListArray) -> "_Lists":
        return cls(column.offsets.to_numpy(), column.values.to_numpy())

    def row(self, number: int) -> np.ndarray:
        return self.values[self.offsets[number] : self.offsets[number + 1]]


def _opened(file: Path) -> tuple[str, list[pa.RecordBatch]]:
    """Key and batches of a whole file; no token is read."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file.name}: no whole file of tokens ({error}); tokenise the samples again") from error
    key = (reader.schema.metadata or {}).get(b"key", b"").decode()
    if file.name != f"tokens-{key}.arrow":
        raise DataError(f"{file.name}: holds what has the key {key!r}; tokenise the samples again")
    return key, batches


def _found(file: Path) -> Tokenised | None:
    try:
        return Tokenised(file)
    except DataError:
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process writes in the folder; the lock ends with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tokens.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A stream whose content is the file once the block ends without an error, and nothing before.

    The draft has one name, so that the next attempt overwrites the gigabytes that a killed one leaves.
    """
    draft = file.with_name(f".{file.name}.draft")
    try:
        with draft.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _watched(samples: Sequence[Sample], title: str) -> Iterator[Sample]:
    """The samples, with a progress bar where they are many."""
    few = {} if len(samples) >= BAR_FROM else {"disable": True}
    return iter(tqdm(samples, desc=title, unit="sample", **few))


def _chunks(words: Iterator[Words]) -> Iterator[list[Words]]:
    while chunk := list(islice(words, CHUNK)):
        yield chunk
