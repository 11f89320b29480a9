"""Devices: the processes that share a step, from one to many.

`torchrun` or `accelerate launch` starts them, and accelerate's ``PartialState`` joins them. Each computes some rows of
a step; what they add up, gradients and losses, is the sum over the step's rows, whoever computed them.

A model that fits into each device is held whole by each, and the gradients of what is trained are averaged (DDP). A
larger one is spread: each process holds a part of every weight, and the whole weights of a layer exist only while it
computes (FSDP2). The profile says which (``run.sharding``), so there is no configuration of accelerate to write: its
launcher starts the processes, and its FSDP plugin and its ``Accelerator`` are not used.
"""

import os
import resource
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import torch
from accelerate import PartialState
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from bimedix2_core.errors import ParamsError
from bimedix2_core.model.adapters import without_adapters
from bimedix2_core.training.forward import PackedTextLoss
from bimedix2_core.training.layers import decoder_layers
from bimedix2_core.training.shards import gathered

PATIENCE = timedelta(hours=2)
"""How long processes wait for one of them, which may be turning 1.7 million samples into tokens."""


class Devices:
    """The processes of a run, seen from one of them."""

    def __init__(self, device: torch.device):
        """Join the other processes, if a launcher started some.

        Args:
            device: what this one computes on, where it is the only one; of several each has a device of its own.
        """
        self._state = PartialState(cpu=device.type == "cpu", timeout=PATIENCE)
        self.device = device if self.count == 1 else self._state.device

    @property
    def count(self) -> int:
        """How many processes there are."""
        return self._state.num_processes

    @property
    def rank(self) -> int:
        """Which of them this is, from 0."""
        return self._state.process_index

    @property
    def is_main(self) -> bool:
        """Whether this one writes files and draws the progress bar."""
        return self._state.is_main_process

    def check_count(self, wanted: int | None = None) -> None:
        """Make sure that as many processes run as were asked for.

        Args:
            wanted: the number; None asks the launcher, as far as it tells.

        Raises:
            ParamsError: there are more or fewer; on CPUs accelerate's launcher silently starts one.
        """
        asked = _asked_for() if wanted is None else str(wanted)
        if asked not in (None, str(self.count)):
            runs = "1 process runs" if self.count == 1 else f"{self.count} processes run"
            raise ParamsError(
                f"{runs}, {asked} were asked for; start them with "
                f"`torchrun --nproc-per-node {wanted or 'N'} -m bimedix2_core.training ...`"
                " (on CPUs `accelerate launch` starts only one)"
            )

    def wait(self) -> None:
        """Until all have come here."""
        self._state.wait_for_everyone()

    def main_first(self) -> AbstractContextManager[None]:
        """The main process goes through first, the others find what it made."""
        return self._state.main_process_first()

    def leave(self) -> None:
        """Part from the other processes, at the end of a program."""
        self._state.destroy_process_group()

    def peak_memory_gb(self) -> float:
        """Largest memory so far, in 10^9 bytes: allocated on a GPU, of the whole process on a CPU."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e9
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

    def spread(self, module: PackedTextLoss, sharding: str) -> nn.Module:
        """The module with its weights spread over the processes (``full``), or whole in each (``none``).

        Each decoder layer is gathered when it computes, everything else with the module itself. Layers move to the
        device one by one, so a model that lies on the CPU need not fit into one device. Weights are cut as they are:
        adapters in float32 and frozen weights in bfloat16 may lie in one layer. Afterwards they are no plain tensors
        any more, so list those to be trained then.

        Args:
            module: what computes the loss.
            sharding: ``none`` or ``full``; without effect on a single process.

        Raises:
            ParamsError: its weights have 4 bits, packed in a way that cannot be cut.
        """
        if sharding == "none" or self.count == 1:
            return module
        if getattr(without_adapters(module.model), "is_loaded_in_4bit", False):
            raise ParamsError(
                "frozen_base is nf4 and run.sharding is full, but weights in 4 bits cannot be spread over "
                "processes; set run.sharding to none (in 4 bits a 70B fits into one device), or frozen_base to plain"
            )
        mesh = init_device_mesh(self.device.type, (self.count,))
        for layer in decoder_layers(module.model):
            fully_shard(layer, mesh=mesh)
        return fully_shard(module, mesh=mesh)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module as each process calls it: gradients are averaged after each backward pass."""
        if self.count == 1 or isinstance(module, FSDPModule):
            return module
        ids = None if self.device.type == "cpu" else [self.device.index]
        return DistributedDataParallel(module, device_ids=ids)

    def synchronised(self, module: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Gradients travel between processes with a step's last row only."""
        if isinstance(module, FSDPModule):
            module.set_requires_gradient_sync(last)
            return nullcontext()
        return nullcontext() if last or self.count == 1 else module.no_sync()

    def total(self, values: Tensor) -> Tensor:
        """The sum over processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def clip(self, weights: Sequence[nn.Parameter], largest: float) -> Tensor:
        """Scale the gradients down to a norm of at most ``largest``; return the norm before."""
        return gathered(nn.utils.clip_grad_norm_(weights, largest))


def _asked_for() -> str | None:
    """How many processes the launcher was asked for, as far as it leaves word.

    accelerate's launcher for CPUs sets an address to meet at, and then starts one process without rank and number.
    """
    world = os.environ.get("WORLD_SIZE")
    if world is None and "ACCELERATE_USE_CPU" in os.environ and "MASTER_PORT" in os.environ:
        return "several"
    return world
