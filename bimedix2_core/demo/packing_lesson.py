"""Packing lesson: the rows of one training step as a picture, and what packing and sharing spare, counted."""

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure

from bimedix2_core.errors import DataError
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.paper.figures.packing import Piece, packed_rows
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import StageParams
from bimedix2_core.records import Sample
from bimedix2_core.training.loop import plan_of, working
from bimedix2_core.training.packing import Plan, Tree, pack_row
from bimedix2_core.training.packing.attention import segments
from bimedix2_core.training.tokenised import Tokenised, tokenise

SHOWN_ROWS = 6
PADDED_BATCH = 8
"""Samples that are padded to the longest of them, in the count that packing is compared with."""


class PackedStep:
    """A step of a stage as it is planned: nothing is trained."""

    def __init__(
        self, lmm: Lmm, samples: Sequence[Sample], settings: StageParams, *, seed: int, folder: Path, step: int = 0
    ):
        """Tokenise the samples (training finds the same file) and plan one step.

        Raises:
            DataError, ParamsError: as ``train``.
        """
        self._form = {"image_token": lmm.model.config.image_token_index, "n_image_tokens": lmm.n_image_tokens,
                      "pad_token_id": lmm.tokenizer.pad_token_id}  # fmt: skip
        self.data: Tokenised = tokenise(
            samples,
            lmm,
            max_length=settings.max_length,
            too_long=settings.too_long,
            folder=working(folder) / "tokens",
            workers=0,
        )
        self.settings, self.step = settings, step
        self.plan: Plan = plan_of(self.data, settings, seed=seed)
        self.rows = self.plan.rows(step)

    def picture(self, *, title: str) -> Figure:
        """The first rows, and what the tokens of the first tree with a shared prefix see."""
        rows = [self._pieces(row) for row in self.rows[:SHOWN_ROWS]]
        return packed_rows(rows, self._sees(), title=title)

    def table(self) -> Table:
        """Tokens that a step computes: padded, packed, and packed with shared images."""
        batch = self.plan.batch(self.step)
        lengths = [int(self.data.lengths[index]) for index in batch]
        groups = [lengths[start : start + PADDED_BATCH] for start in range(0, len(lengths), PADDED_BATCH)]
        padded = sum(len(group) * max(group) for group in groups)
        packed, shared = sum(lengths), sum(tree.n_tokens for row in self.rows for tree in row)
        counted = {
            f"padded, {PADDED_BATCH} at a time": padded,
            "packed": packed,
            "packed, each image once": shared,
        }
        cells = tuple((name, tokens, f"{padded / tokens:.2f}") for name, tokens in counted.items())
        title = f"Tokens that one step of {len(batch)} samples computes"
        return Table(("rows", "tokens", "times fewer"), cells, title)

    def _pieces(self, row: Sequence[Tree]) -> list[Piece]:
        pieces = []
        for tree in row:
            pieces += [Piece("prefix", tree.n_prefix)] if tree.n_prefix else []
            pieces += [Piece(self.data.languages[index], int(self.data.lengths[index]) - tree.n_prefix)
                       for index in tree.samples]  # fmt: skip
        return [*pieces, Piece("room", self.settings.row_length - sum(piece.n_tokens for piece in pieces))]

    def _sees(self):
        """bool[T, T] of one tree."""
        trees = [tree for row in self.rows for tree in row if tree.n_prefix]
        if not trees:
            raise DataError("no two samples of this step share an image; show a step of data with twins")
        tree = min(trees, key=lambda tree: tree.n_tokens)
        encoded = {index: self.data[index] for index in tree.samples}
        (block,) = pack_row([tree], encoded, **self._form).blocks
        segment, prefix = segments([block], length=block.end)
        own = (segment[:, None] == segment[None]) | (prefix[:, None] == segment[None])
        return (own & torch.ones_like(own).tril()).numpy()
