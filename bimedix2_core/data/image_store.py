"""Images stored once, under the hash of what they contain.

A row names its images by content key, so that twins, splits and data sets share one file and millions of rows stream
through little memory. The bytes are kept as they were published, headers included: a DICOM file that names a patient
still does, so a store is shared as its images may be.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from PIL import Image

from bimedix2_core.data.images import read_image
from bimedix2_core.errors import DataError
from bimedix2_core.runs import data_key

SUFFIXES = {"jpeg": ".jpg", "png": ".png", "dicom": ".dcm", "nifti": ".nii"}
"""Suffix of a stored file by what it contains; a gzip-compressed NIfTI volume ends in ``.nii.gz``."""

_KEY = re.compile("[0-9a-f]{64}")
_GZIP = b"\x1f\x8b"


class ImageStore:
    """A folder of images, each under the SHA-256 of its original bytes: ``ab/abcdef....jpg``.

    Any number of processes may add to one folder at once: a file appears whole or not at all, and two that add the
    same image write the same file. Nothing is kept in memory.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def add(self, image: Path | bytes, *, name: str = "") -> str:
        """Store one image file (PNG, JPEG, DICOM, NIfTI) unless it is there already.

        Args:
            image: its path, or the bytes of the whole file.
            name: what a message calls it; without one, the name of the file.

        Returns:
            The key: 64 hexadecimal digits.

        Raises:
            DataError: there is no such file, or ``data.images`` cannot read it; nothing is stored.
        """
        if isinstance(image, bytes):
            key, name = hashlib.sha256(image).hexdigest(), name or "image"
        elif image.is_file():
            key, name = data_key(image), name or image.name
        else:
            raise DataError(f"{name or image.name}: no such image file; download it, or correct the path")
        return key if key in self else self._store(image, name)

    def open(self, key: str) -> Image.Image:
        """The image as the model sees it: RGB, 8 bits, upright, as ``data.images.read_image`` makes it.

        Raises:
            DataError: no image has this key, or its file is not what was stored.
        """
        path = self.path(key)
        found = data_key(path)
        if found != key:
            raise DataError(
                f"{path.name}: this stored image is damaged: its {path.stat().st_size:,} bytes hash to {found}, "
                "expected the hash it is named by; delete the file and add the image again"
            )
        return read_image(path).image

    def path(self, key: str) -> Path:
        """The file with this key, not checked for damage.

        Raises:
            DataError: ``key`` is no key, or no image has it.
        """
        if not _KEY.fullmatch(key):
            raise DataError(f"{key!r} is no image key; expected the 64 hexadecimal digits that ImageStore.add returned")
        path = self._find(key)
        if path is None:
            raise DataError(f"{self.folder}: no image with key {key}; add the image, or name the store that has it")
        return path

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(_KEY.fullmatch(key)) and self._find(key) is not None

    def _find(self, key: str) -> Path | None:
        candidates = (self.folder / key[:2] / f"{key}{suffix}" for suffix in (*SUFFIXES.values(), ".nii.gz"))
        return next((path for path in candidates if path.is_file()), None)

    def _store(self, image: Path | bytes, name: str) -> str:
        with self._draft(image) as draft:
            try:
                kind = read_image(draft).kind
            except DataError as error:
                raise DataError(f"{name}: {str(error).removeprefix(f'{draft.name}: ')}") from error
            key = data_key(draft)  # of what was copied: the original may have changed meanwhile
            suffix = ".nii.gz" if kind == "nifti" and draft.name.endswith(".gz") else SUFFIXES[kind]
            target = self.folder / key[:2] / f"{key}{suffix}"
            target.parent.mkdir(exist_ok=True)
            draft.replace(target)
            return key

    @contextmanager
    def _draft(self, image: Path | bytes) -> Iterator[Path]:
        """A copy on the same disk that only this caller knows, gone afterwards unless it was renamed.

        Its suffix serves NIfTI, which nibabel reads by name; the other kinds are told by content.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{uuid4().hex}.draft.nii{'.gz' if _head(image) == _GZIP else ''}"
        try:
            with draft.open("xb") as target:
                if isinstance(image, bytes):
                    target.write(image)
                else:
                    with image.open("rb") as source:
                        shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            yield draft
        finally:
            draft.unlink(missing_ok=True)


def _head(image: Path | bytes) -> bytes:
    """The first two bytes."""
    if isinstance(image, bytes):
        return image[:2]
    with image.open("rb") as file:
        return file.read(2)
