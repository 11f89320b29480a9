"""Shapes: drawn images that show nothing medical, captioned in English and Arabic.

    Shape (what, colour, side, size) -> image of a phantom's size
                                     -> request and caption in both languages

They are to the demo what LCS-558K is to the paper (Table 9): pairs from which a projector learns to say images, but
none of the images it will be asked about. Sides are those of the picture; a phantom's are the patient's.

Words and templates live in shapes.yaml; a colour and a size agree with the gender of the shape they follow.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample

SOURCE = "shapes"

FORMS = ("circle", "square", "triangle", "star")
COLOURS = {"red": (214, 48, 44), "green": (42, 160, 68), "blue": (44, 92, 214), "yellow": (236, 202, 40)}
"""RGB of each colour, from which a drawing may differ by `SHADE`."""
SIDES = ("left", "right")
SIZES = {"small": (0.14, 0.20), "large": (0.30, 0.40)}
"""Least and greatest radius; the picture goes from -1 to 1."""

SHADE = 12
"""How far each channel of a colour may differ."""

GROUND = (205, 240)
"""Least and greatest level of the grey that lies behind."""

MARGIN = 0.05
"""Least distance of a shape from the edge and from the middle line."""

OVERSAMPLED = 4
"""A drawing is made so many times larger, and then made small with soft edges."""


@dataclass(frozen=True, order=True)
class Shape:
    """What a drawing shows."""

    form: str
    colour: str
    side: str
    """Of the picture."""
    size: str


def all_shapes() -> tuple[Shape, ...]:
    """Every shape there is."""
    return tuple(Shape(*traits) for traits in product(FORMS, COLOURS, SIDES, SIZES))


def shape_samples(n_images: int, *, seed: int) -> list[Sample]:
    """Image-caption pairs in both languages, twins side by side; every shape comes about equally often.

    Args:
        n_images: drawings, each captioned in both languages.
        seed: the same one gives the same images and captions.
    """
    rng = random.Random(f"shapes {seed}")
    return [sample for index, shape in enumerate(_evenly(n_images, rng)) for sample in _twins(shape, index, rng)]


def draw_shape(shape: Shape, rng: random.Random, *, pixels: int = 96) -> Image.Image:
    """Draw a shape somewhere on its side, on grey.

    Args:
        shape: what is drawn.
        rng: draws place, radius, shade and the grey behind.
        pixels: width and height.

    Raises:
        DataError: the shape is not one of `all_shapes`, or there are fewer than 16 pixels.
    """
    if shape not in all_shapes() or pixels < 16:
        raise DataError(
            f"{shape}, {pixels} pixels: expected one of {', '.join(FORMS)} in {', '.join(COLOURS)}, a side of "
            f"{', '.join(SIDES)}, a size of {', '.join(SIZES)}, and at least 16 pixels; see all_shapes()"
        )
    radius = rng.uniform(*SIZES[shape.size])
    away = rng.uniform(radius + MARGIN, 1 - radius - MARGIN)
    centre = (-away if shape.side == "left" else away, rng.uniform(radius + MARGIN - 1, 1 - radius - MARGIN))
    colour = tuple(level + rng.randint(-SHADE, SHADE) for level in COLOURS[shape.colour])
    ground = rng.randint(*GROUND)
    large = pixels * OVERSAMPLED
    image = Image.new("RGB", (large, large), (ground, ground, ground))
    outline = [((x + 1) * large / 2, (y + 1) * large / 2) for x, y in _outline(shape.form, centre, radius)]
    ImageDraw.Draw(image).polygon(outline, fill=colour)
    return _grained(image.resize((pixels, pixels), Image.Resampling.BOX), rng)


def caption(shape: Shape, rng: random.Random) -> Twin:
    """A brief request and one sentence with form, colour, side and size, in both languages."""
    template = rng.choice(_words()["templates"])
    slots = {"en": _english(shape), "ar": _arabic(shape)}
    turns = {
        language: (tuple(text.format_map(slots[language]) for text in template[language]),) for language in slots
    }  # fmt: skip
    return Twin("caption", "caption", turns, image_turn=0, answer=shape.form)


def _evenly(n: int, rng: random.Random) -> Iterator[Shape]:
    """So many shapes, all of them before any comes again."""
    left: list[Shape] = []
    for _ in range(n):
        if not left:
            left = rng.sample(all_shapes(), len(all_shapes()))
        yield left.pop()


def _twins(shape: Shape, index: int, rng: random.Random) -> list[Sample]:
    twin, image = caption(shape, rng), draw_shape(shape, rng)
    return [replace(sample, source=SOURCE) for sample in corpus.samples(twin, f"shape-{index}", image)]


def _outline(form: str, centre: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    """Corners in unit coordinates, y downwards; a circle has many."""
    if form == "square":
        half = radius * math.sqrt(math.pi) / 2  # as large an area as the circle's
        return [(centre[0] + x * half, centre[1] + y * half) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    n, inner = {"circle": (90, 1.0), "triangle": (3, 1.0), "star": (10, 0.45)}[form]
    lengths = [radius * (inner if corner % 2 else 1.0) for corner in range(n)] if form == "star" else [radius] * n
    angles = [2 * math.pi * corner / n - math.pi / 2 for corner in range(n)]
    return [
        (centre[0] + length * math.cos(angle), centre[1] + length * math.sin(angle))
        for length, angle in zip(lengths, angles, strict=True)
    ]


def _grained(image: Image.Image, rng: random.Random) -> Image.Image:
    """The image with a little noise, so that no two are the same."""
    pixels = np.asarray(image, dtype=np.float32)
    grain = np.random.default_rng(rng.getrandbits(32)).normal(0, 3, pixels.shape[:2])
    return Image.fromarray(np.rint((pixels + grain[..., None]).clip(0, 255)).astype(np.uint8))


def _english(shape: Shape) -> dict[str, str]:
    words = _words()
    parts = (words["sizes"][shape.size], words["colours"][shape.colour], words["shapes"][shape.form])
    return {"thing": " ".join(part["en"] for part in parts), "side": words["sides"][shape.side]["en"]}


def _arabic(shape: Shape) -> dict[str, str]:
    """The noun, then its colour and size in its gender."""
    words = _words()
    noun, colour, size = words["shapes"][shape.form], words["colours"][shape.colour], words["sizes"][shape.size]
    gender = noun["gender"]
    return {
        "thing": f"{noun['ar']} {colour[gender]} {size[gender]}",
        "thing_acc": f"{noun['acc']} {colour[gender]} {size[f'{gender}_acc']}",
        "exists": words["exists"][gender],
        "side": words["sides"][shape.side]["ar"],
    }


@cache
def _words() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("shapes.yaml").read_text(encoding="utf-8"))
