"""Rows: the trees of a row become tensors.

Shape letters:
    T tokens in the row, S supervised tokens, I distinct images, M image tokens
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bimedix2_core.data.chat import IGNORE_INDEX, Encoded
from bimedix2_core.training.packing.plan import Tree


@dataclass(frozen=True)
class Block:
    """A tree in its row: where it lies, and where its branches begin."""

    start: int
    end: int
    branches: tuple[int, ...]
    """Start of each branch, from the block's start on; the first one is the length of the prefix."""

    @property
    def n_pairs(self) -> int:
        """Pairs of a token and one that it sees, itself included."""
        n_prefix, ends = self.branches[0], (*self.branches[1:], self.end - self.start)
        own = [end - start for start, end in zip(self.branches, ends, strict=True)]
        return _triangle(n_prefix) + sum(n * n_prefix + _triangle(n) for n in own)


@dataclass(frozen=True)
class PackedRow:
    """One row, ready for a forward pass."""

    input_ids: Tensor
    """int64[1, T]"""
    position_ids: Tensor
    """int64[1, T], restarting in each tree and, behind the prefix, in each branch."""
    blocks: tuple[Block, ...]
    """The trees; padding lies behind the last."""
    sources: Tensor
    """int64[S], the place in the row whose state predicts the target; one place may predict several."""
    targets: Tensor
    """int64[S], token ids."""
    owners: Tensor
    """int64[S], which sample of ``samples`` the target belongs to."""
    samples: tuple[int, ...]
    """Indices of the samples."""
    image_tokens: Tensor
    """int64[M], places in the row that an image feature takes."""
    images: tuple[tuple[int, int], ...]
    """For each image in the order of its tokens: index of a sample that shows it, and its number there."""

    @property
    def n_tokens(self) -> int:
        """Useful tokens: padding left out, a shared prefix counted once."""
        return self.blocks[-1].end if self.blocks else 0

    @property
    def n_pairs(self) -> int:
        """Pairs of a token and one that it sees, over all trees."""
        return sum(block.n_pairs for block in self.blocks)

    def padded(self, length: int, pad_token_id: int) -> "PackedRow":
        """The same row with padding at its end, which nothing sees and no target needs."""
        missing = (0, length - self.input_ids.shape[1])
        return replace(
            self,
            input_ids=torch.nn.functional.pad(self.input_ids, missing, value=pad_token_id),
            position_ids=torch.nn.functional.pad(self.position_ids, missing),
        )


def pack_row(
    trees: Sequence[Tree], encoded: Mapping[int, Encoded], *, image_token: int, n_image_tokens: int, pad_token_id: int
) -> PackedRow:
    """Lay trees side by side.

    Args:
        trees: of one row; none make a row of one padding token without targets, for a process that has nothing to do
            while others compute.
        encoded: samples by index.
        image_token: id of ``<image>``.
        n_image_tokens: features of one image.
        pad_token_id: what such a row holds.
    """
    tokens: list[int] = []
    positions: list[int] = []
    sources: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    samples: list[int] = []
    blocks: list[Block] = []
    images: list[tuple[int, int]] = []
    for tree in trees:
        start, prefix, branches = len(tokens), tree.n_prefix, []
        tokens += encoded[tree.samples[0]].input_ids[:prefix]
        positions += range(prefix)
        n_shared = _n_images(tokens[start:], image_token, n_image_tokens)
        images += [(tree.samples[0], number) for number in range(n_shared)]
        for index in tree.samples:
            sample, begin = encoded[index], len(tokens)
            branches.append(begin - start)
            tokens += sample.input_ids[prefix:]
            positions += range(prefix, len(sample.input_ids))
            images += [(index, number) for number in range(n_shared, sample.n_images)]
            for place in range(1, len(sample.labels)):
                if sample.labels[place] != IGNORE_INDEX:
                    before = place - 1
                    sources.append(start + before if before < prefix else begin + before - prefix)
                    targets.append(sample.labels[place])
                    owners.append(len(samples))
            samples.append(index)
        blocks.append(Block(start, len(tokens), tuple(branches)))
    input_ids = torch.tensor([tokens or [pad_token_id]])
    return PackedRow(
        input_ids=input_ids,
        position_ids=torch.tensor([positions or [0]]),
        blocks=tuple(blocks),
        sources=torch.tensor(sources, dtype=torch.int64),
        targets=torch.tensor(targets, dtype=torch.int64),
        owners=torch.tensor(owners, dtype=torch.int64),
        samples=tuple(samples),
        image_tokens=(input_ids[0] == image_token).nonzero()[:, 0],
        images=tuple(images),
    )


def _n_images(tokens: Sequence[int], image_token: int, n_image_tokens: int) -> int:
    return tokens.count(image_token) // n_image_tokens if n_image_tokens else 0


def _triangle(n: int) -> int:
    return n * (n + 1) // 2
