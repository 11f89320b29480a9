"""Image key: what a picture looks like, as a hash, whatever file it came from."""

import hashlib

from PIL.Image import Image


def image_key(image: Image) -> str:
    """SHA-256 of mode, size, palette and pixels: the same pixels may be other colours in another palette."""
    palette = bytes(image.getpalette() or ())
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + palette + image.tobytes()).hexdigest()
