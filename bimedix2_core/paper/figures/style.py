"""What all figures share: palette, fonts, settings, and empty figures in points.

Colours are told apart by the colour-blind and in grey, and no meaning hangs on colour alone. Lengths inside a drawing
are points (1/72 inch), with y growing downwards.
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patches import FancyBboxPatch

from bimedix2_core.errors import DataError

FONTS = ("Noto Sans", "Noto Sans Arabic", "DejaVu Sans")
"""Wanted fonts; those that are not installed are passed over. DejaVu Sans comes with matplotlib and has Arabic."""

DISCLAIMER = "Research use only, not for clinical use"

WIDTH = 576.0
"""Width of a figure: 8 inches, what a notebook has room for."""

DPI = 100

INK, MUTED, LINE, PAPER = "#1f2d36", "#5d6c76", "#d5dce0", "#eff2f4"
TEAL, AMBER, PLUM, SLATE = "#1f6f78", "#e0a33e", "#8c4a6b", "#7d8f9a"
BLUE, BROWN = "#4a86c5", "#8a5a2b"
TEAL_TINT, AMBER_TINT = "#d3e8e8", "#f8e8c8"
SERIES = ((TEAL, "", "-", "o"), (AMBER, "///", (0, (5, 1.5)), "D"), (PLUM, "...", (0, (1.5, 1)), "s"),
          (SLATE, "xx", "-.", "^"))  # fmt: skip
"""Colour, hatch, line style and marker of the first, second ... series."""


def fonts() -> tuple[str, ...]:
    """The fonts in use, in the order in which a glyph is looked for."""
    installed = set(fontManager.get_font_names())
    return tuple(name for name in FONTS if name in installed)


def settings() -> dict:
    """Settings for ``rc_context``: never set globally."""
    return {
        "font.family": list(fonts()),
        "font.size": 9.5,
        "text.color": INK,
        "text.parse_math": False,
        "text.hinting": "none",  # a line is as wide at one resolution as at another
        "axes.edgecolor": SLATE,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 9,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": LINE,
        "grid.linewidth": 0.7,
        "xtick.color": SLATE,
        "ytick.color": SLATE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "hatch.color": "white",
        "hatch.linewidth": 1.0,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.hashsalt": "bimedix2",
    }


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many points, unknown to pyplot: nothing shows it twice and nothing has to be closed."""
    return Figure(figsize=(width / 72, height / 72), dpi=DPI)


def width_of(figure: Figure) -> float:
    """Width in points."""
    return figure.get_figwidth() * 72


def height_of(figure: Figure) -> float:
    """Height in points."""
    return figure.get_figheight() * 72


def canvas(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """An empty axes in points, its origin at the upper left."""
    total_width, total_height = width_of(figure), height_of(figure)
    axes = figure.add_axes(
        (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    )
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def rounded(left: float, top: float, width: float, height: float, radius: float, **look: str) -> FancyBboxPatch:
    """A box with rounded corners, in points."""
    box = f"round,pad=0,rounding_size={radius}"
    return FancyBboxPatch((left, top), width, height, boxstyle=box, linewidth=0.8, **look)


def require(things: Sequence | Mapping, words: str) -> None:
    """Refuse to draw nothing."""
    if not things:
        raise DataError(f"no {words} to draw; expected at least one; check what was passed")


def require_same_length(**lists: Sequence) -> None:
    """Refuse lists that should run in step and do not."""
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"lengths {lengths} differ; expected one of each for every other; check what was passed")
