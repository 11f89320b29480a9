"""Models: random weights of a shape, trainable as a stage has it, and their loss by either way."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from bimedix2_core.demo.tiny_base import BASE_FOLDER
from bimedix2_core.model.adapters import ParameterGroup, add_lora, freeze_all_but_projector, parameter_groups
from bimedix2_core.model.assemble import Lmm, pixel_values
from bimedix2_core.model.frozen_base import freeze_as
from bimedix2_core.model.inputs import pad
from bimedix2_core.model.shapes import draw_lmm
from bimedix2_core.params import Stage2Params, StageParams
from bimedix2_core.training.feed import FedRow
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import row_inputs
from gpu_training_parts.data import Bench, Drawn

Batch = Callable[[Sequence[int]], dict[str, Tensor]]
"""A data collator: indices of samples to what the model's forward takes."""


def trainable(bench: Bench, settings: StageParams, frozen_base: str = "plain") -> tuple[Lmm, list[ParameterGroup]]:
    """The model of a stage, the same random weights every time, and what of it is trained.

    Adapters already do something, so that a loss depends on them.
    """
    tokenizer = PreTrainedTokenizerFast.from_pretrained(BASE_FOLDER)
    lmm = draw_lmm(bench.shape, tokenizer=tokenizer, seed=0, dtype=bench.dtype, device=bench.device)
    if isinstance(settings, Stage2Params):
        freeze_as(lmm.model, frozen_base)
        form = {"rank": settings.lora_r, "alpha": settings.lora_alpha, "dropout": settings.lora_dropout}
        model = add_lora(lmm.model, **form, seed=0, adapter_dtype=getattr(torch, settings.adapter_dtype))
        generator = torch.Generator().manual_seed(1)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.data.copy_(0.02 * torch.randn(weight.shape, generator=generator))
        lmm = Lmm(model, lmm.processor)
    else:
        freeze_all_but_projector(lmm.model)
    projector = getattr(settings, "projector_learning_rate", settings.learning_rate)
    return lmm, parameter_groups(lmm.model, adapters=settings.learning_rate, projector=projector)


def padded_batches(lmm: Lmm, data: Drawn) -> Batch:
    """Padded to the longest; each picture is prepared once."""
    prepared = cache(lambda number: pixel_values(lmm.processor, list(data.samples[number].images)))

    def batch(indices: Sequence[int]) -> dict[str, Tensor]:
        inputs = pad([data[index] for index in indices], pad_token_id=lmm.tokenizer.pad_token_id)
        pictures = [prepared(int(data.groups[index])) for index in indices if data.has_image[index]]
        return inputs | ({"pixel_values": torch.cat(pictures)} if pictures else {})

    return batch


def hf_loss(lmm: Lmm, data: Drawn, batch: Batch, index: int) -> Tensor:
    """What one sample adds to the mean loss of a supervised token, through the model's own forward, logits and all."""
    inputs = {name: tensor.to(lmm.device) for name, tensor in batch([index]).items()}
    share = float(data.n_supervised[index] / data.n_supervised.sum())
    return lmm.model(**inputs, use_cache=False).loss * share


def packed_loss(lmm: Lmm, rows: Sequence[FedRow]) -> float:
    """The mean loss of a supervised token, in packed rows."""
    net = PackedLoss(lmm.model)
    return math.fsum(net(row_inputs(fed, lmm.device))[0].item() for fed in rows)
