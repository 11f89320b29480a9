"""Image files: pictures that are named but not open, so that a million of them fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from PIL.Image import Image

from bimedix2_core.data.images import read_image


@dataclass(frozen=True)
class ImageFiles(Sequence[Image]):
    """Images of a sample, each read from its file whenever it is asked for.

    No file is held open and no picture is kept. Two are equal where their paths are.
    """

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        """Number of images; opens none."""
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Image: ...

    @overload
    def __getitem__(self, index: slice) -> ImageFiles: ...

    def __getitem__(self, index: int | slice) -> Image | ImageFiles:
        """The image as ``data.images.read_image`` makes it: RGB, 8 bits, upright; a slice opens none.

        Raises:
            DataError: the file is gone or is no image; the message begins with its name.
        """
        if isinstance(index, slice):
            return ImageFiles(self.paths[index])
        return read_image(self.paths[index]).image
