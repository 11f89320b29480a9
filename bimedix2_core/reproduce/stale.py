"""Stale: what is known of a notebook's last good run, and why it does not count any more.

A run is recorded when it is through: its inputs, and keys of all it left behind. A notebook is up to date when both
are as they were.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bimedix2_core.reproduce.folder import STATE
from bimedix2_core.reproduce.inputs import Inputs, Site, changes, inputs_of
from bimedix2_core.reproduce.steps import Step

NEVER = "no finished run of it is known here"

Record = Mapping[str, Any]
"""``inputs`` as ``inputs_of`` gives them; ``results``: key of everything the notebook left, by its name."""

Snapshot = dict[str, tuple[int, int]]
"""Inode and time of each file that notebooks share."""


def why_stale(record: Record, step: Step, site: Site, *, now: Inputs | None = None) -> list[str]:
    """Why a notebook has to run, one phrase each; empty where it is up to date.

    Args:
        record: of its last good run; empty where there is none.
        step: the notebook.
        site: of the run.
        now: its inputs, where they are at hand.
    """
    if not record:
        return [NEVER]
    return [*_result_changes(record.get("results", {}), step, site),
            *changes(record.get("inputs", {}), inputs_of(step, site) if now is None else now)]  # fmt: skip


def record_of(step: Step, site: Site, *, inputs: Inputs, before: Snapshot) -> Record:
    """The record of a run that is through: what it ran with, and what it left since ``before``."""
    written = [name for name, state in snapshot(site.shared).items() if before.get(name) != state]
    names = sorted({step.name, *step.leaves, *written})
    return {"inputs": inputs, "results": {name: site.keys.key(site.shared / name) for name in names}}


def snapshot(shared: Path) -> Snapshot:
    """Which files lie in exhibits/ and beside it: what a notebook writes there is known by comparing two of these."""
    stats = {path: path.stat() for path in _shared_files(shared)}
    return {path.relative_to(shared).as_posix(): (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


def _shared_files(shared: Path) -> Iterator[Path]:
    """Executed notebooks are no results: a reader who saves one after a look at it changes nothing."""
    for path in (*shared.glob("*"), *(shared / "exhibits").rglob("*")):
        if path.is_file() and path.suffix != ".ipynb" and STATE not in path.parts:
            yield path


def _result_changes(results: Mapping[str, str | None], step: Step, site: Site) -> Iterator[str]:
    if not (site.shared / step.notebook.name).is_file():
        yield f"its executed notebook {step.notebook.name} is not there"
    for name, key in results.items():
        found = site.keys.key(site.shared / name)
        if found != key:
            yield f"its result {name} {'is not there' if found is None else 'was changed by something else'}"
