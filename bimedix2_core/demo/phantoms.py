"""Phantoms: procedural medical images whose truth is known.

A phantom is drawn from a truth record (what is there) and a seed (everything else). The anatomy depends on the modality
and the seed only, so that nothing but the finding tells two records of one seed apart. All shapes live in unit
coordinates (x to the right, y down, both from -1 to 1) and have analytic soft edges: one phantom, any resolution.

Radiological images follow the radiological convention: the patient's left is on the right of the image.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bimedix2_core.errors import DataError

MODALITIES = ("cxr", "ct", "mri", "histology", "gross")
SIDES = ("left", "right")
SIZES = ("small", "large")


@dataclass(frozen=True, order=True)
class Truth:
    """What a phantom shows; ``side`` is the patient's side, and a trait the finding lacks is an empty string."""

    modality: str
    finding: str
    side: str = ""
    size: str = ""


@dataclass(frozen=True)
class Traits:
    """Which attributes a finding has."""

    has_side: bool = False
    has_size: bool = False


FINDINGS: dict[str, dict[str, Traits]] = {
    "cxr": {
        "normal": Traits(),
        "pleural_effusion": Traits(has_side=True, has_size=True),
        "pneumothorax": Traits(has_side=True),
        "cardiomegaly": Traits(),
        "lung_nodule": Traits(has_side=True, has_size=True),
    },
    "ct": {
        "normal": Traits(),
        "liver_cyst": Traits(has_size=True),
        "kidney_stone": Traits(has_side=True),
        "ascites": Traits(),
    },
    "mri": {
        "normal": Traits(),
        "brain_tumour": Traits(has_side=True, has_size=True),
        "white_matter_lesions": Traits(),
        "infarct": Traits(has_side=True),
    },
    "histology": {
        "normal": Traits(),
        "adenocarcinoma": Traits(),
        "inflammation": Traits(),
        "steatosis": Traits(),
    },
    "gross": {
        "normal": Traits(),
        "tumour": Traits(has_size=True),
        "haemorrhage": Traits(),
        "cyst": Traits(has_size=True),
    },
}


def all_truths() -> tuple[Truth, ...]:
    """Every valid truth record, in the order of ``FINDINGS``."""
    return tuple(
        Truth(modality, finding, side, size)
        for modality, findings in FINDINGS.items()
        for finding, traits in findings.items()
        for side in (SIDES if traits.has_side else ("",))
        for size in (SIZES if traits.has_size else ("",))
    )


def draw(truth: Truth, seed: int, *, pixels: int = 96) -> Image.Image:
    """Draw the phantom of a truth record.

    Args:
        truth: What the image shows.
        seed: Everything else: build, pose, texture, exposure. The same for all records of a modality.
        pixels: Width and height; the phantom stays the same at every resolution.

    Returns:
        An RGB image of ``pixels`` x ``pixels``; the same arguments give the same bytes.

    Raises:
        DataError: If the truth record is not one of ``all_truths()``, the seed is negative or ``pixels`` below 16.
    """
    _check(truth, seed, pixels)
    stream = (seed, MODALITIES.index(truth.modality))
    anatomy, paint, develop = _MODALITY[truth.modality]
    scene = anatomy(_plain_grid(pixels), np.random.default_rng((*stream, 0)))
    if truth.finding != "normal":
        sign = -1.0 if truth.side == "right" else 1.0
        paint[truth.finding](scene, _Lesion(np.random.default_rng((*stream, 1)), sign, truth.size == "large"))
    rgb = develop(scene, np.random.default_rng((*stream, 2)))
    _mark(rgb, "PHANTOM", pixels)
    if truth.modality in ("cxr", "ct", "mri"):
        _mark(rgb, "L", pixels)
    return Image.fromarray(np.rint(rgb.clip(0.0, 1.0) * 255.0).astype(np.uint8).transpose(1, 2, 0).copy())


def contact_sheet(truths: Iterable[Truth], *, seed: int, pixels: int = 96, columns: int = 6) -> Image.Image:
    """Phantoms of one seed side by side, row by row, each with its truth record written beneath.

    Returns:
        An RGB image ``columns`` phantoms wide.
    """
    truths = tuple(truths)
    font = ImageFont.load_default(12)
    cell, line = pixels + 6, 32
    rows = math.ceil(len(truths) / columns)
    sheet = Image.new("RGB", (columns * cell, rows * (cell + line)), "white")
    pen = ImageDraw.Draw(sheet)
    for position, truth in enumerate(truths):
        x, y = position % columns * cell + 3, position // columns * (cell + line) + 3
        sheet.paste(draw(truth, seed, pixels=pixels), (x, y))
        traits = f"{truth.side} {truth.size}".strip()
        label = f"{truth.finding}\n{traits}".replace("_", " ")
        pen.text((x, y + pixels + 2), label, "black", font, spacing=1)
    return sheet


def _check(truth: Truth, seed: int, pixels: int) -> None:
    """Raise a DataError that says what is wrong with the request."""
    if seed < 0 or pixels < 16:
        raise DataError(f"Got seed {seed} and {pixels} pixels; a phantom needs a seed >= 0 and at least 16 pixels.")
    findings = FINDINGS.get(truth.modality)
    if findings is None:
        raise DataError(f"Unknown modality {truth.modality!r} in {truth}; choose one of {', '.join(MODALITIES)}.")
    traits = findings.get(truth.finding)
    if traits is None:
        known = ", ".join(findings)
        raise DataError(f"Unknown finding {truth.finding!r} in {truth}; {truth.modality} has {known}.")
    for name, value, values, wanted in (
        ("side", truth.side, SIDES, traits.has_side),
        ("size", truth.size, SIZES, traits.has_size),
    ):
        allowed = values if wanted else ("",)
        if value not in allowed:
            raise DataError(f"Found {name} {value!r} in {truth}; expected one of {allowed}. See phantoms.all_truths().")


# Primitives: grids, fields (positive inside a shape, in unit lengths), masks (0 to 1) and paint


@dataclass(frozen=True)
class _Grid:
    """Coordinates of the pixel centres: float32 arrays that broadcast to (rows, columns); ``h`` is a pixel's width."""

    x: np.ndarray
    y: np.ndarray
    h: float
    pixels: int


@dataclass(frozen=True)
class _Scene:
    """A half-made phantom: planes to paint on (c, n, n), and the fields and places later steps need."""

    grid: _Grid
    image: np.ndarray
    fields: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class _Lesion:
    """How to draw a finding: its own random stream, +1 for the image's right (patient's left) or -1, and its size."""

    rng: np.random.Generator
    sign: float
    large: bool


def _plain_grid(pixels: int) -> _Grid:
    """The image's own coordinates, as a row and a column."""
    h = 2.0 / pixels
    line = (np.arange(pixels, dtype=np.float32) + 0.5) * h - 1.0
    return _Grid(line[None, :], line[:, None], h, pixels)


def _posed(grid: _Grid, rng: np.random.Generator, *, shift: float, turn: float, scale: float, wobble: float) -> _Grid:
    """The grid of a body that lies a little shifted, turned, scaled and bent."""
    angle, size = rng.uniform(-turn, turn), 1.0 + rng.uniform(-scale, scale)
    x = grid.x - rng.uniform(-shift, shift) + wobble * _noise(rng, grid.pixels, 3)
    y = grid.y - rng.uniform(-shift, shift) + wobble * _noise(rng, grid.pixels, 3)
    c, s = math.cos(angle) / size, math.sin(angle) / size
    return _Grid(c * x + s * y, c * y - s * x, grid.h / size, grid.pixels)


def _mirrored(grid: _Grid, sign: float) -> _Grid:
    """The grid on which a lesion at positive x lies on the side of ``sign``."""
    return _Grid(grid.x * sign, grid.y, grid.h, grid.pixels)


def _noise(rng: np.random.Generator, pixels: int, cells: int) -> np.ndarray:
    """Smooth noise of about unit variance, (pixels, pixels), with ``cells`` bumps across."""
    lattice = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(lattice).resize((pixels, pixels), Image.Resampling.BICUBIC))


def _ridges(noise: np.ndarray, width: float) -> np.ndarray:
    """Winding lines where smooth noise changes its sign: 1 on the line, 0 beyond ``width``."""
    return np.clip(1.0 - np.abs(noise) / width, 0.0, 1.0)


def _ellipse(grid: _Grid, x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    """Field of an ellipse."""
    dx, dy = grid.x - x, grid.y - y
    if turn:
        c, s = math.cos(turn), math.sin(turn)
        dx, dy = c * dx + s * dy, c * dy - s * dx
    return (1.0 - np.sqrt((dx / rx) ** 2 + (dy / ry) ** 2)) * min(rx, ry)


def _rod(grid: _Grid, start: tuple[float, float], end: tuple[float, float], width: float) -> np.ndarray:
    """Field of a straight rod with round ends; ``width`` is its half width."""
    (x0, y0), (x1, y1) = start, end
    ux, uy = x1 - x0, y1 - y0
    dx, dy = grid.x - x0, grid.y - y0
    along = np.clip((dx * ux + dy * uy) / (ux * ux + uy * uy), 0.0, 1.0)
    return width - np.sqrt((dx - along * ux) ** 2 + (dy - along * uy) ** 2)


def _both(shape: Callable[[float], np.ndarray]) -> np.ndarray:
    """Union of a shape on the image's right (+1) and on its left (-1)."""
    return np.maximum(shape(1.0), shape(-1.0))


def _mask(grid: _Grid, inside: np.ndarray, soft: float = 0.0) -> np.ndarray:
    """Coverage from 0 to 1 of a field, its edge ``soft`` wide (at least a pixel)."""
    return np.clip(inside / max(soft, grid.h) + 0.5, 0.0, 1.0)


def _paint(image: np.ndarray, mask: np.ndarray, colour: float | tuple[float, ...] | np.ndarray) -> None:
    """Blend a colour into the planes where the mask is."""
    if isinstance(colour, tuple):
        colour = np.asarray(colour, dtype=np.float32)[:, None, None]
    image += mask * (colour - image)


def _blank(grid: _Grid, planes: int, value: float = 0.0) -> np.ndarray:
    """Planes of one value."""
    return np.full((planes, grid.pixels, grid.pixels), value, dtype=np.float32)


@lru_cache(maxsize=32)
def _mark_masks(text: str, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of a word and of its dark halo; drawn large, then reduced."""
    side = 768
    box, size, anchor = ((16, side - 12), 38, "ls") if text == "PHANTOM" else ((side - 24, 60), 62, "rt")
    masks = []
    for stroke in (0, 5):
        plate = Image.new("L", (side, side), 0)
        font = ImageFont.load_default(size)
        ImageDraw.Draw(plate).text(box, text, fill=255, font=font, anchor=anchor, stroke_width=stroke)
        plate = plate.resize((pixels, pixels), Image.Resampling.LANCZOS if pixels > side else Image.Resampling.BOX)
        masks.append(np.asarray(plate, dtype=np.float32) / 255.0)
    return masks[0], masks[1]


def _mark(rgb: np.ndarray, text: str, pixels: int) -> None:
    """Write PHANTOM along the lower edge or L at the image's right."""
    word, halo = _mark_masks(text, pixels)
    _paint(rgb, 0.45 * halo, 0.1)
    _paint(rgb, 0.85 * word, 0.85)


# Chest X-ray: planes hold what weakens the beam; developing turns it into grey


def _chest(grid: _Grid, rng: np.random.Generator) -> _Scene:
    """A frontal chest: body, lungs, ribs, clavicles, spine, heart."""
    g = _posed(grid, rng, shift=0.03, turn=0.04, scale=0.05, wobble=0.012)
    height = rng.uniform(-0.05, 0.05)
    shoulders = g.y + 0.74 - 0.06 * g.x**2 + 0.75 * np.exp(-((g.x / 0.3) ** 2))
    body = np.minimum(shoulders, -_both(lambda s: _ellipse(g, s * 1.04, 0.45, 0.13, 0.75, s * 0.06)))
    domes = {s: 0.47 + height + 0.04 * s + 1.1 * (g.x - s * 0.38) ** 2 - g.y for s in (1.0, -1.0)}
    lungs = {s: np.minimum(_ellipse(g, s * 0.42, 0.02, 0.34, 0.76, s * -0.1), domes[s]) for s in domes}
    lung = np.maximum(lungs[1.0], lungs[-1.0])
    image = _blank(g, 1)
    image += 0.6 * _mask(g, body, 0.05)
    below = np.minimum(-np.where(g.x > 0, domes[1.0], domes[-1.0]), 0.74 - np.abs(g.x))
    _paint(image, _mask(g, np.minimum(body, below), 0.06), 0.9)
    _paint(image, _mask(g, lung, 0.035), 0.2)
    scene = _Scene(g, image, {"left": lungs[1.0], "right": lungs[-1.0]})
    scene.fields["vessels"] = vessels = _lung_vessels(g, lung, rng)
    image += vessels
    _mediastinum(scene, rng)
    _thoracic_bones(scene, body, rng)
    return scene


def _lung_vessels(g: _Grid, lung: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vessel markings that thin out from the hila, as extra attenuation."""
    away = _both(lambda s: -np.sqrt((g.x - s * 0.17) ** 2 + 0.6 * (g.y - 0.02) ** 2))
    strength = np.clip(1.0 + away / 0.6, 0.0, 1.0)
    lines = _ridges(_noise(rng, g.pixels, 13), 0.35) + 0.7 * _ridges(_noise(rng, g.pixels, 24), 0.35)
    hila = _both(lambda s: _ellipse(g, s * 0.19, 0.02, 0.1, 0.17, s * 0.2))
    return _mask(g, lung, 0.05) * (0.3 * strength**1.3 * lines + 0.16 * _mask(g, hila, 0.15))


def _mediastinum(scene: _Scene, rng: np.random.Generator) -> None:
    """Heart, great vessels, windpipe and the stomach's air bubble."""
    g, image = scene.grid, scene.image
    width = rng.uniform(0.94, 1.04)
    scene.fields["heart"] = heart = _heart(g, width)
    arch = _ellipse(g, 0.11, -0.27, 0.1, 0.1)
    _paint(image, 0.85 * _mask(g, _rod(g, (-0.01, -0.8), (0.0, 0.5), 0.12), 0.09), 0.6)
    _paint(image, 0.9 * _mask(g, np.maximum(heart, arch), 0.05), 0.78)
    image -= 0.24 * _mask(g, _rod(g, (0.0, -1.1), (-0.01, -0.27), 0.045), 0.04)
    bubble = _ellipse(g, rng.uniform(0.36, 0.44), 0.72, rng.uniform(0.12, 0.17), 0.08)
    image -= 0.4 * _mask(g, bubble, 0.06)


def _heart(g: _Grid, width: float) -> np.ndarray:
    """The heart's silhouette, its apex at the image's right."""
    left = _ellipse(g, 0.1 * width, 0.27, 0.32 * width, 0.2 + 0.04 * width, 0.5)
    return np.maximum(left, _ellipse(g, -0.03 * width, 0.26, 0.2 * width, 0.2 + 0.04 * width))


def _thoracic_bones(scene: _Scene, body: np.ndarray, rng: np.random.Generator) -> None:
    """Ribs behind and in front, spine and clavicles."""
    g, image = scene.grid, scene.image
    side = np.abs(g.x)
    cage = _mask(g, _ellipse(g, 0, 0.12, 0.84, 0.98), 0.05) * np.clip((side - 0.08) / 0.05, 0.0, 1.0)
    phase = rng.uniform(0.0, 1.0)
    behind = (g.y - 0.9 * (side - 0.32) ** 2) / 0.185 + phase
    front = (g.y + 0.75 * side - 0.3 * side**2) / 0.24 + phase
    fade = np.clip((0.85 - g.y) / 0.5, 0.0, 1.0)
    image += 0.17 * cage * fade * _bands(behind, 0.2) + 0.07 * cage * fade * _bands(front, 0.2)
    discs = 0.75 + 0.25 * _bands(g.y / 0.15 + phase, 0.32)
    image += 0.2 * discs * _mask(g, 0.085 - side, 0.03) * _mask(g, body)
    for s in (1.0, -1.0):
        lift = rng.uniform(-0.02, 0.02)
        bend = _Grid(g.x, g.y + 0.05 * np.sin(g.x * 5.0 * s), g.h, g.pixels)
        clavicle = _rod(bend, (s * 0.1, -0.56), (s * 0.72, -0.72 + lift), 0.04)
        image += 0.24 * _mask(g, clavicle, 0.02) + 0.1 * _mask(g, 0.012 - np.abs(clavicle), 0.02)


def _bands(phase: np.ndarray, half: float) -> np.ndarray:
    """Bands of period 1 with brighter rims, as ribs have."""
    away = np.abs(phase - np.rint(phase))
    core = np.clip((half - away) / 0.08 + 0.5, 0.0, 1.0)
    return core * (0.65 + 0.35 * np.clip(1.0 - np.abs(away - half + 0.05) / 0.07, 0.0, 1.0))


def _pleural_effusion(scene: _Scene, lesion: _Lesion) -> None:
    """Fluid that fills the chest from below, higher at its outer wall."""
    g = _mirrored(scene.grid, lesion.sign)
    level = (-0.02 if lesion.large else 0.36) + lesion.rng.uniform(-0.04, 0.04)
    rise = 1.3 * np.clip(g.x - 0.25, 0.0, 1.0) ** 2
    hemithorax = scene.fields["left" if lesion.sign > 0 else "right"]
    fluid = np.minimum(hemithorax + 0.03, g.y - level + rise)
    _paint(scene.image, 0.95 * _mask(g, fluid, 0.035) * _mask(g, g.x - 0.12, 0.1), 1.06)


def _pneumothorax(scene: _Scene, lesion: _Lesion) -> None:
    """A lung that has shrunk towards its root: a fine edge, and air without markings beyond it."""
    g = _mirrored(scene.grid, lesion.sign)
    hemithorax = scene.fields["left" if lesion.sign > 0 else "right"]
    shrunk = lesion.rng.uniform(0.9, 1.05)
    lung = _ellipse(g, 0.26, 0.14, 0.21 * shrunk, 0.5 * shrunk, -0.12)
    air = np.minimum(hemithorax - 0.015, -lung)
    cleared = _mask(g, air, 0.02) * np.clip((g.x - 0.17) / 0.1, 0.0, 1.0)
    image = scene.image
    image -= cleared * (0.8 * scene.fields["vessels"] + 0.16)
    inner = _mask(g, np.minimum(hemithorax, lung), 0.03)
    image += 0.16 * inner
    edge = _mask(g, np.minimum(hemithorax, 0.012 - np.abs(lung)), 0.02) * np.clip((g.x - 0.2) / 0.1, 0.0, 1.0)
    image += 0.4 * edge


def _cardiomegaly(scene: _Scene, lesion: _Lesion) -> None:
    """A heart wider than half the chest."""
    g, image, fields = scene.grid, scene.image, scene.fields
    heart = _mask(g, _heart(g, lesion.rng.uniform(1.7, 1.85)), 0.05)
    grown = heart * _mask(g, np.maximum(fields["left"], fields["right"]), 0.05)
    grown *= 1.0 - _mask(g, fields["heart"], 0.05)
    image += grown * (0.5 - fields["vessels"])


def _lung_nodule(scene: _Scene, lesion: _Lesion) -> None:
    """A round shadow in the lung."""
    g = _mirrored(scene.grid, lesion.sign)
    x, y = lesion.rng.uniform(0.44, 0.52), lesion.rng.uniform(-0.4, 0.12)
    radius = (0.155 if lesion.large else 0.065) * lesion.rng.uniform(0.95, 1.05)
    image = scene.image
    image += 0.6 * _mask(g, _ellipse(g, x, y, radius, radius * 0.95), 0.03)


def _expose(scene: _Scene, rng: np.random.Generator) -> np.ndarray:
    """Develop the chest film: dark where the beam passes."""
    scale = rng.uniform(1.25, 1.5)
    grey = 1.0 - np.exp(-scale * np.maximum(scene.image, 0.0))
    return _grey_film(grey, rng, 0.02)


def _grey_film(grey: np.ndarray, rng: np.random.Generator, grain: float) -> np.ndarray:
    """Three equal planes with a little grain and a varying contrast."""
    pixels = grey.shape[-1]
    gain, lift = rng.uniform(0.95, 1.06), rng.uniform(-0.015, 0.02)
    noise = _noise(rng, pixels, 96) + 0.5 * _noise(rng, pixels, 40)
    grey = grey * gain + lift + grain * noise * (0.3 + grey)
    return np.repeat(grey, 3, axis=0)


# Abdominal CT: one plane of grey

_FAT = 0.24


def _abdomen(grid: _Grid, rng: np.random.Generator) -> _Scene:
    """An axial slice at the height of the kidneys."""
    g = _posed(grid, rng, shift=0.025, turn=0.05, scale=0.05, wobble=0.014)
    body = _ellipse(g, 0, 0, 0.9, rng.uniform(0.64, 0.7))
    fat = rng.uniform(0.09, 0.13)
    cavity = body - fat - 0.055
    image = _blank(g, 1, 0.02)
    _paint(image, 0.8 * _mask(g, np.minimum(0.012 - np.abs(g.y - 0.8 + 0.14 * g.x**2), 0.8 - np.abs(g.x))), 0.5)
    _paint(image, _mask(g, body), 0.5)
    _paint(image, _mask(g, body - 0.02), 0.22)
    _paint(image, _mask(g, body - fat), 0.52)
    _paint(image, _mask(g, cavity), _FAT)
    scene = _Scene(g, image, {"cavity": cavity})
    _abdominal_bones(scene, body - fat, rng)
    _abdominal_organs(scene, rng)
    _kidneys(scene, rng)
    return scene


def _abdominal_bones(scene: _Scene, wall: np.ndarray, rng: np.random.Generator) -> None:
    """Spine with its muscles, and ribs in the wall."""
    g, image = scene.grid, scene.image
    muscles = _both(lambda s: _ellipse(g, s * 0.19, 0.46, 0.17, 0.13, s * 0.2))
    psoas = _both(lambda s: _ellipse(g, s * 0.18, 0.31, 0.08, 0.1))
    _paint(image, _mask(g, np.maximum(muscles, psoas)), 0.53)
    angle = np.arctan2(g.y, g.x) * 9.0 / math.pi + rng.uniform(0.0, 1.0)
    away = np.abs(angle - np.rint(angle))
    ribs = np.minimum(0.026 - np.abs(wall - 0.035), (0.2 - away) * 0.3)
    _paint(image, _mask(g, np.minimum(ribs, np.abs(g.x) - 0.35), 0.015), 0.92)
    arch = _both(lambda s: _rod(g, (s * 0.06, 0.46), (s * 0.2, 0.44), 0.026))
    posterior = np.maximum(arch, _rod(g, (0, 0.52), (0, 0.6), 0.026))
    posterior = np.maximum(posterior, 0.022 - np.abs(_ellipse(g, 0, 0.465, 0.085, 0.07)))
    _paint(image, _mask(g, posterior, 0.015), 0.9)
    vertebra = _ellipse(g, 0, 0.33, 0.145, 0.11)
    _paint(image, _mask(g, vertebra), 0.95)
    _paint(image, _mask(g, vertebra - 0.025, 0.03), 0.78)


def _abdominal_organs(scene: _Scene, rng: np.random.Generator) -> None:
    """Liver, spleen, stomach, pancreas, bowel and the great vessels."""
    g, image, cavity = scene.grid, scene.image, scene.fields["cavity"]
    lobe, tip = rng.uniform(0.36, 0.42), rng.uniform(0.0, 0.1)
    bowel = [_ellipse(g, x, y, 0.08, 0.07) for x, y in ((0.27, 0.06), (0.43, 0.02), (-0.06, 0.05), (0.16, -0.02))]
    for loop in bowel:
        _paint(image, _mask(g, loop), 0.56)
        _paint(image, _mask(g, loop - 0.03, 0.02), 0.42)
    stomach = np.minimum(_ellipse(g, 0.36, -0.19, 0.27, 0.18, 0.2), cavity - 0.02)
    _paint(image, _mask(g, stomach), 0.56)
    _paint(image, _mask(g, stomach - 0.025), 0.42)
    _paint(image, _mask(g, np.minimum(stomach - 0.025, -0.2 - g.y)), 0.03)
    spleen = np.minimum(_ellipse(g, 0.6, 0.1, 0.15, 0.27, 0.3), cavity - 0.015)
    _paint(image, _mask(g, spleen), 0.64)
    right = _ellipse(g, -0.42, -0.06, 0.37, lobe, -0.1)
    liver = np.maximum(right, _ellipse(g, -0.12 + tip, -0.24, 0.33, 0.17, -0.15))
    liver = np.minimum(np.minimum(liver, cavity - 0.015), -_ellipse(g, -0.12, 0.17, 0.14, 0.16))
    scene.fields["liver"] = liver
    veins = _ridges(_noise(rng, g.pixels, 7), 0.16) * _mask(g, liver - 0.06, 0.05)
    _paint(image, _mask(g, liver), 0.6)
    image += 0.1 * veins
    for x, y, r, grey in ((0.05, 0.16, 0.065, 0.82), (-0.12, 0.17, 0.075, 0.68), (-0.03, 0.02, 0.045, 0.7)):
        _paint(image, _mask(g, _ellipse(g, x, y, r, r)), grey)


def _kidneys(scene: _Scene, rng: np.random.Generator) -> None:
    """Bright cortex around the fat of the sinus."""
    g, image = scene.grid, scene.image
    long = rng.uniform(0.165, 0.19)
    kidney = _both(lambda s: _ellipse(g, s * 0.38, 0.29, 0.135, long, s * 0.35))
    sinus = _both(lambda s: _ellipse(g, s * 0.32, 0.28, 0.07, 0.06, s * 0.35))
    _paint(image, _mask(g, kidney + 0.02), _FAT)
    _paint(image, _mask(g, kidney), 0.76)
    _paint(image, _mask(g, kidney - 0.035, 0.03), 0.68)
    _paint(image, _mask(g, sinus, 0.03), 0.3)


def _liver_cyst(scene: _Scene, lesion: _Lesion) -> None:
    """A round, sharp hole of water in the liver."""
    g = scene.grid
    radius = (0.2 if lesion.large else 0.08) * lesion.rng.uniform(0.93, 1.07)
    x, y = lesion.rng.uniform(-0.5, -0.4), lesion.rng.uniform(-0.16, 0.0)
    cyst = np.minimum(_ellipse(g, x, y, radius, radius), scene.fields["liver"] - 0.01)
    _paint(scene.image, _mask(g, cyst), 0.33)


def _kidney_stone(scene: _Scene, lesion: _Lesion) -> None:
    """A bright stone in a widened renal pelvis."""
    g = _mirrored(scene.grid, lesion.sign)
    x, y = lesion.rng.uniform(0.33, 0.38), lesion.rng.uniform(0.25, 0.31)
    _paint(scene.image, _mask(g, _ellipse(g, 0.33, 0.28, 0.1, 0.085, 0.35), 0.02), 0.36)
    stone = _ellipse(g, x, y, 0.045, 0.038, 0.4)
    _paint(scene.image, 0.5 * _mask(g, stone + 0.015, 0.05), 0.8)
    _paint(scene.image, _mask(g, stone), 1.15)


def _ascites(scene: _Scene, lesion: _Lesion) -> None:
    """Fluid between the abdominal wall and the organs, and in place of the fat among them."""
    g, image, cavity = scene.grid, scene.image, scene.fields["cavity"]
    front = np.clip((0.32 - g.y) / 0.3, 0.0, 1.0)
    depth = front * (lesion.rng.uniform(0.11, 0.14) + 0.03 * np.cos(g.x * 9.0))
    among = np.clip(1.5 - np.abs(image - _FAT) / 0.03, 0.0, 1.0) * _mask(g, np.minimum(cavity, 0.12 - g.y), 0.03)
    rim = _mask(g, np.minimum(cavity, depth - cavity), 0.015)
    _paint(image, np.maximum(among, rim), 0.37)


def _scan(scene: _Scene, rng: np.random.Generator) -> np.ndarray:
    """Develop a slice: grey as it is, with grain."""
    return _grey_film(scene.image, rng, 0.035)


# Brain MRI: one plane of grey, FLAIR look


def _brain(grid: _Grid, rng: np.random.Generator) -> _Scene:
    """An axial slice through the lateral ventricles."""
    g = _posed(grid, rng, shift=0.02, turn=0.06, scale=0.04, wobble=0.012)
    head = _ellipse(g, 0, 0, rng.uniform(0.73, 0.78), 0.92)
    brain = head - 0.145
    image = _blank(g, 1, 0.01)
    for depth, grey in ((0.0, 0.5), (0.02, 0.78), (0.065, 0.06), (0.085, 0.2), (0.105, 0.05)):
        _paint(image, _mask(g, head - depth, 0.012), grey)
    scene = _Scene(g, image, {"brain": brain})
    _cortex(scene, rng)
    _deep_brain(scene, rng)
    return scene


def _cortex(scene: _Scene, rng: np.random.Generator) -> None:
    """White matter, the folded grey ribbon and the dark furrows."""
    g, image, brain = scene.grid, scene.image, scene.fields["brain"]
    outer = np.clip((0.26 - brain) / 0.16, 0.0, 1.0)
    folds = np.sin(2.6 * _noise(rng, g.pixels, 10) + 0.5 * _noise(rng, g.pixels, 22))
    inside = _mask(g, brain)
    _paint(image, inside, 0.42)
    ribbon = np.maximum(_ridges(folds, 1.3) ** 0.7 * outer, _mask(g, 0.045 - brain, 0.03))
    _paint(image, inside * ribbon, 0.62)
    furrow = np.clip(_ridges(folds, 0.5) * 1.4, 0.0, 1.0) * np.clip((0.2 - brain) / 0.12, 0.0, 1.0)
    _paint(image, inside * furrow, 0.13)
    fissure = np.minimum(0.014 + 0.006 * folds - np.abs(g.x), np.abs(g.y + 0.02) - 0.36)
    _paint(image, inside * _mask(g, fissure, 0.02), 0.1)


def _deep_brain(scene: _Scene, rng: np.random.Generator) -> None:
    """Deep grey nuclei and the ventricles."""
    g, image = scene.grid, scene.image
    width = rng.uniform(0.04, 0.062)
    caudate = _both(lambda s: _ellipse(g, s * 0.15, -0.1, 0.045, 0.13, s * -0.1))
    putamen = _both(lambda s: _ellipse(g, s * 0.27, 0.0, 0.05, 0.17, s * 0.2))
    _paint(image, _mask(g, np.maximum(caudate, putamen), 0.03), 0.57)
    swell = width * np.sqrt(np.clip(1.0 - ((g.y - 0.04) / 0.36) ** 2, 0.0, 1.0))
    ventricles = swell - np.abs(np.abs(g.x) - _ventricle_axis(g.y) - 0.5 * width)
    ventricles = np.minimum(ventricles, 0.34 - np.abs(g.y - 0.04))
    scene.fields["ventricles"] = ventricles
    _paint(image, 0.4 * _mask(g, ventricles + 0.02, 0.03), 0.7)
    _paint(image, _mask(g, ventricles, 0.02), 0.06)


def _ventricle_axis(y: np.ndarray) -> np.ndarray:
    """How far from the midline a lateral ventricle runs: a crescent, wider at the back."""
    return 0.035 + np.where(y < 0.0, 0.8, 1.1) * y**2


def _brain_tumour(scene: _Scene, lesion: _Lesion) -> None:
    """A bright mass with a darker heart in a cloud of oedema."""
    g, brain = _mirrored(scene.grid, lesion.sign), scene.fields["brain"]
    x, y = lesion.rng.uniform(0.3, 0.36), lesion.rng.uniform(-0.32, 0.32)
    radius = (0.18 if lesion.large else 0.08) * lesion.rng.uniform(0.95, 1.05)
    rough = _noise(lesion.rng, g.pixels, 11)[:, :: int(lesion.sign)]
    mass = np.minimum(_ellipse(g, x, y, radius * 1.05, radius * 0.95) + 0.13 * radius * rough, brain - 0.01)
    oedema = np.minimum(mass + 0.45 * radius + 0.04 + 0.03 * rough, brain - 0.02)
    _paint(scene.image, 0.85 * _mask(g, oedema, 0.06), 0.72)
    _paint(scene.image, _mask(g, mass, 0.02), 0.98)
    _paint(scene.image, 0.75 * _mask(g, mass - (0.5 + 0.1 * rough) * radius, 0.04), 0.45)


def _white_matter_lesions(scene: _Scene, lesion: _Lesion) -> None:
    """Many bright spots around the ventricles."""
    g, rng = scene.grid, lesion.rng
    spots = np.full_like(scene.image[0], -1.0)
    for index in range(24):
        sign, y = (1.0 if index % 2 else -1.0), rng.uniform(-0.42, 0.45)
        x = sign * (float(_ventricle_axis(np.float32(y))) + 0.05 + 0.2 * rng.beta(1.2, 2.0))
        radius = rng.uniform(0.02, 0.042)
        spots = np.maximum(spots, _ellipse(g, x, y, radius, radius * rng.uniform(1.0, 1.6), sign * 0.5))
    spots = np.minimum(spots, -scene.fields["ventricles"])
    _paint(scene.image, _mask(g, spots, 0.02), 0.98)


def _infarct(scene: _Scene, lesion: _Lesion) -> None:
    """A bright wedge, its base at the cortex."""
    g, brain = _mirrored(scene.grid, lesion.sign), scene.fields["brain"]
    angle, half = lesion.rng.uniform(-0.45, 0.45), lesion.rng.uniform(0.42, 0.52)
    dx, dy = g.x - 0.17, g.y
    along = math.cos(angle) * dx + math.sin(angle) * dy
    across = np.abs(math.cos(angle) * dy - math.sin(angle) * dx)
    wedge = np.minimum((along * math.tan(half) - across) * math.cos(half), along - 0.04)
    rough = _noise(lesion.rng, g.pixels, 12)[:, :: int(lesion.sign)]
    wedge = np.minimum(wedge + 0.02 * rough, brain - 0.005)
    _paint(scene.image, 0.85 * _mask(g, wedge, 0.03), 0.9 + 0.05 * rough)


# Histology: planes hold the two dyes, haematoxylin and eosin; developing lets light through them.
# Cells are rows of x, y, two radii, a turn and an amount of dye; they are stamped when the slide is developed.


def _tissue(grid: _Grid, rng: np.random.Generator) -> _Scene:
    """Round glands in a fibrous stroma."""
    image = _blank(grid, 2, 0.05)
    image[1] = 0.5 + 0.06 * _noise(rng, grid.pixels, 26) + 0.1 * _noise(rng, grid.pixels, 9)
    glands = _lattice(rng, 0.7, 0.05)
    radii = rng.uniform(0.24, 0.3, len(glands))
    flat, turns = rng.uniform(0.82, 1.0, len(glands)), rng.uniform(0.0, math.pi, len(glands))
    glands = _rows(glands, radii, radii * flat, turns, 0.0)
    spindles = _beside(_lattice(rng, 0.15, 0.06), glands, 0.03)
    spindles = _rows(spindles, 0.042, 0.014, rng.uniform(0.0, math.pi, len(spindles)), 0.8)
    scene = _Scene(grid, image, {"glands": glands, "spindles": spindles})
    scene.fields["gland"] = disc = _union(grid, glands) + 0.012 * _noise(rng, grid.pixels, 9)
    _paint(image, _mask(grid, disc, 0.02), (0.13, 0.42))
    _paint(image, 0.8 * _mask(grid, disc - 0.085, 0.04), (0.05, 0.2))
    _paint(image, _mask(grid, disc - 0.155, 0.02), (0.0, 0.01))
    scene.fields["lining"] = np.concatenate([_lining(gland, rng) for gland in glands])
    return scene


def _lattice(rng: np.random.Generator, spacing: float, jitter: float) -> np.ndarray:
    """Places that cover the image about evenly, a little beyond its edges, (k, 2)."""
    steps = np.arange(-math.ceil(1.7 / spacing), math.ceil(1.7 / spacing) + 1)
    row, column = np.meshgrid(steps, steps, indexing="ij")
    places = np.stack([(column + row % 2 / 2.0).ravel(), row.ravel() * 0.87], axis=1) * spacing
    angle = rng.uniform(0.0, math.pi)
    c, s = math.cos(angle), math.sin(angle)
    places = places @ np.asarray([[c, -s], [s, c]]) + rng.uniform(-spacing, spacing, 2) / 2.0
    places += rng.uniform(-jitter, jitter, places.shape)
    return places[np.abs(places).max(axis=1) < 1.0 + spacing / 2.0]


def _rows(places: np.ndarray, *columns: np.ndarray | float) -> np.ndarray:
    """Cells at places: two radii, turn and dye, each one value or one per cell, (k, 6)."""
    return np.column_stack([places, *(np.broadcast_to(column, len(places)) for column in columns)])


def _beside(places: np.ndarray, cells: np.ndarray, gap: float) -> np.ndarray:
    """The rows of places that lie outside all the cells (taken as circles) and a gap around them."""
    away = np.hypot(places[:, :1] - cells[:, 0], places[:, 1:2] - cells[:, 1])
    return places[np.all(away > cells[:, 2] + gap, axis=1)]


def _lining(gland: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One row of round nuclei at the base of a gland's cells."""
    x, y, rx, ry, turn, _ = gland
    count = int(rx * 72)
    step = np.arange(count) * 2.0 * math.pi / count
    u, v, c, s = (rx - 0.045) * np.cos(step), (ry - 0.045) * np.sin(step), math.cos(turn), math.sin(turn)
    radius = rng.uniform(0.028, 0.034, count)
    places = np.stack([x + c * u - s * v, y + s * u + c * v], axis=1)
    return _rows(places, radius * 1.2, radius, step + turn, rng.uniform(0.9, 1.1, count))


def _local(grid: _Grid, rows: np.ndarray, margin: float = 0.0) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Fields of many ellipses, each in its own small window, (k, w, w), and the pixels of the windows."""
    reach = int((rows[:, 2:4].max() + margin) / grid.h) + 2
    offsets = np.arange(-reach, reach + 1)
    corner = np.floor((rows[:, :2] + 1.0) / grid.h).astype(int)
    column = np.clip(corner[:, :1] + offsets, 0, grid.pixels - 1)[:, None, :]
    row = np.clip(corner[:, 1:] + offsets, 0, grid.pixels - 1)[:, :, None]
    x, y, rx, ry, turn, _ = rows.T.astype(np.float32)[:, :, None, None]
    dx, dy, c, s = grid.x[0][column] - x, grid.y[:, 0][row] - y, np.cos(turn), np.sin(turn)
    away = np.sqrt(((c * dx + s * dy) / rx) ** 2 + ((c * dy - s * dx) / ry) ** 2)
    return (1.0 - away) * np.minimum(rx, ry), (row, column)


def _union(grid: _Grid, rows: np.ndarray) -> np.ndarray:
    """Field of the union of many ellipses, right up to a little outside them."""
    inside, where = _local(grid, rows, margin=0.15)
    union = np.full((grid.pixels, grid.pixels), -1.0, dtype=np.float32)
    np.maximum.at(union, where, inside)
    return union


def _adenocarcinoma(scene: _Scene, lesion: _Lesion) -> None:
    """Broken, ragged glands of crowded, large, dark nuclei."""
    rng, grid, glands = lesion.rng, scene.grid, scene.fields["glands"]
    _paint(scene.image, _mask(grid, scene.fields["gland"] + 0.03, 0.1), (0.22, 0.58))
    count = len(glands)
    shift, turns = rng.uniform(-0.05, 0.05, (count, 2)), rng.uniform(0.0, math.pi, count)
    slits = _union(grid, _rows(glands[:, :2] + shift, glands[:, 2] * 0.5, glands[:, 2] * 0.2, turns, 0.0))
    _paint(scene.image, _mask(grid, slits, 0.03), (0.0, 0.02))
    start, per_gland = rng.uniform(0.0, 2.0 * math.pi, (count, 1)), 26
    step = start + rng.uniform(1.0, 2.0 * math.pi, (count, per_gland))
    away = glands[:, 2:3] * rng.uniform(0.6, 1.12, step.shape)
    places = np.stack([glands[:, :1] + away * np.cos(step), glands[:, 1:2] + away * np.sin(step)], axis=2).reshape(
        -1, 2
    )
    radius, dye = rng.uniform(0.032, 0.056, len(places)), rng.uniform(1.0, 1.9, len(places))
    scene.fields["lining"] = _rows(places, radius * 1.3, radius * 0.85, rng.uniform(0.0, math.pi, len(places)), dye)


def _inflammation(scene: _Scene, lesion: _Lesion) -> None:
    """Sheets of small, round, dark lymphocytes between the glands."""
    places = _beside(_lattice(lesion.rng, 0.066, 0.018), scene.fields["glands"], 0.03)
    radius = lesion.rng.uniform(0.023, 0.029, len(places))
    scene.fields["lymphocytes"] = _rows(places, radius, radius, 0.0, 1.75)


def _steatosis(scene: _Scene, lesion: _Lesion) -> None:
    """Empty round droplets of fat that push the nuclei aside."""
    rng, grid, fields = lesion.rng, scene.grid, scene.fields
    places = _lattice(rng, 0.28, 0.045)
    places = places[rng.random(len(places)) < 0.85]
    radius = rng.uniform(0.055, 0.13, len(places))
    drops = _rows(places, radius, radius, 0.0, 0.0)
    field_of_drops = _union(grid, drops)
    _paint(scene.image, _mask(grid, field_of_drops + 0.016), (0.2, 0.75))
    _paint(scene.image, _mask(grid, field_of_drops), (0.0, 0.01))
    for name in ("lining", "spindles"):
        fields[name] = _beside(fields[name], drops, 0.01)
    angle = rng.uniform(0.0, 2.0 * math.pi, len(places))
    rim = places + (radius + 0.012)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fields["pushed"] = _rows(rim, 0.016, 0.04, angle, 1.2)


_CELLS = ("spindles", "lining", "lymphocytes", "pushed")


def _stain(scene: _Scene, rng: np.random.Generator) -> np.ndarray:
    """Develop the slide: stamp the nuclei, then Beer-Lambert light through haematoxylin and eosin."""
    grid = scene.grid
    for rows in (scene.fields[name] for name in _CELLS if name in scene.fields):
        inside, where = _local(grid, rows)
        _, _, rx, ry, _, dye = rows.T.astype(np.float32)[:, :, None, None]
        shade = dye * (1.0 - 0.25 * np.clip(inside / np.minimum(rx, ry), 0.0, 1.0))
        np.maximum.at(scene.image[0], where, shade * _mask(grid, inside))
    blue, pink = rng.uniform(0.9, 1.1), rng.uniform(0.85, 1.15)
    dyes = np.asarray([[0.95 * blue, 1.1 * blue, 0.42 * blue], [0.1 * pink, 0.72 * pink, 0.3 * pink]], dtype=np.float32)
    amount = scene.image * (1.0 + 0.06 * _noise(rng, grid.pixels, 60))
    return 0.97 * np.exp(-np.tensordot(dyes.T, np.maximum(amount, 0.0), axes=1))


# Gross pathology: planes of red, green and blue

_KIDNEY = {
    "capsule": (0.5, 0.2, 0.16),
    "cortex": (0.68, 0.34, 0.25),
    "pyramid": (0.48, 0.13, 0.14),
    "fat": (0.9, 0.77, 0.5),
    "pelvis": (0.9, 0.66, 0.58),
}

_VESSELS = ((0.16, 0.035, (0.55, 0.12, 0.12)), (0.04, 0.045, (0.4, 0.3, 0.42)), (-0.1, 0.04, (0.88, 0.72, 0.6)))


def _specimen(grid: _Grid, rng: np.random.Generator) -> _Scene:
    """A kidney, cut open, on a surgical cloth."""
    image = _blank(grid, 3)
    _cloth(image, grid, rng)
    g = _posed(grid, rng, shift=0.04, turn=0.25, scale=0.05, wobble=0.03)
    notch = _ellipse(g, 0.0, 0.66, 0.34, 0.24)
    organ = np.minimum(_ellipse(g, 0, -0.05, 0.82, 0.58), -notch)
    shade = _ellipse(_Grid(g.x - 0.05, g.y - 0.07, g.h, g.pixels), 0, -0.05, 0.84, 0.6)
    _paint(image, 0.6 * _mask(g, shade, 0.16), (0.0, 0.08, 0.1))
    scene = _Scene(g, image, {"organ": organ, "wet": _noise(rng, g.pixels, 10)})
    for x, width, colour in _VESSELS:
        vessel = _rod(g, (x * 0.6, 0.3), (x, rng.uniform(0.56, 0.68)), width)
        _paint(image, _mask(g, vessel), colour)
        _paint(image, 0.3 * _mask(g, vessel - 0.6 * width, 0.03), 1.0)
    _cut_surface(scene, rng)
    return scene


def _cloth(image: np.ndarray, grid: _Grid, rng: np.random.Generator) -> None:
    """Blue-green cloth with a weave and soft folds."""
    weave = np.sin(grid.x * 75.0) * np.sin(grid.y * 75.0)
    folds = _noise(rng, grid.pixels, 4)
    light = 1.0 + 0.06 * weave + 0.1 * folds
    tint = rng.uniform(-0.03, 0.03)
    image += np.asarray([0.1, 0.45 + tint, 0.48 - tint], dtype=np.float32)[:, None, None] * light


def _cut_surface(scene: _Scene, rng: np.random.Generator) -> None:
    """Capsule, cortex, pyramids and the fat of the sinus."""
    g, image, organ = scene.grid, scene.image, scene.fields["organ"]
    texture = 1.0 + 0.06 * _noise(rng, g.pixels, 36) + 0.05 * scene.fields["wet"]
    tone = rng.uniform(0.92, 1.08)
    colours = {name: np.asarray(rgb, dtype=np.float32)[:, None, None] * texture * tone for name, rgb in _KIDNEY.items()}
    _paint(image, _mask(g, organ), colours["capsule"])
    _paint(image, _mask(g, organ - 0.025, 0.015), colours["cortex"])
    angle = np.arctan2(g.y - 0.22, g.x * 0.75) * 9.0 / (2.0 * math.pi) + 0.25
    away = np.abs(angle - np.rint(angle))
    depth = np.clip((organ - 0.13) / 0.3, 0.0, 1.0)
    pyramid = np.minimum((0.4 - 0.38 * depth - away) * 0.3, organ - 0.14)
    stripes = 1.0 + 0.1 * np.sin(angle * 45.0)
    _paint(image, _mask(g, pyramid, 0.03), colours["pyramid"] * stripes)
    sinus = _ellipse(g, 0, 0.26, 0.42, 0.2) + 0.02 * scene.fields["wet"]
    _paint(image, _mask(g, np.minimum(sinus, organ - 0.01), 0.03), colours["fat"])
    _paint(image, 0.5 * _mask(g, np.minimum(_ellipse(g, 0, 0.3, 0.22, 0.08), organ - 0.01), 0.05), colours["pelvis"])


def _gross_place(lesion: _Lesion) -> tuple[float, float]:
    """Where a gross lesion lies: in the upper part of the organ."""
    return lesion.rng.uniform(-0.42, 0.42), lesion.rng.uniform(-0.3, -0.2)


def _gross_tumour(scene: _Scene, lesion: _Lesion) -> None:
    """A pale, lobed mass."""
    g = scene.grid
    x, y = _gross_place(lesion)
    radius = (0.31 if lesion.large else 0.13) * lesion.rng.uniform(0.95, 1.05)
    mass = _ellipse(g, x, y, radius * 0.75, radius * 0.7)
    for turn in np.arange(5) * 1.26 + lesion.rng.uniform(-0.3, 0.3, 5):
        u, v = x + 0.5 * radius * math.cos(turn), y + 0.5 * radius * math.sin(turn)
        lobe = radius * lesion.rng.uniform(0.38, 0.55)
        mass = np.maximum(mass, _ellipse(g, u, v, lobe, lobe))
    mass += 0.08 * radius * scene.fields["wet"]
    light = 1.0 + 0.05 * scene.fields["wet"]
    _paint(scene.image, _mask(g, mass + 0.02), (0.55, 0.3, 0.2))
    for depth, colour in ((0.0, (0.9, 0.78, 0.56)), (0.2 * radius, (0.97, 0.91, 0.76))):
        _paint(scene.image, _mask(g, mass - depth, 0.03), np.asarray(colour, dtype=np.float32)[:, None, None] * light)


def _haemorrhage(scene: _Scene, lesion: _Lesion) -> None:
    """A dark red stain of blood with a ragged edge."""
    g = scene.grid
    x, y = _gross_place(lesion)
    rough = 0.04 * _noise(lesion.rng, g.pixels, 9) + 0.02 * _noise(lesion.rng, g.pixels, 20)
    stain = _ellipse(g, x, y, 0.33, 0.25, lesion.rng.uniform(-0.4, 0.4)) + rough
    stain = np.minimum(stain, scene.fields["organ"] - 0.02)
    _paint(scene.image, 0.7 * _mask(g, stain + 0.035, 0.06), (0.45, 0.02, 0.04))
    _paint(scene.image, _mask(g, stain, 0.04), (0.3, 0.01, 0.03))
    _paint(scene.image, 0.85 * _mask(g, stain - 0.07, 0.05), (0.14, 0.0, 0.02))


def _gross_cyst(scene: _Scene, lesion: _Lesion) -> None:
    """A smooth sac of clear fluid with a shine."""
    g = scene.grid
    x, y = _gross_place(lesion)
    radius = (0.3 if lesion.large else 0.13) * lesion.rng.uniform(0.95, 1.05)
    sac = _ellipse(g, x, y, radius, radius * 0.93)
    _paint(scene.image, _mask(g, sac), (0.9, 0.76, 0.68))
    _paint(scene.image, _mask(g, sac - 0.025), (0.35, 0.42, 0.5))
    _paint(scene.image, _mask(g, sac - 0.35 * radius, 0.5 * radius), (0.62, 0.68, 0.72))
    shine = _ellipse(g, x - 0.35 * radius, y - 0.35 * radius, radius * 0.22, radius * 0.12, -0.7)
    _paint(scene.image, _mask(g, shine, 0.03), (1.0, 1.0, 1.0))


def _photograph(scene: _Scene, rng: np.random.Generator) -> np.ndarray:
    """Develop the photograph: wet highlights, lamp light and the scale bar."""
    grid = _plain_grid(scene.grid.pixels)
    rgb = scene.image
    shine = np.clip(scene.fields["wet"] - 1.0, 0.0, 1.0) * _mask(scene.grid, scene.fields["organ"] - 0.06, 0.05)
    _paint(rgb, 0.4 * shine, 1.0)
    rgb *= rng.uniform(0.94, 1.06) * (1.0 - 0.12 * (grid.x**2 + grid.y**2))
    rgb += 0.012 * _noise(rng, grid.pixels, 96)
    bar = np.minimum(0.25 - np.abs(grid.x - 0.68), 0.025 - np.abs(grid.y - 0.88))
    _paint(rgb, _mask(grid, bar + 0.012), 0.05)
    _paint(rgb, _mask(grid, np.minimum(bar, np.sin((grid.x - 0.43) * 10.0 * math.pi) * 0.03)), 0.97)
    return rgb


_MODALITY = {
    "cxr": (
        _chest,
        {
            "pleural_effusion": _pleural_effusion,
            "pneumothorax": _pneumothorax,
            "cardiomegaly": _cardiomegaly,
            "lung_nodule": _lung_nodule,
        },
        _expose,
    ),
    "ct": (_abdomen, {"liver_cyst": _liver_cyst, "kidney_stone": _kidney_stone, "ascites": _ascites}, _scan),
    "mri": (
        _brain,
        {"brain_tumour": _brain_tumour, "white_matter_lesions": _white_matter_lesions, "infarct": _infarct},
        _scan,
    ),
    "histology": (
        _tissue,
        {"adenocarcinoma": _adenocarcinoma, "inflammation": _inflammation, "steatosis": _steatosis},
        _stain,
    ),
    "gross": (_specimen, {"tumour": _gross_tumour, "haemorrhage": _haemorrhage, "cyst": _gross_cyst}, _photograph),
}
