"""FLOPs: the arithmetic that a packed row asks for, counted, and what share of a machine's peak a run reaches.

Multiplications and additions of matrix products are counted, 2 FLOP for a weight and a token; norms, rotary positions,
activation functions and the softmax are not. Nothing is counted twice: what is computed once more on the way back
(activation checkpointing, flash attention's own recomputation) is no useful work.

Symbols, for one row:

    n   tokens without padding, a shared prefix once      W   weights of the frozen linear layers of all decoder layers
    a   pairs of a query and a key it sees                A   weights of LoRA
    t   places the head reads, one for each target        H   weights of the head
    i   distinct images                                   P1, P2  the projector's first and second linear layer
    f   features of one image                             V   forward pass of the vision encoder on one image, in FLOP
    L, h, d  layers, heads, head size

A frozen weight takes 2 FLOP forward and 2 for the gradient of its input; one that learns takes 2 more for its own:

    4 W n + 6 A n + 4 H t + 12 L h d a + i (V + f (4 P1 + 6 P2))

A token of a mixture passes k of its E experts. W and A are then the weights at work on one token: of a layer with
hidden size D and inner size I, and adapters of rank r on each matrix, an expert's gate and up being one matrix,

    W   attention + D E + k (2 D I + I D)
    A   r (attention's widths + (D + E) + k ((D + 2 I) + (I + D)))

A model that reads text only has no image: i is 0.

Attention is two matrix products, 4 h d for a pair and layer forward, and four backward. The first layer of the
projector reads the frozen vision encoder, so its input needs no gradient. The vision encoder runs forward only, up to
the layer that the projector reads, once for each distinct image.

Stage 1 has no adapters: A is 0. There a row without image teaches nothing, and counts forward only:

    2 W n + 2 H t + 4 L h d a

The machine does more there: ``PackedLoss`` sends a gradient of zero to the projector, so that all processes wait for
the same weights. That is no useful work either.
"""

import re
import time
from dataclasses import dataclass
from functools import cache

import torch

from bimedix2_core.model.assemble import VISION_FEATURE_LAYER
from bimedix2_core.model.shapes import Shape
from bimedix2_core.training.matrices import active, query_width

PEAKS = {
    "H200 NVL": 835e12,
    "H200": 989e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "MI300X": 1307e12,
    "MI250X": 191.5e12,
    "MI250": 181e12,
    "MI210": 181e12,
}
"""FLOP/s in dense bfloat16 as the makers' data sheets print them, by words of torch's name, the longer name first.
Of a MI250 and a MI250X half the sheet's figure: torch sees each of its two dies as a device."""

PEAK_SIDE = {"cpu": 1024, "cuda": 8192}
"""Side of the square matrices that are multiplied where no data sheet is known."""
PEAK_SECONDS = 0.3
"""How long that goes on."""


@dataclass(frozen=True)
class Work:
    """The matrices of a model that is trained, as numbers of weights (see the symbols above)."""

    layers: int
    """W."""
    lora: int
    """A; 0 in Stage 1."""
    head: int
    """H."""
    pair: int
    """4 L h d: FLOP of a pair in all layers, forward."""
    image: int
    """FLOP of one image, read and projected, forward and back: V + f (4 P1 + 6 P2); 0 where none is read."""


def work_of(shape: Shape, *, lora_r: int = 0) -> Work:
    """Count the matrices of a shape; a loaded model's is ``Shape.of(config)``.

    Args:
        shape: CLIP and Llama, or a language model alone.
        lora_r: rank of the adapters on all linear layers of the decoder; 0 where there are none (Stage 1).
    """
    language = shape.language
    layers, lora = active(language, lora_r=lora_r)
    return Work(
        layers=layers,
        lora=lora,
        head=language.hidden_size * language.vocab_size,
        pair=4 * language.num_hidden_layers * query_width(language),
        image=_image_flops(shape) if shape.vision else 0,
    )


def row_flops(work: Work, *, n_tokens: float, n_pairs: float, n_targets: float, n_images: float) -> float:
    """Useful FLOP of one packed row, or of many of a kind together, forward and back.

    Args:
        work: the matrices; with adapters it is Stage 2, without Stage 1.
        n_tokens: tokens without padding, a shared prefix counted once.
        n_pairs: pairs of a query and a key it may see: n (n + 1) / 2 for a document of n tokens, and for a branch of t
            tokens behind a prefix of p another t p + t (t + 1) / 2.
        n_targets: places the head reads.
        n_images: distinct images.
    """
    learns = bool(n_images or work.lora)
    weights = 2 * (1 + learns) * (work.layers * n_tokens + work.head * n_targets) + 6 * work.lora * n_tokens
    return weights + (1 + 2 * learns) * work.pair * n_pairs + work.image * n_images


def recomputed_flops(work: Work, *, n_tokens: float, n_pairs: float) -> float:
    """FLOP that checkpointing of the layers adds: their forward pass once more. Hardware does them, nobody needs them.

    ``row_flops`` with these gives the hardware's utilisation (HFU) in place of the model's.
    """
    return 2 * (work.layers + work.lora) * n_tokens + work.pair * n_pairs


def mfu(flops: float, *, seconds: float, peak: float, n_devices: int = 1) -> float:
    """Model FLOPs utilisation: the share of the peak that useful FLOP take. This is the ``mfu`` of a step's record.

    Args:
        flops: of all rows of all devices, as ``row_flops`` counts them.
        seconds: they took.
        peak: FLOP/s of one device.
        n_devices: that worked on them.
    """
    return flops / (seconds * peak * n_devices)


def mfu_4n(work: Work, *, n_tokens: int, seconds: float, peak: float, n_devices: int = 1) -> float:
    """The same by 4 N accounting: 4 FLOP for a weight of the decoder layers and a useful token, and nothing else.

    It leaves out adapters, head, attention and images, so it is lower than ``mfu``, and compares runs by tokens alone.
    """
    return mfu(4 * work.layers * n_tokens, seconds=seconds, peak=peak, n_devices=n_devices)


@dataclass(frozen=True)
class Peak:
    """What a device can do at most."""

    flops: float
    """FLOP/s of matrix products."""
    source: str
    """Data sheet, or how it was measured."""


def peak_flops(device: torch.device, dtype: torch.dtype) -> Peak:
    """The peak of a device: of its data sheet where it is known and the matrices are of bfloat16, else measured.

    A slice of a card (MIG) is measured, for the sheet is about the whole. What is measured is what one matrix product
    reaches here, a little less than a sheet would say.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    listed = sheet_peak(name)
    if listed and dtype is torch.bfloat16:
        return Peak(listed, f"data sheet, dense bfloat16: {name}")
    side = PEAK_SIDE[device.type]
    words = f"measured: products of {side} x {side} matrices of {str(dtype).removeprefix('torch.')}, {name}"
    return Peak(_measured(device, dtype, side), words)


def sheet_peak(name: str) -> float | None:
    """Dense bfloat16 FLOP/s by torch's name of a device; None where it is not listed, or is part of a card."""
    words = set(re.split(r"[ /-]", name))
    return None if "MIG" in words else next((peak for card, peak in PEAKS.items() if words >= set(card.split())), None)


def _image_flops(shape: Shape) -> int:
    """One image, read forward only and projected forward and back."""
    wide = shape.language.hidden_size
    return _vision_flops(shape) + shape.n_image_tokens * (4 * shape.vision.hidden_size * wide + 6 * wide * wide)


def _vision_flops(shape: Shape) -> int:
    """Forward pass of the vision encoder on one image; its class token runs along."""
    vision, n_patches = shape.vision, shape.n_image_tokens
    n_layers = vision.num_hidden_layers + 1 + VISION_FEATURE_LAYER
    linear = 4 * vision.hidden_size**2 + 2 * vision.hidden_size * vision.intermediate_size
    patches = vision.num_channels * vision.patch_size**2 * vision.hidden_size
    n_tokens = n_patches + 1
    return 2 * patches * n_patches + n_layers * (2 * linear * n_tokens + 4 * vision.hidden_size * n_tokens**2)


@cache
def _measured(device: torch.device, dtype: torch.dtype, side: int) -> float:
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    started, best = time.perf_counter(), 0.0
    while not best or time.perf_counter() - started < PEAK_SECONDS:
        before = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # waits until the device is done
        best = max(best, 2 * side**3 / (time.perf_counter() - before))
    return best
