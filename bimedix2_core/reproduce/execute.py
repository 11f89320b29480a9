"""Execute one notebook by papermill: a finished one replaces the one before, a failed one is kept beside it."""

import os
import re
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from bimedix2_core.errors import DataError

NOTEBOOK_PATTERN = "[0-9][0-9]_*.ipynb"


@dataclass(frozen=True)
class Executed:
    """How one notebook ended."""

    notebook: str
    """File name."""
    seconds: float
    """Wall time."""
    failure: str = ""
    """Cell, source and traceback; empty when it ran through."""


def notebooks_in(folder: Path) -> tuple[Path, ...]:
    """The notebooks of a folder in the order of their numbers.

    Raises:
        DataError: there is none.
    """
    found = tuple(sorted(folder.glob(NOTEBOOK_PATTERN)))
    if not found:
        raise DataError(f"{folder}: no notebook of the form NN_name.ipynb; run from a complete clone")
    return found


def execute(notebook: Path, target: Path, injected: Mapping[str, Any]) -> Executed:
    """Run a notebook in its own folder; ``target`` is replaced when it ran through, and only then.

    While it runs it is written to ``NN_name.running.ipynb`` beside ``target``; one that fails is left there as
    ``NN_name.failed.ipynb``.

    Args:
        notebook: what to run.
        target: the executed notebook.
        injected: values of the parameters cell.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    running, failed = target.with_suffix(".running.ipynb"), target.with_suffix(".failed.ipynb")
    start = time.monotonic()
    failure = ""
    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(running),
            parameters=dict(injected),
            cwd=str(notebook.parent),
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        traceback = _without_colour("\n".join(error.traceback)) or f"{error.ename}: {error.evalue}"
        failure = _failure(notebook, error.source, traceback)
    except (DeadKernelError, CellTimeoutError) as error:
        remedy = "the kernel died; often the memory was not enough" if isinstance(error, DeadKernelError) else ""
        failure = f"{notebook.name}, see the last cell with a count in {failed}: {error}\n{remedy}"
    running.replace(failed if failure else target)
    if not failure:
        failed.unlink(missing_ok=True)
    return Executed(notebook.name, time.monotonic() - start, failure)


@contextmanager
def kernel_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Kernels started inside inherit ``values``, and no ``BIMEDIX2_PARAMS``: the profile is given or the default."""
    before = dict(os.environ)
    os.environ.update(values)
    os.environ.pop("BIMEDIX2_PARAMS", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _failure(notebook: Path, source: str, traceback: str) -> str:
    """Notebook, number of the code cell in the source notebook, its source and the traceback."""
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    where = f"code cell {cells.index(source) + 1} of {len(cells)}" if source in cells else "the injected parameters"
    return f"{notebook.name}, {where}:\n\n{textwrap.indent(source, '    ')}\n\n{traceback}"


def _literal(path: Path) -> str:
    """The path as papermill has to be told: it would fill in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
