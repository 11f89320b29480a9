"""Images with their captions."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from bimedix2_core.paper.figures.style import WIDTH, canvas, new_figure, require, require_same_length, settings
from bimedix2_core.paper.figures.text import Line, Ruler, draw_lines, draw_title, reads_to_left, wrapped_lines


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
    require(images, "images")
    require_same_length(images=images, captions=captions)
    gap, head = 14.0, 36.0 if title else 12.0
    columns = min(columns, len(images))
    side = min((WIDTH - gap * (columns + 1)) / columns, 190.0)
    width = side * columns + gap * (columns + 1)
    with mpl.rc_context(settings()):
        ruler = Ruler()
        texts = [_caption_lines(caption, side, ruler) for caption in captions]
        rows = [range(start, min(start + columns, len(images))) for start in range(0, len(images), columns)]
        heights = [side + 6 + max(sum(line.step for line in texts[index]) for index in row) for row in rows]
        figure = new_figure(width, head + sum(heights) + gap * len(rows))
        draw_title(figure, title, left=gap, right=width - gap)
        top = head
        for row, height in zip(rows, heights, strict=True):
            for column, index in enumerate(row):
                left = gap + column * (side + gap)
                draw_image(canvas(figure, left, top, side, side), images[index], 0, 0, side, side)
                draw_lines(figure, texts[index], left=left, right=left + side, top=top + side + 6)
            top += height + gap
    return figure


def _caption_lines(caption: str | tuple[str, ...], width: float, ruler: Ruler) -> list[Line]:
    """The wrapped paragraphs of a caption, each in its own direction."""
    paragraphs = (caption,) if isinstance(caption, str) else caption
    return [
        line
        for paragraph in paragraphs
        for line in wrapped_lines(paragraph, width, 8.5, ruler, to_left=reads_to_left(paragraph))
    ]


def draw_image(axes: Axes, image: Image.Image, left: float, top: float, width: float, height: float) -> None:
    """An image fitted into the middle of a box, without changing the limits of the axes."""
    fitted = image.convert("RGB")
    fitted.thumbnail((600, 600), Image.Resampling.LANCZOS)
    scale = min(width / fitted.width, height / fitted.height)
    wide, high = fitted.width * scale, fitted.height * scale
    left, top = left + (width - wide) / 2, top + (height - high) / 2
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(np.asarray(fitted), extent=(left, left + wide, top + high, top), aspect="auto", zorder=5)
    axes.set(xlim=limits[0], ylim=limits[1])
