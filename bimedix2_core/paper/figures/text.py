"""Lines of text in both directions: measured, wrapped and drawn.

Arabic is passed as it is written: matplotlib 3.11 shapes and orders it itself.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from bimedix2_core.paper.figures.style import DPI, INK, fonts, height_of, width_of

_TO_LEFT, _TO_RIGHT = "\u200f", "\u200e"


@dataclass(frozen=True)
class Line:
    """One line of text, ready to be drawn."""

    text: str
    to_left: bool
    size: float
    step: float
    colour: str = INK
    weight: str = "normal"

    @property
    def marked(self) -> str:
        """The text with an invisible mark that fixes its base direction."""
        return (_TO_LEFT if self.to_left else _TO_RIGHT) + self.text


class Ruler:
    """Measures text in points, in the fonts of the figures."""

    def __init__(self) -> None:
        self._renderer = RendererAgg(1, 1, DPI)
        self._fonts = list(fonts())

    def width(self, text: str, size: float, *, weight: str = "normal") -> float:
        """Width of one line."""
        font = FontProperties(family=self._fonts, size=size, weight=weight)
        return self._renderer.get_text_width_height_descent(text, font, ismath=False)[0] * 72 / DPI

    def wrap(self, text: str, width: float, size: float, *, weight: str = "normal") -> list[str]:
        """Lines no wider than ``width`` that hold every word; a word that is wider itself is cut."""
        lines = []
        for paragraph in text.splitlines() or [""]:
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}" if line else word
                if self.width(longer, size, weight=weight) <= width:
                    line = longer
                    continue
                *full, line = [*([line] if line else []), *self._cut(word, width, size)]
                lines += full
            lines.append(line)
        return lines

    def _cut(self, word: str, width: float, size: float) -> list[str]:
        """The word in pieces that fit."""
        pieces, piece = [], ""
        for letter in word:
            if piece and self.width(piece + letter, size) > width:
                pieces.append(piece)
                piece = ""
            piece += letter
        return [*pieces, piece]


def reads_to_left(text: str) -> bool:
    """Whether most letters of the text are Arabic (or Hebrew)."""
    directions = [unicodedata.bidirectional(letter) for letter in text]
    return sum(d in ("AL", "R") for d in directions) > sum(d == "L" for d in directions)


def wrapped_lines(
    text: str, width: float, size: float, ruler: Ruler, *, to_left: bool, colour: str = INK
) -> list[Line]:
    """The text in lines no wider than ``width``, in one direction."""
    return [Line(line, to_left, size, size * 1.5, colour) for line in ruler.wrap(text, width, size)]


def draw_lines(target: Figure | Axes, lines: Sequence[Line], *, left: float, right: float, top: float) -> None:
    """Lines below one another, at the left or the right edge as their direction asks."""
    for line in lines:
        x, y = right if line.to_left else left, baseline(top + line.step / 2, line.size)
        if isinstance(target, Figure):
            x, y = x / width_of(target), 1 - y / height_of(target)
        side = "right" if line.to_left else "left"
        target.text(x, y, line.marked, ha=side, fontsize=line.size, color=line.colour, fontweight=line.weight, zorder=6)
        top += line.step


def draw_title(figure: Figure, title: str, *, left: float, right: float) -> None:
    """At the upper left, for Arabic at the upper right; nothing for an empty one."""
    if title:
        line = Line(title, reads_to_left(title), 11, 18, weight="bold")
        draw_lines(figure, [line], left=left, right=right, top=7)


def baseline(middle: float, size: float) -> float:
    """Where letters stand so that capitals are centred on ``middle``, whatever the script of the line."""
    return middle + 0.36 * size
