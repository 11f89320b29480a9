"""Error rates of translations: what share is wrong in wording or in meaning, and how scores part them."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from bimedix2_core.paper.figures.plots import new_plot, series_styles
from bimedix2_core.paper.figures.style import require, settings
from bimedix2_core.statistics import Estimate

_HATCHES = ("", "///", "xxx", "...")


def error_rates(rates: Mapping[str, Mapping[str, Estimate]], *, title: str) -> Figure:
    """Bars in groups: for each error class the rate of each way, with its 95% interval.

    Args:
        rates: error class -> way -> rate, 0 to 1; every class has the same ways.
        title: above the figure.
    """
    require(rates, "error classes")
    ways = list(next(iter(rates.values())))
    require(ways, "ways to translate")
    width = 0.8 / len(ways)
    with mpl.rc_context(settings()):
        figure, axes = new_plot(250, title, legend=len(ways))
        for number, (way, style) in enumerate(zip(ways, series_styles(len(ways)), strict=True)):
            places = [group + (number - (len(ways) - 1) / 2) * width for group in range(len(rates))]
            found = [rates[name][way] for name in rates]
            values = [100 * one.value for one in found]
            spread = [[100 * (one.value - one.low) for one in found], [100 * (one.high - one.value) for one in found]]
            axes.bar(places, values, width * 0.9, color=style[0], hatch=_HATCHES[number % 4], label=way, alpha=0.85,
                     edgecolor="white")  # fmt: skip
            axes.errorbar(places, values, spread, fmt="none", ecolor="#333333", capsize=3, linewidth=1)
        axes.set_xticks(range(len(rates)), list(rates))
        axes.set(ylabel="% of the rows", ylim=(0, None))
        axes.grid(visible=True, axis="y")
        axes.legend(loc="upper right", frameon=False)
    return figure


def scores_by_class(scores: Mapping[str, Sequence[float]], *, threshold: float, title: str) -> Figure:
    """The scores of each class as rows of marks, and the threshold as a line.

    Args:
        scores: class -> scores, 0 to 100.
        threshold: score from which a translation passes.
        title: above the figure.
    """
    require(scores, "classes")
    with mpl.rc_context(settings()):
        figure, axes = new_plot(60 + 45 * len(scores), title, legend=1)
        for number, (values, style) in enumerate(zip(scores.values(), series_styles(len(scores)), strict=True)):
            offsets = [((index * 0.618) % 1 - 0.5) * 0.55 for index in range(len(values))]  # spread, not random
            axes.scatter(values, [number + offset for offset in offsets], s=16, color=style[0], alpha=0.6, linewidths=0)
        axes.axvline(threshold, color="#333333", linestyle="--", linewidth=1)
        axes.annotate(f"passes from {threshold:g}", (threshold, 1), (-4, 2), xycoords=("data", "axes fraction"),
                      textcoords="offset points", fontsize=9, ha="right")  # fmt: skip
        axes.set_yticks(range(len(scores)), [f"{name} ({len(values)})" for name, values in scores.items()])
        axes.invert_yaxis()
        axes.set(xlabel="score", xlim=(-3, 103))
    return figure
