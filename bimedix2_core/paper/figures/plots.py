"""What the plots share: one axes with room for labels, styles of series, a legend above."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bimedix2_core.paper.figures.style import (
    AMBER,
    BLUE,
    BROWN,
    INK,
    MUTED,
    PLUM,
    SERIES,
    SLATE,
    TEAL,
    WIDTH,
    height_of,
    new_figure,
    width_of,
)  # fmt: skip
from bimedix2_core.paper.figures.text import Ruler, draw_title

LANGUAGE_NAMES = {"en": "English", "ar": "Arabic"}


@dataclass(frozen=True)
class Look:
    """How one model is drawn wherever it appears in a figure."""

    colour: str
    line: str | tuple
    marker: str
    width: float
    is_own: bool
    """Whether it is a BiMediX2: drawn above the others."""


_OTHERS = ((AMBER, (0, (5, 1.5)), "D"), (PLUM, (0, (1.5, 1)), "s"), (SLATE, "-.", "^"), (BLUE, (0, (7, 2)), "v"),
           (INK, (0, (3, 3)), "X"), (BROWN, (0, (1, 2)), "P"))  # fmt: skip
_OWN = (("-", "o"), ((0, (8, 1.5)), "p"), ((0, (4, 1)), "h"))


def looks(rows: Sequence[str]) -> dict[str, Look]:
    """A look for each model by id: ours in one colour, the others apart by colour, line and marker."""
    own = [row for row in rows if row.startswith("bimedix2")]
    others = [row for row in rows if row not in own]
    found = {row: Look(TEAL, *_OWN[index % len(_OWN)], 2.2, is_own=True) for index, row in enumerate(own)}
    found |= {row: Look(*_OTHERS[index % len(_OTHERS)], 1.3, is_own=False) for index, row in enumerate(others)}
    return {row: found[row] for row in rows}


def new_plot(
    height: float, title: str, *, left: float = 56, right: float = 96, legend: float = 22
) -> tuple[Figure, Axes]:
    """A figure with one axes that leaves room for labels at its right."""
    figure = new_figure(WIDTH, height)
    top, bottom = (32 if title else 8) + legend, 48
    axes = figure.add_axes(
        (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height), zorder=1
    )
    draw_title(figure, title, left=12, right=WIDTH - 12)
    return figure, axes


def series_styles(count: int) -> list[tuple]:
    """Styles for ``count`` series; after the fourth they begin again."""
    return [SERIES[index % len(SERIES)] for index in range(count)]


def draw_legend(axes: Axes, series: Sequence[tuple[str, tuple]], *, by_marker: bool = False) -> None:
    """Above the plot, at its left edge: name and style of each series."""
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=7, linewidth=1.4, label=name)
        if by_marker
        else Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
        for name, (colour, hatch, _, marker) in series
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(handles), frameon=False,
                fontsize=9, borderaxespad=0.2, handlelength=1.6, columnspacing=1.4)  # fmt: skip


def display_name(group: str) -> str:
    """Language codes written out, any other group as it is."""
    return LANGUAGE_NAMES.get(group, group)


def unique(values) -> list[str]:
    """Each value once, in the order of appearance."""
    return list(dict.fromkeys(values))


def axes_at(figure: Figure, left: float, top: float, width: float, height: float, **how: str) -> Axes:
    """An axes at a place in points from the upper left; ``how`` goes to ``add_axes``."""
    total_width, total_height = width_of(figure), height_of(figure)
    place = (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    return figure.add_axes(place, **how)


def note(figure: Figure, text: str, *, left: float = 12) -> None:
    """A remark at the foot of a figure, wrapped to its width."""
    lines = Ruler().wrap(text, width_of(figure) - 2 * left, 8)
    for index, line in enumerate(reversed(lines)):
        figure.text(left / width_of(figure), (8 + 12 * index) / height_of(figure), line, fontsize=8, color=MUTED)
