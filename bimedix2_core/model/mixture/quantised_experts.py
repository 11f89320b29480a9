"""Quantised experts: those of a Mixtral in 4 bits (NF4, its scales quantised in turn), by bitsandbytes.

bitsandbytes packs linear layers; Mixtral's experts, over 90% of its weights, are stacks of matrices in transformers 5
and would stay in 16 bits. Here each expert's matrix is packed by itself and restored when that expert is computed, on
the way forward and again on the way back, never the whole stack. All that a stack is lies in buffers of whole numbers
(a float32 as its bits), so that ``.to(device)``, ``state_dict`` and fingerprints work and no cast touches them.

Source:
    QLoRA, arXiv 2305.14314: blocks of 64 weights, and of 256 scales.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers.models.mixtral.modeling_mixtral import MixtralExperts, MixtralSparseMoeBlock

from bimedix2_core.model.four_bits import bitsandbytes
from bimedix2_core.model.mixture.grouped import Adapters, mixed

BLOCK, BLOCK_OF_SCALES = 64, 256
STACKS = ("gate_up_proj", "down_proj")


class Nf4Stack(nn.Module):
    """The matrices of a layer's experts in 4 bits; ``stack[expert]`` restores one, in the format they came in."""

    def __init__(self, stack: Tensor):
        """Pack float[E, M, N], which stays as it is; restored matrices have its number format."""
        super().__init__()
        self.matrix_shape, self.dtype = stack.shape[1:], stack.dtype
        quantise = bitsandbytes().functional.quantize_4bit
        packed = [
            quantise(matrix.contiguous(), blocksize=BLOCK, compress_statistics=True, quant_type="nf4")
            for matrix in stack.detach()
        ]
        states = [state for _, state in packed]
        self.register_buffer("codes", torch.stack([codes for codes, _ in packed]))
        """uint8[E, M N / 2, 1], two weights a byte"""
        self.register_buffer("scales", torch.stack([state.absmax for state in states]))
        """uint8[E, M N / 64]"""
        self.register_buffer("scales_of_scales", _bits(torch.stack([state.state2.absmax for state in states])))
        """bits of float32[E, M N / 64 / 256]"""
        self.register_buffer("mean_scales", _bits(torch.stack([state.offset for state in states])))
        """bits of float32[E]"""
        self.register_buffer("table", _bits(states[0].state2.code))
        """bits of float32[256]: what the codes of scales stand for"""

    def __getitem__(self, expert: int) -> Tensor:
        """float[M, N]."""
        functional = bitsandbytes().functional
        of_scales = functional.QuantState(
            absmax=_floats(self.scales_of_scales[expert]), code=_floats(self.table), blocksize=BLOCK_OF_SCALES,
            dtype=torch.float32,
        )  # fmt: skip
        state = functional.QuantState(
            absmax=self.scales[expert], shape=self.matrix_shape, dtype=self.dtype, blocksize=BLOCK, quant_type="nf4",
            offset=_floats(self.mean_scales[expert]), state2=of_scales,
        )  # fmt: skip
        return functional.dequantize_4bit(self.codes[expert], state)

    @property
    def shape(self) -> torch.Size:
        """(E, M, N)."""
        return torch.Size((len(self.codes), *self.matrix_shape))


class QuantisedExperts(nn.Module):
    """A layer's experts in 4 bits, frozen; takes the place of ``MixtralExperts``."""

    is_transposed = False
    """What PEFT asks to know which side of a matrix reads: (E, out, in), as in Mixtral."""

    def __init__(self, experts: MixtralExperts):
        """Pack the experts' two stacks."""
        super().__init__()
        self.num_experts, self.act_fn = experts.num_experts, experts.act_fn
        self.gate_up_proj, self.down_proj = Nf4Stack(experts.gate_up_proj), Nf4Stack(experts.down_proj)

    def forward(self, states: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        """float[T, D], int64[T, K], float[T, K] to float[T, D]."""
        return mixed(self, states, chosen, weights, Adapters())


def quantise_experts(layer: nn.Module) -> None:
    """Hold the experts in this part of a Mixtral in 4 bits, in place; what is in 4 bits already stays.

    Raises:
        ModelError: bitsandbytes is not installed.
    """
    for block in (module for module in layer.modules() if isinstance(module, MixtralSparseMoeBlock)):
        if isinstance(block.experts, MixtralExperts):
            block.experts = QuantisedExperts(block.experts)


def has_quantised_experts(model: nn.Module) -> bool:
    """Whether any experts are in 4 bits: PEFT cannot compute those."""
    return any(isinstance(module, QuantisedExperts) for module in model.modules())


@contextmanager
def shown_as_parameters(model: nn.Module) -> Iterator[None]:
    """Let quantised stacks look like parameters of their shape, while PEFT looks for parameters to adapt.

    A stand-in is one number, repeated without memory of its own; nothing may be computed with it.
    """
    quantised = [module for module in model.modules() if isinstance(module, QuantisedExperts)]
    stacks = [{name: getattr(experts, name) for name in STACKS} for experts in quantised]
    for experts, own in zip(quantised, stacks, strict=True):
        for name, stack in own.items():
            delattr(experts, name)
            number = torch.zeros((), dtype=stack.dtype, device=stack.codes.device)
            setattr(experts, name, nn.Parameter(number.expand(stack.shape), requires_grad=False))
    try:
        yield
    finally:
        for experts, own in zip(quantised, stacks, strict=True):
            for name, stack in own.items():
                delattr(experts, name)
                setattr(experts, name, stack)


def _bits(floats: Tensor) -> Tensor:
    return floats.contiguous().view(torch.int32)


def _floats(bits: Tensor) -> Tensor:
    return bits.view(torch.float32)
