"""Image key: what a picture looks like, as a hash, whatever file it came from; or which file it is, unopened."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from PIL.Image import Image

from bimedix2_core.data.image_files import ImageFiles
from bimedix2_core.errors import DataError


def image_key(image: Image) -> str:
    """SHA-256 of mode, size, palette and pixels: the same pixels may be other colours in another palette."""
    palette = bytes(image.getpalette() or ())
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + palette + image.tobytes()).hexdigest()


def file_key(path: Path) -> str:
    """SHA-256 of an image file's place, links followed, its size and the time of its last change; it is not opened.

    Raises:
        DataError: there is no such file.
    """
    try:
        found = path.resolve()
        state = found.stat()
    except OSError as error:
        raise DataError(
            f"{path.name}: no such image file ({error.strerror}); download it or drop its sample"
        ) from error
    return hashlib.sha256(f"file {state.st_size} {state.st_mtime_ns} ".encode() + os.fsencode(found)).hexdigest()


def image_keys(images: Sequence[Image]) -> tuple[str, ...]:
    """One key for each image of a sample, in order: `file_key` where they are `ImageFiles`, else `image_key`.

    Equal keys are equal pictures. A picture under two names, or once as a file and once open, has two keys.

    Raises:
        DataError: an image file is gone.
    """
    return ImageKeys()(images)


class ImageKeys:
    """`image_keys` for many samples, where each file is looked at once and each open picture is hashed once.

    The English and the Arabic twin share one picture. The pictures must not change meanwhile, and are not kept alive.
    """

    def __init__(self) -> None:
        self._of_files: dict[Path, str] = {}
        self._of_pictures: dict[int, str] = {}
        self._pictures: WeakValueDictionary[int, Image] = WeakValueDictionary()

    def __call__(self, images: Sequence[Image]) -> tuple[str, ...]:
        """The keys of one sample's images.

        Raises:
            DataError: an image file is gone.
        """
        if isinstance(images, ImageFiles):
            return tuple(map(self._of_file, images.paths))
        return tuple(map(self._of_picture, images))

    def _of_file(self, path: Path) -> str:
        if path not in self._of_files:
            self._of_files[path] = file_key(path)
        return self._of_files[path]

    def _of_picture(self, image: Image) -> str:
        number = id(image)
        if self._pictures.get(number) is not image:  # a number is given again once its picture is gone
            self._of_pictures[number] = image_key(image)
            self._pictures[number] = image
        return self._of_pictures[number]
