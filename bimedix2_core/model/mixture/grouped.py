"""Grouped product: all experts of a layer, each for the tokens that chose it, with adapters in their low-rank form.

Pairs of a token and an expert are sorted by expert once, so that an expert's pairs stand together: it reads its rows,
multiplies, writes its rows. Then the pairs go back to their tokens, and a token's slots are added in their order: no
sum depends on chance.

Kept for the way back are the tokens, what comes before the activation, the low-rank products and the experts' outputs.
Nothing is kept of an expert's matrices: where they are held in few bits, each is restored once more.

One matrix product for each expert that was chosen, on a GPU as well: Mixtral has 8, and one waits for the GPU once a
layer to learn how many tokens each has. Not measured on a GPU.

Shape letters:
    T tokens, K chosen experts of a token, P = T K pairs, S pairs of one expert, E experts, D hidden, I inner, R rank
"""

from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import silu

from bimedix2_core.model.mixture.low_rank import Adapted, LowRank, Stack


class Experts(Protocol):
    """A layer's experts, as Mixtral has them: gate and up in one matrix."""

    num_experts: int
    gate_up_proj: Stack
    """float[E, 2 I, D]"""
    down_proj: Stack
    """float[E, D, I]"""


class Adapters(NamedTuple):
    """The adapters of a layer's experts; None where there are none."""

    gate_up: LowRank | None = None
    down: LowRank | None = None

    def of(self, expert: int, n_experts: int) -> "Adapters":
        """One expert's own."""
        return Adapters(*(one and one.of(expert, n_experts) for one in self))

    def zeros(self) -> "Adapters":
        """Room for the gradients."""
        return Adapters(*(one and one.zeros() for one in self))

    def flat(self) -> tuple[Tensor | float | None, ...]:
        """A, B and scaling of gate and up, then of down: what autograd can see."""
        return tuple(value for one in self for value in one or (None, None, None))

    @classmethod
    def of_flat(cls, *flat: Tensor | float | None) -> "Adapters":
        """``flat`` undone."""
        return cls(*(None if one[0] is None else LowRank(*one) for one in (flat[:3], flat[3:])))


class _Routes(NamedTuple):
    """Who goes where."""

    tokens: Tensor
    """int64[P]: the token of each pair, pairs sorted by expert."""
    places: Tensor
    """int64[P]: where the pair of each token and slot stands among the sorted ones."""
    spans: list[tuple[int, slice]]
    """The experts that were chosen, each with its pairs."""


def mixed(experts: Experts, states: Tensor, chosen: Tensor, weights: Tensor, adapters: Adapters) -> Tensor:
    """The weighted sum of the outputs of each token's experts, with gradients for states, weights and adapters.

    Args:
        experts: frozen; their activation is SiLU.
        states: float[T, D].
        chosen: int64[T, K]. On the meta device each expert gets as many tokens.
        weights: float[T, K].
        adapters: in the number format of the states.

    Returns:
        float[T, D], in the states' number format.
    """
    routes = _routes(chosen, experts.num_experts)
    if not torch.is_grad_enabled():
        return _weighted(_forward(experts, routes, states, adapters), weights)
    return _Mixed.apply(experts, routes, states, weights, *adapters.flat())


def _routes(chosen: Tensor, n_experts: int) -> _Routes:
    flat = chosen.reshape(-1)
    order = flat.argsort(stable=True)
    if chosen.is_meta:
        ends = [len(order) * expert // n_experts for expert in range(1, n_experts + 1)]
    else:
        ends = torch.bincount(flat, minlength=n_experts).cumsum(0).tolist()
    spans = [(expert, slice(*span)) for expert, span in enumerate(pairwise([0, *ends])) if span[1] > span[0]]
    return _Routes(order // chosen.shape[1], order.argsort(), spans)


def _matrices(experts: Experts, expert: int, adapters: Adapters) -> tuple[Adapted, Adapted]:
    own = adapters.of(expert, experts.num_experts)
    return Adapted(experts.gate_up_proj[expert], own.gate_up), Adapted(experts.down_proj[expert], own.down)


def _forward(
    experts: Experts, routes: _Routes, states: Tensor, adapters: Adapters, kept: list[Tensor | None] | None = None
) -> Tensor:
    """Outputs by token and slot, float[T, K, D]; ``kept`` gets what the way back needs, three of each expert."""
    outputs = states.new_empty(len(routes.tokens), states.shape[1])
    for expert, span in routes.spans:
        gate_up_proj, down_proj = _matrices(experts, expert, adapters)
        gate_up, low = gate_up_proj.forward(states.index_select(0, routes.tokens[span]))
        gate, up = gate_up.chunk(2, dim=-1)
        _, inner_low = down_proj.forward(silu(gate).mul_(up), out=outputs[span])
        if kept is not None:
            kept += (gate_up, low, inner_low)
    return outputs.index_select(0, routes.places).view(len(states), -1, states.shape[1])


def _weighted(slots: Tensor, weights: Tensor) -> Tensor:
    """float[T, D]; the router's weights are float32 in a model of 16 bits, and so is the sum."""
    return (slots * weights.unsqueeze(-1)).sum(dim=1).to(slots.dtype)


class _Mixed(torch.autograd.Function):
    """``mixed`` with its gradients."""

    @staticmethod
    def forward(ctx, experts, routes, states, weights, *flat):
        kept = []
        slots = _forward(experts, routes, states, Adapters.of_flat(*flat), kept)
        ctx.experts, ctx.spans, ctx.scalings = experts, routes.spans, (flat[2], flat[5])
        ctx.save_for_backward(
            states, weights, slots, routes.tokens, routes.places, flat[0], flat[1], flat[3], flat[4], *kept
        )
        return _weighted(slots, weights)

    @staticmethod
    def backward(ctx, of_out):
        states, weights, slots, tokens, places, down, up, inner_down, inner_up, *kept = ctx.saved_tensors
        adapters = Adapters.of_flat(down, up, ctx.scalings[0], inner_down, inner_up, ctx.scalings[1])
        gradients, kept = adapters.zeros(), iter(kept)
        scores = torch.empty_like(weights).view(-1).index_copy_(0, places, weights.reshape(-1))[:, None]
        of_reads = states.new_empty(len(tokens), states.shape[1])
        for expert, span in ctx.spans:
            rows = tokens[span]
            _backward(
                _matrices(ctx.experts, expert, adapters),
                gradients.of(expert, ctx.experts.num_experts),
                read=states.index_select(0, rows),
                kept=(next(kept), next(kept), next(kept)),
                of_output=of_out.index_select(0, rows).mul_(scores[span]),
                of_read=of_reads[span],
            )
        of_states = of_reads.index_select(0, places).view_as(slots).sum(dim=1)
        of_weights = torch.linalg.vecdot(slots, of_out.unsqueeze(1)).to(weights.dtype)
        down, up, _, inner_down, inner_up, _ = gradients.flat()
        return None, None, of_states, of_weights, down, up, None, inner_down, inner_up, None


def _backward(
    matrices: tuple[Adapted, Adapted],
    gradients: Adapters,
    *,
    read: Tensor,
    kept: tuple[Tensor, ...],
    of_output: Tensor,
    of_read: Tensor,
) -> None:
    """One expert's way back: writes ``of_read`` and ``gradients``."""
    (gate_up_proj, down_proj), (gate_up, low, inner_low) = matrices, kept
    gate, up = gate_up.chunk(2, dim=-1)
    opened = silu(gate)
    of_inner = down_proj.backward(of_output, opened * up, inner_low, gradient=gradients.down)
    of_gate_up = torch.empty_like(gate_up)
    of_gate, of_up = of_gate_up.chunk(2, dim=-1)
    torch.mul(of_inner, opened, out=of_up)
    of_gate.copy_(torch.ops.aten.silu_backward(of_inner.mul_(up), gate))
    gate_up_proj.backward(of_gate_up, read, low, gradient=gradients.gate_up, out=of_read)
