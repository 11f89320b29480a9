"""Loss over steps."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bimedix2_core.paper.figures.plots import new_plot, series_styles
from bimedix2_core.paper.figures.style import AMBER, height_of, require, settings


def loss_curves(
    curves: Mapping[str, Sequence[tuple[int, float]]], *, title: str = "", ylabel: str = "loss per supervised token"
) -> Figure:
    """Loss over steps, each curve named at its end; a long curve is drawn faint, with its moving mean above it."""
    require(curves, "curves")
    with mpl.rc_context(settings()):
        figure, axes = new_plot(225, title, legend=2)
        ends = []
        for (name, curve), (colour, _, line, _) in zip(curves.items(), series_styles(len(curves)), strict=True):
            require(curve, f"points in curve {name!r}")
            steps, losses = (np.array(values, dtype=float) for values in zip(*curve, strict=True))
            window = max(1, len(losses) // 25) if len(losses) > 50 else 1
            axes.plot(steps, losses, color=colour, linestyle=line, linewidth=1.8 if window == 1 else 0.6,
                      alpha=1.0 if window == 1 else 0.4, label=name)  # fmt: skip
            if window > 1:
                losses = _moving_mean(losses, window)
                axes.plot(steps, losses, color=colour, linestyle=line, linewidth=1.8, label=f"{name}, moving mean")
            axes.plot(steps[-1], losses[-1], marker="o", markersize=4, color=colour, label="")
            ends.append((steps[-1], losses[-1], name, colour))
        axes.set(xlabel="step", ylabel=ylabel, ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
        axes.grid(visible=True, axis="y")
        _label_ends(axes, ends)
    return figure


def _moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of ``window`` values around each place, of those there are at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    starts, ends = np.maximum(0, places - window // 2), np.minimum(len(values), places + window // 2 + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """The names of curves at their ends, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    least = (high - low) * 13 / (axes.get_position().height * height_of(axes.figure))
    ends = sorted(ends, key=lambda end: end[1])
    right = max(end[0] for end in ends)
    lowest = -np.inf
    for _, loss, name, colour in ends:
        lowest = max(loss, lowest + least)
        axes.annotate(f"{name}  {loss:.2f}", (right, lowest), (9, 0), textcoords="offset points", va="center",
                      fontsize=9, color=colour if colour != AMBER else "#96650f", annotation_clip=False)  # fmt: skip
