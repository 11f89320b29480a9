"""Experts: those of a Mixtral computed in groups, with adapters in their low-rank form, instead of by PEFT.

transformers loops over masks, and PEFT adds the adapters to a whole layer's experts before each pass, so that autograd
makes the gradient of every frozen matrix too. The mathematics is the same here, to the rounding of sums taken in
another order. Router adapters go into the router's small matrix, without PEFT's reparametrisation.

Measured on a CPU (float32, 2000 tokens, D 256, I 704, 2 of 8 experts, rank 8), router and experts of a layer, forward
and backward: 0.67 of the time of PEFT on transformers' loop on one thread, 0.49 on two; on transformers' ``grouped_mm``
0.78 and 0.73. Without adapters or gradients they are as fast (0.80 to 1.02), for a single token too, and with adapters
a single token takes 0.15. So no size falls back to another way. Not measured on a GPU.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from peft.tuners.lora.layer import ParamWrapper
from torch import Tensor, nn
from torch.func import functional_call
from transformers.activations import ACT2FN
from transformers.models.mixtral.modeling_mixtral import MixtralExperts, MixtralSparseMoeBlock

from bimedix2_core.errors import ModelError
from bimedix2_core.model.mixture.grouped import Adapters, mixed
from bimedix2_core.model.mixture.low_rank import LowRank

SILU = type(ACT2FN["silu"])


def group_experts(model: nn.Module) -> None:
    """Compute the experts and routers of a Mixtral in groups from now on, in place, with or without adapters.

    What cannot be computed so is left to PEFT and transformers, at each pass anew: merged adapters, several at a time,
    experts that are trained themselves, another activation than SiLU. A model without Mixtral's experts stays as it is.
    """
    _group(model)


@contextmanager
def grouped_experts(model: nn.Module) -> Iterator[None]:
    """As ``group_experts``, and undone at the end, but for what was grouped before."""
    grouped = _group(model)
    try:
        yield
    finally:
        for module in grouped:
            del module.forward


def _group(model: nn.Module) -> list[nn.Module]:
    """The modules that compute in another way now."""
    changed = []
    for block in (module for module in model.modules() if isinstance(module, MixtralSparseMoeBlock)):
        ways = [(block.experts, _experts_forward)]
        if isinstance(block.gate, ParamWrapper):
            ways.append((block.gate, _router_forward))
        for module, forward in ways:
            if "forward" not in vars(module):
                module.forward = MethodType(forward, module)
                changed.append(module)
    return changed


@torch.compiler.disable
def _experts_forward(self: nn.Module, states: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    """As ``MixtralExperts.forward``: float[T, D], int64[T, K], float[T, K] to float[T, D]."""
    wrappers, experts = _unwrapped(self)
    if not _can_group(wrappers, experts):
        return _as_before(self, experts, states, chosen, weights)
    found = {wrapper.parameter_name: _low_rank(wrapper, states.dtype) for wrapper in wrappers}
    adapters = Adapters(found.get("gate_up_proj"), found.get("down_proj"))
    return mixed(experts, states, chosen, weights, adapters)


def _router_forward(self: ParamWrapper, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As ``MixtralTopKRouter.forward``, whose hooks are called: the load-balance loss hangs on them."""
    if self.merged or len(_active(self)) > 1:
        return type(self).forward(self, states)
    router, adapter = self.get_base_layer(), _low_rank(self, None)
    if adapter is None:
        return router(states)
    sum_of_both = torch.addmm(router.weight.to(adapter.up.dtype), adapter.up, adapter.down, alpha=adapter.scaling)
    return functional_call(router, {"weight": sum_of_both.to(router.weight.dtype)}, (states,))


def _as_before(self: nn.Module, experts: nn.Module, *args: Tensor) -> Tensor:
    if not isinstance(experts, MixtralExperts):
        raise ModelError(
            "experts held in 4 bits are computed with one adapter, not merged; unmerge it, or set one of them active"
        )
    return type(self).forward(self, *args)


def _unwrapped(module: nn.Module) -> tuple[list[ParamWrapper], nn.Module]:
    """PEFT wraps once for each stack, one wrapper within the other."""
    wrappers = []
    while isinstance(module, ParamWrapper):
        wrappers.append(module)
        module = module.base_layer
    return wrappers, module


def _can_group(wrappers: list[ParamWrapper], experts: nn.Module) -> bool:
    learns = torch.is_grad_enabled() and any(weight.requires_grad for weight in experts.parameters(recurse=False))
    plain = all(not wrapper.merged and len(_active(wrapper)) <= 1 for wrapper in wrappers)
    return plain and not learns and isinstance(experts.act_fn, SILU)


def _active(wrapper: ParamWrapper) -> list[str]:
    if wrapper.disable_adapters:
        return []
    return [name for name in wrapper.active_adapters if name in wrapper.lora_A]


def _low_rank(wrapper: ParamWrapper, dtype: torch.dtype | None) -> LowRank | None:
    """The active adapter in this number format; None where none is active."""
    for name in _active(wrapper):
        down, up = (side[name].weight for side in (wrapper.lora_A, wrapper.lora_B))
        return LowRank(down.to(dtype or down.dtype), up.to(dtype or up.dtype), wrapper.scaling[name])
    return None
