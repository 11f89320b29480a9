"""Curves over steps: of losses alone, and of all that is watched while a model trains."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bimedix2_core.paper.figures.plots import axes_at, new_plot, series_styles
from bimedix2_core.paper.figures.style import (
    AMBER,
    INK,
    MUTED,
    PLUM,
    SLATE,
    TEAL,
    WIDTH,
    height_of,
    new_figure,
    require,
    settings,
)
from bimedix2_core.paper.figures.text import draw_title

MAX_POINTS = 600
"""Points of a curve, about one a pixel; a longer one is cut into so many stretches."""

PARTS = {
    "en": ("English", TEAL, "-"),
    "ar": ("Arabic", AMBER, (0, (5, 1.5))),
    "image_text": ("image and text", PLUM, (0, (1.5, 1))),
    "text": ("text alone", SLATE, "-."),
}
"""Name, colour and line of each part of the loss, by its name in the records."""


class Step(Protocol):
    """What is drawn of a step; the records of a training run have it."""

    step: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    losses: dict[str, float]


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
            window = _window(len(losses))
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


def training_curves(steps: Sequence[Step], *, title: str = "") -> Figure:
    """What a run has done so far: the loss, that of each language and modality, learning rate and speed.

    The loss of each step is drawn faint; the other losses and the speed are moving means over a 25th of the steps.

    Raises:
        DataError: there is no step.
    """
    require(steps, "steps")
    numbers = _column(one.step for one in steps)
    curves = {"all": (numbers, _column(one.loss for one in steps))} | _curves_of_parts(steps, numbers)
    rates, speeds = _column(one.learning_rate for one in steps), _column(one.tokens_per_second for one in steps)
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, 372)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        top = 34 if title else 12
        _draw_losses(axes_at(figure, 56, top, 364, 222 - top), curves)
        rate, speed = axes_at(figure, 56, 284, 210, 48), axes_at(figure, 342, 284, 210, 48)
        _draw_small(rate, numbers, rates, name="learning rate", form="{:.2g}")
        _draw_small(
            speed, numbers, _moving_mean(speeds, _window(len(speeds))), name="tokens per second", form="{:,.0f}"
        )
    return figure


def _draw_losses(axes: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The loss over its parts, with a legend at the right that has the last value of each."""
    numbers, losses = curves["all"]
    window = _window(len(losses))
    if window > 1:
        axes.plot(*_envelope(numbers, losses), color=SLATE, linewidth=0.6, alpha=0.4)
    for name, (places, values) in reversed(curves.items()):
        shown, colour, line = PARTS.get(name, (name, INK, "-"))
        means = _moving_mean(values, window)
        _draw_line(axes, places, means, color=colour, linestyle=line, linewidth=2.0 if name == "all" else 1.2,
                   label=f"{shown}  {means[-1]:.2f}")  # fmt: skip
    axes.set(ylabel="loss per supervised token", ylim=(0, None))
    _number_steps(axes, numbers, 6)
    axes.grid(visible=True, axis="y")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.02, 1.02), frameon=False, fontsize=9,
                title="moving mean, at the end" if window > 1 else "at the end", title_fontsize=8, alignment="left",
                handlelength=2.4, borderaxespad=0)  # fmt: skip


def _draw_small(axes: Axes, numbers: np.ndarray, values: np.ndarray, *, name: str, form: str) -> None:
    """One quantity in a small plot: its last value is above it, its highest beside it."""
    _draw_line(axes, numbers, values, color=MUTED, linewidth=1.4)
    axes.set_title(f"{name}  {form.format(values[-1])}", loc="left", fontsize=9, color=INK, pad=6)
    highest = values.max()
    axes.set(ylim=(0, 1.12 * highest or 1), yticks=sorted({0, highest}))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: form.format(value)))
    _number_steps(axes, numbers, 4)
    axes.grid(visible=True, axis="y")


def _draw_line(axes: Axes, numbers: np.ndarray, values: np.ndarray, **look: object) -> None:
    """A line, or the one point there is."""
    marker = "o" if len(values) == 1 else ""
    axes.plot(_thinned(numbers), _thinned(values), marker=marker, markersize=4, clip_on=not marker, **look)


def _number_steps(axes: Axes, numbers: np.ndarray, n_bins: int) -> None:
    """Whole steps along the foot, those of a run's first moments too."""
    last = max(1.0, numbers[-1])
    axes.set(xlabel="step", xlim=(-0.02 * last, 1.02 * last))
    ticks = MaxNLocator(n_bins, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]).tick_values(0, last)
    axes.set_xticks([tick for tick in ticks if 0 <= tick <= last])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _curves_of_parts(steps: Sequence[Step], numbers: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and losses of each part, for the steps it is in."""
    columns = {part: _column(one.losses.get(part, np.nan) for one in steps) for part in PARTS}
    here = {part: ~np.isnan(column) for part, column in columns.items()}
    return {part: (numbers[here[part]], columns[part][here[part]]) for part in PARTS if here[part].any()}


def _column(values: Iterable[float]) -> np.ndarray:
    return np.fromiter(values, dtype=float)


def _thinned(values: np.ndarray) -> np.ndarray:
    """As many values as a picture can show: means of stretches whose lengths differ by one at most."""
    edges = _edges(len(values))
    return np.add.reduceat(values, edges[:-1]) / np.diff(edges)


def _envelope(numbers: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve with all its spikes: where it has too many points, the lowest and the highest of each stretch."""
    if len(values) <= MAX_POINTS:
        return numbers, values
    starts = _edges(len(values))[:-1]
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], axis=1)
    return np.repeat(_thinned(numbers), 2), ends.ravel()


def _edges(n: int) -> np.ndarray:
    """Where each of at most ``MAX_POINTS`` stretches begins, and the end of the last."""
    return np.linspace(0, n, min(n, MAX_POINTS) + 1).round().astype(int)


def _window(n: int) -> int:
    """Steps of a moving mean: a 25th of the curve; a short curve is drawn as it is."""
    return max(1, n // 25) if n > 50 else 1


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
