"""Shared prefix: questions about the same images read them once, however many questions there are.

    prompts --> groups: same images, same tokens up to the last of them --> batches of questions
                        each prefix in one pass, once --> cached keys --> repeated for the questions of a batch

A prefix is what a prompt holds up to and including its last image token: system prompt, earlier turns, images. What
follows, its suffix, is read behind the prefix's cached keys, at the positions that it has in the whole prompt, so every
prompt is continued as if it had been read alone (to rounding).

A batch is as full as any other: it may end within a group, whose cached keys then wait for the next batch. Beside the
cache of a batch (at most ``batch_size`` rows) only the prefixes that it repeats are kept, one row for each: no more
than half as many again and one.

Shape letters:
    B questions in the batch, P tokens of its longest prefix, S tokens of its longest suffix, H heads, K size of a head
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import CacheLayerMixin

from bimedix2_core.data.chat import image_token
from bimedix2_core.data.image_key import image_key
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import pad_lists
from bimedix2_core.records import Query, Sample


@dataclass(frozen=True)
class Group:
    """Prompts that begin alike, images included."""

    prefix: list[int]
    """Tokens up to and including the last image token."""
    images: list[Image.Image]
    suffixes: dict[int, list[int]]
    """The further tokens of each prompt, by its place among all, the longest first."""


@dataclass(frozen=True)
class Prefix:
    """A group's prefix as the model has read it."""

    tokens: list[int]
    layers: list[tuple[Tensor, Tensor]]
    """Keys and values of each layer, float[1, H, P, K]."""


@dataclass(frozen=True)
class Batch:
    """Questions that are answered together, group by group."""

    parts: list[tuple[Prefix, dict[int, list[int]]]]
    """Each prefix with the suffixes that follow it here, by their prompts' places."""

    @property
    def indices(self) -> list[int]:
        """The prompts' places, row by row."""
        return [index for _, suffixes in self.parts for index in suffixes]


def groups_of(lmm: Lmm, asked: Sequence[Sample | Query], encoded: Sequence[list[int]]) -> list[Group]:
    """Group the prompts that begin alike, longest group first; a prompt alone with its images is in none.

    Args:
        lmm: names the image token.
        asked: their images are compared by content, the tokens before them too.
        encoded: their tokens, images expanded.
    """
    image_id = image_token(lmm.tokenizer)
    alike: dict[tuple, list[int]] = defaultdict(list)
    for index, (one, tokens) in enumerate(zip(asked, encoded, strict=True)):
        if one.images:
            alike[(*map(image_key, one.images), *tokens[: _prefix_length(tokens, image_id)])].append(index)
    groups = [
        _group(asked, encoded, indices, _prefix_length(encoded[indices[0]], image_id))
        for indices in alike.values()
        if len(indices) > 1
    ]
    return sorted(groups, key=lambda group: -len(group.prefix) - len(next(iter(group.suffixes.values()))))


def batches_of(lmm: Lmm, groups: Sequence[Group], *, batch_size: int) -> Iterator[Batch]:
    """Yield the prompts of all groups, each prefix read once; only the last batch may be smaller than the others."""
    rows = [(number, index) for number, group in enumerate(groups) for index in group.suffixes]
    read: dict[int, Prefix] = {}
    for start in range(0, len(rows), batch_size):
        suffixes: dict[int, dict[int, list[int]]] = defaultdict(dict)
        for number, index in rows[start : start + batch_size]:
            suffixes[number][index] = groups[number].suffixes[index]
        read = {number: prefix for number, prefix in read.items() if number in suffixes}
        new = [number for number in suffixes if number not in read]
        read |= zip(new, _read(lmm, [groups[number] for number in new]), strict=True)
        yield Batch([(read[number], chosen) for number, chosen in suffixes.items()])


def batch_inputs(lmm: Lmm, batch: Batch) -> dict[str, Tensor | DynamicCache]:
    """What the model's ``generate`` goes on from: whole prompts, of which the prefixes are cached already.

    Returns:
        input_ids int64[B, P + S], each row a prefix, padding, a suffix; attention_mask int64[B, P + S], 0 on padding,
        from which ``generate`` counts the positions; past_key_values, the keys and values of the first P tokens.
    """
    prefixes = [prefix.tokens for prefix, suffixes in batch.parts for _ in suffixes]
    suffixes = [tokens for _, suffixes in batch.parts for tokens in suffixes.values()]
    return {
        "input_ids": _side_by_side(prefixes, suffixes, lmm.tokenizer.pad_token_id).to(lmm.device),
        "attention_mask": _side_by_side(_ones(prefixes), _ones(suffixes), 0).to(lmm.device),
        "past_key_values": _repeated([(prefix, len(suffixes)) for prefix, suffixes in batch.parts]),
    }


def _group(asked: Sequence[Sample | Query], encoded: Sequence[list[int]], indices: list[int], n_prefix: int) -> Group:
    longest_first = sorted(indices, key=lambda index: -len(encoded[index]))
    return Group(
        prefix=encoded[indices[0]][:n_prefix],
        images=list(asked[indices[0]].images),
        suffixes={index: encoded[index][n_prefix:] for index in longest_first},
    )


def _prefix_length(tokens: list[int], image_id: int) -> int:
    return len(tokens) - tokens[::-1].index(image_id)


@torch.inference_mode()
def _read(lmm: Lmm, groups: Sequence[Group]) -> list[Prefix]:
    """Run the prefixes of some groups through the model, in one pass.

    Padded on the right, they need no mask: attention is causal, and what stands behind a prefix is cut off.
    """
    if not groups:
        return []
    cache = lmm.model(
        input_ids=pad_lists([group.prefix for group in groups], lmm.tokenizer.pad_token_id).to(lmm.device),
        pixel_values=lmm.pixel_values([image for group in groups for image in group.images]),
        use_cache=True,
        logits_to_keep=1,
    ).past_key_values
    return [
        Prefix(group.prefix, [_row(layer, row, len(group.prefix)) for layer in cache.layers])
        for row, group in enumerate(groups)
    ]


def _row(layer: CacheLayerMixin, row: int, n_tokens: int) -> tuple[Tensor, Tensor]:
    """Copies, so that a prefix does not keep alive those it was read with."""
    return tuple(states[row : row + 1, :, :n_tokens].clone() for states in (layer.keys, layer.values))


@torch.inference_mode()
def _repeated(prefixes: Sequence[tuple[Prefix, int]]) -> DynamicCache:
    """One row for each question, shorter prefixes padded on the right."""
    longest = max(len(prefix.tokens) for prefix, _ in prefixes)
    cache = DynamicCache()
    for number in range(len(prefixes[0][0].layers)):
        keys, values = (
            torch.cat([_padded(prefix.layers[number][part], longest).expand(n, -1, -1, -1) for prefix, n in prefixes])
            for part in (0, 1)
        )
        cache.update(keys, values, number)
    return cache


def _padded(states_1HPK: Tensor, n_tokens: int) -> Tensor:
    return pad(states_1HPK, (0, 0, 0, n_tokens - states_1HPK.shape[2]))


def _side_by_side(prefixes: Sequence[list[int]], suffixes: Sequence[list[int]], value: int) -> Tensor:
    """int64[B, P + S], padded between prefix and suffix."""
    return torch.cat([pad_lists(prefixes, value), pad_lists(suffixes, value, side="left")], dim=1)


def _ones(rows: Sequence[list[int]]) -> list[list[int]]:
    return [[1] * len(row) for row in rows]
