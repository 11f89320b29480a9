"""Forest: models as marks with intervals, group by group, and what a number of questions can tell apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, NullLocator

from bimedix2_core.bench.statistics import Resolution, resolution
from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import axes_at, display_name, note, series_styles, unique
from bimedix2_core.paper.figures.style import INK, LINE, MUTED, PAPER, WIDTH, height_of, new_figure, require, settings
from bimedix2_core.paper.figures.text import Ruler, draw_title, reads_to_left
from bimedix2_core.paper.tables import Table
from bimedix2_core.statistics import Estimate

_LANE, _GAP = 15.0, 9.0
"""Points between two marks of a band, and more between two bands."""

_LEFT, _RIGHT = 140.0, 122.0
"""Points beside the plot: the names of the bands, and the numbers."""

_SIDES, _MARGIN = (56.0, 24.0), 1.25
"""Of the curve: points beside its plot, and how far the axis goes on beyond the first and the last number."""

_HALO = [withStroke(linewidth=2.5, foreground="white")]


@dataclass(frozen=True)
class Mark:
    """A share or a ratio of one series in one group, with its interval."""

    label: str
    """Whose it is, such as a model."""
    group: str
    """What it is over, such as a subject or all questions; ``en`` and ``ar`` are written out."""
    estimate: Estimate
    """From 0 to 1, or a ratio that may be above; drawn times 100."""


def forest(
    marks: Sequence[Mark],
    *,
    title: str,
    xlabel: str = "accuracy (%)",
    lines: Mapping[str, float] | None = None,
    summary: Sequence[str] = (),
    remark: str = "",
) -> Picture:
    """Marks with their 95% intervals in bands, one band for each group, the numbers at the right.

    The bands are sorted by their mean, highest first, and the marks within a band by the mean of their label over all
    bands; so a label has the same place in every band.

    Args:
        marks: one for each label and group; a group may lack a label. At most four labels.
        title: above all, in either script.
        xlabel: of the one axis, which goes no further than 100 unless something lies above.
        lines: at most two named shares, such as ``{"chance": 0.25}``, drawn across.
        summary: groups that stand below the others, in this order, on a grey ground, such as the mean.
        remark: at the foot.

    Raises:
        DataError: nothing to draw, two marks for one place, more than four labels or two lines, or a summary that is
            no group.
    """
    require(marks, "marks")
    table, lines = _by_place(marks), dict(lines or {})
    labels = _sorted([mark.label for mark in marks], marks, "label")
    groups = _bands(marks, summary)
    if len(labels) > 4 or len(lines) > 2:
        raise DataError(f"{len(labels)} labels and {len(lines)} lines; expected at most 4 and 2; draw fewer")
    names = _band_names(groups, marks)
    band = max(_LANE * len(labels) + _GAP, 8 + 13.0 * max(name.count("\n") + 1 for name in names))
    legend = _legend_rows(labels)
    top = 34 + 15 * legend + (16 if lines else 4)
    foot = 46 + (14 + 12 * len(Ruler().wrap(remark, WIDTH - 24, 8)) if remark else 0)
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, top + band * len(groups) + foot)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        axes = axes_at(figure, _LEFT, top, WIDTH - _LEFT - _RIGHT, band * len(groups))
        styles = dict(zip(labels, series_styles(len(labels)), strict=True))
        for place, group in enumerate(groups):
            _draw_band(axes, place, [(label, table.get((label, group))) for label in labels], styles, band)
            if group in summary:
                axes.axhspan(place - 0.5, place + 0.5, color=PAPER, zorder=0, linewidth=0)
            if place:
                axes.axhline(place - 0.5, color=LINE, linewidth=0.7, zorder=1)
        axes.set(xlim=_limits(marks, lines), ylim=(len(groups) - 0.5, -0.5), xlabel=xlabel)
        axes.set_yticks(range(len(groups)), names)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=True, axis="x")
        _draw_lines(axes, lines)
        _draw_legend(axes, styles, rows=legend, lift=16 if lines else 4)
        if remark:
            note(figure, remark)
    return Picture(figure, _alt(title, groups, labels, table, lines), _table(title, groups, labels, table))


def resolution_curve(
    points: Sequence[Resolution],
    *,
    title: str,
    names: Mapping[int, str] | None = None,
    ylabel: str = "smallest difference seen (points)",
) -> Picture:
    """The smallest true difference of two models that so many questions show, in 80 of 100 tests at 5%.

    Args:
        points: the numbers of questions to mark; those of one share and agreement are on one curve.
        title: above all, in either script.
        names: what a number of questions is, such as ``{1089: "MMLU-medical"}``.
        ylabel: of the upright axis.

    Raises:
        DataError: there is no point, or none that any difference could show.
    """
    curves: dict[tuple[float, float], list[Resolution]] = {}
    for point in sorted(points, key=lambda one: one.n):
        if isfinite(point.detectable):
            curves.setdefault((point.share, point.agreement), []).append(point)
    require(curves, "points at which a difference can show")
    numbers = sorted({point.n for curve in curves.values() for point in curve})
    order = sorted(curves, key=lambda one: one[1])  # the less two models agree, the more a difference needs
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, 322 + 15 * len(curves))
        draw_title(figure, title, left=12, right=WIDTH - 12)
        axes = axes_at(figure, _SIDES[0], 36 + 15 * len(curves), WIDTH - sum(_SIDES), 216)
        for rank, (key, (colour, _, dash, marker)) in enumerate(zip(order, series_styles(len(order)), strict=True)):
            _draw_curve(axes, key, curves[key], numbers, colour=colour, dash=dash, marker=marker)
            if rank in (0, len(order) - 1):
                _number_points(axes, curves[key], above=rank == 0)
        axes.set(xscale="log", ylim=(0, None), ylabel=ylabel)
        axes.set_xlim(numbers[0] / _MARGIN, numbers[-1] * _MARGIN)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.12)
        axes.xaxis.set_major_locator(FixedLocator(numbers))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels(_ticks(numbers, names or {}))
        axes.set_xlabel("questions, logarithmic")
        axes.grid(visible=True)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1, frameon=False, fontsize=8.5, borderaxespad=0.2)
    said = [_said(key) for key in order]
    rows = [(point.n, (names or {}).get(point.n, ""), point.share, point.agreement, 100 * point.detectable)
            for key in order for point in curves[key]]  # fmt: skip
    table = Table(("questions", "what", "share right", "agreement", "smallest difference (points)"), tuple(rows), title)
    return Picture(figure, _curve_alt(title, said, [curves[key] for key in order]), table)


def _by_place(marks: Sequence[Mark]) -> dict[tuple[str, str], Estimate]:
    table = {(mark.label, mark.group): mark.estimate for mark in marks}
    if len(table) != len(marks):
        raise DataError(f"{len(marks)} marks for {len(table)} places; expected one for each label and group")
    return table


def _bands(marks: Sequence[Mark], summary: Sequence[str]) -> list[str]:
    groups = _sorted([mark.group for mark in marks], marks, "group")
    unknown = [group for group in summary if group not in groups]
    if unknown:
        raise DataError(f"the summary {unknown[0]!r} is no group; expected one of {', '.join(groups)}")
    return [group for group in groups if group not in summary] + list(summary)


def _sorted(values: Sequence[str], marks: Sequence[Mark], field: str) -> list[str]:
    """Each value once, by the mean of its marks, highest first."""
    means = {value: np.mean([mark.estimate.value for mark in marks if getattr(mark, field) == value])
             for value in unique(values)}  # fmt: skip
    return sorted(means, key=lambda value: -means[value])


def _limits(marks: Sequence[Mark], lines: Mapping[str, float]) -> tuple[float, float]:
    ends = [100 * end for mark in marks for end in (mark.estimate.low, mark.estimate.high)]
    ends += [100 * share for share in lines.values()]
    top = 5 * ceil((max(ends) + 1) / 5)
    return max(0, 5 * floor((min(ends) - 1) / 5)), min(100, top) if max(ends) <= 100 else top


def _draw_band(
    axes: Axes, place: int, found: Sequence[tuple[str, Estimate | None]], styles: Mapping[str, tuple], band: float
) -> None:
    for lane, (label, one) in enumerate(found):
        if one is None:
            continue
        colour, _, _, marker = styles[label]
        y = place + (lane - (len(found) - 1) / 2) * _LANE / band
        value, low, high = (100 * number for number in (one.value, one.low, one.high))
        axes.plot([low, high], [y, y], color=colour, linewidth=1.5, zorder=3, solid_capstyle="butt")
        axes.plot(value, y, marker=marker, markersize=6.5, color=colour, markeredgecolor="white", markeredgewidth=0.6,
                  linestyle="none", zorder=4, clip_on=False)  # fmt: skip
        where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        axes.annotate(f"{value:.1f}", (1, y), (34, 0), ha="right", fontsize=9, color=INK, **where)
        axes.annotate(f"{low:.1f} to {high:.1f}", (1, y), (42, 0), ha="left", fontsize=8, color=MUTED, **where)


def _band_names(groups: Sequence[str], marks: Sequence[Mark]) -> list[str]:
    """Each group, wrapped, with its number of samples below."""
    ruler, names = Ruler(), []
    for group in groups:
        counts = unique(f"{mark.estimate.n:,}" for mark in marks if mark.group == group)
        lines = map(_marked, ruler.wrap(display_name(group), _LEFT - 28, 9))
        names.append("\n".join([*lines, f"n = {' / '.join(counts)}"]))
    return names


def _draw_lines(axes: Axes, lines: Mapping[str, float]) -> None:
    """Across the plot, named above it, the lower one to its left and the higher one to its right."""
    for index, (name, share) in enumerate(sorted(lines.items(), key=lambda line: line[1])):
        axes.axvline(100 * share, color=INK, linewidth=1.2, linestyle=((0, (1.5, 1.5)), (0, (6, 2)))[index], zorder=2)
        side = ("center", 0) if len(lines) == 1 else (("right", 4), ("left", -4))[index]
        axes.annotate(f"{name} {100 * share:.1f}", (100 * share, 1), (side[1], 3), ha=side[0], va="bottom", fontsize=8,
                      xycoords=("data", "axes fraction"), textcoords="offset points", color=INK)  # fmt: skip


def _legend_rows(labels: Sequence[str]) -> int:
    """Rows that the names of all labels need, in columns as wide as the widest."""
    widest = max(Ruler().width(display_name(label), 9) for label in labels) + 44
    return ceil(len(labels) / max(1, int((WIDTH - 24) // widest)))


def _draw_legend(axes: Axes, styles: Mapping[str, tuple], *, rows: int, lift: float) -> None:
    box = axes.get_position()
    corner = ((12 - _LEFT) / (box.width * WIDTH), 1 + lift / (box.height * height_of(axes.figure)))
    handles = [Line2D([], [], color=colour, marker=marker, markersize=6.5, linewidth=1.5, label=_marked(label))
               for label, (colour, _, _, marker) in styles.items()]  # fmt: skip
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=corner, ncols=ceil(len(styles) / rows), fontsize=9,
                frameon=False, borderaxespad=0, handlelength=1.8, columnspacing=1.4, labelspacing=0.35)  # fmt: skip


def _marked(text: str) -> str:
    """The text with the mark of its direction, so that punctuation and digits stay where they belong."""
    return ("\u200f" if reads_to_left(text) else "") + text


def _draw_curve(
    axes: Axes,
    key: tuple[float, float],
    curve: Sequence[Resolution],
    numbers: Sequence[int],
    *,
    colour: str,
    dash: str | tuple,
    marker: str,
) -> None:
    share, agreement = key
    grid = np.unique(np.geomspace(numbers[0] / 1.2, numbers[-1] * 1.2, 120).round().astype(int))
    detectable = [resolution(int(n), share, agreement=agreement).detectable for n in grid]
    heights = [100 * one if isfinite(one) else np.nan for one in detectable]
    axes.plot(grid, heights, color=colour, linestyle=dash, linewidth=1.6, zorder=3)
    axes.plot([one.n for one in curve], [100 * one.detectable for one in curve], marker=marker, markersize=7,
              color=colour, markeredgecolor="white", markeredgewidth=0.7, linestyle="none", zorder=4)  # fmt: skip
    axes.plot([], [], color=colour, linestyle=dash, marker=marker, markersize=6.5, linewidth=1.6, label=_said(key))


def _number_points(axes: Axes, curve: Sequence[Resolution], *, above: bool) -> None:
    offset, side = ((5, 6), "left") if above else ((-5, -6), "right")
    for point in curve:
        axes.annotate(f"{100 * point.detectable:.1f}", (point.n, 100 * point.detectable), offset, ha=side,
                      va="bottom" if above else "top", textcoords="offset points", fontsize=9, color=INK, zorder=5,
                      path_effects=_HALO)  # fmt: skip


def _ticks(numbers: Sequence[int], names: Mapping[int, str]) -> list[str]:
    """Each number with its name below, in the room up to its neighbours and the edge."""
    ruler, width = Ruler(), WIDTH - sum(_SIDES)
    first, last = np.log(numbers[0] / _MARGIN), np.log(numbers[-1] * _MARGIN)
    places = [_SIDES[0] + width * (np.log(n) - first) / (last - first) for n in numbers]
    room = [
        min([abs(place - other) for other in places if other != place] + [2 * place - 16, 2 * (WIDTH - place) - 16]) - 8
        for place in places
    ]
    return [
        "\n".join([f"{n:,}", *map(_marked, ruler.wrap(names[n], wide, 9) if n in names else [])])
        for n, wide in zip(numbers, room, strict=True)
    ]


def _said(key: tuple[float, float]) -> str:
    return f"each model right on {key[0]:.0%} of the questions, both right or both wrong on {key[1]:.0%}"


def _alt(
    title: str,
    groups: Sequence[str],
    labels: Sequence[str],
    table: Mapping[tuple[str, str], Estimate],
    lines: Mapping[str, float],
) -> str:
    bands = [
        f"{display_name(group)}: "
        + ", ".join(
            f"{label} {100 * one.value:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"
            for label in labels
            if (one := table.get((label, group)))
        )
        for group in groups
    ]
    drawn = [f"{name} at {100 * share:.1f}" for name, share in lines.items()]
    return f"{title}. Marks with 95% intervals, in percent. {'; '.join(bands + drawn)}."


def _table(
    title: str, groups: Sequence[str], labels: Sequence[str], table: Mapping[tuple[str, str], Estimate]
) -> Table:
    rows = [
        (display_name(group), label, one.value, one.low, one.high, one.n)
        for group in groups
        for label in labels
        if (one := table.get((label, group)))
    ]
    return Table(("group", "label", "value", "low", "high", "n"), tuple(rows), title)


def _curve_alt(title: str, said: Sequence[str], curves: Sequence[Sequence[Resolution]]) -> str:
    parts = [
        f"{name}: " + ", ".join(f"{100 * point.detectable:.1f} points with {point.n:,} questions" for point in curve)
        for name, curve in zip(said, curves, strict=True)
    ]
    return f"{title}. The smallest difference of two models that shows falls with more questions. {'; '.join(parts)}."
