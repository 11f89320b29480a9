"""Stage 2: instruction alignment. LoRA in the language model, the projector at its own rate (section 2, Table 11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bimedix2_core.model.adapters import add_lora, parameter_groups
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.frozen_base import freeze_as
from bimedix2_core.params import Stage2Params
from bimedix2_core.records import Sample
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import finish, train, working
from bimedix2_core.training.progress import Watch
from bimedix2_core.training.shards import whole_trained
from bimedix2_core.training.step_log import TrainingLog


@dataclass(frozen=True)
class Stage2:
    """What Stage 2 made."""

    lmm: Lmm
    """The model with its adapter."""
    log: TrainingLog


def train_stage2(
    lmm: Lmm,
    samples: Sequence[Sample],
    *,
    settings: Stage2Params,
    seed: int,
    folder: Path,
    frozen_base: str = "plain",
    sharding: str = "none",
    watch: Watch | None = None,
) -> Stage2:
    """Wrap the model with LoRA, train adapters and projector, save both as a plain PEFT folder.

    The weights of ``lmm`` that Stage 2 does not train are shared with what comes back, not copied. With several
    processes each calls this; the main one saves.

    Args:
        lmm: base and projector as Stage 1 left them.
        samples: instructions, with and without images.
        settings: of the stage.
        seed: of the adapters, the plan and all that is random in a step.
        folder: where the adapter goes, and what a killed run needs to go on.
        frozen_base: how the frozen layers are held: ``plain``, ``fp8`` or ``nf4``.
        sharding: ``none`` or ``full``, with several processes.
        watch: is told of each step.

    Raises:
        DataError, ModelError, ParamsError: as ``train``.
    """
    freeze_as(lmm.model, frozen_base)
    adapted = add_lora(
        lmm.model, rank=settings.lora_r, alpha=settings.lora_alpha,
        dropout=settings.lora_dropout, seed=seed, adapter_dtype=getattr(torch, settings.adapter_dtype),
    )  # fmt: skip
    tuned, devices = Lmm(adapted, lmm.processor), Devices(lmm.device)
    net = devices.spread(PackedLoss(adapted), sharding)
    groups = parameter_groups(adapted, adapters=settings.learning_rate, projector=settings.projector_learning_rate)
    log = train(
        tuned, net, samples, groups=groups, settings=settings, devices=devices, seed=seed, folder=working(folder),
        title="Stage 2", watch=watch,
    )  # fmt: skip
    weights = whole_trained(adapted)
    if devices.is_main:
        adapted.save_pretrained(folder, state_dict=weights, safe_serialization=True)
        finish(working(folder))
    devices.wait()
    return Stage2(tuned, log)
