"""The three pictures of the audit: averages as printed and recomputed, Table 4 recomposed, gains with intervals.

Markers differ by shape and filling, not by colour alone, and what stands out is
named where it stands.
"""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from bimedix2_core.paper.audit.effects import Effect
from bimedix2_core.paper.audit.recomposition import Average, Overall
from bimedix2_core.paper.audit.sources import label_of
from bimedix2_core.paper.figures.plots import new_plot
from bimedix2_core.paper.figures.style import AMBER, INK, LINE, MUTED, PLUM, TEAL, TEAL_TINT, WIDTH, require, settings

BAND = 0.1
"""Points a recomposed Overall may be away through rounding."""

EDGE = 1.3
"""Last digits; an average further away is drawn at the edge as an arrow, with its numbers."""


def average_gaps(averages: Sequence[Average], *, title: str = "") -> Figure:
    """Each printed average against the mean of its cells, in units of its last printed digit, table by table.

    Rounding alone keeps a dot inside the band, half a digit to either side; dots outside are named. A dot further than
    ``EDGE`` is an arrow at the edge.

    Raises:
        DataError: there is no average.
    """
    require(averages, "averages")
    tables = list(dict.fromkeys(average.table for average in averages))
    with mpl.rc_context(settings()):
        figure, axes = new_plot(96 + 32 * len(tables), title, left=116, right=24)
        axes.axvspan(-0.5, 0.5, color=TEAL_TINT, zorder=0, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        for row, table in enumerate(tables):
            group = sorted((average for average in averages if average.table == table), key=lambda a: a.gap)
            axes.axhline(row, color=LINE, linewidth=0.7, zorder=1)
            for average, lift in zip(group, _lifts([float(a.gap_in_last_digits) for a in group]), strict=True):
                _draw_gap(axes, average, row, lift)
        counts = [sum(average.table == table for average in averages) for table in tables]
        axes.set_yticks(
            range(len(tables)), [f"{label_of(table)}  n = {n}" for table, n in zip(tables, counts, strict=True)]
        )
        _tidy(axes, len(tables))
        axes.set(xlim=(-EDGE, EDGE), xlabel="recomputed minus printed, in units of the last printed digit")
        _legend(axes, [_marker("agrees", "o", TEAL, filled=True), _marker("does not", "D", AMBER, filled=False),
                       Patch(color=TEAL_TINT, label="what rounding explains")])  # fmt: skip
    return figure


def overall_recomposed(overalls: Sequence[Overall], *, title: str = "") -> Figure:
    """The Overall of each model minus itself as its domains, and as its question types, make it.

    Raises:
        DataError: there is no row.
    """
    require(overalls, "rows")
    with mpl.rc_context(settings()):
        figure, axes = new_plot(96 + 27 * len(overalls), title, left=104, right=176)
        axes.axvspan(-BAND, BAND, color=TEAL_TINT, zorder=0, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        for row, overall in enumerate(overalls):
            gaps = [float(value - overall.printed) for value in (overall.by_domain, overall.by_type)]
            axes.plot(gaps, [row, row], color=LINE, linewidth=3, zorder=1, solid_capstyle="butt")
            axes.plot(gaps[1], row, marker="D", markersize=7, color=AMBER, zorder=3, linestyle="none")
            axes.plot(gaps[0], row, marker="o", markersize=6, markerfacecolor="white", markeredgecolor=TEAL,
                      markeredgewidth=1.6, zorder=4, linestyle="none")  # fmt: skip
            numbers = (f"{overall.printed}", f"{overall.by_domain:.2f}", f"{overall.by_type:.2f}")
            _columns(axes, row, numbers, bold=abs(gaps[1]) > BAND)
        _columns(axes, -0.85, ("printed", "domains", "types"), muted=True)
        axes.set_yticks(range(len(overalls)), [overall.name for overall in overalls])
        _tidy(axes, len(overalls))
        axes.set(xlabel="recomposed minus printed Overall, points")
        axes.grid(visible=True, axis="x")
        _legend(axes, [_marker("from five domains", "o", TEAL, filled=False),
                       _marker("from two question types", "D", AMBER, filled=True),
                       Patch(color=TEAL_TINT, label="rounding")])  # fmt: skip
    return figure


def effect_sizes(effects: Sequence[Effect], *, title: str = "") -> Figure:
    """Each claimed gain in points with its 95% interval, what was claimed, and the smallest gain such a test shows.

    A hollow marker has no interval: its number of questions or the spread of its scores is not printed.

    Raises:
        DataError: there is no gain.
    """
    require(effects, "gains")
    with mpl.rc_context(settings()):
        figure, axes = new_plot(104 + 31 * len(effects), title, left=212, right=120, legend=38)
        axes.axvline(0, color=INK, linewidth=0.9, zorder=2)
        for row, effect in enumerate(effects):
            _draw_effect(axes, effect, row)
        labels = [f"{effect.name}\n{effect.claim_id.split('_')[0]}: {effect.metric}" for effect in effects]
        axes.set_yticks(range(len(effects)), labels)
        axes.tick_params(axis="y", labelsize=8)
        _tidy(axes, len(effects))
        axes.set(xlabel="gain, points")
        axes.grid(visible=True, axis="x")
        _legend(axes, [_marker("gain with 95% interval", "o", TEAL, filled=True),
                       _marker("gain, no interval possible", "o", TEAL, filled=False),
                       Line2D([], [], color=PLUM, marker="|", markersize=11, markeredgewidth=2, linestyle="none",
                              label="claimed"),
                       Patch(color=LINE, label="too small to be seen in 80 of 100 tests")], columns=2)  # fmt: skip
    return figure


def _draw_gap(axes: Axes, average: Average, row: int, lift: float) -> None:
    """A dot, or an arrow at the edge; its numbers if rounding does not explain it."""
    gap = float(average.gap_in_last_digits)
    place = min(max(gap, -EDGE + 0.06), EDGE - 0.06)
    if average.agrees:
        axes.plot(gap, row - lift, marker="o", markersize=5, color=TEAL, alpha=0.85, markeredgecolor="white",
                  markeredgewidth=0.5, zorder=3)  # fmt: skip
        return
    shape = "D" if place == gap else ">" if gap > 0 else "<"
    axes.plot(place, row, marker=shape, markersize=7, markerfacecolor="white", markeredgecolor=AMBER,
              markeredgewidth=1.8, zorder=4)  # fmt: skip
    digits = 1 - int(average.printed.as_tuple().exponent)
    text = f"{average.name}: printed {average.printed}, recomputed {average.recomputed:.{digits}f}"
    side = "right" if gap > 0 else "left"
    axes.annotate(text, (place, row), (0, 8), textcoords="offset points", fontsize=8, color=INK, zorder=5, ha=side,
                  path_effects=[withStroke(linewidth=2.5, foreground="white")])  # fmt: skip


def _lifts(places: Sequence[float]) -> list[float]:
    """How far each dot of a row is lifted so that neighbours do not hide one another; places are in rising order."""
    lifts, lanes = [], [-2 * EDGE] * 4
    for place in places:
        lane = next((index for index, last in enumerate(lanes) if place - last > 0.05), 0)
        lanes[lane] = place
        lifts.append((0, -0.22, 0.22, -0.4)[lane])
    return lifts


def _draw_effect(axes: Axes, effect: Effect, row: int) -> None:
    """What cannot be seen, what was claimed, what was found, and the numbers at the right."""
    if effect.detectable is not None:
        axes.barh(row, effect.detectable, height=0.62, color=LINE, zorder=0)
    axes.plot(effect.claimed, row, marker="|", markersize=15, markeredgewidth=2, color=PLUM, zorder=3)
    filling = TEAL
    if effect.low is None or effect.high is None:
        filling = "white"
    else:
        axes.plot([effect.low, effect.high], [row, row], color=TEAL, linewidth=1.6, zorder=3)
    axes.plot(effect.points, row, marker="o", markersize=7, markerfacecolor=filling, markeredgecolor=TEAL,
              markeredgewidth=1.6, zorder=4)  # fmt: skip
    n = "n not stated" if effect.n is None else f"n = {effect.n:,}"
    interval = n if effect.low is None else f"{effect.low:+.1f} to {effect.high:+.1f}, {n}"
    axes.annotate(f"{effect.points:+.1f}", (1, row), (8, 5), xycoords=("axes fraction", "data"),
                  textcoords="offset points", va="center", fontsize=9, fontweight="bold", color=INK)  # fmt: skip
    axes.annotate(interval, (1, row), (8, -6), xycoords=("axes fraction", "data"), textcoords="offset points",
                  va="center", fontsize=7.5, color=MUTED)  # fmt: skip


def _columns(axes: Axes, y: float, texts: Sequence[str], *, bold: bool = False, muted: bool = False) -> None:
    """Numbers in columns at the right of a row, the last one bold where it is off."""
    for index, text in enumerate(texts):
        axes.annotate(text, (1, y), (52 + 56 * index, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="center", fontsize=8 if muted else 9,
                      color=MUTED if muted else INK,
                      fontweight="bold" if bold and index == len(texts) - 1 else "normal")  # fmt: skip


def _tidy(axes: Axes, n_rows: int) -> None:
    """Rows from the top, without ticks and without a line at their left."""
    axes.set(ylim=(n_rows - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _marker(label: str, shape: str, colour: str, *, filled: bool) -> Line2D:
    face = colour if filled else "white"
    return Line2D([], [], color=colour, marker=shape, markersize=6.5, markeredgewidth=1.6, markerfacecolor=face,
                  linestyle="none", label=label)  # fmt: skip


def _legend(axes: Axes, handles: Sequence[Line2D | Patch], *, columns: int = 4) -> None:
    """Above the plot, from the left edge of the figure."""
    box = axes.get_position()
    left = 12 / (box.width * WIDTH) - box.x0 / box.width
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(left, 1.0), ncols=columns, frameon=False,
                fontsize=8.5, borderaxespad=0.2, handlelength=1.4, columnspacing=1.4)  # fmt: skip
