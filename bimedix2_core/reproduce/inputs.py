"""Inputs: all that a notebook depends on, by content, and in words what changed between two runs of it.

The inputs of a notebook are its code cells, the modules of the core it reaches with the data files beside them, the
values it reads from the profile, the files those values name, the results of earlier notebooks it needs, and the
versions of the lock file. Weights and data named by a hub id count by their name; the machine does not count.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bimedix2_core.params import Params, root
from bimedix2_core.reproduce.keys import Keys
from bimedix2_core.reproduce.reach import Code, Core, code_of
from bimedix2_core.reproduce.steps import Step, code_cells

RECORDER, RECORDED = "runs.py", "model_dump"
"""Module and method that write the whole profile into a record, on which no number depends."""

FILES_IN = ("model.", "data.", "translation.", "synthesis.", "composition.", "ablations.", "benchmarks.")
"""Sections of a profile whose texts may name files and folders."""

Inputs = dict[str, Any]
"""``cells``: key and first line of each; ``module``, ``file``, ``params``, ``data``, ``upstream``, ``lock`` by name."""


@dataclass(frozen=True)
class Site:
    """What all notebooks of a run share."""

    shared: Path
    """outputs/<profile>/."""
    params: Params
    core: Core
    keys: Keys
    lock: Path
    """The lock file."""


def inputs_of(step: Step, site: Site) -> Inputs:
    """The inputs of a notebook as they are now, as plain JSON."""
    sources = code_cells(step.notebook)
    cells = [code_of(source, is_module=False) for source in sources]
    modules = site.core.reached({name for cell in cells for name in cell.imports})
    values = values_read(site.params, _paths(cells, modules))
    return {
        "cells": [[cell.key, _first_line(source)] for cell, source in zip(cells, sources, strict=True)],
        "module": {_below(file, site.core): code.key for file, code in modules.items()},
        "file": {_below(file, site.core): site.keys.key(file) for file in site.core.data_beside(modules)},
        "params": {path: json.dumps(value, ensure_ascii=False, sort_keys=True) for path, value in values.items()},
        "data": _data(values, site),
        "upstream": {need.result: site.keys.key(site.shared / need.result) for need in step.needs}
        | {name: site.keys.key(site.shared / name / "run.json") for name in step.collects},
        "lock": _pins(site.lock),
    }


def changes(old: Mapping[str, Any], new: Inputs) -> list[str]:
    """What changed from ``old`` to ``new``, one phrase each; empty where nothing did."""
    words = {"module": "module", "file": "file", "data": "data", "upstream": "upstream result"}
    phrases = list(_cell_changes(old.get("cells", []), new["cells"]))
    for kind, word in words.items():
        phrases += [f"{word} {name} {how}" for name, how in _differing(old.get(kind, {}), new[kind])]
    for kind in ("params", "lock"):
        before, now = old.get(kind, {}), new[kind]
        phrases += [
            f"{kind} {name} changed {before[name]} -> {now[name]}" if how == "changed" else f"{kind} {name} {how}"
            for name, how in _differing(before, now)
        ]
    return phrases


def values_read(params: Params, paths: Sequence[str]) -> dict[str, Any]:
    """The values of a profile below these dotted paths, by full path, as plain JSON.

    A path that ends in a property is that property's value, one in ``__class__`` the kind of a section; one that ends
    in a method, or is empty, is all it is a method of. What only another kind of section has is not read here.
    """
    values: dict[str, Any] = {}
    for path in paths:
        section: Any = params
        done: list[str] = []
        for name in filter(None, path.split(".")):
            if not isinstance(section, BaseModel) or _is_method(section, name):
                break
            if not hasattr(section, name):
                section = {}
                break
            section = getattr(section, name)
            done.append(name)
        values |= dict(_leaves(section, ".".join(done)))
    return dict(sorted(values.items()))


def _is_method(section: BaseModel, name: str) -> bool:
    return callable(getattr(type(section), name, None)) and name != "__class__"


def _paths(cells: Sequence[Code], modules: Mapping[Path, Code]) -> list[str]:
    read = {path for cell in cells for path in cell.params}
    for file, code in modules.items():
        read |= code.params - {RECORDED} if file.name == RECORDER else code.params
    return sorted(read)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, type):
        yield f"{path.removesuffix('.__class__')} (kind)", value.__name__
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name), f"{path}.{name}".removeprefix("."))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list) and any(isinstance(inner, BaseModel) for inner in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{number}")
    else:
        yield path, value


def _data(values: Mapping[str, Any], site: Site) -> dict[str, str]:
    """Keys of the files and folders that values of the profile name."""
    named = {
        path: root() / value for path, value in values.items() if isinstance(value, str) and path.startswith(FILES_IN)
    }
    return {path: key for path, place in named.items() if (key := site.keys.key(place)) is not None}


def _pins(lock: Path) -> dict[str, str]:
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    return dict(match.groups() for line in lines if (match := re.fullmatch(r"([^#\s=]+)==(\S+)", line.strip())))


def _first_line(source: str) -> str:
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return line if len(line) <= 60 else f"{line[:57]}..."


def _below(file: Path, core: Core) -> str:
    return file.relative_to(core.folder).as_posix()


def _cell_changes(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> Iterator[str]:
    """Cells by their number in the notebook as it is now; of removed ones by their number before."""
    matcher = difflib.SequenceMatcher(None, [key for key, _ in old], [key for key, _ in new], autojunk=False)
    for how, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if how == "equal":
            continue
        n_changed = min(old_to - old_from, new_to - new_from)
        for index in range(new_from, new_to):
            word = "changed" if index < new_from + n_changed else "is new"
            yield f"code cell {index + 1} {word} ({new[index][1]})"
        for index in range(old_from + n_changed, old_to):
            yield f"code cell {index + 1} was removed ({old[index][1]})"


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted({*old, *new}):
        if name not in new:
            yield name, "counts no more"
        elif name not in old:
            yield name, "counts now"
        elif old[name] != new[name]:
            yield name, "changed" if new[name] is not None else "is gone"
