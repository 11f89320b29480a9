"""Feed: the rows of each step with what they need, read ahead of time by worker processes.

Shape letters:
    S supervised tokens, I distinct images, M image tokens, N features of an image
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.image_key import image_keys
from bimedix2_core.model.assemble import Lmm, pixel_values
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.records import Sample
from bimedix2_core.training.packing.plan import Plan, Tree
from bimedix2_core.training.packing.rows import PackedRow, pack_row
from bimedix2_core.training.tokenised import Tokenised

NO_TOKEN = -1
"""Stands for ``<image>`` where a model reads text only: no token has this id."""

N_LENGTHS = 8
"""Into so many lengths rows are padded where a fixed shape pays: each is compiled once."""


@dataclass(frozen=True)
class FedRow:
    """A packed row with its images and what its targets count."""

    packed: PackedRow
    weights: Tensor
    """float64[S]; they add up to 1 over all rows of a step."""
    kinds: Tensor
    """int64[2, S], number of the language and of the modality of each target in ``Feed.kinds``."""
    pixel_values: Tensor | None
    """float32[I, 3, H, W]; None without images."""
    image_numbers: Tensor
    """int64[M / N], which of the distinct images stands at each place of an image."""
    share: float
    """The row's part of the step's useful tokens, over all processes."""


class Feed(Dataset):
    """By step, the rows that one of the processes computes."""

    def __init__(
        self, lmm: Lmm | TextModel, samples: Sequence[Sample], data: Tokenised, plan: Plan, *, rank: int, count: int,
        by_sample: bool, pads: bool,
    ):  # fmt: skip
        """Feed process ``rank`` of ``count``.

        Args:
            lmm: its processor prepares images, where it reads some; its weights are not touched.
            samples: give the images.
            data: the same samples as tokens.
            plan: which samples make up a step, and its rows.
            rank: of this process.
            count: of all processes.
            by_sample: each sample of a step counts the same; else each supervised token.
            pads: rows to one of a few lengths.
        """
        self._processor = lmm.processor if isinstance(lmm, Lmm) else None
        self._samples, self._data, self.plan = samples, data, plan
        self._rank, self._count, self._by_sample, self._pads = rank, count, by_sample, pads
        self._form = {
            "image_token": lmm.tokenizer.convert_tokens_to_ids(IMAGE_TOKEN) if self._processor else NO_TOKEN,
            "n_image_tokens": lmm.n_image_tokens,
            "pad_token_id": lmm.tokenizer.pad_token_id,
        }
        self.kinds = (*sorted(set(data.languages)), "image_text", "text")
        number = {language: index for index, language in enumerate(self.kinds)}
        languages = np.array([number[language] for language in data.languages])
        modalities = len(self.kinds) - np.where(data.has_image, 2, 1)
        self._kinds = np.stack([languages, modalities])

    def __len__(self) -> int:
        """Number of steps."""
        return self.plan.n_steps

    def __getitem__(self, step: int) -> list[FedRow]:
        """The rows of this process: as many as any other has, empty ones where there are no more."""
        rows = self.plan.rows(step)
        n_supervised = self._data.n_supervised[self.plan.batch(step)].sum()
        n_tokens = sum(tree.n_tokens for trees in rows for tree in trees)
        own = rows[self._rank :: self._count]
        own += [()] * (-(-len(rows) // self._count) - len(own))
        return [self._fed(trees, int(n_supervised), n_tokens) for trees in own]

    def from_step(self, step: int, *, n_workers: int) -> DataLoader:
        """The rows of each step from this one on, in order, read ahead by worker processes where there are any."""
        return DataLoader(self, sampler=range(step, len(self)), batch_size=None, num_workers=n_workers)

    def targets_of(self, step: int) -> np.ndarray:
        """int64[kinds], supervised tokens of each kind in a step, over all processes."""
        batch = self.plan.batch(step)
        counts = np.zeros(len(self.kinds), dtype=np.int64)
        for kinds in self._kinds:
            np.add.at(counts, kinds[batch], self._data.n_supervised[batch])
        return counts

    def _fed(self, trees: tuple[Tree, ...], n_supervised: int, n_tokens: int) -> FedRow:
        """A row of a step with so many supervised and so many useful tokens."""
        encoded = {index: self._data[index] for tree in trees for index in tree.samples}
        packed = pack_row(trees, encoded, **self._form)
        if self._pads:
            step = -(-self.plan.row_length // N_LENGTHS)
            packed = packed.padded(max(1, -(-packed.n_tokens // step)) * step, self._form["pad_token_id"])
        members = np.array(packed.samples, dtype=np.int64)[packed.owners.numpy()]
        per_sample = self._data.n_supervised[members] * self.plan.batch_size
        weights = 1.0 / (per_sample if self._by_sample else np.full(len(members), n_supervised))
        pixels, numbers = self._images(packed)
        return FedRow(packed, torch.tensor(weights),
                      torch.from_numpy(self._kinds[:, members]), pixels, numbers,
                      share=packed.n_tokens / n_tokens)  # fmt: skip

    def _images(self, packed: PackedRow) -> tuple[Tensor | None, Tensor]:
        """Each distinct image once, and which of them stands where."""
        distinct: dict[str, int] = {}
        images, numbers = [], []
        for sample, number in packed.images:
            key = image_keys(self._samples[sample].images)[number]
            if key not in distinct:
                distinct[key] = len(images)
                images.append(self._samples[sample].images[number])
            numbers.append(distinct[key])
        return pixel_values(self._processor, images) if images else None, torch.tensor(numbers, dtype=torch.int64)
