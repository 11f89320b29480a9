"""Fused LoRA: an adapted linear layer as one function, for training.

PEFT computes ``W x``, ``B A x``, its product with ``alpha / rank`` and the sum one after another, each over all tokens
and each kept for the way back. Here the scaling goes into the small matrix ``B`` and the sum into the matrix product
itself. The mathematics is the same, to the rounding of sums taken in another order.

Shape letters:
    T tokens, N in, M out, R rank
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn


@contextmanager
def fused_lora(model: nn.Module) -> Iterator[None]:
    """Compute the model's LoRA layers fused, where that is exact: no dropout, no bias, one number format, full weights.

    The others, and all of them afterwards, are computed by PEFT.
    """
    fused = [module for module in model.modules() if isinstance(module, Linear) and _can_fuse(module)]
    for module in fused:
        module.forward = MethodType(_forward, module)
    try:
        yield
    finally:
        for module in fused:
            del module.forward


def _can_fuse(module: Linear) -> bool:
    base, adapters = module.base_layer, module.active_adapters
    if type(base) is not nn.Linear or base.bias is not None or len(adapters) != 1 or module.merged:
        return False
    down, up = module.lora_A[adapters[0]], module.lora_B[adapters[0]]
    plain = isinstance(module.lora_dropout[adapters[0]], nn.Identity) and not module.use_dora.get(adapters[0], False)
    return plain and not base.weight.requires_grad and down.weight.dtype == up.weight.dtype == base.weight.dtype


def _forward(self: Linear, x: Tensor) -> Tensor:
    """float[..., N] to float[..., M]."""
    (adapter,) = self.active_adapters
    return _LoraLinear.apply(
        x, self.base_layer.weight, self.lora_A[adapter].weight, self.lora_B[adapter].weight, self.scaling[adapter]
    )


class _LoraLinear(torch.autograd.Function):
    """``x W^T + s x A^T B^T`` with W frozen: float[..., N] to float[..., M]."""

    @staticmethod
    def forward(ctx, x, weight, down, up, scaling):
        flat = x.reshape(-1, x.shape[-1])
        low = flat @ down.T
        out = torch.addmm(flat @ weight.T, low, (up * scaling).T)
        ctx.save_for_backward(flat, weight, down, up, low)
        ctx.scaling = scaling
        return out.view(*x.shape[:-1], out.shape[-1])

    @staticmethod
    def backward(ctx, of_out):
        flat, weight, down, up, low = ctx.saved_tensors
        gradient = of_out.reshape(-1, of_out.shape[-1])
        of_low = gradient @ (up * ctx.scaling)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = torch.addmm(gradient @ weight, of_low, down).view(*of_out.shape[:-1], flat.shape[-1])
        return of_x, None, of_low.T @ flat, (gradient.T @ low).mul_(ctx.scaling), None
