"""Images as they are compared: byte for byte by content key, and by eye with a perceptual hash.

The hash is the 64-bit pHash: grey, 32 x 32, the 8 x 8 lowest frequencies of a cosine transform, one bit for each that
lies above their median (hackerfactor.com, "Looks Like It", 2011; the library ImageHash computes the same). It is one
number, give or take a few bits, for all copies of a picture that were scaled, compressed or brightened. A crop or a
turn changes it, and a small finding does not: two pictures drawn or taken alike can be near, so a match by hash names
its distance and should be looked at before a row is called a copy.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image
from scipy.fft import dctn

BITS = 64

FLAT_DEVIATION = 2.0
"""Grey levels of 255: a picture whose 32 x 32 thumbnail deviates less from its mean shows nothing to be told by."""


@dataclass(frozen=True)
class ImageHashes:
    """The perceptual hashes of a set of images, by image id (the content key of the image store)."""

    hashes: Mapping[str, int]
    flat: frozenset[str]
    """Ids of the images that are one colour all over: they would match each other and say nothing."""


@dataclass(frozen=True)
class Near:
    """An image that looks like the one that was asked about."""

    image: str
    distance: int
    """Bits that differ, of 64."""


def hash_images(images: Iterable[tuple[str, Image.Image]]) -> ImageHashes:
    """Hash a stream of (image id, picture); one picture is held at a time."""
    found = {image_id: perceptual_hash(image) for image_id, image in images}
    return ImageHashes(
        {image_id: value for image_id, value in found.items() if value is not None},
        frozenset(image_id for image_id, value in found.items() if value is None),
    )


def perceptual_hash(image: Image.Image) -> int | None:
    """The 64-bit pHash of an 8-bit picture; None for a flat one.

    The first bit, of the mean grey, is the highest of the number.
    """
    grey = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey, dtype=np.float64)
    if pixels.std() < FLAT_DEVIATION:
        return None
    lowest = dctn(pixels, type=2)[:8, :8]
    return int.from_bytes(np.packbits(lowest > np.median(lowest)).tobytes(), "big")


class HashIndex:
    """Finds all hashes within a Hamming distance, exactly.

    Cut into `most` + 1 bands, two hashes that differ in at most `most` bits agree in one band at least (the pigeonhole
    principle): only hashes that share a band are compared.
    """

    def __init__(self, hashes: Mapping[str, int], *, most: int) -> None:
        self.most = most
        self._ids: dict[int, list[str]] = defaultdict(list)
        self._bands: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(most + 1)]
        edges = [BITS * number // (most + 1) for number in range(most + 2)]
        self._cuts = [(low, (1 << (high - low)) - 1) for low, high in pairwise(edges)]
        for image_id, value in hashes.items():
            if value not in self._ids:
                for band, (shift, mask) in zip(self._bands, self._cuts, strict=True):
                    band[value >> shift & mask].append(value)
            self._ids[value].append(image_id)

    def near(self, value: int) -> list[Near]:
        """The images within the distance, the nearest first, then by id."""
        candidates = {
            other
            for band, (shift, mask) in zip(self._bands, self._cuts, strict=True)
            for other in band.get(value >> shift & mask, ())
        }
        found = [
            Near(image_id, distance)
            for other in candidates
            if (distance := (other ^ value).bit_count()) <= self.most
            for image_id in self._ids[other]
        ]
        return sorted(found, key=lambda near: (near.distance, near.image))
