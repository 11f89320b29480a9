"""Meta operations: stand-ins for what runs otherwise on a GPU than on the meta device, as far as memory goes."""

import torch
from torch import Tensor, nn
from torch._functorch.aot_autograd import aot_module, make_boxed_func
from torch._functorch.partitioners import min_cut_rematerialization_partition
from transformers import AttentionInterface

ATTENTION = {True: "counted_on_gpu", False: "counted_elsewhere"}
"""Names under which transformers knows attention that only says what it keeps: on a GPU, and elsewhere."""


def _flash(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Flash attention as far as memory goes: states, and a float32 for each query and head."""
    return torch.empty_like(query), query.new_empty(query.shape[:3], dtype=torch.float32)


def _flash_back(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, states: Tensor, sums: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _keep(ctx, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    """All that goes in and out."""
    ctx.save_for_backward(*inputs, *output)


def _back(ctx, gradient: Tensor, of_sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return _counted_back(gradient, *ctx.saved_tensors)


_counted = torch.library.custom_op("bimedix2::counted_attention", _flash, mutates_args=())
_counted_back = torch.library.custom_op("bimedix2::counted_attention_back", _flash_back, mutates_args=())
_counted.register_fake(_flash)
_counted_back.register_fake(_flash_back)
_counted.register_autograd(_back, setup_context=_keep)


def _attend(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, **others: object):
    """As ``packing.attention`` does on a GPU: few heads of keys and values serve many of queries."""
    states, _ = _counted(query, key, value)
    return states.transpose(1, 2).contiguous(), None


def _attend_by_trees(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *rest: None, **others: object):
    """As it does elsewhere: keys and values are repeated, and what the trees give is joined."""
    key, value = (heads.repeat_interleave(query.shape[1] // key.shape[1], dim=1) for heads in (key, value))
    states, _ = _counted(query, key, value)
    return torch.cat([states], dim=2).transpose(1, 2).contiguous(), None


AttentionInterface.register(ATTENTION[True], _attend)
AttentionInterface.register(ATTENTION[False], _attend_by_trees)


class _FusedDropout(nn.Module):
    """Dropout as a GPU computes it: the mask is kept in one byte a value. The CPU keeps it in the values' format."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        return torch.native_dropout(states, self.share, True)[0]


def fuse_dropout(model: nn.Module) -> None:
    """Let all dropout of a model be computed as on a GPU, in place."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, _FusedDropout(child.p))


class Partitioned(nn.Module):
    """A decoder layer that keeps what torch.compile's partitioner keeps; the code generator has no part in that."""

    def __init__(self, layer: nn.Module):
        """Wrap a layer; it is traced when it first runs."""
        super().__init__()
        self.compiled = aot_module(
            _Positional(layer), fw_compiler=_as_traced, partition_fn=min_cut_rematerialization_partition
        )

    def forward(self, hidden_states: Tensor, *, position_embeddings: tuple[Tensor, Tensor], **_: object) -> Tensor:
        """As transformers calls a layer."""
        return self.compiled(hidden_states, *position_embeddings)


class _Positional(nn.Module):
    """A decoder layer that takes tensors alone."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, hidden_states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        return self.layer(hidden_states, position_embeddings=(cosine, sine))


def _as_traced(graph: torch.fx.GraphModule, inputs: list[Tensor]):
    return make_boxed_func(graph.forward)
