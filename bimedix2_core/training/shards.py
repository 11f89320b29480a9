"""Shards: a tensor that FSDP spread over processes is gathered to be saved, and cut again when it is loaded.

Tensors that are not sharded pass through, so one code serves one process and many.
"""

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor


def named_shards(model: nn.Module) -> dict[str, nn.Parameter]:
    """The model's weights by name, as its optimizer knows them.

    After a forward pass without a backward FSDP leaves whole copies in their place. They are dropped here: what is
    copied into them would be lost.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()
    return dict(model.named_parameters())


def gathered(tensor: Tensor) -> Tensor:
    """The whole tensor, detached. Where it is sharded every process must ask, and each gets a copy of its own."""
    tensor = tensor.detach()
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_trained(model: nn.Module) -> dict[str, Tensor]:
    """The weights that require a gradient, whole and on the CPU, by name; every process must ask."""
    return {name: gathered(weight).cpu() for name, weight in named_shards(model).items() if weight.requires_grad}


@torch.no_grad()
def fill(target: Tensor, whole: Tensor) -> None:
    """Copy a whole tensor of the same shape into ``target``, which keeps its dtype, its device and its shards.

    Each process cuts its shard out of the tensor it holds itself: nothing is sent.
    """
    if isinstance(target, DTensor):
        whole = distribute_tensor(whole.to(target.device), target.device_mesh, target.placements, src_data_rank=None)
    target.copy_(whole)
