"""Memory: what a training process holds at most, by parts, worked out before anything is loaded.

Weights, their gradients and the optimizer's state follow from the shape; what a row takes on its way is counted
(``activations``). The sum is meant to be within 15 % of ``torch.cuda.max_memory_allocated``. That comparison has not
been run: there was no GPU here. ``tests/benchmarks/gpu_training.py`` prints both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from bimedix2_core.model.shapes import Counts, Shape
from bimedix2_core.params import AdapterParams, StageParams
from bimedix2_core.training.activations import Setting, row_bytes
from bimedix2_core.training.matrices import held

FROZEN_BYTES = {"fp8": 1.0, "nf4": 0.5 + 1 / 64 + 4 / (64 * 256)}
"""Of a weight: an e4m3 code, whose scales by row are too few to count; or 4 bits, with 8 bits for each block of 64 and
32 for each 256 of those (QLoRA's double quantisation)."""

MOMENTS = 8
"""Bytes of AdamW's two moments, in float32."""
MASTER = 4
"""Bytes of the float32 master of a 16-bit weight."""

GATHERED_LAYERS = 2
"""Layers that each process holds whole where weights are sharded: the one at work and the next."""

MOST_PROCESSES = 64


@dataclass(frozen=True)
class Part:
    """Something that takes memory."""

    name: str
    count: int
    unit: str
    """What is counted."""
    each: float
    """Bytes of one."""
    is_sharded: bool = False
    """Whether processes share it out among themselves."""

    @property
    def n_bytes(self) -> float:
        """Bytes of all."""
        return self.count * self.each


@dataclass(frozen=True)
class Memory:
    """What training holds at most, in one process or in several that share some of it out."""

    parts: tuple[Part, ...]

    def n_bytes(self, n_processes: int = 1) -> float:
        """Of each process: sharded parts are divided, the others are not."""
        return sum(part.n_bytes / (n_processes if part.is_sharded else 1) for part in self.parts)

    def processes_for(self, card_bytes: float) -> int | None:
        """On how many cards of this size it fits (1, 2, 4 and so on); None where many would not do."""
        count = 1
        while self.n_bytes(count) > card_bytes:
            count *= 2
            if count > MOST_PROCESSES:
                return None
        return count


def fullest_row(settings: StageParams, shape: Shape, *, dtype: torch.dtype, on_gpu: bool) -> Setting:
    """A row that takes as much memory as any: half of it images, where the model reads some, and all else learnt.

    Args:
        settings: of a stage.
        shape: CLIP and Llama, or a language model alone.
        dtype: of the model's weights.
        on_gpu: whether it is computed there.
    """
    n_images = max(1, settings.row_length // (2 * shape.n_image_tokens)) if shape.vision else 0
    row = Setting(
        dtype=dtype, row_length=settings.row_length, n_images=n_images,
        n_targets=max(1, settings.row_length - n_images * shape.n_image_tokens), on_gpu=on_gpu,
        checkpoints=settings.activation_checkpointing == "layers", compiles=settings.compile_layers,
    )  # fmt: skip
    return _with_adapters(row, settings) if isinstance(settings, AdapterParams) else row


def training_memory(
    shape: Shape, counts: Counts, row: Setting, *, frozen_base: str = "plain", is_sharded: bool = False
) -> Memory:
    """What training holds at most.

    Args:
        shape: CLIP and Llama, or a language model alone; of a mixture all experts are held.
        counts: its weights.
        row: as ``fullest_row`` gives it.
        frozen_base: how the linear layers of the decoder are held: ``plain``, ``fp8`` or ``nf4``.
        is_sharded: whether processes share out weights, gradients and optimizer.
    """
    layers, lora = held(shape.language, lora_r=row.lora_r)
    size, adapter_size = row.dtype.itemsize, row.adapter_dtype.itemsize
    trained = ((counts.parts.projector, size), (lora, adapter_size))
    copies = 2 if lora else 1  # PEFT keeps the projector as it was beside the one that learns

    def weights(name: str, count: int, each: float) -> Part:
        return Part(name, count, "weights", each, is_sharded)

    parts = [
        weights("decoder layers", layers, FROZEN_BYTES.get(frozen_base, size)),
        weights("embedding, norms and head", counts.language - layers, size),
        weights("vision encoder", counts.parts.vision_tower, size),
        weights("projector", copies * counts.parts.projector, size),
        weights("adapters", lora, adapter_size),
        weights("gradients", *_mean((count, each) for count, each in trained)),
        weights("optimizer", *_mean((count, optimizer_bytes(each)) for count, each in trained)),
    ]
    if is_sharded:
        gathered = GATHERED_LAYERS * layers // shape.language.num_hidden_layers + counts.language - layers
        parts.append(Part(f"embedding, head and {GATHERED_LAYERS} layers made whole", gathered, "weights", size))
    passed = row_bytes(shape, row)
    parts += [
        Part("activations", row.row_length, "tokens", passed.kept / row.row_length),
        Part(
            "logits and gradients on their way", row.row_length, "tokens", (passed.peak - passed.kept) / row.row_length
        ),
    ]
    return Memory(tuple(part for part in parts if part.count))


def optimizer_bytes(size: int) -> int:
    """Of the optimizer's state for a trained weight of ``size`` bytes: moments, and a master for one of 16 bits."""
    return MOMENTS + (MASTER if size == 2 else 0)


def _with_adapters(row: Setting, settings: AdapterParams) -> Setting:
    """The same row where adapters learn; only those of Stage 2 have dropout."""
    return replace(
        row, lora_r=settings.lora_r, lora_dropout=getattr(settings, "lora_dropout", 0.0),
        adapter_dtype=getattr(torch, settings.adapter_dtype),
    )  # fmt: skip


def _mean(trained: Iterable[tuple[int, int]]) -> tuple[int, float]:
    """How many there are of different sizes, and their mean size."""
    sizes = tuple(trained)
    count = sum(many for many, _ in sizes)
    return count, sum(many * each for many, each in sizes) / count
