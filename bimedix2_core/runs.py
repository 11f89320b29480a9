"""A run and its traces: seeds, folders, provenance, atomic writes, and stores that survive a kill.

Every notebook starts with ``start_run`` and ends with ``finish_run``, which leaves ``run.json`` beside its results.
Nothing here imports torch before a run starts.
"""

import hashlib
import html
import importlib.metadata
import json
import logging
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bimedix2_core.errors import DataError
from bimedix2_core.params import Params, root

__all__ = [
    "DEMO_ENVIRONMENT",
    "QUIET_ENVIRONMENT",
    "RUNNER_ENVIRONMENT",
    "JsonlStore",
    "ProvenanceCard",
    "Run",
    "atomic_text",
    "content_key",
    "data_key",
    "finish_run",
    "json_lines",
    "only_one",
    "output_dir",
    "root",
    "seed_everything",
    "start_run",
    "write_atomic",
]

RUNNER_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""What every runner of notebooks sets before a kernel starts; kernels inherit it, notebooks never set it."""

DEMO_ENVIRONMENT = {"HF_HUB_OFFLINE": "1"}
"""Added for profiles of kind demo, which need no network."""

QUIET_ENVIRONMENT = {"TQDM_DISABLE": "1", "SPYDER_LIKE_CONSOLE": "1"}
"""Added where outputs are compared or committed: no progress bars.

tqdm's notebook bar ignores ``TQDM_DISABLE`` (4.70: it passes ``disable=False`` on). A variable whose name starts with
SPYDER makes ``tqdm.auto`` take the console bar, which obeys.
"""

REMARKS = {
    "demo": "demo numbers are no results of the paper",
    "smoke": "random weights prove the machine; their numbers mean nothing",
    "paper": "paper recipe",
}
"""What the banner of a run says of the kind of its profile."""

PACKAGES = (
    "torch", "transformers", "tokenizers", "peft", "accelerate", "datasets", "safetensors", "numpy", "pandas", "pillow",
    "matplotlib", "seaborn", "papermill", "pydantic",
)  # fmt: skip

_LOG = logging.getLogger(__name__)


def output_dir(profile: str) -> Path:
    """Folder of one profile's results: below ``BIMEDIX2_OUTPUTS`` if that is set, else below outputs/."""
    return root() / (os.environ.get("BIMEDIX2_OUTPUTS") or "outputs") / profile


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch; called once per notebook, by ``start_run``."""
    import numpy as np
    import torch

    random.seed(seed)  # noqa: TID251 - this is the one place
    np.random.seed(seed)  # noqa: TID251 - libraries below us draw from the global generator
    torch.manual_seed(seed)


def content_key(content: object) -> str:
    """sha256 of the canonical JSON of ``content``: equal values have equal keys, whatever the order of their keys.

    Raises:
        DataError: ``content`` is not plain JSON (text, finite numbers, true, false, null, lists, mappings).

    Example:
        >>> content_key({"a": 1, "b": [2]}) == content_key({"b": [2], "a": 1})
        True
    """
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def data_key(path: Path) -> str:
    """sha256 of a file's bytes; of a folder, over the names and keys of all files below it.

    Raises:
        DataError: there is nothing at ``path``.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return content_key([[file.relative_to(path).as_posix(), data_key(file)] for file in files])
    if not path.is_file():
        raise DataError(f"{_relative(path)}: no such file or folder, so it cannot be hashed")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomic(path: str | Path, content: str | bytes) -> Path:
    """Write a whole file or nothing: a reader never sees half of it, and a kill leaves the old one.

    Returns:
        The path written, its folders made where needed.
    """
    with _draft(Path(path), "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return Path(path)


def json_lines(records: Iterable[Mapping[str, Any]]) -> str:
    r"""The text of a JSON Lines file: one object a line, each with a line end, letters of any script as they are.

    Example:
        >>> json_lines([{"id": 1}, {"id": 2}])
        '{"id": 1}\n{"id": 2}\n'
    """
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@contextmanager
def atomic_text(path: str | Path) -> Iterator[TextIO]:
    r"""Write a text piece by piece, whole or not at all, as ``write_atomic`` does for what fits into memory.

    Yields:
        A stream of UTF-8 that keeps each ``\n`` as it is; the file appears when the block ends without an error.
    """
    with _draft(Path(path), "w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def _draft(path: Path, mode: str, **options: str) -> Iterator[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open(mode, **options) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def only_one(lock: str | Path) -> Iterator[None]:
    """Hold a lock for the time of the block, so that two processes, or two threads, never work in one folder.

    The system gives it back when the process ends, however it ends; the file stays and means nothing by itself.

    Args:
        lock: a file for this alone, in the folder that is worked in; made, with its folders, where it is not there.

    Raises:
        DataError: another holds it.
    """
    import fcntl  # Windows has none

    path = Path(lock)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another process is at work in {_relative(path.parent)}; wait for it or stop it") from None
        yield


@dataclass(frozen=True)
class Run:
    """One notebook at work."""

    notebook: str
    """Name without ending, such as ``03_stage1_alignment``."""
    params: Params
    """What it runs with."""
    overrides: dict[str, Any]
    """What was changed in the profile; already part of ``params``."""
    dir: Path
    """Where this notebook writes: outputs/<profile>/<notebook>/."""
    shared: Path
    """Where all notebooks of the profile meet: outputs/<profile>/."""
    started: str
    """UTC, ISO 8601."""
    clock: float
    """``time.monotonic()`` at the start."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Key of everything ``need`` handed out, by its name below ``shared``."""

    @property
    def exhibits(self) -> Path:
        """Folder of the tables and figures: outputs/<profile>/exhibits/, published by ``make refresh``."""
        return self.shared / "exhibits"

    def need(self, name: str | Path, *, notebook: str) -> Path:
        """The file or folder an earlier notebook left below ``shared``; its hash goes into run.json.

        Raises:
            DataError: it is not there; the message names the notebook to run first.
        """
        path = self.shared / name
        if not path.exists():
            raise DataError(
                f"{self.notebook} needs {_relative(path)}, which is not there: run notebook {notebook} first"
            )
        self.inputs[Path(name).as_posix()] = data_key(path)
        return path

    def need_trained(self, name: str | Path, *, notebook: str) -> Path | None:
        """As ``need``, where the profile trains; None where it measures finished weights, which no notebook leaves.

        Raises:
            DataError: the profile trains, and the result is not there.
        """
        return self.need(name, notebook=notebook) if self.params.trains else None

    def need_synthesised(self, name: str | Path, *, notebook: str) -> Path | None:
        """As ``need``, where the profile makes samples from others; None where it does not.

        Raises:
            DataError: the profile makes some, and the result is not there.
        """
        return self.need(name, notebook=notebook) if self.params.synthesises else None


@dataclass(frozen=True, repr=False)
class ProvenanceCard:
    """What ``finish_run`` recorded; a notebook shows it as a small table."""

    record: dict[str, Any]
    """The content of run.json."""

    def __repr__(self) -> str:
        """A short name: the record itself is in run.json."""
        return f"ProvenanceCard({self.record['notebook']}, profile {self.record['profile']})"

    def _repr_html_(self) -> str:
        versions = self.record["versions"]
        rows = {
            "profile": f"{self.record['profile']} ({self.record['kind']}), parameters {self.record['params_key'][:12]}",
            "code": _commit_text(self.record["git"]),
            "versions": ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "transformers", "peft")),
            "hardware": _hardware_text(self.record["hardware"]),
            "seed": str(self.record["seed"]),
            "data": ", ".join(f"{name} {key[:12]}" for name, key in self.record["data"].items())
            or "drawn from the seed",
            "time": f"{self.record['seconds']:.0f} s, from {self.record['started']}",
        }
        cells = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in rows.items()
        )
        return f"<table><caption>How this was made: {html.escape(self.record['notebook'])}</caption>{cells}</table>"


def start_run(notebook: str, params: Params, overrides: Mapping[str, Any] | None = None) -> Run:
    """Begin a notebook: make its folder, seed, set torch's threads and determinism, print a banner.

    The banner is the same on every machine and in every run: nbval compares it.

    Args:
        notebook: name without ending.
        params: the validated profile.
        overrides: what ``load_params`` was given beside it, for the record.
    """
    shared = output_dir(params.run.profile)
    folder = shared / notebook
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").unlink(missing_ok=True)  # a run that fails leaves no record of the one before
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    seed_everything(params.run.seed)
    _set_up_torch(params)
    remark = REMARKS[params.run.kind]
    print(f"{notebook} | profile {params.run.profile} | seed {params.run.seed} | {remark}")
    return Run(notebook, params, dict(overrides or {}), folder, shared, started, clock)


def _set_up_torch(params: Params) -> None:
    """On a CPU an operation without a deterministic form is an error; on a GPU some have none, and torch warns."""
    import torch

    if params.run.threads is not None:
        torch.set_num_threads(params.run.threads)
    on_gpu = params.run.device != "cpu" and torch.cuda.is_available()
    torch.use_deterministic_algorithms(True, warn_only=on_gpu)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging help that costs time


def finish_run(
    run: Run, *, data: Mapping[str, str | Path] | None = None, results: Mapping[str, Any] | None = None
) -> ProvenanceCard:
    """Write run.json and give the card a notebook ends with.

    Args:
        run: what ``start_run`` gave.
        data: what the notebook learned from or measured on: a key of its own (``content_key``) or a path to hash.
            What ``run.need`` handed out is added by itself.
        results: figures worth keeping beside the provenance, plain JSON.

    Raises:
        DataError: a path in ``data`` is not there, or ``results`` is not plain JSON.
    """
    keys = {name: data_key(value) if isinstance(value, Path) else value for name, value in (data or {}).items()}
    values = run.params.model_dump(mode="json")
    record = {
        "notebook": run.notebook,
        "profile": run.params.run.profile,
        "kind": run.params.run.kind,
        "seed": run.params.run.seed,
        "params": values,
        "params_key": content_key(values),
        "overrides": run.overrides,
        "git": _git_state(),
        "versions": _versions(),
        "hardware": _hardware(),
        "data": run.inputs | keys,
        "results": dict(results or {}),
        "started": run.started,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - run.clock, 1),
    }
    _canonical(record)
    write_atomic(run.dir / "run.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return ProvenanceCard(record)


class JsonlStore:
    """An append-only file of records, one JSON object per line, each with a key of its own.

    A record is on the disk when ``add`` returns, so that a killed run goes on where it stopped. A last line without
    its line end is what a kill in mid-write leaves: it is cut off and reported.

    Args:
        path: the file; made, with its folders, by the first ``add``.
        key: name of the field that holds the key.

    Raises:
        DataError: a complete line is no JSON object with a new key; the message gives file and line.
    """

    def __init__(self, path: str | Path, *, key: str = "key") -> None:
        self.path = Path(path)
        self.key = key
        self.n_bytes_cut = 0
        """Bytes of an incomplete last line that were cut off at opening."""
        self._records: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            self._cut_incomplete_line()
            self._read()

    def __len__(self) -> int:
        """Number of records."""
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        """Whether a record with this key is there."""
        return key in self._records

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records in the order they were added."""
        return iter(list(self._records.values()))

    def __getitem__(self, key: str) -> dict[str, Any]:
        """The record with this key; ``KeyError`` where there is none."""
        return self._records[key]

    def add(self, record: Mapping[str, Any]) -> None:
        """Append one record.

        Raises:
            DataError: it has no key, its key is there already, or it is not plain JSON.
        """
        self.extend([record])

    def extend(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append several records with one write: all are checked before the first is written.

        Raises:
            DataError: as for ``add``.
        """
        new: dict[str, dict[str, Any]] = {}
        lines = []
        for record in records:
            key = self._key_of(record, seen=new)
            line = _canonical(record)
            new[key] = json.loads(line)
            lines.append(line + "\n")
        if not lines:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as stream:
            stream.write("".join(lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
        self._records |= new

    def _key_of(self, record: Mapping[str, Any], *, seen: Mapping[str, Any]) -> str:
        key = record.get(self.key)
        if not isinstance(key, str):
            raise DataError(f"{_relative(self.path)}: a record needs text in its field {self.key!r}, found {key!r}")
        if key in self._records or key in seen:
            raise DataError(
                f"{_relative(self.path)}: there is a record with {self.key} {key!r} already; a store only grows"
            )
        return key

    def _cut_incomplete_line(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        self.n_bytes_cut = len(content) - whole
        if self.n_bytes_cut:
            os.truncate(self.path, whole)
            _LOG.warning("%s: cut off an incomplete last line of %d bytes", _relative(self.path), self.n_bytes_cut)

    def _read(self) -> None:
        # not splitlines(): it would also split at U+2028 inside a text
        for number, line in enumerate(self.path.read_bytes().split(b"\n")[:-1], start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{_relative(self.path)}, line {number} is not JSON: {error}") from None
            if not isinstance(record, dict):
                raise DataError(f"{_relative(self.path)}, line {number} is no JSON object")
            self._records[self._key_of(record, seen={})] = record


def _canonical(content: object) -> str:
    try:
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise DataError(f"not plain JSON: {error}") from error


def _relative(path: Path) -> str:
    """The path from the repository, so that messages and records are the same on every machine."""
    return path.relative_to(root()).as_posix() if path.is_relative_to(root()) else path.as_posix()


def _git_state() -> dict[str, Any]:
    """Commit and whether tracked or new files differ from it; None where git or a commit is missing."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if (s := _git("status", "--porcelain")) is None else bool(s),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root()), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def _hardware() -> dict[str, Any]:
    import torch

    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": _memory_gb(),
        "peak_memory_gb": _peak_memory_gb(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor()


def _memory_gb() -> float | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _peak_memory_gb() -> float | None:
    """Largest resident size of this process so far."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)


def _commit_text(git: Mapping[str, Any]) -> str:
    if git["commit"] is None:
        return "no commit"
    return f"commit {git['commit'][:12]}{', with changes not committed' if git['dirty'] else ''}"


def _hardware_text(hardware: Mapping[str, Any]) -> str:
    gpus = ", ".join(hardware["gpus"]) or "no GPU"
    return (
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['threads']} threads, {hardware['memory_gb']} GB "
        f"(peak {hardware['peak_memory_gb']} GB), {gpus}"
    )
