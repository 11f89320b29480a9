"""Metrics with their intervals, as bars and as pairs of marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import PercentFormatter

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.plots import display_name, draw_legend, new_plot, series_styles, unique
from bimedix2_core.paper.figures.style import INK, MUTED, PAPER, PLUM, SERIES, WIDTH, require, settings
from bimedix2_core.paper.figures.text import Ruler

_TIMES = "\u00d7"


@dataclass(frozen=True)
class Bar:
    """A metric with its interval, over ``n`` samples."""

    label: str
    """What was measured, or on whom: the bars of one label stand together."""
    group: str
    """What tells the bars of one label apart, such as the language; ``en`` and ``ar`` are written out."""
    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        """Refuse an interval that does not hold its value."""
        if not self.low <= self.value <= self.high:
            raise DataError(
                f"bar {self.label!r}, {self.group!r}: value {self.value} outside its interval "
                f"({self.low}, {self.high}); expected low <= value <= high; check the order of the arguments"
            )


def true_against_shuffled(bars: Sequence[Bar], *, title: str = "", xlabel: str = "caption loss") -> Figure:
    """Loss of captions with their own images against the images of others, before and after a stage.

    Args:
        bars: for each label (such as "before Stage 1") two bars, that of the true images first; the second group is
            the shuffled images. The ratio of the two stands at the right.
        title: above all.
        xlabel: of the one axis.
    """
    require(bars, "bars")
    labels, groups = unique(bar.label for bar in bars), unique(bar.group for bar in bars)
    table = _by_label_and_group(bars)
    if len(groups) != 2 or len(table) != 2 * len(labels):
        raise DataError(
            f"{len(labels)} labels and groups {groups}; expected two bars for each label, true images first"
        )
    with mpl.rc_context(settings()):
        figure, axes = new_plot(100 + 54 * len(labels), title, left=110, right=96)
        for row, label in enumerate(labels):
            pair = [table[label, group] for group in groups]
            axes.plot(
                [bar.value for bar in pair], [row, row], color=PAPER, linewidth=16, zorder=1, solid_capstyle="butt"
            )
            for bar, (colour, _, _, marker), side in zip(pair, SERIES, (-1, 1), strict=False):
                _draw_interval(axes, bar, row + 0.12 * side, colour=colour, marker=marker, label_below=side > 0)
            ratio = f"{pair[0].value / pair[1].value:.2f} {_TIMES}" if pair[1].value else ""
            axes.annotate(ratio, (1, row), (14, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                          va="center", fontsize=11, fontweight="bold", color=INK)  # fmt: skip
        axes.annotate("true / shuffled", (1, 1), (14, 4), xycoords="axes fraction", textcoords="offset points",
                      va="bottom", fontsize=8, color=MUTED)  # fmt: skip
        axes.set(xlabel=xlabel, xlim=(0, max(bar.high for bar in bars) * 1.08), ylim=(len(labels) - 0.4, -0.6))
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=True, axis="x")
        draw_legend(
            axes, [(display_name(group), style) for group, style in zip(groups, SERIES, strict=False)], by_marker=True
        )
    return figure


def accuracy_bars(
    rows: Sequence[Bar],
    *,
    floor: float | None = None,
    chance: float | Mapping[str, float] | None = None,
    title: str = "",
    ylabel: str = "accuracy",
) -> Figure:
    """Bars of shares from 0 to 1 with their intervals; the groups (English, Arabic) of a label beside one another.

    Args:
        rows: one bar for each label and group; a group may lack a label.
        floor: the share to be reached, a line across.
        chance: what guessing reaches: one share, or one for each label.
        title: above all.
        ylabel: what the shares are of.
    """
    require(rows, "bars")
    labels, groups = unique(bar.label for bar in rows), unique(bar.group for bar in rows)
    table = _by_label_and_group(rows)
    with mpl.rc_context(settings()):
        figure, axes = new_plot(275, title, right=64)
        step = 0.78 / len(groups)
        for index, (group, (colour, hatch, _, _)) in enumerate(zip(groups, series_styles(len(groups)), strict=True)):
            bars = [table[label, group] for label in labels if (label, group) in table]
            places = [labels.index(bar.label) + (index - (len(groups) - 1) / 2) * step for bar in bars]
            _draw_bars(axes, bars, places, 0.9 * step, colour=colour, hatch=hatch)
        _draw_reference_lines(axes, labels, floor, chance)
        axes.set(ylabel=ylabel, ylim=(0, 1.09), xlim=(-0.55, len(labels) - 0.45))
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        room = (WIDTH - 120) / len(labels)
        axes.set_xticks(range(len(labels)), [_tick(label, groups, table, room, Ruler()) for label in labels])
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=True, axis="y")
        draw_legend(
            axes,
            [(display_name(group), style) for group, style in zip(groups, series_styles(len(groups)), strict=True)],
        )
    return figure


def _draw_interval(axes: Axes, bar: Bar, y: float, *, colour: str, marker: str, label_below: bool) -> None:
    """A value on a line as long as its interval, and the number beside it."""
    axes.errorbar(bar.value, y, xerr=[[bar.value - bar.low], [bar.high - bar.value]], color=colour, marker=marker,
                  markersize=7, capsize=3, linewidth=1.4, label=display_name(bar.group), zorder=3)  # fmt: skip
    offset, side = ((0, -7), "top") if label_below else ((0, 7), "bottom")
    axes.annotate(f"{bar.value:.2f}", (bar.value, y), offset, textcoords="offset points", ha="center", va=side,
                  fontsize=9, color=INK)  # fmt: skip


def _draw_bars(
    axes: Axes, bars: Sequence[Bar], places: Sequence[float], width: float, *, colour: str, hatch: str
) -> None:
    """The bars of one group, each with its interval and its value."""
    values = np.array([bar.value for bar in bars])
    errors = np.array([[bar.value - bar.low for bar in bars], [bar.high - bar.value for bar in bars]])
    axes.bar(places, values, width, color=colour, hatch=hatch, edgecolor="white", linewidth=0, zorder=2,
             label=display_name(bars[0].group))  # fmt: skip
    axes.errorbar(places, values, yerr=errors, fmt="none", ecolor=INK, elinewidth=1.1, capsize=3, zorder=5)
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(f"{100 * bar.value:.0f}", (place, bar.high), (0, 3), textcoords="offset points", ha="center",
                      va="bottom", fontsize=9, color=INK)  # fmt: skip


def _draw_reference_lines(
    axes: Axes, labels: Sequence[str], floor: float | None, chance: float | Mapping[str, float] | None
) -> None:
    """The floor and what guessing reaches, named at the right."""
    edge, halo = len(labels) - 0.45, [withStroke(linewidth=3, foreground="white")]
    if floor is not None:
        axes.axhline(floor, color=PLUM, linewidth=1.2, linestyle=(0, (6, 2)), zorder=4, path_effects=halo)
        axes.annotate(f"floor {100 * floor:.0f}", (edge, floor), (5, 0), textcoords="offset points", va="center",
                      fontsize=9, color=PLUM, annotation_clip=False)  # fmt: skip
    if chance is None:
        return
    shares = chance if isinstance(chance, Mapping) else dict.fromkeys(labels, chance)
    for index, label in enumerate(labels):
        if label in shares:
            axes.hlines(shares[label], index - 0.47, index + 0.47, color=INK, linewidth=1.4, linestyle=(0, (1.5, 1.5)),
                        zorder=4, path_effects=halo)  # fmt: skip
    last = [shares[label] for label in labels if label in shares][-1]
    axes.annotate("chance" if len(set(shares.values())) > 1 else f"chance {100 * last:.0f}", (edge, last), (5, 0),
                  textcoords="offset points", va="center", fontsize=9, color=INK, annotation_clip=False)  # fmt: skip


def _tick(label: str, groups: Sequence[str], table: Mapping[tuple[str, str], Bar], room: float, ruler: Ruler) -> str:
    """A wrapped label with its number of samples below."""
    counts = unique(f"{table[label, group].n:,}" for group in groups if (label, group) in table)
    return "\n".join([*ruler.wrap(label, room, 9), f"n = {' / '.join(counts)}"])


def _by_label_and_group(bars: Sequence[Bar]) -> dict[tuple[str, str], Bar]:
    """The bars by their place; two for one place are an error."""
    table = {(bar.label, bar.group): bar for bar in bars}
    if len(table) != len(bars):
        raise DataError(
            f"{len(bars)} bars for {len(table)} pairs of label and group; expected one each; join them first"
        )
    return table
