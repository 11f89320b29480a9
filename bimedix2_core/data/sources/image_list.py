"""Image list: whether an image folder holds what a benchmark asks for, told before a model is asked anything.

Without a list of checksums a folder can be told to lack images, to hold more, to hold unreadable ones and to hold one
content under two names. Only a list (the format of ``sha256sum``) shows that an image is not the one its name says:
two files swapped, or one that changed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.data.images import read_image
from bimedix2_core.data.sources.images import image_file
from bimedix2_core.errors import DataError
from bimedix2_core.runs import data_key

_LINE = re.compile(r"(?P<key>[0-9a-fA-F]{64})(?: [ *]|\t)(?P<name>.+)")


@dataclass(frozen=True)
class ImageList:
    """The images of a benchmark beside the files of a folder; every list in alphabetical order."""

    n_needed: int
    missing: tuple[str, ...]
    """Needed names without a file."""
    unreadable: Mapping[str, str]
    """Needed names whose file is no whole image, and why."""
    swapped: Mapping[str, str]
    """Needed names whose file holds what the list of checksums has under another name, and that name."""
    changed: tuple[str, ...]
    """Needed names whose file holds what the list of checksums has under no name."""
    unlisted: tuple[str, ...]
    """Needed names that the list of checksums lacks, so that nobody can tell; all are where there is no list."""
    duplicates: tuple[tuple[str, ...], ...]
    """Groups of needed names with one content."""
    unused: tuple[str, ...]
    """Files of the folder that no name asks for."""

    @property
    def is_usable(self) -> bool:
        """Whether every image is there, whole, and as far as can be told the right one."""
        return not (self.missing or self.unreadable or self.swapped or self.changed)

    def __str__(self) -> str:
        """Every finding, a line each kind."""
        n_here = self.n_needed - len(self.missing)
        unreadable = [f"{name} ({why})" for name, why in self.unreadable.items()]
        swapped = [f"{name} holds {other}" for name, other in self.swapped.items()]
        found = {
            "missing": self.missing,
            "unreadable": unreadable,
            "swapped": swapped,
            "changed since they were listed": self.changed,
            "one content under several names": [" = ".join(names) for names in self.duplicates],
            "not in the list of checksums": () if len(self.unlisted) == self.n_needed else self.unlisted,
            "not asked for": self.unused,
        }
        lines = [f"  {len(names)} {kind}: {', '.join(names)}" for kind, names in found.items() if names]
        if len(self.unlisted) == self.n_needed:
            lines.append("  no checksums: a swapped or changed image would not be seen")
        return "\n".join([f"{n_here} of {self.n_needed} images are there", *lines])


def compare_images(folder: Path, names: Iterable[str], *, checksums: Path | None = None) -> ImageList:
    """Open and hash every image that a benchmark names.

    Args:
        folder: what the names are relative to.
        names: the images of all questions; a name may be there several times.
        checksums: lines of a SHA-256 and a name as ``sha256sum`` writes them, names relative to the folder.

    Raises:
        DataError: there is no such folder or no name, or the list of checksums is none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such image folder; download the images, or correct the path")
    needed = sorted(set(names))
    if not needed:
        raise DataError(f"{folder}: no image is asked for; give the image names of the questions")
    listed = _read_checksums(checksums) if checksums else {}
    files = {name: file for name in needed if (file := _file(name, folder))}
    keys = {name: data_key(file) for name, file in files.items()}
    wrong = [name for name, key in keys.items() if name in listed and key != listed[name]]
    name_of = {key: name for name, key in reversed(listed.items())}
    return ImageList(
        n_needed=len(needed),
        missing=tuple(name for name in needed if name not in files),
        unreadable={name: why for name, file in files.items() if (why := _problem(file))},
        swapped={name: name_of[keys[name]] for name in wrong if keys[name] in name_of},
        changed=tuple(name for name in wrong if keys[name] not in name_of),
        unlisted=tuple(name for name in needed if name not in listed),
        duplicates=_duplicates(keys),
        unused=_unused(folder, files.values(), checksums),
    )


def require_images(folder: Path, names: Iterable[str], *, checksums: Path | None = None) -> ImageList:
    """The same, for a folder that must be usable: images that are unused or alike are told and stop nothing.

    Raises:
        DataError: as `compare_images`, or an image is missing, unreadable, swapped or changed; the message lists
            everything that was found.
    """
    found = compare_images(folder, names, checksums=checksums)
    if not found.is_usable:
        raise DataError(f"{folder}: these images cannot be used as they are; download them again:\n{found}")
    return found


def _file(name: str, folder: Path) -> Path | None:
    """The file of a name; None where there is none, or the name leads out of the folder."""
    try:
        return image_file(name, folder)
    except DataError:
        return None


def _problem(file: Path) -> str:
    """Why a file is no whole image, or ``""``."""
    try:
        read_image(file)
    except DataError as error:
        return str(error).removeprefix(f"{file.name}: ")
    return ""


def _duplicates(keys: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for name, key in keys.items():
        by_key[key].append(name)
    return tuple(tuple(names) for names in by_key.values() if len(names) > 1)


def _unused(folder: Path, used: Iterable[Path], checksums: Path | None) -> tuple[str, ...]:
    known = {file.resolve() for file in (*used, *([checksums] if checksums else []))}
    files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return tuple(sorted(file.relative_to(folder).as_posix() for file in files if file.resolve() not in known))


def _read_checksums(file: Path) -> dict[str, str]:
    """Checksum by name.

    Raises:
        DataError: the file cannot be read, a line is none of ``sha256sum``, or a name stands there twice.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: the list of checksums cannot be read ({error})") from None
    listed: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.rstrip())
        name = found["name"].removeprefix("./") if found else ""
        if not found:
            problems.append(f"  line {number}: {line!r:.90}; expected 64 hexadecimal digits, two spaces, a name")
        elif name in listed:
            problems.append(f"  line {number}: {name!r} is listed twice; keep one")
        else:
            listed[name] = found["key"].lower()
    if problems:
        raise DataError("\n".join([f"{file.name}: no list of checksums as sha256sum writes it:", *problems]))
    return listed
