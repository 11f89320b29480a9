"""Boxes and arrows: what Figures 2 and 5 are drawn with."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from bimedix2_core.paper.figures.style import INK, LINE, MUTED, PAPER, TEAL, TEAL_TINT, rounded
from bimedix2_core.paper.figures.text import Line, Ruler, draw_lines

_PAD, _TITLE_SIZE, _TEXT_SIZE = 8.0, 9.5, 8.5
_TITLE_STEP, _TEXT_STEP = 15.0, 12.5


@dataclass(frozen=True)
class Box:
    """A box with a title and lines below it; lengths in points from the upper left."""

    title: str
    text: tuple[str, ...]
    """Paragraphs, each wrapped to the box."""
    left: float
    top: float
    width: float
    height: float
    look: str = "plain"
    """``plain``, ``accent`` (thick edge, tinted) or ``aside`` (dashed edge)."""

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


def height_needed(title: str, text: Sequence[str], width: float) -> float:
    """How high a box must be to hold its words."""
    titles, lines = _lines(title, text, width)
    return _TITLE_STEP * len(titles) + _TEXT_STEP * len(lines) + 2 * _PAD - 2


def draw_box(axes: Axes, box: Box) -> None:
    """The box and its words."""
    faces = {"plain": PAPER, "accent": TEAL_TINT, "aside": "white"}
    patch = rounded(box.left, box.top, box.width, box.height, 6, facecolor=faces[box.look],
                    edgecolor=TEAL if box.look == "accent" else MUTED if box.look == "aside" else LINE)  # fmt: skip
    patch.set(linewidth=1.8 if box.look == "accent" else 1.0, linestyle=(0, (4, 2)) if box.look == "aside" else "-",
              gid=box.title)  # fmt: skip
    axes.add_patch(patch)
    titles, lines = _lines(box.title, box.text, box.width)
    words = [Line(line, to_left=False, size=_TITLE_SIZE, step=_TITLE_STEP, weight="bold") for line in titles]
    words += [Line(line, to_left=False, size=_TEXT_SIZE, step=_TEXT_STEP, colour=INK) for line in lines]
    draw_lines(axes, words, left=box.left + _PAD, right=box.right - _PAD, top=box.top + _PAD - 2)


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one point to another."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.3, "shrinkA": 0,
                                              "shrinkB": 0, "mutation_scale": 11})  # fmt: skip


def _lines(title: str, text: Sequence[str], width: float) -> tuple[list[str], list[str]]:
    ruler, room = Ruler(), width - 2 * _PAD
    titles = ruler.wrap(title, room, _TITLE_SIZE, weight="bold") if title else []
    return titles, [line for paragraph in text for line in ruler.wrap(paragraph, room, _TEXT_SIZE)]
