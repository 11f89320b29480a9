"""Routing: which expert of each layer takes more Arabic and which more English, before and after tuning."""

from collections.abc import Sequence
from math import ceil

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bimedix2_core.bench.expert_use import ExpertUse
from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import LANGUAGE_NAMES, axes_at, note
from bimedix2_core.paper.figures.routing_words import MOMENTS, alt_text, counted, numbers
from bimedix2_core.paper.figures.style import (
    AMBER,
    AMBER_TINT,
    BROWN,
    INK,
    LINE,
    MUTED,
    SERIES,
    SLATE,
    TEAL,
    TEAL_TINT,
    WIDTH,
    height_of,
    new_figure,
    settings,
)
from bimedix2_core.paper.figures.text import Ruler, draw_title
from bimedix2_core.records import LANGUAGES

_COLOURS = LinearSegmentedColormap.from_list(
    "languages", [(0, TEAL), (0.25, "#79acb1"), (0.4, TEAL_TINT), (0.5, "white"), (0.6, AMBER_TINT), (0.75, AMBER),
                  (1, BROWN)])  # fmt: skip
"""From English to Arabic, as dark to either side."""

_LEFT, _GAP, _STRIP, _NUMBER, _BETWEEN, _RIGHT = 54.0, 7.0, 38.0, 24.0, 10.0, 8.0
"""Points: names of the rows, before the strip of distances, the strip, its numbers, between the panels, at the edge."""
_MAP = (WIDTH - _LEFT - _BETWEEN - _RIGHT) / 2 - _GAP - _STRIP - _NUMBER
_HEAD, _BARS, _FOOT = 50.0, 42.0, 78.0
_DARK = 0.5
"""Lightness of a cell below which its number is white."""


def routing_figure(before: ExpertUse, after: ExpertUse, *, title: str, remark: str = "") -> Picture:
    """Two maps of layers and experts on one scale, with each expert's load above and each layer's distance beside.

    A cell is the expert's share of the Arabic choices minus its share of the English, in points: teal and negative
    where it takes more English, amber to brown and positive where it takes more Arabic. Bold cells have an interval
    clear of 0.

    Args:
        before: the experts of the model that tuning starts from.
        after: those of the tuned model, over the same texts.
        title: above all, in either script.
        remark: which texts these are, at the foot; the numbers of texts and tokens are always there.

    Raises:
        DataError: the numbers of layers, experts or tokens differ.
    """
    _require_alike(before, after)
    uses, n_layers = (before, after), len(before.layers)
    row = min(30.0, max(12.0, 200 / n_layers))
    words = " ".join(part for part in (counted(after), remark) if part)
    foot = _FOOT + 12 * len(Ruler().wrap(words, WIDTH - 24, 8))
    scale, reach = _scale(uses), _reach(uses)
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, _HEAD + _BARS + 8 + row * n_layers + foot)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        for index, (moment, use) in enumerate(zip(MOMENTS, uses, strict=True)):
            left = _LEFT + index * (_MAP + _GAP + _STRIP + _NUMBER + _BETWEEN)
            _draw_head(figure, use, moment, left)
            _draw_loads(axes_at(figure, left, _HEAD, _MAP, _BARS), use, most=_most_load(uses), is_first=index == 0)
            top = _HEAD + _BARS + 8
            _draw_map(axes_at(figure, left, top, _MAP, row * n_layers), use, scale, row, is_first=index == 0)
            strip = axes_at(figure, left + _MAP + _GAP, top, _STRIP, row * n_layers)
            _draw_distances(strip, use, reach)
        _draw_scale(figure, scale, top + row * n_layers + 42)
        note(figure, words)
    return Picture(figure, alt_text(title, before, after), numbers(title, uses))


def _require_alike(before: ExpertUse, after: ExpertUse) -> None:
    sizes = [(len(one.layers), one.n_experts, dict(one.n_tokens)) for one in (before, after)]
    if sizes[0] != sizes[1]:
        raise DataError(
            f"layers, experts and tokens before are {sizes[0]} and after {sizes[1]}; expected one architecture over "
            "the same texts; count both models alike"
        )


def _differences(use: ExpertUse) -> np.ndarray:
    """float[L, E], in points."""
    return 100 * np.array([[one.value for one in layer.differences] for layer in use.layers])


def _scale(uses: Sequence[ExpertUse]) -> float:
    """Points at both ends of the colours."""
    most = max(np.abs(_differences(use)).max() for use in uses)
    step = 5 if most > 5 else 1
    return max(1.0, step * ceil(most / step))


def _reach(uses: Sequence[ExpertUse]) -> float:
    """How far the axis of the distances goes."""
    most = max(layer.distance.estimate.high for use in uses for layer in use.layers)
    return min(1.0, max(0.1, ceil(10 * most) / 10))


def _loads(use: ExpertUse, language: str) -> np.ndarray:
    """float[E]: share of all choices, in percent, the mean over layers."""
    return 100 * np.mean([[one.value for one in layer.shares[language]] for layer in use.layers], axis=0)


def _most_load(uses: Sequence[ExpertUse]) -> float:
    return max(_loads(use, language).max() for use in uses for language in LANGUAGES)


def _draw_head(figure: Figure, use: ExpertUse, moment: str, left: float) -> None:
    """Above a panel: the moment, and the mean distance over its layers."""
    one = use.mean_distance.estimate
    x, y = left / WIDTH, 1 - (_HEAD - 14) / height_of(figure)
    figure.text(x, y, moment, fontsize=9.5, fontweight="bold", color=INK)
    said = f"distance {one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
    figure.text((left + _MAP + _GAP + _STRIP + _NUMBER) / WIDTH, y, said, fontsize=8, color=MUTED, ha="right")


def _draw_loads(axes: Axes, use: ExpertUse, *, most: float, is_first: bool) -> None:
    """Two bars for each expert, English at the left, against the load of all experts alike."""
    places, even = np.arange(use.n_experts), 100 / use.n_experts
    for index, language in enumerate(LANGUAGES):
        colour, hatch, _, _ = SERIES[index]
        axes.bar(places + 0.38 * (index - 0.5), _loads(use, language), 0.36, color=colour, hatch=hatch,
                 edgecolor="white", linewidth=0)  # fmt: skip
        if is_first:
            _name_bars(axes, LANGUAGE_NAMES[language], 0.62 - 0.34 * index, colour, hatch)
    axes.axhline(even, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=3)
    axes.annotate(f"even: {even:.3g}%", (1, even), (4, 0), xycoords=("axes fraction", "data"), va="center",
                  textcoords="offset points", fontsize=8, color=MUTED, annotation_clip=False)  # fmt: skip
    axes.set(xlim=(-0.5, use.n_experts - 0.5), ylim=(0, 1.08 * max(most, even)), xticks=[], yticks=[])
    axes.spines["left"].set_visible(False)


def _name_bars(axes: Axes, name: str, y: float, colour: str, hatch: str) -> None:
    """At the left of the bars, with a swatch of their own; lengths as shares of the axes."""
    swatch = Rectangle((-9 / _MAP, y - 4 / _BARS), 7 / _MAP, 8 / _BARS, transform=axes.transAxes, facecolor=colour,
                       hatch=hatch * 2, edgecolor="white", linewidth=0, clip_on=False)  # fmt: skip
    axes.add_patch(swatch)
    axes.annotate(name, (0, y), (-12, 0), xycoords="axes fraction", textcoords="offset points", ha="right",
                  va="center_baseline", fontsize=8, color=INK)  # fmt: skip


def _draw_map(axes: Axes, use: ExpertUse, scale: float, row: float, *, is_first: bool) -> None:
    """A cell for each layer and expert; its sign says the side where colour does not."""
    values, norm = _differences(use), Normalize(-scale, scale)
    axes.pcolormesh(values, cmap=_COLOURS, norm=norm, edgecolors="white", linewidth=1)
    column = _MAP / use.n_experts
    for place, layer in enumerate(use.layers):
        for expert, one in enumerate(layer.differences):
            is_clear = one.low > 0 or one.high < 0
            red, green, blue, _ = _COLOURS(norm(100 * one.value))
            is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < _DARK
            colour = "white" if is_dark else INK if is_clear else MUTED
            axes.text(expert + 0.5, place + 0.5, _signed(100 * one.value, scale, column), color=colour, ha="center",
                      va="center_baseline", fontsize=min(8.5, 0.62 * row, 0.34 * column),
                      fontweight="bold" if is_clear else "normal")  # fmt: skip
    axes.set(xlim=(0, use.n_experts), ylim=(len(use.layers), 0), xlabel="expert")
    axes.set_xticks(np.arange(use.n_experts) + 0.5, range(use.n_experts), fontsize=8)
    axes.set_yticks(np.arange(len(use.layers)) + 0.5, range(len(use.layers)) if is_first else [""] * len(use.layers))
    axes.tick_params(length=0, labelsize=8)
    if is_first:
        axes.set_ylabel("layer")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _signed(points: float, scale: float, width: float) -> str:
    """The number with its sign, or the sign alone where there is no room."""
    text = f"{points:+.1f}" if scale <= 10 else f"{points:+.0f}"
    if float(text) == 0:
        return "0"
    return (text if width >= 17 else text[0]).replace("-", "\u2212")


def _draw_distances(axes: Axes, use: ExpertUse, reach: float) -> None:
    """The distance of the languages in each layer with its interval, and where chance would put it."""
    for place, layer in enumerate(use.layers):
        one, y = layer.distance.estimate, place + 0.5
        axes.plot([layer.distance.chance] * 2, [y - 0.36, y + 0.36], color=SLATE, linewidth=1.6, zorder=2)
        axes.plot([one.low, one.high], [y, y], color=INK, linewidth=1.3, zorder=3, solid_capstyle="butt")
        axes.plot(one.value, y, "o", markersize=4.2, color=INK, markeredgecolor="white", markeredgewidth=0.5,
                  zorder=4, clip_on=False)  # fmt: skip
        axes.annotate(f"{one.value:.2f}", (1, y), (_NUMBER - 1, 0), xycoords=("axes fraction", "data"), ha="right",
                      va="center_baseline", textcoords="offset points", fontsize=8, color=INK)  # fmt: skip
    axes.set(xlim=(0, reach), ylim=(len(use.layers), 0), xlabel="distance")
    axes.set_yticks([])
    axes.set_xticks([0, reach], ["0", f"{reach:g}"], fontsize=8)
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_color(LINE)


def _draw_scale(figure: Figure, scale: float, top: float) -> None:
    """The colours with their meaning at both ends."""
    width = 210.0
    left = (WIDTH - width) / 2
    axes = axes_at(figure, left, top, width, 9)
    bar = figure.colorbar(ScalarMappable(Normalize(-scale, scale), _COLOURS), cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([-scale, 0, scale], labels=[f"\u2212{scale:g}", "0 points", f"+{scale:g}"])
    axes.tick_params(length=0, labelsize=8)
    for x, offset, side, words in ((0, -8, "right", "takes more English"), (1, 8, "left", "takes more Arabic")):
        axes.annotate(words, (x, 0.5), (offset, 0), xycoords="axes fraction", textcoords="offset points", ha=side,
                      va="center", fontsize=9, color=INK)  # fmt: skip
