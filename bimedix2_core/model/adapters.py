"""Adapters: which weights a stage trains, each at which learning rate.

Stage 1 trains the projector. Stage 2 trains LoRA in the language model and the projector beside it (Table 11).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from bimedix2_core.errors import ModelError

PROJECTOR = "multi_modal_projector"

LORA_TARGETS = r".*language_model\.layers\.\d+\..*\.(q|k|v|o|gate|up|down)_proj"
"""The language model's linear layers. A list of suffixes, as LLaVA has it, would hit CLIP's q, k and v as well."""


@dataclass(frozen=True)
class ParameterGroup:
    """Weights that share a learning rate."""

    name: str
    learning_rate: float
    parameters: tuple[nn.Parameter, ...]
    names: tuple[str, ...]
    """What each of ``parameters`` is called in the model's ``named_parameters``."""


def freeze_all_but_projector(model: nn.Module) -> None:
    """Stage 1: only the projector learns.

    Raises:
        ModelError: the model has no projector.
    """
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(PROJECTOR in name)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ModelError(f"no weight is called {PROJECTOR!r}, so Stage 1 has nothing to train; give a LLaVA model")


def add_lora(
    model: nn.Module, *, rank: int, alpha: int, dropout: float, seed: int, adapter_dtype: torch.dtype = torch.float32
) -> PeftModel:
    """Stage 2: wrap the language model's linear layers with LoRA and leave the projector trainable.

    ``W x`` becomes ``W x + (alpha / rank) B A x`` with ``B`` starting at zero, so the wrapped model begins as the old
    one; ``A`` is drawn from the seed. The projector is trained as full weights, in the model's own number format, and
    saved with the adapter (``modules_to_save``).

    Args:
        model: a LLaVA, its base frozen as ``freeze_as`` has it.
        rank: r of the adapters.
        alpha: they are scaled by ``alpha / rank``.
        dropout: of their input.
        seed: of ``A``.
        adapter_dtype: number format of ``A`` and ``B``. PEFT casts each input of an adapter to it, which costs nothing
            where it is the model's own.
    """
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=LORA_TARGETS,
        modules_to_save=[PROJECTOR],
        task_type="CAUSAL_LM",
    )
    with peft_on_transformers_5():
        on_meta = next(model.parameters()).is_meta
        adapted = get_peft_model(model, config, low_cpu_mem_usage=on_meta, autocast_adapter_dtype=False)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.to(adapter_dtype)
    return adapted


def without_adapters(model: nn.Module) -> nn.Module:
    """The model within PEFT's wrapper, adapters in its layers; a model that was never wrapped is itself."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def decoder_of(model: nn.Module) -> PreTrainedModel:
    """The stack of decoder layers, from embedding to last norm, of a LLaVA or of any causal language model.

    PEFT's wrapper may be around the model; adapters stay in the layers.
    """
    return without_adapters(model).get_decoder()


@contextmanager
def peft_on_transformers_5() -> Iterator[None]:
    """Silence one warning: peft 0.21 reads an attribute under a name that transformers 5 is about to drop."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        yield


def parameter_groups(model: nn.Module, *, adapters: float, projector: float | None = None) -> list[ParameterGroup]:
    """Split the trainable weights into adapters and projector, each with its learning rate.

    Groups without weights are left out; a model that reads text only has no projector, and needs no rate for it.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        ParameterGroup(group, rate, tuple(weight for _, weight in weights), tuple(name for name, _ in weights))
        for group, rate, weights in (
            ("adapters", adapters, [(name, weight) for name, weight in trainable if PROJECTOR not in name]),
            ("projector", projector, [(name, weight) for name, weight in trainable if PROJECTOR in name]),
        )
        if weights
    ]
