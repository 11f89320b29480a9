"""Mixture: QLoRA on a bilingual mixture of experts, which reads text only (BiMediX's README and model cards)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bimedix2_core.data.chat_templates import with_training_template
from bimedix2_core.model.adapters import parameter_groups
from bimedix2_core.model.frozen_base import FrozenBase, freeze_as
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.params import MixtureTraining
from bimedix2_core.records import Sample
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.forward import PackedTextLoss
from bimedix2_core.training.loop import finish, train, working
from bimedix2_core.training.progress import Watch
from bimedix2_core.training.shards import whole_trained
from bimedix2_core.training.step_log import TrainingLog


@dataclass(frozen=True)
class Mixture:
    """What the training made."""

    text_model: TextModel
    """The model with its adapter, its experts computed in groups."""
    log: TrainingLog


def train_mixture(
    text_model: TextModel,
    samples: Sequence[Sample],
    *,
    settings: MixtureTraining,
    seed: int,
    folder: Path,
    frozen_base: FrozenBase = "plain",
    sharding: str = "none",
    watch: Watch | None = None,
) -> Mixture:
    """Wrap attention, experts and router with LoRA, train the adapters, save them as a plain PEFT folder.

    The weights of ``text_model`` are frozen and shared with what comes back, not copied. With several processes each
    calls this; the main one saves.

    Args:
        text_model: a mixture, ``MixtralForCausalLM``.
        samples: instructions without images.
        settings: of the training.
        seed: of the adapters, the plan and all that is random in a step.
        folder: where the adapter goes, and what a killed run needs to go on.
        frozen_base: how the frozen layers are held: ``plain`` or ``nf4``.
        sharding: ``none`` or ``full``, with several processes.
        watch: is told of each step.

    Raises:
        DataError, ModelError, ParamsError: as ``train``.
    """
    with_training_template(text_model.tokenizer)
    freeze_as(text_model.model, frozen_base)
    adapted = add_mixture_lora(
        text_model.model, rank=settings.lora_r, alpha=settings.lora_alpha, seed=seed,
        adapter_dtype=getattr(torch, settings.adapter_dtype),
    )  # fmt: skip
    tuned, devices = TextModel(adapted, text_model.tokenizer, note=text_model.note), Devices(text_model.device)
    net = devices.spread(PackedTextLoss(adapted), sharding)
    groups = parameter_groups(adapted, adapters=settings.learning_rate)
    log = train(
        tuned, net, samples, groups=groups, settings=settings, devices=devices, seed=seed, folder=working(folder),
        title="BiMediX", watch=watch,
    )  # fmt: skip
    group_experts(adapted)
    weights = whole_trained(adapted)
    if devices.is_main:
        adapted.save_pretrained(folder, state_dict=weights, safe_serialization=True)
        finish(working(folder))
    devices.wait()
    return Mixture(tuned, log)
