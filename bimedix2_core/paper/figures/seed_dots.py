"""Seed dots: variants one below the other, a dot for each training, and the mean of all; a panel for each column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import axes_at, note, unique
from bimedix2_core.paper.figures.style import (
    INK,
    LINE,
    MUTED,
    SLATE,
    TEAL,
    WIDTH,
    height_of,
    new_figure,
    require,
    settings,
)
from bimedix2_core.paper.figures.text import Ruler, draw_title
from bimedix2_core.paper.tables import Table
from bimedix2_core.statistics import Estimate

_LANE, _GAP = 13.0, 12.0
"""Points between two marks of a band, and more between two bands."""

_LEFT, _NUMBERS = 126.0, 92.0
"""Points for the names of the variants, and for the numbers beside a panel."""

_MARKERS = ("o", "s", "^")


@dataclass(frozen=True)
class SeedDot:
    """A number of one variant: of one seed, or the mean of all."""

    row: str
    """Name of the variant."""
    column: str
    """What was measured; one panel for each."""
    seed: int | None
    """None for the mean of all seeds."""
    estimate: Estimate
    """A share or a ratio with its interval; drawn times 100."""


def seed_dots(dots: Sequence[SeedDot], *, title: str, remark: str = "") -> Picture:
    """Each training as a dot with its 95% interval, below the dots of a variant their mean; rows in the order given.

    Args:
        dots: for each row and column one of each seed, and the mean where there are several.
        title: above all.
        remark: at the foot.

    Raises:
        DataError: nothing to draw, two dots for one place, or more than three seeds.
    """
    require(dots, "dots")
    table = {(dot.row, dot.column, dot.seed): dot.estimate for dot in dots}
    rows, columns = unique(dot.row for dot in dots), unique(dot.column for dot in dots)
    seeds = list(dict.fromkeys(dot.seed for dot in dots))
    if len(table) != len(dots) or len(seeds) - (None in seeds) > len(_MARKERS):
        raise DataError(
            f"{len(dots)} dots for {len(table)} places, {len(seeds)} kinds; expected one for each row, column and "
            f"seed, and at most {len(_MARKERS)} seeds"
        )
    looks = _looks(seeds)
    band = _LANE * len(seeds) + _GAP
    width = (WIDTH - _LEFT) / len(columns)
    top, foot = 58.0, 42 + (14 + 12 * len(Ruler().wrap(remark, WIDTH - 24, 8)) if remark else 0)
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, top + band * len(rows) + foot)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        for number, column in enumerate(columns):
            axes = axes_at(figure, _LEFT + number * width, top, width - _NUMBERS, band * len(rows))
            _draw_panel(axes, rows, column, table, looks, band)
            axes.set_yticks(range(len(rows)), rows if number == 0 else [""] * len(rows))
        _draw_legend(figure, looks)
        if remark:
            note(figure, remark)
    return Picture(figure, _alt(title, rows, columns, table), _table(title, table))


def _looks(seeds: Sequence[int | None]) -> dict[int | None, tuple[str, str, float]]:
    """Colour, marker and width of line of each seed and of the mean, in the order of their lanes."""
    several = None in seeds
    own = {seed: (SLATE if several else TEAL, _MARKERS[place], 1.1 if several else 1.8)
           for place, seed in enumerate(seed for seed in seeds if seed is not None)}  # fmt: skip
    return own | ({None: (TEAL, "D", 1.8)} if several else {})


def _draw_panel(
    axes: Axes,
    rows: Sequence[str],
    column: str,
    table: Mapping[tuple[str, str, int | None], Estimate],
    looks: Mapping[int | None, tuple[str, str, float]],
    band: float,
) -> None:
    ends = [100 * end for (_, name, _), one in table.items() if name == column for end in (one.low, one.high)]
    for place, row in enumerate(rows):
        if place:
            axes.axhline(place - 0.5, color=LINE, linewidth=0.7, zorder=1)
        for lane, (seed, look) in enumerate(looks.items()):
            one = table.get((row, column, seed))
            if one:
                _draw_dot(axes, one, place + (lane - (len(looks) - 1) / 2) * _LANE / band, look)
    axes.set(xlim=(max(0, 5 * floor((min(ends) - 1) / 5)), 5 * ceil((max(ends) + 1) / 5)), xlabel=column)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x")


def _draw_dot(axes: Axes, one: Estimate, y: float, look: tuple[str, str, float]) -> None:
    colour, marker, width = look
    value, low, high = (100 * number for number in (one.value, one.low, one.high))
    axes.plot([low, high], [y, y], color=colour, linewidth=width, zorder=3, solid_capstyle="butt")
    axes.plot(value, y, marker=marker, markersize=6, color=colour, markeredgecolor="white", markeredgewidth=0.6,
              linestyle="none", zorder=4, clip_on=False)  # fmt: skip
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    axes.annotate(f"{value:.1f}", (1, y), (30, 0), ha="right", fontsize=8.5, color=INK, **where)
    axes.annotate(f"{low:.1f} to {high:.1f}", (1, y), (35, 0), ha="left", fontsize=7.5, color=MUTED, **where)


def _draw_legend(figure: Figure, looks: Mapping[int | None, tuple[str, str, float]]) -> None:
    handles = [Line2D([], [], color=colour, marker=marker, markersize=6, linewidth=width, label=_name(seed))
               for seed, (colour, marker, width) in looks.items()]  # fmt: skip
    corner = (12 / WIDTH, 1 - 32 / height_of(figure))
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, ncols=len(handles), fontsize=9,
                  frameon=False, borderaxespad=0, handlelength=1.8, columnspacing=1.6)  # fmt: skip


def _name(seed: int | None) -> str:
    return "mean over the seeds" if seed is None else f"seed {seed}"


def _alt(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    table: Mapping[tuple[str, str, int | None], Estimate],
) -> str:
    parts = [
        f"{column}, {row}: "
        + ", ".join(
            f"{_name(seed)} {100 * one.value:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"
            for (named, measured, seed), one in table.items()
            if (named, measured) == (row, column)
        )
        for column in columns
        for row in rows
        if any((named, measured) == (row, column) for named, measured, _ in table)
    ]
    return f"{title}. A dot for each training, with 95% intervals over questions. {'; '.join(parts)}."


def _table(title: str, table: Mapping[tuple[str, str, int | None], Estimate]) -> Table:
    lines = [
        (row, column, _name(seed), 100 * one.value, 100 * one.low, 100 * one.high, one.n)
        for (row, column, seed), one in table.items()
    ]
    return Table(("row", "column", "seed", "value", "from", "to", "n"), tuple(lines), title)
