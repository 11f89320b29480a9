"""Token rows: samples become rows of tokens, in this process or in workers, and what is too long is cut or refused.

A worker gets words and the number of images; the images themselves are neither sent nor opened.
"""

import json
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from bimedix2_core.data.chat import IGNORE_INDEX, Encoded, encode, image_token
from bimedix2_core.errors import DataError, listed
from bimedix2_core.records import Message, Sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

TooLong = Literal["error", "cut"]

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("language", pa.string()),
        ("n_images", pa.int32()),
        ("n_tokens", pa.int32()),
        ("n_supervised", pa.int32()),
        ("n_prefix", pa.int32()),
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),
    ]
)
"""The columns of a row; ``id`` is ``Encoded.sample_id`` and ``n_tokens`` counts what there was before a cut."""


class Words(NamedTuple):
    """What a sample's tokens are made of."""

    id: str
    language: str
    messages: list[Message]
    n_images: int


class Refused(NamedTuple):
    """A sample too long to be trained on."""

    sample_id: str
    n_tokens: int
    reason: str


class Encoding(NamedTuple):
    """Some samples as rows of ``SCHEMA``, and those among them that are too long."""

    rows: pa.RecordBatch
    refused: list[Refused]


@dataclass(frozen=True)
class TokenRows:
    """How samples become rows: called with some, it gives their `Encoding`."""

    tokenizer: "PreTrainedTokenizerFast"
    n_image_tokens: int
    max_length: int
    """Most tokens of a row."""
    too_long: TooLong
    """``cut`` keeps the first ``max_length`` tokens; ``error`` refuses the sample."""

    def recipe(self) -> dict[str, Any]:
        """All that the rows of given words follow from, as plain JSON.

        How the tokenizer last padded or cut is state, not identity, and left out.
        """
        state = json.loads(self.tokenizer.backend_tokenizer.to_str())
        return {
            "tokenizer": {name: value for name, value in state.items() if name not in ("padding", "truncation")},
            "special_tokens": self.tokenizer.special_tokens_map,
            "chat_template": self.tokenizer.chat_template,
            "n_image_tokens": self.n_image_tokens,
            "max_length": self.max_length,
            "too_long": self.too_long,
        }

    def __call__(self, samples: Sequence[Words]) -> Encoding:
        """Encode some samples.

        Raises:
            DataError: as ``data.chat.encode``.
        """
        placeholder = image_token(self.tokenizer)
        kept = [_Row.of(words, self._encoded(words), image_token=placeholder) for words in samples]
        refused = [Refused(row.id, row.n_tokens, reason) for row in kept if (reason := self._reason(row))]
        return Encoding(_batch(kept, self.max_length), refused)

    def check(self, refused: Sequence[Refused], *, n_samples: int) -> None:
        """Stop where samples were refused.

        Raises:
            DataError: some were; it says why the first was, and how many of ``n_samples`` were.
        """
        if not refused:
            return
        names = listed([one.sample_id for one in refused], shown=3)
        longest = max(one.n_tokens for one in refused)
        remedy = "raise max_length, set too_long to cut" if self.too_long == "error" else "raise max_length"
        raise DataError(
            f"{refused[0].reason}; {len(refused):,} of {n_samples:,} samples are too long ({names}), the longest of "
            f"them has {longest:,} tokens; {remedy} or leave them out"
        )

    def _encoded(self, words: Words) -> Encoded:
        counted = range(words.n_images)  # encode looks at the number of images alone
        sample = Sample(words.id, words.language, task="", source="", messages=words.messages, images=counted)
        return encode(sample, self.tokenizer, n_image_tokens=self.n_image_tokens)

    def _reason(self, row: "_Row") -> str:
        """Why a sample is refused; empty if it is not."""
        if row.n_tokens <= self.max_length:
            return ""
        if self.too_long == "error":
            return f"sample {row.id}: {row.n_tokens} tokens, but max_length is {self.max_length}"
        if row.image_end > self.max_length:
            return f"sample {row.id}: its images end at token {row.image_end}, a cut at {self.max_length} breaks them"
        if not _supervised(row.labels[: self.max_length]).any():
            begins = int(_supervised(row.labels).argmax())
            return f"sample {row.id}: it answers from token {begins} on, a cut at {self.max_length} leaves none of it"
        return ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One sample before a cut."""

    id: str
    language: str
    n_images: int
    input_ids: np.ndarray
    """int32[T]."""
    labels: np.ndarray
    """int32[T]."""
    image_end: int
    """Tokens up to and including the last image token; 0 without an image."""

    @classmethod
    def of(cls, words: Words, encoded: Encoded, *, image_token: int | None) -> "_Row":
        input_ids = np.array(encoded.input_ids, dtype=np.int32)
        (places,) = (input_ids == image_token).nonzero() if encoded.n_images else ((),)
        end = int(places[-1]) + 1 if len(places) else 0
        labels = np.array(encoded.labels, dtype=np.int32)
        return cls(encoded.sample_id, words.language, encoded.n_images, input_ids, labels, end)

    @property
    def n_tokens(self) -> int:
        return len(self.input_ids)

    @property
    def n_prefix(self) -> int:
        """Tokens that a sample of the same images may share; 0 where the assistant speaks among them."""
        return 0 if _supervised(self.labels[: self.image_end]).any() else self.image_end


def encodings(rows: TokenRows, chunks: Iterable[list[Words]], *, workers: int) -> Iterator[Encoding]:
    """The encodings of the chunks, in order.

    Args:
        rows: how.
        chunks: taken when a worker is free, so that few are in memory.
        workers: processes, started afresh (this one may hold threads and a GPU, which a fork does not survive); 0
            encodes here.

    Raises:
        DataError: as ``data.chat.encode``.
    """
    if not workers:
        yield from map(rows, chunks)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(rows,)) as pool:
        under_way: deque[Future[Encoding]] = deque()
        for chunk in chunks:
            under_way.append(pool.submit(_encode, chunk))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


_rows_of_this_worker: list[TokenRows] = []


def _begin(rows: TokenRows) -> None:
    """A worker gets the tokenizer once, not with every chunk."""
    _rows_of_this_worker[:] = [rows]


def _encode(chunk: list[Words]) -> Encoding:
    return _rows_of_this_worker[0](chunk)


def _batch(rows: Sequence[_Row], max_length: int) -> pa.RecordBatch:
    """The rows as columns, tokens cut at ``max_length``."""
    labels = [row.labels[:max_length] for row in rows]
    columns = [
        pa.array([row.id for row in rows], pa.string()),
        pa.array([row.language for row in rows], pa.string()),
        pa.array([row.n_images for row in rows], pa.int32()),
        pa.array([row.n_tokens for row in rows], pa.int32()),
        pa.array([int(_supervised(one).sum()) for one in labels], pa.int32()),
        pa.array([row.n_prefix for row in rows], pa.int32()),
        _lists([row.input_ids[:max_length] for row in rows]),
        _lists(labels),
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def _lists(values: Sequence[np.ndarray]) -> pa.ListArray:
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.concatenate(values))


def _supervised(labels: np.ndarray) -> np.ndarray:
    return labels != IGNORE_INDEX
