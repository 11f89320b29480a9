"""Four bits: the package that stores and restores them, which is no dependency."""

import importlib
from types import ModuleType

from bimedix2_core.errors import ModelError


def bitsandbytes() -> ModuleType:
    """The package.

    Raises:
        ModelError: it is not installed.
    """
    try:
        return importlib.import_module("bitsandbytes")
    except ImportError as error:
        raise ModelError("nf4 needs bitsandbytes: pip install bitsandbytes") from error
