"""Environment: what a run needs and what this machine has, before anything is started.

Only looks: nothing is installed, downloaded or started here, and torch is asked about GPUs only.
"""

import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.errors import ParamsError
from bimedix2_core.params import BaseParts, LlavaData, Params, load_params, root

NAMED = ("torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "numpy", "pillow", "matplotlib",
         "papermill", "jupyterlab", "pydantic")  # fmt: skip
"""Packages that a reader wants to see by name; of the others only those that differ are listed."""

OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True)
class Package:
    """One line of the lock file beside what is installed."""

    name: str
    wanted: str
    found: str
    """Empty where it is not installed."""

    @property
    def agrees(self) -> bool:
        """Whether the versions are the same, a local part such as ``+cpu`` aside."""
        return self.found.split("+")[0] == self.wanted


@dataclass(frozen=True)
class Machine:
    """What this machine offers."""

    python: str
    cores: int
    """Cores this process may use."""
    memory_gb: float | None
    gpus: tuple[str, ...]
    """Name and memory of each."""
    disk_free_gb: float
    """Where outputs are written."""
    offline: bool
    """Whether Hugging Face libraries were told not to use the network."""


@dataclass(frozen=True)
class Readiness:
    """Whether one profile can run here."""

    profile: str
    """File name below params/."""
    kind: str
    missing: tuple[str, ...]
    """What is not there; empty where it can run."""

    @property
    def can_run(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def packages(lock: Path | None = None) -> list[Package]:
    """Every package of the lock file with the version found here."""
    lines = (lock or root() / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [match.groups() for line in lines if (match := re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line.strip()))]
    return [Package(name, wanted, _version(name)) for name, wanted in pins]


def worth_showing(found: Iterable[Package]) -> list[Package]:
    """The packages readers ask about, and all that differ from the lock file."""
    return [package for package in found if package.name in NAMED or not package.agrees]


def machine() -> Machine:
    """Look at this machine."""
    return Machine(
        python=platform.python_version(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        gpus=_gpus(),
        disk_free_gb=round(shutil.disk_usage(root()).free / 1e9, 1),
        offline=_is_offline(os.environ),
    )


def profiles(folder: Path | None = None) -> list[Readiness]:
    """Whether each profile in params/ can run here, by name; a profile that does not fit its schema cannot."""
    gpus = _gpus()
    return [_readiness(path, gpus=gpus) for path in sorted((folder or root() / "params").glob("*.yaml"))]


def missing_for(params: Params, *, gpus: tuple[str, ...], offline: bool) -> list[str]:
    """What a profile asks for and this machine lacks, one phrase for each."""
    missing = [] if params.run.device != "cuda" or gpus else ["a GPU (run.device is cuda)"]
    missing += [f"the weights {name} ({why})" for name in weights(params) if (why := _why_absent(name, offline))]
    if _holds_4_bits(params) and not _version("bitsandbytes"):
        missing.append("the package bitsandbytes (frozen_base is nf4)")
    return missing + [f"the data {path}" for path in _data_files(params) if not (root() / path).exists()]


def weights(params: Params) -> list[str]:
    """Hub ids and folders of all weights a profile names, each once; none where they are drawn at random."""
    base, mixture = params.model.base, params.mixture
    names = [name for rows in params.model.checkpoints.values() for name in rows.values()]
    if isinstance(base, BaseParts):
        names += [base.vision_tower, base.language_model]
    elif isinstance(base, str):
        names.append(base)
    if mixture and isinstance(mixture.base, str):
        names.append(mixture.base)
    return list(dict.fromkeys(names))


def _holds_4_bits(params: Params) -> bool:
    """Whether something is trained above frozen layers in 4 bits."""
    held = [params.model.frozen_base] if params.trains else []
    return "nf4" in [*held, params.mixture and params.mixture.frozen_base]


def _data_files(params: Params) -> list[str]:
    """Files and folders that the training reads, from the repository."""
    data = params.data
    stages = [data.stage1_file, data.stage2_file, data.image_folder] if isinstance(data, LlavaData) else []
    sources = params.mixture.data.sources.values() if params.mixture else ()
    return stages + [place for place in sources if not place.startswith("hub:")]


def gpu_memories_gb() -> tuple[float, ...]:
    """Memory of each GPU here, in GB."""
    import torch

    return tuple(
        torch.cuda.get_device_properties(index).total_memory / 1e9 for index in range(torch.cuda.device_count())
    )


def _readiness(path: Path, *, gpus: tuple[str, ...]) -> Readiness:
    try:
        params = load_params(path, environment={})
    except ParamsError as error:
        return Readiness(path.name, "", (str(error),))
    return Readiness(path.name, params.run.kind, tuple(missing_for(params, gpus=gpus, offline=_is_offline(os.environ))))


def _why_absent(name: str, offline: bool) -> str:  # noqa: FBT001 - a fact, not a switch
    """Why weights can neither be found nor fetched; empty where they can."""
    if (root() / name / "config.json").is_file() or _is_cached(name):
        return ""
    if name.startswith((".", "/")) or name.count("/") != 1:
        return "no such folder"
    return "not in the local cache, and HF_HUB_OFFLINE is set" if offline else "not in the local cache; a download"


def _is_cached(name: str) -> bool:
    from transformers.utils import cached_file

    try:
        return cached_file(name, "config.json", local_files_only=True) is not None
    except OSError:
        return False


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _gpus() -> tuple[str, ...]:
    import torch

    count = torch.cuda.device_count()
    found = [torch.cuda.get_device_properties(index) for index in range(count)]
    return tuple(f"{gpu.name}, {gpu.total_memory / 1e9:.0f} GB" for gpu in found)


def _memory_gb() -> float | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _is_offline(variables: os._Environ | dict[str, str]) -> bool:
    return any(variables.get(name, "0").upper() in ("1", "ON", "YES", "TRUE") for name in OFFLINE_SWITCHES)
