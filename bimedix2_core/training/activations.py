"""Activations: the memory that a row takes on its way through the model and back, counted before anything is loaded.

The forward and backward pass of training itself (``PackedLoss``) runs on torch's meta device, where tensors have shapes
and no values, and every block of memory it asks for is counted while it is alive. Two and three decoder layers stand
for all, for each further layer adds what the third one added.

Not counted: what a kernel uses within itself, and memory that the allocator keeps between tensors. On a CPU the count
was compared with what torch's allocator really gives out: within 2 % (tests/training/test_activations.py), and with
compiled layers, by hand on six of them, within 6 %. On a GPU it is meant to be within 15 % of
``torch.cuda.max_memory_allocated``. That comparison has not been run: there was no GPU here.
``tests/benchmarks/gpu_training.py`` prints both.
"""

import warnings
import weakref
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from transformers import AutoModelForCausalLM, LlavaForConditionalGeneration, PreTrainedConfig, PreTrainedModel

from bimedix2_core.model.adapters import add_lora, decoder_of, freeze_all_but_projector
from bimedix2_core.model.assemble import llava_config
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.mixture.experts import grouped_experts
from bimedix2_core.model.shapes import Shape, is_mixture
from bimedix2_core.training.forward import PackedLoss, PackedTextLoss, RowInputs
from bimedix2_core.training.layers import checkpoint_layers, decoder_layers
from bimedix2_core.training.meta_operations import ATTENTION, Partitioned, fuse_dropout

N_SIMULATED = 3
"""Decoder layers that are run; more are extrapolated."""


@dataclass(frozen=True)
class Setting:
    """What decides how much memory a row takes."""

    dtype: torch.dtype
    """Of the model's weights and activations."""
    row_length: int
    """Tokens of the row, padding included."""
    n_images: int
    """Distinct images in it."""
    n_targets: int
    """Places the head reads."""
    on_gpu: bool
    lora_r: int = 0
    """0 is Stage 1."""
    lora_dropout: float = 0.0
    adapter_dtype: torch.dtype = torch.float32
    checkpoints: bool = False
    """Only what enters each layer is kept."""
    compiles: bool = False
    """Each layer is compiled: what is cheap to compute again is not kept. Without effect where layers are
    checkpointed, and not counted of a mixture of experts."""


@dataclass(frozen=True)
class RowBytes:
    """Memory of one row, weights and their gradients left out."""

    kept: int
    """Alive between the forward and the backward pass."""
    peak: int
    """The most that is alive at any time."""


def row_bytes(shape: Shape, setting: Setting) -> RowBytes:
    """Count the memory of one row's forward and backward pass; takes about a second, a few where layers are compiled.

    Args:
        shape: CLIP and Llama, or a language model alone.
        setting: row, adapters and what is kept of a layer.
    """
    depth = shape.language.num_hidden_layers
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        loss_of = _thin(shape, setting)
        with grouped_experts(loss_of.model):
            if depth <= N_SIMULATED:
                return _simulate(loss_of, depth, setting)
            fewer, more = (_simulate(loss_of, n_layers, setting) for n_layers in (N_SIMULATED - 1, N_SIMULATED))
    further = depth - N_SIMULATED
    return RowBytes(
        more.kept + further * (more.kept - fewer.kept),
        more.peak + further * (more.peak - fewer.peak),
    )


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that are alive; those of ``before`` are not counted."""

    def __init__(self, before: list[Tensor]):
        """Count what is made from now on."""
        super().__init__()
        self.now = self.peak = 0
        self._known = {tensor.untyped_storage()._cdata for tensor in before}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        """Run an operation and count what it makes."""
        made = operation(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._count, made)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def _thin(shape: Shape, setting: Setting) -> PackedTextLoss:
    """The model of a stage with one decoder layer and two of the vision encoder, the first of which is run."""
    base = _base(shape).to(setting.dtype)
    decoder_of(base).set_attn_implementation(ATTENTION[setting.on_gpu])
    routes = is_mixture(shape.language)
    model = _adapted(base, setting, routes=routes)
    if setting.on_gpu:
        fuse_dropout(model)
    layers = decoder_layers(model)
    if setting.checkpoints:
        checkpoint_layers(model)
    elif setting.compiles and not routes:
        layers[0] = Partitioned(layers[0])
    return (PackedLoss if shape.vision else PackedTextLoss)(model.train())


def _base(shape: Shape) -> PreTrainedModel:
    def thin(config, n_layers: int):
        return type(config).from_dict(config.to_dict() | {"num_hidden_layers": n_layers})

    if shape.vision is None:
        return AutoModelForCausalLM.from_config(thin(shape.language, 1))
    return LlavaForConditionalGeneration(llava_config(thin(shape.vision, 2), thin(shape.language, 1)))


def _adapted(base: PreTrainedModel, setting: Setting, *, routes: bool) -> nn.Module:
    adapters = {"rank": setting.lora_r, "alpha": setting.lora_r, "seed": 0, "adapter_dtype": setting.adapter_dtype}
    if routes:
        return add_mixture_lora(base, **adapters)
    if setting.lora_r:
        return add_lora(base, dropout=setting.lora_dropout, **adapters)
    freeze_all_but_projector(base)
    return base


def _simulate(loss_of: PackedTextLoss, n_layers: int, setting: Setting) -> RowBytes:
    model, language = loss_of.model, decoder_of(loss_of.model)
    language.layers = nn.ModuleList([language.layers[0]] * n_layers)
    language.config.num_hidden_layers = n_layers
    if setting.compiles:  # traced outside the count; tracing looks at .grad of what has none
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            loss_of(_row(model.config, replace(setting, n_targets=1)))
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.grad = torch.empty_like(weight)
    with LiveBytes([*model.parameters(), *model.buffers(), *(weight.grad for weight in trained)]) as live:
        loss, losses, balance = loss_of(_row(model.config, setting))
        loss = loss + balance
        kept = live.now
        loss.backward()
    del losses
    return RowBytes(kept, live.peak)


def _row(config: PreTrainedConfig, setting: Setting) -> RowInputs:
    """A row as ``PackedTextLoss`` and ``PackedLoss`` read it, without values."""
    shape = Shape.of(config)
    length, n_images, n_targets = setting.row_length, setting.n_images, setting.n_targets

    def numbers(*size: int) -> Tensor:
        return torch.empty(size, dtype=torch.int64)

    def pixels() -> Tensor:
        return torch.empty(n_images, shape.vision.num_channels, shape.vision.image_size, shape.vision.image_size)

    return RowInputs(
        input_ids=numbers(1, length), position_ids=numbers(1, length), seen=(), sources=numbers(n_targets),
        targets=numbers(n_targets), weights=torch.empty(n_targets),
        image_tokens=numbers(n_images * shape.n_image_tokens), image_numbers=numbers(n_images),
        pixel_values=pixels() if n_images else None, n_tokens=length, share=1.0,
    )  # fmt: skip
