"""Figure 1: BiMed-MBench by modality in both languages, as the paper's radar and as dots that can be read off."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import Look, axes_at, looks
from bimedix2_core.paper.figures.readings import Reading, Readings, readings
from bimedix2_core.paper.figures.style import INK, LINE, MUTED, TEAL, WIDTH, new_figure, settings
from bimedix2_core.paper.figures.text import draw_title
from bimedix2_core.paper.measured import Measured

_ARABIC = "_ar"
_APART = 0.016
"""Share of the scale below which two dots of a line would touch."""

_RADAR, _ROW, _GAP, _NAMES = 262.0, 19.0, 12.0, 74.0


def mbench_radar(measured: Sequence[Measured] = ()) -> Picture:
    """Figure 1: a radar of ten axes, and below it the same numbers as dots on one scale, the ends of each row named.

    Args:
        measured: cells of the exhibit ``fig01``; they stand in place of the reported numbers, a demo's stand alone.

    Raises:
        PaperError: a cell stands in a column the exhibit does not have.
        DataError: the cells cannot be of one run.
    """
    drawn = readings(exhibit("fig01"), measured)
    order = drawn.by_mean([column.id for column in drawn.columns])
    look = looks(order)
    with mpl.rc_context(settings()):
        below = 66 + _RADAR + _NAMES
        height = below + _ROW * len(drawn.columns) + _GAP + 46
        figure = new_figure(WIDTH, height)
        draw_title(figure, drawn.title, left=12, right=WIDTH - 12)
        _draw_radar(figure, drawn, order, look)
        _draw_dots(axes_at(figure, 84, below, WIDTH - 84 - 46, height - below - 46), drawn, order, look)
    return Picture(figure, _alt(drawn, order), drawn.table())


def _draw_radar(figure: Figure, drawn: Readings, order: Sequence[str], look: Mapping[str, Look]) -> None:
    """One closed line for each model, axes clockwise, English at the right, Arabic at the left; a key beside."""
    axes = axes_at(figure, 56, 58, _RADAR, _RADAR, projection="polar")
    angles = _angles(len(drawn.columns))
    for row in reversed(order):
        values = [reading.value if reading else np.nan for reading in _along(drawn, row)]
        one = look[row]
        axes.plot(np.append(angles, angles[0]), [*values, values[0]], color=one.colour, linestyle=one.line,
                  linewidth=one.width, marker=one.marker, markersize=5 if one.is_own else 4, label=row,
                  zorder=4 if one.is_own else 3)  # fmt: skip
        if one.is_own and not np.isnan(values).any():
            axes.fill(angles, values, color=one.colour, alpha=0.1, zorder=1)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    top = _ceiling(drawn)
    axes.set(ylim=(0, top))
    rings = np.arange(20, top + 1, 20)
    axes.set_rgrids(rings, [f"{ring:.0f}" for ring in rings], angle=0, fontsize=8, color=MUTED, ha="center", zorder=6)
    is_arabic = [column.id.endswith(_ARABIC) for column in drawn.columns]
    halves = is_arabic == [False] * (len(angles) // 2) + [True] * (len(angles) // 2)
    titles = [column.title for column in drawn.columns]
    axes.set_xticks(angles, [title.removesuffix(_ARABIC) if halves else _row_label(title) for title in titles])
    axes.tick_params(axis="x", pad=4)
    axes.spines["polar"].set_color(LINE)
    for x, side, words in ((0.0, "right", "Arabic"), (1.0, "left", "English")):
        if halves:
            axes.text(x, 1.0, words, transform=axes.transAxes, ha=side, fontsize=9, fontweight="bold", color=MUTED)
    handles = [Line2D([], [], color=look[row].colour, linestyle=look[row].line, marker=look[row].marker, markersize=6,
                      linewidth=look[row].width, label=drawn.name(row)) for row in order]  # fmt: skip
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.24, 0.5), frameon=False, fontsize=9,
                handlelength=3.4, labelspacing=0.9, title="highest mean first", title_fontsize=8,
                alignment="left")  # fmt: skip


def _draw_dots(axes: Axes, drawn: Readings, order: Sequence[str], look: Mapping[str, Look]) -> None:
    """One line for each axis of the radar, one dot for each model; the first line names them, all say their ends."""
    places = _places(drawn)
    for column, y in zip(drawn.columns, places, strict=True):
        found = drawn.column(column.id)
        axes.axhline(y, color=LINE, linewidth=0.7, zorder=1)
        lifts = _lifts({row: found[row].value for row in order if row in found}, _ceiling(drawn))
        for row, lift in reversed(lifts.items()):
            _draw_dot(axes, found[row], y + lift, look[row])
        _say_ends(axes, list(found.values()), y)
    _name_dots(axes, drawn, drawn.columns[0].id)
    axes.set(xlim=(0, _ceiling(drawn)), ylim=(places[-1] + 0.6, -0.6), xlabel="relative score, % of the reference")
    axes.set_yticks(places, [_row_label(column.title) for column in drawn.columns])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x")


def _draw_dot(axes: Axes, reading: Reading, y: float, look: Look) -> None:
    """A dot, with its interval if it was measured."""
    if reading.low is not None and reading.high is not None:
        axes.plot([reading.low, reading.high], [y, y], color=look.colour, linewidth=1.4, zorder=2)
    edge = INK if reading.source == "measured" else "white"
    axes.plot(reading.value, y, marker=look.marker, markersize=7.5 if look.is_own else 6, color=look.colour,
              markeredgecolor=edge, markeredgewidth=1.2 if reading.source == "measured" else 0.6,
              linestyle="none", zorder=4 if look.is_own else 3)  # fmt: skip


def _lifts(values: Mapping[str, float], ceiling: float) -> dict[str, float]:
    """How far each dot leaves its line, in lines, so that none hides another: neighbours take lanes beside it."""
    lanes = {0.0: -ceiling, 0.3: -ceiling, -0.3: -ceiling}
    lifts = {}
    for row, value in sorted(values.items(), key=lambda item: item[1]):
        free = [lane for lane, last in lanes.items() if value - last >= _APART * ceiling]
        lifts[row] = free[0] if free else min(lanes, key=lanes.__getitem__)
        lanes[lifts[row]] = value
    return {row: lifts[row] for row in values}


def _say_ends(axes: Axes, found: Sequence[Reading], y: float) -> None:
    """The highest and the lowest number of a line, outside its dots."""
    high, low = max(found, key=lambda one: one.value), min(found, key=lambda one: one.value)
    right = max(one.value if one.high is None else one.high for one in found)
    left = min(one.value if one.low is None else one.low for one in found)
    ends = ((high, right, 7, "left"), (low, left, -7, "right"))
    for one, end, offset, side in ends if len(found) > 1 else ends[:1]:
        axes.annotate(one.text, (end, y), (offset, 0), textcoords="offset points", ha=side, va="center", fontsize=8.5,
                      color=INK)  # fmt: skip


def _name_dots(axes: Axes, drawn: Readings, column: str) -> None:
    """The models above the dots of the first line, slanted and pushed apart."""
    found = sorted(drawn.column(column).items(), key=lambda item: item[1].value)
    least = _ceiling(drawn) * 21 / (axes.get_position().width * WIDTH)
    places = [one.value for _, one in found]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + least)
    for (row, one), place in zip(found, places, strict=True):
        axes.annotate(drawn.names[row], (one.value, 0), (place, -1.05), textcoords="data", rotation=32, ha="left",
                      va="bottom", rotation_mode="anchor", fontsize=8.5, annotation_clip=False,
                      color=TEAL if row.startswith("bimedix2") else INK,
                      arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0,
                                  "shrinkB": 4})  # fmt: skip


def _angles(count: int) -> np.ndarray:
    """Evenly spaced, so that the first half of the axes stands right of the vertical."""
    return (np.arange(count) + 0.5) * 2 * np.pi / count


def _along(drawn: Readings, row: str) -> list[Reading | None]:
    found = drawn.row(row)
    return [found.get(column.id) for column in drawn.columns]


def _ceiling(drawn: Readings) -> float:
    """The next multiple of 20 above all numbers, so that the last ring is one."""
    return float(20 * np.ceil(max(one.high or one.value for one in drawn.cells.values()) / 20))


def _places(drawn: Readings) -> list[float]:
    """Heights of the lines: a gap between the languages."""
    is_arabic = [column.id.endswith(_ARABIC) for column in drawn.columns]
    steps = [1 + (_GAP / _ROW if after != before else 0) for before, after in pairwise(is_arabic)]
    return [0.0, *np.cumsum(steps).tolist()]


def _row_label(title: str) -> str:
    return f"{title.removesuffix(_ARABIC)}, {'Arabic' if title.endswith(_ARABIC) else 'English'}"


def _alt(drawn: Readings, order: Sequence[str]) -> str:
    axes = "; ".join(_row_label(column.title) for column in drawn.columns)
    return (
        f"{drawn.title}. {drawn.exhibit.caption}, and the same numbers as dots: {len(order)} models on "
        f"{len(drawn.columns)} axes ({axes}). {drawn.extremes()} "
        f"By mean over the axes, highest first: {', '.join(drawn.name(row) for row in order)}."
    )
