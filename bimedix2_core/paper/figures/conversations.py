"""Conversations as chats, in either direction of reading."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, Rectangle
from PIL import Image

from bimedix2_core.paper.figures.images import draw_image
from bimedix2_core.paper.figures.style import (
    DISCLAIMER,
    LINE,
    MUTED,
    PAPER,
    SLATE,
    TEAL,
    TEAL_TINT,
    WIDTH,
    canvas,
    height_of,
    new_figure,
    require,
    rounded,
    settings,
)  # fmt: skip
from bimedix2_core.paper.figures.text import Line, Ruler, draw_lines, reads_to_left, wrapped_lines


@dataclass(frozen=True)
class Exchange:
    """A question and its answer."""

    question: str
    answer: str
    language: str
    """``en`` or ``ar``; Arabic is drawn from right to left."""
    image: Image.Image | None = None
    """What the question shows, if this is the turn that brings an image."""


@dataclass(frozen=True)
class Dialogue:
    """One conversation of a grid."""

    title: str
    exchanges: tuple[Exchange, ...]


def dialogue_panel(exchanges: Sequence[Exchange], *, title: str) -> Figure:
    """One conversation as a chat, after the paper's Figure 3: the image, the question, the answer, turn by turn."""
    return dialogue_grid([Dialogue(title, tuple(exchanges))], columns=1)


def dialogue_grid(dialogues: Sequence[Dialogue], *, columns: int = 2) -> Figure:
    """Several conversations side by side, one axes for each, row by row."""
    require(dialogues, "conversations")
    for dialogue in dialogues:
        require(dialogue.exchanges, f"exchanges in {dialogue.title!r}")
    gap, footer = 10.0, 20.0
    total = WIDTH * 0.78 if columns == 1 else WIDTH
    width = (total - gap * (columns + 1)) / columns
    with mpl.rc_context(settings()):
        ruler = Ruler()
        cards = [_layout_dialogue(dialogue, width, ruler) for dialogue in dialogues]
        rows = [cards[start : start + columns] for start in range(0, len(cards), columns)]
        heights = [max(card.height for card in row) for row in rows]
        figure = new_figure(total, sum(heights) + gap * (len(rows) + 1) + footer - gap / 2)
        top = gap
        for row, height in zip(rows, heights, strict=True):
            for column, card in enumerate(row):
                axes = canvas(figure, gap + column * (width + gap), top, width, height)
                _draw_dialogue(axes, card, ruler)
            top += height + gap
        figure.text(0.5, 7 / height_of(figure), DISCLAIMER, ha="center", va="bottom", fontsize=7.5, color=MUTED)
    return figure


@dataclass(frozen=True)
class _Bubble:
    """What one speaker says, with its place in the card."""

    lines: tuple[Line, ...]
    to_left: bool
    is_user: bool
    image: Image.Image | None
    left: float
    top: float
    width: float
    height: float
    image_size: tuple[float, float]


@dataclass(frozen=True)
class _Card:
    """One conversation, laid out."""

    title: tuple[Line, ...]
    bubbles: tuple[_Bubble, ...]
    width: float
    height: float


_CARD_PAD, _BUBBLE_PAD, _AVATAR, _IMAGE_SIDE, _TEXT_SIZE = 12.0, 9.0, 19.0, 128.0, 10.0


def _layout_dialogue(dialogue: Dialogue, width: float, ruler: Ruler) -> _Card:
    """Bubbles below one another."""
    inner = width - 2 * _CARD_PAD
    to_left = reads_to_left(dialogue.title)
    title = tuple(
        Line(text, to_left, 11, 17, weight="bold") for text in ruler.wrap(dialogue.title, inner, 11, weight="bold")
    )
    top = _CARD_PAD + sum(line.step for line in title) + 8
    bubbles = []
    for exchange in dialogue.exchanges:
        for is_user, text, gap in ((True, exchange.question, 7.0), (False, exchange.answer, 14.0)):
            image = exchange.image if is_user else None
            bubble = _layout_bubble(text, image, width, top, ruler, is_user=is_user, to_left=exchange.language == "ar")
            bubbles.append(bubble)
            top += bubble.height + gap
    return _Card(title, tuple(bubbles), width, top - 14.0 + _CARD_PAD)


def _layout_bubble(
    text: str, image: Image.Image | None, width: float, top: float, ruler: Ruler, *, is_user: bool, to_left: bool
) -> _Bubble:
    """A bubble as wide as its text or image asks, at the side its language begins on."""
    aside = _CARD_PAD + _AVATAR + 7
    most = width - aside - _CARD_PAD - 0.08 * width
    lines = wrapped_lines(text, most - 2 * _BUBBLE_PAD, _TEXT_SIZE, ruler, to_left=to_left)
    image_size = _fit(image, min(_IMAGE_SIDE, most - 2 * _BUBBLE_PAD)) if image else (0.0, 0.0)
    text_width = max(ruler.width(line.text, _TEXT_SIZE) for line in lines)
    bubble_width = max(text_width, image_size[0], 14) + 2 * _BUBBLE_PAD
    height = sum(line.step for line in lines) + 2 * (_BUBBLE_PAD - 3) + (image_size[1] + 9 if image else 0)
    left = width - aside - bubble_width if to_left else aside
    return _Bubble(tuple(lines), to_left, is_user, image, left, top, bubble_width, height, image_size)


def _fit(image: Image.Image, side: float) -> tuple[float, float]:
    """Width and height of the image inside a square."""
    scale = side / max(image.size)
    return image.width * scale, image.height * scale


def _draw_dialogue(axes: Axes, card: _Card, ruler: Ruler) -> None:
    """A card with its title and its bubbles."""
    height = axes.get_ylim()[0]
    axes.add_patch(rounded(0.5, 0.5, card.width - 1, height - 1, 8, facecolor="white", edgecolor=LINE))
    draw_lines(axes, card.title, left=_CARD_PAD, right=card.width - _CARD_PAD, top=_CARD_PAD - 3)
    for bubble in card.bubbles:
        _draw_bubble(axes, bubble, card.width)


def _draw_bubble(axes: Axes, bubble: _Bubble, card_width: float) -> None:
    """The speaker, the bubble, its image and its lines."""
    face, edge = (PAPER, LINE) if bubble.is_user else (TEAL_TINT, TEAL)
    axes.add_patch(rounded(bubble.left, bubble.top, bubble.width, bubble.height, 8, facecolor=face, edgecolor=edge))
    middle = _CARD_PAD + _AVATAR / 2
    _draw_avatar(axes, card_width - middle if bubble.to_left else middle, bubble.top + 11, is_user=bubble.is_user)
    left, right, top = bubble.left + _BUBBLE_PAD, bubble.left + bubble.width - _BUBBLE_PAD, bubble.top
    if bubble.image is not None:
        width, height = bubble.image_size
        draw_image(axes, bubble.image, right - width if bubble.to_left else left, top + _BUBBLE_PAD, width, height)
        top += height + 9
    draw_lines(axes, bubble.lines, left=left, right=right, top=top + _BUBBLE_PAD - 3)


def _draw_avatar(axes: Axes, x: float, y: float, *, is_user: bool) -> None:
    """A person for the user, a cross for the model: signs that need no language."""
    radius = _AVATAR / 2
    disc = Circle((x, y), radius, facecolor=SLATE if is_user else TEAL, edgecolor="none")
    axes.add_patch(disc)
    if is_user:
        parts = [Circle((x, y - 2.6), 3.1), Ellipse((x, y + 6.8), 11.5, 9.5)]
    else:
        parts = [Rectangle((x - 1.5, y - 5.2), 3, 10.4), Rectangle((x - 5.2, y - 1.5), 10.4, 3)]
    for part in parts:
        part.set(facecolor="white", edgecolor="none")
        axes.add_patch(part)
        part.set_clip_path(disc)
