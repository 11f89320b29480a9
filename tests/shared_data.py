"""The folder of real test inputs, or a skip that says how to get it."""

import os
from pathlib import Path

import pytest

from bimedix2_core.params import root


def real(relative: str) -> Path:
    """A file or folder of ``shared/data``."""
    shared = Path(os.environ.get("BIMEDIX2_SHARED", root().parent / "shared"))
    path = shared / "data" / relative
    if not path.exists():
        pytest.skip(f"no real test input at {path}; set BIMEDIX2_SHARED to the folder that holds data/{relative}")
    return path
