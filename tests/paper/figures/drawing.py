"""Measured cells of the paper's and of a demo's profile, and what a figure shows of its words."""

from dataclasses import replace

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bimedix2_core.paper.figures.style import settings
from bimedix2_core.paper.measured import Demo, Reproduced
from tests.paper.cells import CARD, DEMO_CARD


def reproduced(row: str, column: str, value: float, spread: float | None = 4.0, n: int = 100) -> Reproduced:
    low, high = (None, None) if spread is None else (value - spread, value + spread)
    return Reproduced(row, column, value, low, high, n, 0, replace(CARD, n=n))


def demo(row: str, column: str, value: float, spread: float | None = 4.0, n: int = 100) -> Demo:
    low, high = (None, None) if spread is None else (value - spread, value + spread)
    return Demo(row, column, value, low, high, n, 0, replace(DEMO_CARD, n=n))


def words(figure: Figure) -> list[str]:
    """All texts of a figure: its own, those in its axes, and the names of their rows."""
    texts = [*figure.texts, *(text for axes in figure.axes for text in [*axes.texts, *axes.get_yticklabels()])]
    return [text.get_text().strip("\u200e\u200f") for text in texts if text.get_text()]


def canvas_of(figure: Figure) -> FigureCanvasAgg:
    """The figure drawn as `Picture` draws it: with another hinting than in its settings, lines are wider."""
    canvas = FigureCanvasAgg(figure)
    with mpl.rc_context(settings()):
        canvas.draw()
    return canvas


def cut_off(figure: Figure) -> list[str]:
    """The texts that do not lie wholly on the page."""
    drawn = canvas_of(figure)
    width, height = drawn.get_width_height()
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label]
        texts += [*axes.get_yticklabels(), *axes.get_xticklabels()] if axes.axison else []
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
    boxes = {text: text.get_window_extent(drawn.get_renderer()) for text in texts if text.get_text()}
    return [
        text.get_text()
        for text, box in boxes.items()
        if text.get_visible() and not (box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height)
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that are written over one another; slanted ones are left out, their boxes are wider than they."""
    drawn = canvas_of(figure)
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, *(axes.get_yticklabels() if axes.axison else [])]
    boxes = [
        (text.get_text(), text.get_window_extent(drawn.get_renderer()))
        for text in texts
        if text.get_text().strip() and text.get_rotation() == 0
    ]
    return [
        (one, other)
        for index, (one, a) in enumerate(boxes)
        for other, b in boxes[index + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]
