"""Adapters of a mixture: LoRA on attention, on each expert's matrices and on the router (BiMediX, QLoRA).

The experts of a layer are two parameters, ``gate_up_proj`` and ``down_proj``, with a matrix for each expert. PEFT
adapts them as ``target_parameters``, with an A and a B for each expert that lie side by side in one matrix. Gate and up
are one matrix, so they share an A; in Mixtral's published layout, and so for the trainers of 2024, each has its own.

PEFT draws A evenly from +-1 / sqrt(inputs), for each expert as for a linear layer: how many experts share the parameter
does not enter. That a matrix is (out, in) it knows from ``is_transposed`` of Mixtral's experts, which is False; before
0.19.1 it read that the other way round, and folders it wrote have A and B of other shapes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import MixtralForCausalLM

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import peft_on_transformers_5
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.mixture.quantised_experts import has_quantised_experts, shown_as_parameters

ATTENTION_TARGETS = r".*\.self_attn\.(q|k|v|o)_proj"
PARAMETER_TARGETS = ("experts.gate_up_proj", "experts.down_proj", "gate.weight")


def add_mixture_lora(
    model: MixtralForCausalLM, *, rank: int, alpha: int, seed: int, adapter_dtype: torch.dtype = torch.float32
) -> PeftModel:
    """Wrap attention, experts and router with LoRA; all else is frozen.

    ``W x`` becomes ``W x + (alpha / rank) B A x`` with ``B`` starting at zero, so the wrapped model begins as the old
    one; ``A`` is drawn from the seed, and torch's own generators are left as they were. There is no dropout: PEFT has
    none for parameters. PEFT merges all experts at each pass; ``group_experts`` computes the same without. Experts held
    in 4 bits are grouped here, since PEFT cannot compute them.

    Args:
        model: a Mixtral, its base frozen as ``freeze_as`` has it; on the meta device as well, to be counted.
        rank: r of the adapters, of each expert.
        alpha: they are scaled by ``alpha / rank``.
        seed: of ``A``.
        adapter_dtype: number format of ``A`` and ``B``.
    """
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=ATTENTION_TARGETS,
        target_parameters=list(PARAMETER_TARGETS),
        task_type="CAUSAL_LM",
    )
    on_meta = next(model.parameters()).is_meta
    with torch.random.fork_rng(), _ready_for_peft(model):
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config, low_cpu_mem_usage=on_meta, autocast_adapter_dtype=False)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.to(adapter_dtype)
    return adapted


def load_mixture_adapter(model: MixtralForCausalLM, folder: Path) -> PeftModel:
    """Return the model with the adapters of a PEFT folder, frozen and ready to answer (``eval``).

    Raises:
        ModelError: the folder holds no adapter.
    """
    if not (Path(folder) / "adapter_config.json").is_file():
        raise ModelError(f"{folder}: no adapter there; train the mixture (notebook 14_bimedix_moe) first")
    with _ready_for_peft(model):
        return PeftModel.from_pretrained(model, folder, is_trainable=False).eval()


@contextmanager
def _ready_for_peft(model: nn.Module) -> Iterator[None]:
    with peft_on_transformers_5(), shown_as_parameters(model):
        yield
    if has_quantised_experts(model):
        group_experts(model)
