"""Layers: how the language model's decoder layers are computed, one by one; what they compute stays the same.

Compiling fuses the small operations between the matrix products (norms, rotary embedding, activation, the additions of
LoRA). Checkpointing keeps only what enters a layer and computes the layer again on the way back.
"""

import os
import shutil
from functools import partial
from importlib.util import find_spec

from torch import nn
from torch.utils.checkpoint import checkpoint

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import decoder_of
from bimedix2_core.training.packing.attention import allow_graphs


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """The layers of a LLaVA's language model, or of a text model, with or without adapters of PEFT."""
    return decoder_of(model).layers


def compile_layers(model: nn.Module) -> None:
    """Compile each decoder layer, in place, when it first runs; names and weights stay as they are.

    All layers share their graphs, one for each row length met: give rows of few lengths. The first step takes up to a
    minute. Made for a GPU, where a row's mask is a tensor; on a CPU it is part of the graph, which is compiled anew for
    each row.

    Raises:
        ModelError: there is no compiler that torch could use.
    """
    layers = decoder_layers(model)
    allow_graphs()
    _check_compiler(layers[0].self_attn.q_proj.weight.device.type)
    for layer in layers:
        layer.compile(dynamic=False)


def checkpoint_layers(model: nn.Module) -> None:
    """Keep only the input of each decoder layer, in place, while ``model.train()`` is on; losses and gradients stay.

    Dropout draws the same numbers the second time. Call it after ``add_lora``: PEFT would make the embeddings of a
    checkpointed model require a gradient. So does transformers' ``gradient_checkpointing_enable``, which also reaches
    the vision encoder; this sets on each layer what that function would.
    """
    for layer in decoder_layers(model):
        layer.gradient_checkpointing = True
        layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)


def release_layers(model: nn.Module) -> None:
    """Undo both, in place: a model that answers meets a new length with each batch, and must not be compiled for it."""
    for layer in decoder_layers(model):
        layer.gradient_checkpointing = False
        layer._compiled_call_impl = None


def _check_compiler(device: str) -> None:
    if device == "cuda" and find_spec("triton") is None:
        raise ModelError("compile_layers needs triton on a GPU; install it, or set compile_layers to false")
    if not any(shutil.which(name) for name in (os.environ.get("CXX"), "g++", "clang++", "gcc") if name):
        raise ModelError("compile_layers needs a C++ compiler, found none; install g++, or set compile_layers to false")
