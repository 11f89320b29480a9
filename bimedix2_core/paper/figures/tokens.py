"""The tokens of one sample, with what carries the loss."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bimedix2_core.paper.figures.style import (
    AMBER,
    AMBER_TINT,
    INK,
    MUTED,
    PAPER,
    TEAL,
    TEAL_TINT,
    WIDTH,
    canvas,
    new_figure,
    require,
    require_same_length,
    rounded,
    settings,
)  # fmt: skip
from bimedix2_core.paper.figures.text import Ruler, baseline, reads_to_left

_TURN_START = "<|start_header_id|>"
_JOINER = "\u200d"
_TIMES, _RETURN, _DOT = "\u00d7", "\u21b5", "\u00b7"


def token_mask(tokens: Sequence[str], is_target: Sequence[bool], is_image: Sequence[bool]) -> Figure:
    """The tokens of one sample in reading order, those that carry the loss tinted and underlined.

    A run of image tokens is one box with its count. Each turn begins a row. Where most letters are Arabic, rows run
    from right to left.

    Args:
        tokens: the text of each token, decoded.
        is_target: whether the token has a label.
        is_image: whether it is a placeholder of an image.
    """
    require(tokens, "tokens")
    require_same_length(tokens=tokens, is_target=is_target, is_image=is_image)
    margin, row_height, legend = 12.0, 26.0, 32.0
    with mpl.rc_context(settings()):
        ruler = Ruler()
        boxes = _token_boxes(tokens, is_target, is_image, ruler)
        rows = _token_rows(boxes, WIDTH - 2 * margin)
        height = margin + row_height * len(rows) + legend
        figure = new_figure(WIDTH, height)
        axes = canvas(figure, 0, 0, WIDTH, height)
        to_left = reads_to_left(_spoken(tokens, is_image))
        for index, row in enumerate(rows):
            _draw_token_row(axes, row, margin, margin + index * row_height, to_left=to_left)
        _draw_token_legend(axes, margin, height - legend + 5, ruler)
    return figure


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
    tokens: Sequence[str], is_target: Sequence[bool], is_image: Sequence[bool], ruler: Ruler
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
    axes.add_patch(rounded(left, top, box.width, _TOKEN_HEIGHT, 2.5, facecolor=face, edgecolor=edge))
    if box.is_target:
        line = Rectangle((left, top + _TOKEN_HEIGHT - 1.8), box.width, 2.4, facecolor=TEAL, edgecolor="none")
        axes.add_patch(line)
    y = baseline(top + _TOKEN_HEIGHT / 2 - 0.5, _TOKEN_SIZE)
    axes.text(left + box.width / 2, y, box.text, ha="center", fontsize=_TOKEN_SIZE, color=ink)


def _draw_token_legend(axes: Axes, left: float, top: float, ruler: Ruler) -> None:
    """What the three kinds of boxes mean."""
    kinds = (("in the loss", True, False), ("read, not in the loss", False, False), ("image", False, True))
    for words, is_target, is_image in kinds:
        _draw_token(axes, _TokenBox("", is_target=is_target, is_image=is_image, width=20), left, top)
        axes.text(left + 25, baseline(top + _TOKEN_HEIGHT / 2, 8.5), words, fontsize=8.5, color=MUTED)
        left += 25 + ruler.width(words, 8.5) + 18
