"""Needs: what has to be fetched, under which licence, who has to let you in, and what of it is missing here."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bimedix2_core import environment
from bimedix2_core.model.shapes import Counts, count, shape_of
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.exhibits.schema import NONE, NOT_STATED, Dataset, Exhibit
from bimedix2_core.params import BaseParts, LlavaData, Params, root
from bimedix2_core.plan.estimates import Estimate, billions
from bimedix2_core.plan.quantities import PEAK, Quantity
from bimedix2_core.training.flops import sheet_peak

DOWNLOADED_BYTES = 2
"""Of a weight on the hub: published in 16 bits."""

LICENCES = {
    "meta-llama/": "Llama 3.1 Community License",
    "MBZUAI/": "CC-BY-NC-SA 4.0",
    "mistralai/": "Apache 2.0",
}
"""Of weights, by the beginning of their hub id; others are not stated in our sources."""

GATED = ("meta-llama/",)
"""Beginnings of hub ids that ask for a request and a token."""

TRAINING_DATA = "table09"
"""The exhibit whose declaration names what both stages are trained on."""

HUB_TOKEN = "HF_TOKEN"
JUDGE_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True)
class Download:
    """Something to fetch."""

    name: str
    licence: str
    size: Estimate | None
    """None where it is not stated."""
    is_gated: bool
    """Whether one has to ask its owners first."""


@dataclass(frozen=True)
class Credential:
    """An account or a key."""

    what: str
    variable: str | None
    """Environment variable it is looked for in; None where nothing here can tell."""


@dataclass(frozen=True)
class Here:
    """What this machine has."""

    gpus_gb: tuple[float, ...]
    """Memory of each GPU."""
    disk_free_gb: float
    offline: bool
    variables: frozenset[str]
    """Names of the environment variables that are set; their values are nobody's business."""
    peak: Quantity = PEAK
    """FLOP/s of the first GPU, where its data sheet is known."""


def look_around() -> Here:
    """What this machine has now."""
    machine = environment.machine()
    named = frozenset(name for name in (HUB_TOKEN, JUDGE_KEY) if os.environ.get(name))
    return Here(environment.gpu_memories_gb(), machine.disk_free_gb, machine.offline, named, _peak(machine.gpus))


def weight_downloads(params: Params) -> list[Download]:
    """The weights a profile names on the hub; folders of the repository are none."""
    names = [name for name in environment.weights(params) if not (root() / name).is_dir()]
    return [Download(name, _licence(name), _weight_size(params, name), name.startswith(GATED)) for name in names]


def data_downloads(params: Params, exhibits: Sequence[Exhibit]) -> list[Download]:
    """The data of the training and of the exhibits, each once, as declared; weights are named by the profile."""
    declared = exhibit(TRAINING_DATA).needs.data if isinstance(params.data, LlavaData) else ()
    datasets: dict[str, Dataset] = {one.name: one for one in declared}
    datasets |= {one.name: one for item in exhibits for one in item.needs.data if "weights" not in one.name}
    return [Download(one.name, one.licence, None, "credentialed" in one.licence) for one in datasets.values()]


def credentials(downloads: Iterable[Download], exhibits: Sequence[Exhibit]) -> list[Credential]:
    """Accounts and keys, each once: for gated weights, and those the exhibits declare."""
    gated = [one.name for one in downloads if one.name.startswith(GATED)]
    found = {f"access to {name} on the Hugging Face hub": HUB_TOKEN for name in gated}
    for one in exhibits:
        if one.needs.credentials not in (NONE, NOT_STATED):
            found[one.needs.credentials] = JUDGE_KEY if "a key for" in one.needs.credentials else None
    return [Credential(what, variable) for what, variable in found.items()]


def missing(
    params: Params, here: Here, *, memory: Estimate | None, disk: Estimate, keys: Sequence[Credential]
) -> list[str]:
    """What a profile needs and this machine lacks, a phrase for each."""
    gpus = tuple(f"{size:.0f} GB" for size in here.gpus_gb)
    lacking = environment.missing_for(params, gpus=gpus, offline=here.offline)
    largest = max(here.gpus_gb, default=0)
    if memory and params.run.device == "cuda" and 0 < largest < memory.value:
        lacking.append(f"GPU memory: {memory.value:.1f} GB in one card, the largest here has {largest:.1f} GB")
    if disk.value > here.disk_free_gb:
        lacking.append(f"disk: {disk.value:.1f} GB besides the data, {here.disk_free_gb:.1f} GB are free")
    lacking += [f"{key.what}: {key.variable} is not set" for key in keys
                if key.variable and key.variable not in here.variables]  # fmt: skip
    lacking += [f"{key.what}: cannot be looked up here" for key in keys if key.variable is None]
    return lacking


def _peak(gpus: Sequence[str]) -> Quantity:
    """Of the first GPU, or the one that is assumed."""
    name = gpus[0].split(",")[0] if gpus else ""
    found = sheet_peak(name)
    return Quantity(found, PEAK.unit, f"data sheet of {name}, which is here") if found else PEAK


def _licence(name: str) -> str:
    return next((licence for start, licence in LICENCES.items() if name.startswith(start)), NOT_STATED)


def _weight_size(params: Params, name: str) -> Estimate | None:
    base, shape, part = params.model.base, shape_of(name, root()), "all"
    if isinstance(base, BaseParts) and name in (base.vision_tower, base.language_model):
        shape = shape_of(base.language_model, root())
        part = "vision_tower" if name == base.vision_tower else "language"
    if shape is None:
        return None
    weights = _part(count(shape), part)
    return Estimate(weights * DOWNLOADED_BYTES / 1e9, "GB", f"{billions(weights)} weights x {DOWNLOADED_BYTES} bytes")


def _part(counts: Counts, part: str) -> int:
    sizes = {"vision_tower": counts.parts.vision_tower, "language": counts.language, "all": counts.total}
    return sizes[part]
