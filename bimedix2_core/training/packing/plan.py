"""Plan: which samples make up each step, and which row each of them lies in.

The plan follows from lengths, prefixes and the seed alone. Step 1,000 is known without the 999 before it, and the rows
of a step are the same however many processes share them. A step holds ``batch_size`` samples, packed or not: packing
changes how fast a step is computed, never what it learns from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bimedix2_core.errors import ParamsError


@dataclass(frozen=True)
class Lengths:
    """What a plan needs to know of N samples."""

    tokens: np.ndarray
    """int64[N], tokens of each sample, image features included."""
    prefixes: np.ndarray
    """int64[N], tokens up to and including the last image token; 0 where nothing can be shared."""
    groups: np.ndarray
    """int64[N], equal where the tokens of the prefix and the images are equal; -1 where nothing can be shared."""

    def without_sharing(self) -> "Lengths":
        """The same samples, each on its own."""
        return Lengths(self.tokens, np.zeros_like(self.prefixes), np.full_like(self.groups, -1))


@dataclass(frozen=True)
class Tree:
    """Samples behind one prefix, as they lie in a row: the prefix once, then what follows it in each sample."""

    samples: tuple[int, ...]
    """Indices of the samples, in the order of their branches."""
    n_prefix: int
    """Tokens that they share; 0 for a sample alone."""
    n_tokens: int
    """Tokens in the row: the prefix once, and all branches."""


class Plan:
    """The samples of each step, and their rows."""

    def __init__(self, lengths: Lengths, *, batch_size: int, n_steps: int, row_length: int, seed: int):
        """Plan ``n_steps`` steps of ``batch_size`` samples in rows of at most ``row_length`` tokens.

        Every sample is seen once before any is seen twice; an epoch that does not divide runs on into the next. Samples
        of one group follow one another, so they fall into one step, but for a group that a step's end cuts in two.

        Raises:
            ParamsError: a sample is longer than a row.
        """
        longest = int(lengths.tokens.max(initial=0))
        if longest > row_length:
            raise ParamsError(
                f"the longest sample has {longest} tokens and a row has {row_length}; raise row_length to {longest}, "
                "or lower max_length and set too_long to cut"
            )
        self.lengths, self.batch_size, self.n_steps = lengths, batch_size, n_steps
        self.row_length, self.seed = row_length, seed
        self._units = _units(lengths.groups)
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def batch(self, step: int) -> list[int]:
        """The samples of a step, samples of one group side by side."""
        n_samples, start = len(self.lengths.tokens), step * self.batch_size
        end = start + self.batch_size
        epochs = range(start // n_samples, -(-end // n_samples))
        parts = [self._epoch(epoch)[max(start - epoch * n_samples, 0) : end - epoch * n_samples] for epoch in epochs]
        return np.concatenate(parts).tolist()

    def rows(self, step: int) -> list[tuple[Tree, ...]]:
        """The rows of a step, the fullest first.

        Best fit decreasing: trees, the longest first, each go to the fullest row that still has room for them.

        Source:
            Johnson 1973; a bin packing within 11/9 of the optimum plus one row.
        """
        trees = sorted(self._trees(self.batch(step)), key=lambda tree: (-tree.n_tokens, tree.samples))
        rows: list[list[Tree]] = []
        filled: list[int] = []
        for tree in trees:
            fitting = [row for row, n_tokens in enumerate(filled) if n_tokens + tree.n_tokens <= self.row_length]
            if fitting:
                row = max(fitting, key=lambda row: filled[row])
            else:
                row = len(rows)
                rows.append([])
                filled.append(0)
            rows[row].append(tree)
            filled[row] += tree.n_tokens
        fullest = sorted(range(len(rows)), key=lambda row: -filled[row])
        return [tuple(rows[row]) for row in fullest]

    def _draw_epoch(self, epoch: int) -> np.ndarray:
        """int64[N], the order of an epoch: groups shuffled, each with its samples in the order of the data."""
        starts, members = self._units
        order = np.random.default_rng([self.seed, epoch]).permutation(len(starts) - 1)
        sizes = np.diff(starts)[order]
        begins = np.repeat(starts[:-1][order], sizes)
        within = np.arange(len(members)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return members[begins + within]

    def _trees(self, batch: Sequence[int]) -> Iterator[Tree]:
        """Neighbours of one group become a tree, a new one where the row would be too long; a sample twice does not."""
        tree: list[int] = []
        for sample in batch:
            if tree and not self._joins(tree, sample):
                yield self._tree(tree)
                tree = []
            tree.append(sample)
        if tree:
            yield self._tree(tree)

    def _joins(self, tree: list[int], sample: int) -> bool:
        group = self.lengths.groups[sample]
        if group < 0 or group != self.lengths.groups[tree[0]]:
            return False
        return self._n_tokens([*tree, sample]) <= self.row_length

    def _tree(self, samples: list[int]) -> Tree:
        n_prefix = int(self.lengths.prefixes[samples[0]]) if len(samples) > 1 else 0
        return Tree(tuple(samples), n_prefix, self._n_tokens(samples))

    def _n_tokens(self, samples: list[int]) -> int:
        tokens = int(self.lengths.tokens[samples].sum())
        return tokens - (len(samples) - 1) * int(self.lengths.prefixes[samples[0]])


def _units(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples that stay together.

    Returns:
        int64[U + 1], where each unit starts and the last ends; int64[N], the samples, unit after unit, units in the
        order of their first sample.
    """
    alone = np.arange(len(groups)) + groups.max(initial=-1) + 1
    keys = np.where(groups < 0, alone, groups)
    _, first, unit = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    unit = rank[unit]
    members = np.argsort(unit, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(unit, minlength=len(first)))])
    return starts, members
