"""The output folder of a run: one run at a time writes there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2_core.errors import DataError

STATE = ".reproduce"
"""Folder below outputs/<profile>/ where the runner keeps what it knows."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder, made where needed, for this process.

    The lock is the operating system's own (``flock``): it goes with the process that holds it, however that ends, so
    that a killed run leaves no stale one. The file tells who holds it.

    Raises:
        DataError: the folder cannot be written, or another run is at work there.
    """
    lock = folder / STATE / "lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = lock.open("a+", encoding="ascii")
    except OSError as error:
        raise DataError(
            f"{folder}: no place for outputs, {error.strerror} ({error.filename}); make it writable, or set "
            "BIMEDIX2_OUTPUTS to a folder that is"
        ) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.seek(0)
            raise DataError(
                f"{folder}: another run is at work there ({stream.read() or 'just started'}); wait until it ends, or "
                "set BIMEDIX2_OUTPUTS to another folder"
            ) from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()}")
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)
