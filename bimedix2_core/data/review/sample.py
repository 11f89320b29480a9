"""Sample: which items the experts see, by published protocol, and how much each stands for.

    bimedix2   a random subset, stratified; scores play no part (paper, section A.4)
    bimedix1   every item scored below the threshold, and a random part of the others (BiMediX's pipeline)
    ours       every item with a failed check, a low score or none, and a random part of the others

Source:
    shared/paper/facts.md, sections 5 and 10. The sizes of the random parts and BiMediX's threshold are published
    nowhere, so the caller gives them.
"""

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bimedix2_core.data.review.items import ReviewItem
from bimedix2_core.errors import DataError

PROTOCOLS = ("bimedix2", "bimedix1", "ours")
"""Ways to translate and to choose what physicians see; `translate.rollout` knows the same names."""

TAKEN_WHOLE = ("low", "doubtful")
"""Parts of which every item is reviewed; of "all", "high" and "rest" a random sample is."""

Key = tuple[str, str, str]
"""Source, modality and part."""


@dataclass(frozen=True)
class Stratum:
    """Items of one source, modality and part: within it, each was equally likely to be drawn."""

    source: str
    modality: str
    part: str
    """``all``, ``low``, ``high``, ``doubtful`` or ``rest``."""
    n_items: int
    n_drawn: int

    @property
    def weight(self) -> float:
        """Number of items that a drawn one stands for: the inverse of its chance of being drawn; inf where none is."""
        return self.n_items / self.n_drawn if self.n_drawn else math.inf


@dataclass(frozen=True)
class Draw:
    """The chosen items in random order, and the strata they were chosen from."""

    protocol: str
    seed: int
    threshold: float | None
    items: tuple[ReviewItem, ...]
    strata: tuple[Stratum, ...]
    stratum_of: Mapping[str, int]
    """Index into `strata` by item id."""

    def weight(self, id: str) -> float:
        """Number of items that this one stands for."""
        return self.strata[self.stratum_of[id]].weight

    def as_json(self) -> dict[str, Any]:
        """The draw as plain JSON values, to be kept until the sheets come back; `draw_of` reads it."""
        return asdict(self)


def draw_of(stored: Mapping[str, Any]) -> Draw:
    """The draw that `Draw.as_json` wrote."""
    items = tuple(ReviewItem(**{**item, "flags": tuple(item["flags"])}) for item in stored["items"])
    strata = tuple(Stratum(**stratum) for stratum in stored["strata"])
    return Draw(**{**stored, "items": items, "strata": strata})


def draw(items: Iterable[ReviewItem], protocol: str, *, n: int, seed: int, threshold: float | None = None) -> Draw:
    """Choose the items to be reviewed in one pass, whatever their order.

    An item's rank is a hash of the seed and its id. The ``n`` random items are shared out over the strata of source
    and modality in proportion to their size by largest remainder, at least one each where ``n`` allows; of each
    stratum the items of lowest rank are taken. At most ``n`` items per stratum are held, and those taken whole.

    Args:
        items: everything that was translated.
        protocol: one of `PROTOCOLS`.
        n: how many items are drawn at random; those that ``bimedix1`` and ``ours`` take whole come on top.
        seed: another seed gives another sample.
        threshold: scores below it are low; needed by ``bimedix1`` and ``ours``.

    Raises:
        DataError: the protocol is unknown, ``n`` is negative, a threshold or a score that is needed is missing, an id
            was drawn twice, or there is no item.
    """
    _check(protocol, n, threshold)
    pool = _Pool(n)
    for item in items:
        pool.add(item, _part(item, protocol, threshold), rank(item.id, seed))
    if not pool.sizes:
        raise DataError("a review sample was asked of no item; give the translated items")
    chosen, strata = pool.chosen()
    ids = Counter(item.id for item, _ in chosen)
    twice = sorted(id for id, count in ids.items() if count > 1)
    if twice:
        raise DataError(f"ids must be unique, but these were drawn twice: {', '.join(map(repr, twice))}")
    chosen.sort(key=lambda pair: rank(pair[0].id, seed))
    return Draw(
        protocol, seed, threshold, tuple(item for item, _ in chosen), strata, {item.id: at for item, at in chosen}
    )


def rank(id: str, seed: int) -> int:
    """A number in 0..2^64-1 that depends on nothing but the two: blake2b of the id, keyed with the seed."""
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(digest)


def allocate(sizes: Mapping[Key, int], n: int) -> dict[Key, int]:
    """Share ``n`` out in proportion to the sizes by largest remainder, at least one each where ``n`` allows.

    Strata whose quota is below one get one, and the others share the rest; of equal remainders the larger stratum
    comes first, then the alphabet. All are taken where ``n`` is not smaller than their sum.

    Example:
        >>> allocate({("a", "", ""): 60, ("b", "", ""): 39, ("c", "", ""): 1}, 10)
        {('a', '', ''): 5, ('b', '', ''): 4, ('c', '', ''): 1}
    """
    if n >= sum(sizes.values()):
        return dict(sizes)
    single: set[Key] = set()
    while n >= len(sizes):
        rest = {key: size for key, size in sizes.items() if key not in single}
        small = {key for key, size in rest.items() if size * (n - len(single)) < sum(rest.values())}
        if not small:
            break
        single |= small
    rest = {key: size for key, size in sizes.items() if key not in single}
    shared = dict.fromkeys(single, 1) | _largest_remainder(rest, n - len(single))
    return {key: shared[key] for key in sizes}


def _largest_remainder(sizes: Mapping[Key, int], n: int) -> dict[Key, int]:
    total = sum(sizes.values())
    shares = {key: size * n // total for key, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda key: (-(sizes[key] * n % total), -sizes[key], key))
    for key in by_remainder[: n - sum(shares.values())]:
        shares[key] += 1
    return shares


@dataclass
class _Pool:
    """The candidates of each stratum while the items pass by."""

    n: int
    sizes: Counter[Key] = field(default_factory=Counter)
    candidates: dict[Key, list[tuple[int, int, ReviewItem]]] = field(default_factory=dict)
    """Of a stratum taken whole all, else a heap of the ``n`` lowest ranks, highest first: (-rank, arrival, item)."""

    def add(self, item: ReviewItem, part: str, item_rank: int) -> None:
        key = (item.source, item.modality, part)
        self.sizes[key] += 1
        held = self.candidates.setdefault(key, [])
        candidate = (-item_rank, self.sizes[key], item)
        if part in TAKEN_WHOLE:
            held.append(candidate)
        elif len(held) < self.n:
            heapq.heappush(held, candidate)
        elif held and candidate > held[0]:
            heapq.heapreplace(held, candidate)

    def chosen(self) -> tuple[list[tuple[ReviewItem, int]], tuple[Stratum, ...]]:
        """Each chosen item with the index of its stratum, and the strata in alphabetical order."""
        whole = {key: size for key, size in self.sizes.items() if key[2] in TAKEN_WHOLE}
        sampled = {key: size for key, size in self.sizes.items() if key not in whole}
        n_drawn = whole | allocate(sampled, self.n)
        keys = sorted(self.sizes)
        strata = tuple(Stratum(*key, self.sizes[key], n_drawn[key]) for key in keys)
        chosen = [
            (item, index)
            for index, key in enumerate(keys)
            for _, _, item in sorted(self.candidates[key], reverse=True)[: n_drawn[key]]
        ]
        return chosen, strata


def _part(item: ReviewItem, protocol: str, threshold: float | None) -> str:
    if protocol == "bimedix2":
        return "all"
    is_low = item.score is None or item.score < threshold
    if protocol == "ours":
        return "doubtful" if is_low or item.flags else "rest"
    if item.score is None:
        raise DataError(f"item {item.id!r} has no score; the protocol bimedix1 draws by score, so score it first")
    return "low" if is_low else "high"


def _check(protocol: str, n: int, threshold: float | None) -> None:
    if protocol not in PROTOCOLS:
        raise DataError(f"unknown review protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
    if n < 0:
        raise DataError(f"a review sample of {n} items was asked for; expected 0 or more")
    if protocol != "bimedix2" and threshold is None:
        raise DataError(f"the protocol {protocol} takes all low scores, so it needs a threshold (0-100)")
