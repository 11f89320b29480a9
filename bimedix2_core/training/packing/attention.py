"""Attention: what a token of a packed row sees.

On a GPU FlexAttention skips what no token sees (a mask of blocks, computed once for a row and used by all layers). On a
CPU each prefix and each branch is attended by itself, with PyTorch's scaled dot product: exact, and nothing is computed
for pairs that do not see each other.

Shape letters:
    H heads, G heads of keys and values, T tokens of the row, K size of a head
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

from bimedix2_core.training.packing.rows import Block

MAX_GRAPHS = 64
"""Graphs of one function; rows have eight lengths (``feed.N_LENGTHS``), and some parts differ without images."""

PACKED = "packed"
"""Name under which transformers knows this attention."""


@dataclass(frozen=True)
class Span:
    """Tokens of a row that see a prefix whole, and one another up to themselves."""

    length: int
    prefix: int | None
    """Which span of the row is the prefix; None for a prefix itself, a sample alone, and padding."""
    mask: Tensor | None
    """bool[n, P + n], what each sees of prefix and span; None where that is causal."""


Seen = tuple[Span, ...] | BlockMask
"""What the tokens of a row see: span by span from its first token to its last, or a mask of blocks."""


def seen_by(blocks: Sequence[Block], *, length: int, device: torch.device) -> Seen:
    """What the tokens of a row see, made once for all layers.

    Args:
        blocks: the trees of the row.
        length: tokens of the row, padding included.
        device: ``cuda`` gets a mask of blocks, everything else span after span.
    """
    if device.type == "cuda":
        return block_mask(blocks, length=length, device=device)
    spans: list[Span] = []
    for block in blocks:
        spans += _spans(block, len(spans), device)
    padding = length - (blocks[-1].end if blocks else 0)
    return (*spans, *([Span(padding, None, None)] if padding else []))


def block_mask(blocks: Sequence[Block], *, length: int, device: torch.device) -> BlockMask:
    """FlexAttention's mask of blocks: a token sees its own segment and its tree's prefix, up to itself.

    Padding is a segment of its own.
    """
    segment, prefix = (part.to(device) for part in segments(blocks, length=length))

    def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & ((segment[query] == segment[key]) | (prefix[query] == segment[key]))

    return create_block_mask(sees, B=None, H=None, Q_LEN=length, KV_LEN=length, device=device)


def segments(blocks: Sequence[Block], *, length: int) -> tuple[Tensor, Tensor]:
    """The segment of each token and the segment of its tree's prefix, int32[T] each; padding is the last segment."""
    segment = torch.empty(length, dtype=torch.int32)
    prefix = torch.empty(length, dtype=torch.int32)
    number = 0
    for block in blocks:
        segment[block.start : block.end] = prefix[block.start : block.end] = number
        for branch in block.branches:
            number += 1
            segment[block.start + branch : block.end] = number
        number += 1
    padding = slice(blocks[-1].end if blocks else 0, length)
    segment[padding] = prefix[padding] = number
    return segment, prefix


@contextmanager
def packed_attention(language_model: PreTrainedModel) -> Iterator[None]:
    """Let the language model attend in packed rows; what it did before comes back at the end."""
    before = language_model.config._attn_implementation
    language_model.set_attn_implementation(PACKED)
    try:
        yield
    finally:
        language_model.set_attn_implementation(before)


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, *, seen: Seen, scaling: float,
    **others: object,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention as transformers calls it: float[1, H, T, K] and float[1, G, T, K] to float[1, T, H, K]."""
    if isinstance(seen, BlockMask):
        states = _flex()(query, key, value, block_mask=seen, scale=scaling, enable_gqa=True)
    else:
        repeat = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(repeat, dim=1), value.repeat_interleave(repeat, dim=1)
        parts = [part.split([span.length for span in seen], dim=2) for part in (query, key, value)]
        states = torch.cat([_attend_span(*parts, index, span, scaling) for index, span in enumerate(seen)], dim=2)
    return states.transpose(1, 2).contiguous(), None


def allow_graphs() -> None:
    """Let torch compile a graph for each row length, with and without images, of both stages.

    It gives up silently after eight, and runs what it has not compiled as it is.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MAX_GRAPHS)


@cache
def _flex():
    """FlexAttention, compiled: uncompiled it would hold all scores of the row."""
    allow_graphs()
    return torch.compile(flex_attention, dynamic=False)


def _attend_span(
    queries: Sequence[Tensor], keys: Sequence[Tensor], values: Sequence[Tensor], index: int, span: Span, scaling: float
) -> Tensor:
    """float[1, H, n, K] of one span, from those of all spans."""
    key, value = keys[index], values[index]
    if span.prefix is not None:
        key = torch.cat([keys[span.prefix], key], dim=2)
        value = torch.cat([values[span.prefix], value], dim=2)
    return scaled_dot_product_attention(
        queries[index], key, value, attn_mask=span.mask, is_causal=span.mask is None, scale=scaling
    )


def _spans(block: Block, first: int, device: torch.device) -> list[Span]:
    """The prefix of a tree, if it has one, and its branches, in the row's order; ``first`` is the first's index."""
    n_prefix, ends = block.branches[0], (*block.branches[1:], block.end - block.start)
    lengths = [end - begin for begin, end in zip(block.branches, ends, strict=True)]
    if not n_prefix:
        return [Span(length, None, None) for length in lengths]
    masks = [torch.ones(n, n_prefix + n, dtype=torch.bool, device=device).tril(n_prefix) for n in lengths]
    branches = [Span(length, first, mask) for length, mask in zip(lengths, masks, strict=True)]
    return [Span(n_prefix, None, None), *branches]


AttentionInterface.register(PACKED, _attend)
