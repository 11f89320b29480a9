"""Packed rows: what lies in the rows of a training step, and what the tokens of one tree see."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.plots import axes_at
from bimedix2_core.paper.figures.style import (
    AMBER,
    INK,
    LINE,
    MUTED,
    PAPER,
    PLUM,
    SLATE,
    TEAL,
    WIDTH,
    new_figure,
    require,
    settings,
)
from bimedix2_core.paper.figures.text import draw_title

KINDS = {
    "prefix": ("shared image and its prefix", PLUM, ""),
    "en": ("English", TEAL, ""),
    "ar": ("Arabic", AMBER, "///"),
    "room": ("room left", PAPER, ""),
}
"""Name, colour and hatch of what lies in a row."""

ROW, GAP = 17.0, 6.0


@dataclass(frozen=True)
class Piece:
    """Tokens of a row that belong together."""

    kind: str
    """``prefix``, ``en``, ``ar`` or ``room``."""
    n_tokens: int


def packed_rows(rows: Sequence[Sequence[Piece]], sees: np.ndarray, *, title: str = "") -> Figure:
    """Rows as bars of their pieces, and beside them which token of one tree sees which.

    Args:
        rows: each from its first token to its last, room left included.
        sees: bool[T, T], for each token of the tree those that it sees.
        title: above all.

    Raises:
        DataError: no row, or a kind that is not known.
    """
    require(rows, "rows")
    unknown = sorted({piece.kind for row in rows for piece in row} - set(KINDS))
    if unknown:
        raise DataError(f"unknown kinds of pieces {unknown}; expected some of {', '.join(KINDS)}")
    side = 150.0
    height = max(len(rows) * (ROW + GAP), side) + 106
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, height)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        top, width = 58.0, WIDTH - side - 92
        _rows(axes_at(figure, 44, top, width, len(rows) * (ROW + GAP)), rows)
        _mask(axes_at(figure, WIDTH - side - 14, top, side, side), sees)
        handles = [Patch(facecolor=colour, hatch=hatch, edgecolor=LINE if kind == "room" else "white", label=name)
                   for kind, (name, colour, hatch) in KINDS.items()]  # fmt: skip
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(8 / WIDTH, 4 / height), ncols=len(handles),
                      frameon=False, fontsize=9, handlelength=1.6, columnspacing=1.4)  # fmt: skip
    return figure


def _rows(axes: Axes, rows: Sequence[Sequence[Piece]]) -> None:
    longest = max(sum(piece.n_tokens for piece in row) for row in rows)
    for number, row in enumerate(rows):
        start = 0
        for piece in row:
            _, colour, hatch = KINDS[piece.kind]
            axes.add_patch(
                Rectangle((start, number), piece.n_tokens, ROW / (ROW + GAP), facecolor=colour, hatch=hatch,
                          edgecolor="white" if piece.kind != "room" else LINE, linewidth=0.7)
            )  # fmt: skip
            start += piece.n_tokens
    axes.set(xlim=(0, longest), ylim=(len(rows), 0), yticks=[number + 0.37 for number in range(len(rows))])
    axes.set_yticklabels([f"row {number + 1}" for number in range(len(rows))])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("tokens", color=MUTED)


def _mask(axes: Axes, sees: np.ndarray) -> None:
    axes.imshow(sees, cmap=ListedColormap([PAPER, SLATE]), interpolation="nearest", aspect="equal", vmin=0, vmax=1)
    axes.set_title("one tree: who sees whom", fontsize=9, color=INK, loc="left", pad=6)
    axes.set(xticks=[], yticks=[], xlabel="is seen", ylabel="sees")
    for spine in axes.spines.values():
        spine.set_visible(False)
