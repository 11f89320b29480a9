"""The pictures the notebooks show: conversations, images with captions, tokens with their mask, curves and bars.

Every function returns a figure and leaves no trace in matplotlib's settings. Arabic is passed as it is written:
matplotlib 3.11 shapes and orders it itself. Colours are told apart by the colour-blind and in grey, and no meaning
hangs on colour alone. Lengths inside a drawing are points (1/72 inch), with y growing downwards.
"""

import base64
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Ellipse, FancyBboxPatch, Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

FONTS = ("Noto Sans", "Noto Sans Arabic", "DejaVu Sans")
"""Wanted fonts; those that are not installed are passed over. DejaVu Sans comes with matplotlib and has Arabic."""

DISCLAIMER = "Research use only, not for clinical use"

WIDTH = 576.0
"""Width of a figure: 8 inches, what a notebook has room for."""

DPI = 100
MAX_PNG_BYTES = 80_000

INK, MUTED, LINE, PAPER = "#1f2d36", "#5d6c76", "#d5dce0", "#eff2f4"
TEAL, AMBER, PLUM, SLATE = "#1f6f78", "#e0a33e", "#8c4a6b", "#7d8f9a"
TEAL_TINT, AMBER_TINT = "#d3e8e8", "#f8e8c8"
SERIES = ((TEAL, "", "-", "o"), (AMBER, "///", (0, (5, 1.5)), "D"), (PLUM, "...", (0, (1.5, 1)), "s"),
          (SLATE, "xx", "-.", "^"))  # fmt: skip
"""Colour, hatch, line style and marker of the first, second ... series."""

LANGUAGE_NAMES = {"en": "English", "ar": "Arabic"}

_TURN_START = "<|start_header_id|>"
_TO_LEFT, _TO_RIGHT, _JOINER = "\u200f", "\u200e", "\u200d"
_TIMES, _RETURN, _DOT = "\u00d7", "\u21b5", "\u00b7"


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


@dataclass(frozen=True)
class Bar:
    """A metric with its interval, over ``n`` samples."""

    label: str
    """What was measured, or on whom: the bars of one label stand together."""
    group: str
    """What tells the bars of one label apart, such as the language; ``en`` and ``ar`` are written out."""
    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        """Refuse an interval that does not hold its value."""
        if not self.low <= self.value <= self.high:
            raise DataError(
                f"bar {self.label!r}, {self.group!r}: value {self.value} outside its interval "
                f"({self.low}, {self.high}); expected low <= value <= high; check the order of the arguments"
            )


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook, as sharp as ``MAX_PNG_BYTES`` allow, with a text for those who cannot see it.

    The text stands in for the picture in ``text/plain`` too, so that a notebook test compares it.

    Raises:
        DataError: ``alt`` is empty.
    """
    from IPython.display import display

    if not alt.strip():
        raise DataError("a figure without a text alternative; expected a sentence that says what it shows; pass alt=")
    png = _lean_png(figure)
    width = round(figure.get_figwidth() * DPI)
    bundle = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": f"Figure: {alt}"}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt, "width": width}})
    _close(figure)


def save(figure: Figure, path_stem: str | Path) -> tuple[Path, Path]:
    """Write ``<path_stem>.png`` and ``<path_stem>.svg``, each whole or not at all; the same figure, the same bytes."""
    stem = Path(path_stem)
    with mpl.rc_context(_style()):
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return (
        write_atomic(stem.with_name(f"{stem.name}.png"), _lean_png(figure)),
        write_atomic(stem.with_name(f"{stem.name}.svg"), svg.getvalue()),
    )


def fonts() -> tuple[str, ...]:
    """The fonts in use, in the order in which a glyph is looked for."""
    installed = set(fontManager.get_font_names())
    return tuple(name for name in FONTS if name in installed)


def dialogue_panel(exchanges: Sequence[Exchange], *, title: str) -> Figure:
    """One conversation as a chat, after the paper's Figure 3: the image, the question, the answer, turn by turn."""
    return dialogue_grid([Dialogue(title, tuple(exchanges))], columns=1)


def dialogue_grid(dialogues: Sequence[Dialogue], *, columns: int = 2) -> Figure:
    """Several conversations side by side, one axes for each, row by row."""
    _require(dialogues, "conversations")
    for dialogue in dialogues:
        _require(dialogue.exchanges, f"exchanges in {dialogue.title!r}")
    gap, footer = 10.0, 20.0
    total = WIDTH * 0.78 if columns == 1 else WIDTH
    width = (total - gap * (columns + 1)) / columns
    with mpl.rc_context(_style()):
        ruler = _Ruler()
        cards = [_layout_dialogue(dialogue, width, ruler) for dialogue in dialogues]
        rows = [cards[start : start + columns] for start in range(0, len(cards), columns)]
        heights = [max(card.height for card in row) for row in rows]
        figure = _figure(total, sum(heights) + gap * (len(rows) + 1) + footer - gap / 2)
        top = gap
        for row, height in zip(rows, heights, strict=True):
            for column, card in enumerate(row):
                axes = _canvas(figure, gap + column * (width + gap), top, width, height)
                _draw_dialogue(axes, card, ruler)
            top += height + gap
        figure.text(0.5, 7 / _height(figure), DISCLAIMER, ha="center", va="bottom", fontsize=7.5, color=MUTED)
    return figure


def image_grid(
    images: Sequence[Image.Image], captions: Sequence[str | tuple[str, ...]], *, columns: int = 5, title: str = ""
) -> Figure:
    """Images with their captions below, one axes for each.

    Args:
        images: any sizes; each is fitted into a square.
        captions: one for each image; several paragraphs, such as the English and the Arabic one, as a tuple. An Arabic
            paragraph runs from right to left.
        columns: images in a row.
        title: above all.
    """
    _require(images, "images")
    _require_same_length(images=images, captions=captions)
    gap, head = 14.0, 36.0 if title else 12.0
    columns = min(columns, len(images))
    side = min((WIDTH - gap * (columns + 1)) / columns, 190.0)
    width = side * columns + gap * (columns + 1)
    with mpl.rc_context(_style()):
        ruler = _Ruler()
        texts = [_caption_lines(caption, side, ruler) for caption in captions]
        rows = [range(start, min(start + columns, len(images))) for start in range(0, len(images), columns)]
        heights = [side + 6 + max(sum(line.step for line in texts[index]) for index in row) for row in rows]
        figure = _figure(width, head + sum(heights) + gap * len(rows))
        _draw_title(figure, title, left=gap, right=width - gap)
        top = head
        for row, height in zip(rows, heights, strict=True):
            for column, index in enumerate(row):
                left = gap + column * (side + gap)
                _draw_image(_canvas(figure, left, top, side, side), images[index], 0, 0, side, side)
                _draw_lines(figure, texts[index], left=left, right=left + side, top=top + side + 6)
            top += height + gap
    return figure


def token_mask(tokens: Sequence[str], is_target: Sequence[bool], is_image: Sequence[bool]) -> Figure:
    """The tokens of one sample in reading order, those that carry the loss tinted and underlined.

    A run of image tokens is one box with its count. Each turn begins a row. Where most letters are Arabic, rows run
    from right to left.

    Args:
        tokens: the text of each token, decoded.
        is_target: whether the token has a label.
        is_image: whether it is a placeholder of an image.
    """
    _require(tokens, "tokens")
    _require_same_length(tokens=tokens, is_target=is_target, is_image=is_image)
    margin, row_height, legend = 12.0, 26.0, 32.0
    with mpl.rc_context(_style()):
        ruler = _Ruler()
        boxes = _token_boxes(tokens, is_target, is_image, ruler)
        rows = _token_rows(boxes, WIDTH - 2 * margin)
        height = margin + row_height * len(rows) + legend
        figure = _figure(WIDTH, height)
        axes = _canvas(figure, 0, 0, WIDTH, height)
        to_left = _reads_to_left(_spoken(tokens, is_image))
        for index, row in enumerate(rows):
            _draw_token_row(axes, row, margin, margin + index * row_height, to_left=to_left)
        _draw_token_legend(axes, margin, height - legend + 5, ruler)
    return figure


def loss_curves(
    curves: Mapping[str, Sequence[tuple[int, float]]], *, title: str = "", ylabel: str = "loss per supervised token"
) -> Figure:
    """Loss over steps, each curve named at its end; a long curve is drawn faint, with its moving mean above it."""
    _require(curves, "curves")
    with mpl.rc_context(_style()):
        figure, axes = _plot(225, title, legend=2)
        ends = []
        for (name, curve), (colour, _, line, _) in zip(curves.items(), _cycle(len(curves)), strict=True):
            _require(curve, f"points in curve {name!r}")
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


def true_against_shuffled(bars: Sequence[Bar], *, title: str = "", xlabel: str = "caption loss") -> Figure:
    """Loss of captions with their own images against the images of others, before and after a stage.

    Args:
        bars: for each label (such as "before Stage 1") two bars, that of the true images first; the second group is
            the shuffled images. The ratio of the two stands at the right.
        title: above all.
        xlabel: of the one axis.
    """
    _require(bars, "bars")
    labels, groups = _unique(bar.label for bar in bars), _unique(bar.group for bar in bars)
    table = _by_label_and_group(bars)
    if len(groups) != 2 or len(table) != 2 * len(labels):
        raise DataError(
            f"{len(labels)} labels and groups {groups}; expected two bars for each label, true images first"
        )
    with mpl.rc_context(_style()):
        figure, axes = _plot(100 + 54 * len(labels), title, left=110, right=96)
        for row, label in enumerate(labels):
            pair = [table[label, group] for group in groups]
            axes.plot(
                [bar.value for bar in pair], [row, row], color=PAPER, linewidth=16, zorder=1, solid_capstyle="butt"
            )
            for bar, (colour, _, _, marker), side in zip(pair, SERIES, (-1, 1), strict=False):
                _draw_interval(axes, bar, row + 0.12 * side, colour=colour, marker=marker, label_below=side > 0)
            ratio = f"{pair[0].value / pair[1].value:.2f} {_TIMES}" if pair[1].value else ""
            axes.annotate(ratio, (1, row), (14, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                          va="center", fontsize=11, fontweight="bold", color=INK)  # fmt: skip
        axes.annotate("true / shuffled", (1, 1), (14, 4), xycoords="axes fraction", textcoords="offset points",
                      va="bottom", fontsize=8, color=MUTED)  # fmt: skip
        axes.set(xlabel=xlabel, xlim=(0, max(bar.high for bar in bars) * 1.08), ylim=(len(labels) - 0.4, -0.6))
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=True, axis="x")
        _legend(axes, [(_display(group), style) for group, style in zip(groups, SERIES, strict=False)], by_marker=True)
    return figure


def accuracy_bars(
    rows: Sequence[Bar],
    *,
    floor: float | None = None,
    chance: float | Mapping[str, float] | None = None,
    title: str = "",
    ylabel: str = "accuracy",
) -> Figure:
    """Bars of shares from 0 to 1 with their intervals; the groups (English, Arabic) of a label beside one another.

    Args:
        rows: one bar for each label and group; a group may lack a label.
        floor: the share to be reached, a line across.
        chance: what guessing reaches: one share, or one for each label.
        title: above all.
        ylabel: what the shares are of.
    """
    _require(rows, "bars")
    labels, groups = _unique(bar.label for bar in rows), _unique(bar.group for bar in rows)
    table = _by_label_and_group(rows)
    with mpl.rc_context(_style()):
        figure, axes = _plot(275, title, right=64)
        step = 0.78 / len(groups)
        for index, (group, (colour, hatch, _, _)) in enumerate(zip(groups, _cycle(len(groups)), strict=True)):
            bars = [table[label, group] for label in labels if (label, group) in table]
            places = [labels.index(bar.label) + (index - (len(groups) - 1) / 2) * step for bar in bars]
            _draw_bars(axes, bars, places, 0.9 * step, colour=colour, hatch=hatch)
        _draw_reference_lines(axes, labels, floor, chance)
        axes.set(ylabel=ylabel, ylim=(0, 1.09), xlim=(-0.55, len(labels) - 0.45))
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        room = (WIDTH - 120) / len(labels)
        axes.set_xticks(range(len(labels)), [_tick(label, groups, table, room, _Ruler()) for label in labels])
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=True, axis="y")
        _legend(axes, [(_display(group), style) for group, style in zip(groups, _cycle(len(groups)), strict=True)])
    return figure


# ---- text ----


@dataclass(frozen=True)
class _Line:
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


class _Ruler:
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


def _reads_to_left(text: str) -> bool:
    """Whether most letters of the text are Arabic (or Hebrew)."""
    directions = [unicodedata.bidirectional(letter) for letter in text]
    return sum(d in ("AL", "R") for d in directions) > sum(d == "L" for d in directions)


def _lines(text: str, width: float, size: float, ruler: _Ruler, *, to_left: bool, colour: str = INK) -> list[_Line]:
    return [_Line(line, to_left, size, size * 1.5, colour) for line in ruler.wrap(text, width, size)]


def _caption_lines(caption: str | tuple[str, ...], width: float, ruler: _Ruler) -> list[_Line]:
    """The wrapped paragraphs of a caption, each in its own direction."""
    paragraphs = (caption,) if isinstance(caption, str) else caption
    return [
        line
        for paragraph in paragraphs
        for line in _lines(paragraph, width, 8.5, ruler, to_left=_reads_to_left(paragraph))
    ]


def _draw_lines(target: Figure | Axes, lines: Sequence[_Line], *, left: float, right: float, top: float) -> None:
    """Lines below one another, at the left or the right edge as their direction asks."""
    for line in lines:
        x, y = right if line.to_left else left, _baseline(top + line.step / 2, line.size)
        if isinstance(target, Figure):
            x, y = x / _width(target), 1 - y / _height(target)
        side = "right" if line.to_left else "left"
        target.text(x, y, line.marked, ha=side, fontsize=line.size, color=line.colour, fontweight=line.weight, zorder=6)
        top += line.step


def _baseline(middle: float, size: float) -> float:
    """Where letters stand so that capitals are centred on ``middle``, whatever the script of the line."""
    return middle + 0.36 * size


# ---- conversations ----


@dataclass(frozen=True)
class _Bubble:
    """What one speaker says, with its place in the card."""

    lines: tuple[_Line, ...]
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

    title: tuple[_Line, ...]
    bubbles: tuple[_Bubble, ...]
    width: float
    height: float


_CARD_PAD, _BUBBLE_PAD, _AVATAR, _IMAGE_SIDE, _TEXT_SIZE = 12.0, 9.0, 19.0, 128.0, 10.0


def _layout_dialogue(dialogue: Dialogue, width: float, ruler: _Ruler) -> _Card:
    """Bubbles below one another."""
    inner = width - 2 * _CARD_PAD
    to_left = _reads_to_left(dialogue.title)
    title = tuple(
        _Line(text, to_left, 11, 17, weight="bold") for text in ruler.wrap(dialogue.title, inner, 11, weight="bold")
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
    text: str, image: Image.Image | None, width: float, top: float, ruler: _Ruler, *, is_user: bool, to_left: bool
) -> _Bubble:
    """A bubble as wide as its text or image asks, at the side its language begins on."""
    aside = _CARD_PAD + _AVATAR + 7
    most = width - aside - _CARD_PAD - 0.08 * width
    lines = _lines(text, most - 2 * _BUBBLE_PAD, _TEXT_SIZE, ruler, to_left=to_left)
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


def _draw_dialogue(axes: Axes, card: _Card, ruler: _Ruler) -> None:
    """A card with its title and its bubbles."""
    height = axes.get_ylim()[0]
    axes.add_patch(_rounded(0.5, 0.5, card.width - 1, height - 1, 8, facecolor="white", edgecolor=LINE))
    _draw_lines(axes, card.title, left=_CARD_PAD, right=card.width - _CARD_PAD, top=_CARD_PAD - 3)
    for bubble in card.bubbles:
        _draw_bubble(axes, bubble, card.width)


def _draw_bubble(axes: Axes, bubble: _Bubble, card_width: float) -> None:
    """The speaker, the bubble, its image and its lines."""
    face, edge = (PAPER, LINE) if bubble.is_user else (TEAL_TINT, TEAL)
    axes.add_patch(_rounded(bubble.left, bubble.top, bubble.width, bubble.height, 8, facecolor=face, edgecolor=edge))
    middle = _CARD_PAD + _AVATAR / 2
    _draw_avatar(axes, card_width - middle if bubble.to_left else middle, bubble.top + 11, is_user=bubble.is_user)
    left, right, top = bubble.left + _BUBBLE_PAD, bubble.left + bubble.width - _BUBBLE_PAD, bubble.top
    if bubble.image is not None:
        width, height = bubble.image_size
        _draw_image(axes, bubble.image, right - width if bubble.to_left else left, top + _BUBBLE_PAD, width, height)
        top += height + 9
    _draw_lines(axes, bubble.lines, left=left, right=right, top=top + _BUBBLE_PAD - 3)


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


# ---- tokens ----


@dataclass(frozen=True)
class _TokenBox:
    """A token, or a run of image tokens."""

    text: str
    is_target: bool
    is_image: bool
    width: float
    begins_word: bool = False
    begins_turn: bool = False


_TOKEN_SIZE, _TOKEN_HEIGHT, _TOKEN_PAD, _WORD_GAP, _PIECE_GAP = 9.5, 19.0, 3.0, 6.0, 1.5


def _token_boxes(
    tokens: Sequence[str], is_target: Sequence[bool], is_image: Sequence[bool], ruler: _Ruler
) -> list[_TokenBox]:
    """One box for a token, one for a run of image tokens."""
    boxes, index = [], 0
    while index < len(tokens):
        end = index + 1
        while is_image[index] and end < len(tokens) and is_image[end]:
            end += 1
        token = tokens[index]
        text = f"<image> {_TIMES} {end - index}" if is_image[index] else _token_text(tokens, index)
        is_apart = token[:1].isspace() or token.startswith("<|") or bool(is_image[index])
        boxes.append(
            _TokenBox(
                text=text,
                is_target=bool(is_target[index]),
                is_image=bool(is_image[index]),
                begins_word=is_apart or (index > 0 and tokens[index - 1].endswith(("|>", "\n"))),
                begins_turn=token == _TURN_START and index > 0,
                width=ruler.width(text, _TOKEN_SIZE) + 2 * _TOKEN_PAD,
            )
        )
        index = end
    return boxes


def _spoken(tokens: Sequence[str], is_image: Sequence[bool]) -> str:
    """What people say in the tokens: no images, no special tokens, no names of speakers."""
    text = "".join(token for token, image in zip(tokens, is_image, strict=True) if not image)
    return re.sub(r"<\|start_header_id\|>.*?<\|end_header_id\|>|<\|.*?\|>", " ", text, flags=re.DOTALL)


def _token_text(tokens: Sequence[str], index: int) -> str:
    """A token as it is drawn: white space made visible, letters that join across its border in their joined shape."""
    token = tokens[index]
    if not token.strip():
        return token.replace("\n", _RETURN).replace(" ", _DOT) or _DOT
    text = token.strip(" ").replace("\n", _RETURN)
    before = tokens[index - 1] if index else ""
    after = tokens[index + 1] if index + 1 < len(tokens) else ""
    starts = _JOINER if _is_arabic(before[-1:]) and _is_arabic(token[:1]) else ""
    ends = _JOINER if _is_arabic(token[-1:]) and _is_arabic(after[:1]) else ""
    return f"{starts}{text}{ends}"


def _is_arabic(letter: str) -> bool:
    """Whether it is an Arabic letter (not a digit, not punctuation); False for no letter."""
    return bool(letter) and letter.isalpha() and unicodedata.bidirectional(letter) == "AL"


def _token_rows(boxes: Sequence[_TokenBox], width: float) -> list[list[_TokenBox]]:
    """Boxes in rows no wider than ``width``; a turn begins a row."""
    rows, room = [[]], width
    for box in boxes:
        needed = box.width + (_WORD_GAP if box.begins_word else _PIECE_GAP)
        if rows[-1] and (needed > room or box.begins_turn):
            rows.append([])
            room = width
        rows[-1].append(box)
        room -= needed if len(rows[-1]) > 1 else box.width
    return rows


def _draw_token_row(axes: Axes, row: Sequence[_TokenBox], margin: float, top: float, *, to_left: bool) -> None:
    """Boxes beside one another, from the side where reading begins."""
    along = margin
    for index, box in enumerate(row):
        along += 0 if index == 0 else _WORD_GAP if box.begins_word else _PIECE_GAP
        _draw_token(axes, box, WIDTH - along - box.width if to_left else along, top)
        along += box.width


def _draw_token(axes: Axes, box: _TokenBox, left: float, top: float) -> None:
    """A tinted, underlined box for a target; a hatched one for an image; a plain one for the rest."""
    face, edge, ink = (PAPER, "none", MUTED)
    if box.is_target:
        face, ink = TEAL_TINT, INK
    if box.is_image:
        face, edge, ink = AMBER_TINT, AMBER, INK
    axes.add_patch(_rounded(left, top, box.width, _TOKEN_HEIGHT, 2.5, facecolor=face, edgecolor=edge))
    if box.is_target:
        line = Rectangle((left, top + _TOKEN_HEIGHT - 1.8), box.width, 2.4, facecolor=TEAL, edgecolor="none")
        axes.add_patch(line)
    y = _baseline(top + _TOKEN_HEIGHT / 2 - 0.5, _TOKEN_SIZE)
    axes.text(left + box.width / 2, y, box.text, ha="center", fontsize=_TOKEN_SIZE, color=ink)


def _draw_token_legend(axes: Axes, left: float, top: float, ruler: _Ruler) -> None:
    """What the three kinds of boxes mean."""
    kinds = (("in the loss", True, False), ("read, not in the loss", False, False), ("image", False, True))
    for words, is_target, is_image in kinds:
        _draw_token(axes, _TokenBox("", is_target=is_target, is_image=is_image, width=20), left, top)
        axes.text(left + 25, _baseline(top + _TOKEN_HEIGHT / 2, 8.5), words, fontsize=8.5, color=MUTED)
        left += 25 + ruler.width(words, 8.5) + 18


# ---- plots ----


def _plot(height: float, title: str, *, left: float = 56, right: float = 96, legend: float = 22) -> tuple[Figure, Axes]:
    """A figure with one axes that leaves room for labels at its right."""
    figure = _figure(WIDTH, height)
    top, bottom = (32 if title else 8) + legend, 48
    axes = figure.add_axes(
        (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height), zorder=1
    )
    _draw_title(figure, title, left=12, right=WIDTH - 12)
    return figure, axes


def _cycle(count: int) -> list[tuple]:
    """Styles for ``count`` series; after the fourth they begin again."""
    return [SERIES[index % len(SERIES)] for index in range(count)]


def _moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of ``window`` values around each place, of those there are at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    starts, ends = np.maximum(0, places - window // 2), np.minimum(len(values), places + window // 2 + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """The names of curves at their ends, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    least = (high - low) * 13 / (axes.get_position().height * _height(axes.figure))
    ends = sorted(ends, key=lambda end: end[1])
    right = max(end[0] for end in ends)
    lowest = -np.inf
    for _, loss, name, colour in ends:
        lowest = max(loss, lowest + least)
        axes.annotate(f"{name}  {loss:.2f}", (right, lowest), (9, 0), textcoords="offset points", va="center",
                      fontsize=9, color=colour if colour != AMBER else "#96650f", annotation_clip=False)  # fmt: skip


def _draw_interval(axes: Axes, bar: Bar, y: float, *, colour: str, marker: str, label_below: bool) -> None:
    """A value on a line as long as its interval, and the number beside it."""
    axes.errorbar(bar.value, y, xerr=[[bar.value - bar.low], [bar.high - bar.value]], color=colour, marker=marker,
                  markersize=7, capsize=3, linewidth=1.4, label=_display(bar.group), zorder=3)  # fmt: skip
    offset, side = ((0, -7), "top") if label_below else ((0, 7), "bottom")
    axes.annotate(f"{bar.value:.2f}", (bar.value, y), offset, textcoords="offset points", ha="center", va=side,
                  fontsize=9, color=INK)  # fmt: skip


def _draw_bars(
    axes: Axes, bars: Sequence[Bar], places: Sequence[float], width: float, *, colour: str, hatch: str
) -> None:
    """The bars of one group, each with its interval and its value."""
    values = np.array([bar.value for bar in bars])
    errors = np.array([[bar.value - bar.low for bar in bars], [bar.high - bar.value for bar in bars]])
    axes.bar(places, values, width, color=colour, hatch=hatch, edgecolor="white", linewidth=0, zorder=2,
             label=_display(bars[0].group))  # fmt: skip
    axes.errorbar(places, values, yerr=errors, fmt="none", ecolor=INK, elinewidth=1.1, capsize=3, zorder=5)
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(f"{100 * bar.value:.0f}", (place, bar.high), (0, 3), textcoords="offset points", ha="center",
                      va="bottom", fontsize=9, color=INK)  # fmt: skip


def _draw_reference_lines(
    axes: Axes, labels: Sequence[str], floor: float | None, chance: float | Mapping[str, float] | None
) -> None:
    """The floor and what guessing reaches, named at the right."""
    edge, halo = len(labels) - 0.45, [withStroke(linewidth=3, foreground="white")]
    if floor is not None:
        axes.axhline(floor, color=PLUM, linewidth=1.2, linestyle=(0, (6, 2)), zorder=4, path_effects=halo)
        axes.annotate(f"floor {100 * floor:.0f}", (edge, floor), (5, 0), textcoords="offset points", va="center",
                      fontsize=9, color=PLUM, annotation_clip=False)  # fmt: skip
    if chance is None:
        return
    shares = chance if isinstance(chance, Mapping) else dict.fromkeys(labels, chance)
    for index, label in enumerate(labels):
        if label in shares:
            axes.hlines(shares[label], index - 0.47, index + 0.47, color=INK, linewidth=1.4, linestyle=(0, (1.5, 1.5)),
                        zorder=4, path_effects=halo)  # fmt: skip
    last = [shares[label] for label in labels if label in shares][-1]
    axes.annotate("chance" if len(set(shares.values())) > 1 else f"chance {100 * last:.0f}", (edge, last), (5, 0),
                  textcoords="offset points", va="center", fontsize=9, color=INK, annotation_clip=False)  # fmt: skip


def _tick(label: str, groups: Sequence[str], table: Mapping[tuple[str, str], Bar], room: float, ruler: _Ruler) -> str:
    """A wrapped label with its number of samples below."""
    counts = _unique(f"{table[label, group].n:,}" for group in groups if (label, group) in table)
    return "\n".join([*ruler.wrap(label, room, 9), f"n = {' / '.join(counts)}"])


def _legend(axes: Axes, series: Sequence[tuple[str, tuple]], *, by_marker: bool = False) -> None:
    """Above the plot, at its left edge: name and style of each series."""
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=7, linewidth=1.4, label=name)
        if by_marker
        else Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
        for name, (colour, hatch, _, marker) in series
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(handles), frameon=False,
                fontsize=9, borderaxespad=0.2, handlelength=1.6, columnspacing=1.4)  # fmt: skip


def _display(group: str) -> str:
    """Language codes written out, any other group as it is."""
    return LANGUAGE_NAMES.get(group, group)


def _unique(values) -> list[str]:
    """Each value once, in the order of appearance."""
    return list(dict.fromkeys(values))


def _by_label_and_group(bars: Sequence[Bar]) -> dict[tuple[str, str], Bar]:
    """The bars by their place; two for one place are an error."""
    table = {(bar.label, bar.group): bar for bar in bars}
    if len(table) != len(bars):
        raise DataError(
            f"{len(bars)} bars for {len(table)} pairs of label and group; expected one each; join them first"
        )
    return table


# ---- figures ----


def _style() -> dict:
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


def _figure(width: float, height: float) -> Figure:
    """A figure of so many points, unknown to pyplot: nothing shows it twice and nothing has to be closed."""
    return Figure(figsize=(width / 72, height / 72), dpi=DPI)


def _width(figure: Figure) -> float:
    return figure.get_figwidth() * 72


def _height(figure: Figure) -> float:
    return figure.get_figheight() * 72


def _canvas(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """An empty axes in points, its origin at the upper left."""
    total_width, total_height = _width(figure), _height(figure)
    axes = figure.add_axes(
        (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    )
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def _draw_title(figure: Figure, title: str, *, left: float, right: float) -> None:
    """At the upper left, for Arabic at the upper right; nothing for an empty one."""
    if title:
        line = _Line(title, _reads_to_left(title), 11, 18, weight="bold")
        _draw_lines(figure, [line], left=left, right=right, top=7)


def _draw_image(axes: Axes, image: Image.Image, left: float, top: float, width: float, height: float) -> None:
    """An image fitted into the middle of a box, without changing the limits of the axes."""
    fitted = image.convert("RGB")
    fitted.thumbnail((600, 600), Image.Resampling.LANCZOS)
    scale = min(width / fitted.width, height / fitted.height)
    wide, high = fitted.width * scale, fitted.height * scale
    left, top = left + (width - wide) / 2, top + (height - high) / 2
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(np.asarray(fitted), extent=(left, left + wide, top + high, top), aspect="auto", zorder=5)
    axes.set(xlim=limits[0], ylim=limits[1])


def _rounded(left: float, top: float, width: float, height: float, radius: float, **look: str) -> FancyBboxPatch:
    box = f"round,pad=0,rounding_size={radius}"
    return FancyBboxPatch((left, top), width, height, boxstyle=box, linewidth=0.8, **look)


def _png(figure: Figure, *, dpi: int) -> bytes:
    """The figure as PNG bytes that depend on nothing but the figure."""
    stream = io.BytesIO()
    with mpl.rc_context(_style()):
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def _lean_png(figure: Figure) -> bytes:
    """The sharpest of three resolutions that is not too heavy, in 256 colours."""
    for dpi in (2 * DPI, DPI * 3 // 2, DPI):
        png = _with_palette(_png(figure, dpi=dpi))
        if len(png) <= MAX_PNG_BYTES:
            break
    return png


def _with_palette(png: bytes) -> bytes:
    """The same picture in its 256 most useful colours."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _close(figure: Figure) -> None:
    """Let pyplot forget a figure that was made with it."""
    from matplotlib import pyplot

    pyplot.close(figure)


def _require(things: Sequence | Mapping, words: str) -> None:
    """Refuse to draw nothing."""
    if not things:
        raise DataError(f"no {words} to draw; expected at least one; check what was passed")


def _require_same_length(**lists: Sequence) -> None:
    """Refuse lists that should run in step and do not."""
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"lengths {lengths} differ; expected one of each for every other; check what was passed")
