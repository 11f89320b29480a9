"""Lengths: how many tokens the samples of a data set have, one panel for each group, on one scale."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator

from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import axes_at, display_name, series_styles
from bimedix2_core.paper.figures.style import INK, WIDTH, new_figure, require, settings
from bimedix2_core.paper.figures.text import draw_title

_PANEL, _BINS = 96.0, 40


def length_histogram(lengths: Mapping[str, Mapping[int, int]], *, title: str) -> Picture:
    """How many samples have how many tokens; a line marks the median of each group.

    Args:
        lengths: by group (such as a language) how many samples have each length.
        title: above all.

    Raises:
        DataError: there is no group, or a group without a sample.
    """
    require(lengths, "groups of lengths")
    for group, counts in lengths.items():
        require(counts, f"lengths of {group!r}")
    longest = max(max(counts) for counts in lengths.values())
    edges = np.linspace(0, longest + 1, min(_BINS, longest + 1) + 1)
    medians = {group: _median(counts) for group, counts in lengths.items()}
    with mpl.rc_context(settings()):
        figure = new_figure(WIDTH, 46 + (_PANEL + 22) * len(lengths) + 26)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        styles = series_styles(len(lengths))
        for place, ((group, counts), (colour, hatch, *_)) in enumerate(zip(lengths.items(), styles, strict=True)):
            axes = axes_at(figure, 56, 46 + place * (_PANEL + 22), WIDTH - 80, _PANEL)
            heights, _ = np.histogram(list(counts), bins=edges, weights=list(counts.values()))
            axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=colour, hatch=hatch, edgecolor="white",
                     linewidth=0.4)  # fmt: skip
            axes.axvline(medians[group], color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
            axes.annotate(f"{display_name(group)}, median {medians[group]}", (1, 1), (-2, -4), va="top", ha="right",
                          xycoords="axes fraction", textcoords="offset points", fontsize=9, color=INK)  # fmt: skip
            axes.set(xlim=(0, longest + 1), ylabel="samples")
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
            axes.set_xlabel("tokens in all turns" if place == len(lengths) - 1 else "")
    return Picture(figure, _alt(title, lengths, medians))


def _median(counts: Mapping[int, int]) -> int:
    """The smallest length that at least half of the samples do not exceed."""
    half, seen = sum(counts.values()) / 2, 0
    for length in sorted(counts):
        seen += counts[length]
        if seen >= half:
            break
    return length


def _alt(title: str, lengths: Mapping[str, Mapping[int, int]], medians: Mapping[str, int]) -> str:
    said = "; ".join(
        f"{display_name(group)}: {sum(counts.values()):,} samples of {min(counts)} to {max(counts)} tokens, "
        f"median {medians[group]}"
        for group, counts in lengths.items()
    )
    return f"{title}: a histogram for each language. {said}."
