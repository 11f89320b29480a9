"""Selection: which rows of a part are taken, exactly as many as wanted, without holding one of them.

A row's place in the draw is a hash of the seed and its id: the rows with the smallest hashes are taken. So the choice
does not depend on the order of rows or parts, a smaller sample lies within every larger one, and English and Arabic
twins, which share an id, are taken together wherever both are there.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

_KEY_BYTES = 16
_MAX_NAMED = 3
"""As many duplicated ids an error names; it counts them all."""


@dataclass(frozen=True)
class Part:
    """One source of BiMed-V: a row of Table 12."""

    source_id: str
    """Id of the source, such as ``medqa_ar``; the composed rows carry it as their source."""
    rows: Callable[[], Iterator[Row]]
    """Gives the rows from the start, each time it is called."""


@dataclass(frozen=True)
class Selection:
    """Which rows of a part are taken."""

    part: Part
    seed: int
    wanted: int
    available: int
    """Rows the part has."""
    cutoff: bytes
    """The largest key that is taken; empty where none is."""

    @property
    def taken(self) -> int:
        """Rows that are taken: as many as wanted, or all there are."""
        return min(self.wanted, self.available)

    def rows(self) -> Iterator[Row]:
        """The taken rows in the order of the part, with the part's id as their source.

        Raises:
            DataError: the part does not give the rows it gave when they were counted.
        """
        n_taken = n_seen = 0
        for row in self.part.rows():
            n_seen += 1
            if _key(self.seed, row) <= self.cutoff:
                n_taken += 1
                yield replace(row, source=self.part.source_id)
        if (n_seen, n_taken) != (self.available, self.taken):
            raise DataError(
                f"part {self.part.source_id!r} gave {self.available} rows at first and {n_seen} the second time "
                f"({n_taken} of them drawn, expected {self.taken}); `rows` must begin anew at each call and give the "
                "same rows: pass a function that opens the source, not an iterator"
            )


def select(part: Part, wanted: int, *, seed: int) -> Selection:
    """Draw rows of a part by reading it once; 16 bytes of each row are held meanwhile.

    Raises:
        DataError: an id stands in the part twice in one language; the message names both places.
    """
    keys = bytearray()
    for row in part.rows():
        keys += _key(seed, row)
    ordered = np.sort(np.frombuffer(keys, dtype=f"S{_KEY_BYTES}"))
    twice = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    if twice:
        raise DataError(_duplicates(part, seed, {_padded(key) for key in twice}))
    taken = min(wanted, len(ordered))
    return Selection(part, seed, wanted, len(ordered), _padded(ordered[taken - 1]) if taken else b"")


def _key(seed: int, row: Row) -> bytes:
    """Eight bytes that twins share, then eight that also tell the languages apart; never the empty key."""
    draw = hashlib.blake2b(row.id.encode(), digest_size=8, key=str(seed).encode(), person=b"draw")
    identity = hashlib.blake2b(f"{row.language}\0{row.id}".encode(), digest_size=8, person=b"identity")
    return draw.digest() + identity.digest()


def _padded(key: bytes) -> bytes:
    """A key as numpy gives it back, with the zero bytes at its end that numpy drops."""
    return key.ljust(_KEY_BYTES, b"\0")


def _duplicates(part: Part, seed: int, twice: set[bytes]) -> str:
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for number, row in enumerate(part.rows(), start=1):
        if _key(seed, row) in twice:
            places[row.id, row.language].append(str(number))
    named = [
        f"{name!r} ({language}) in rows {' and '.join(numbers)}"
        for (name, language), numbers in list(places.items())[:_MAX_NAMED]
    ]
    more = ", ..." if len(places) > _MAX_NAMED else ""
    return (
        f"part {part.source_id!r}: {len(places)} ids stand there twice: {', '.join(named)}{more}; "
        "expected each id once in a language: drop the repeated rows or give them ids of their own"
    )
