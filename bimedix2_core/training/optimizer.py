"""Optimizer: AdamW whose 16-bit weights have float32 masters.

Why masters: bfloat16 keeps 8 significant bits. An update of less than 1/512 of a weight is always rounded away, one of
up to 1/256 often, and nearly every update of AdamW is smaller: at a learning rate of 1e-4 a weight of 1.0 never moves.
The master adds the small updates up in float32, and the weight is the master, rounded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bimedix2_core.errors import ModelError, listed
from bimedix2_core.model.adapters import ParameterGroup
from bimedix2_core.training.shards import fill

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps for each weight it has moved."""


class MasterAdamW:
    """AdamW over groups of weights, one learning rate each.

    Weights of float32 or wider are updated in place by torch's fused AdamW. Weights of 16 bits are not known to it: it
    moves their masters, so gradients are clipped on the weights of ``groups``, not on what ``param_groups`` holds.
    Sharded weights (FSDP) have masters with the same shards; shard the model before this is made.
    """

    def __init__(self, groups: Sequence[ParameterGroup], *, weight_decay: float) -> None:
        """Make the masters from the weights as they are now."""
        self._weights = {
            name: weight for group in groups for name, weight in zip(group.names, group.parameters, strict=True)
        }
        self._masters = {
            name: weight.detach().to(torch.float32)
            for name, weight in self._weights.items()
            if weight.dtype.itemsize == 2
        }
        self._moved = self._weights | self._masters
        self._adamw = torch.optim.AdamW(
            [{"params": [self._moved[name] for name in group.names], "lr": group.learning_rate} for group in groups],
            weight_decay=weight_decay,
            fused=True,
        )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Torch's groups in the order of ``groups``; a schedule sets their ``lr``."""
        return self._adamw.param_groups

    @torch.no_grad()
    def step(self) -> None:
        """Move every weight that has a gradient."""
        for name, master in self._masters.items():
            gradient = self._weights[name].grad
            master.grad = None if gradient is None else gradient.to(torch.float32)
        self._adamw.step()
        for name, master in self._masters.items():
            self._weights[name].copy_(master)

    def zero_grad(self) -> None:
        """Forget the gradients, those of the masters too."""
        for tensor in (*self._weights.values(), *self._masters.values()):
            tensor.grad = None

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs besides the weights: moments of the weights moved so far, and all masters.

        Returns:
            The tensors themselves, not copies, sharded where the weights are, under names such as
            ``exp_avg:<weight>``, ``exp_avg_sq:<weight>``, ``step:<weight>`` and ``master:<weight>``.
        """
        moments = {
            f"{moment}:{name}": self._adamw.state[moved][moment]
            for name, moved in self._moved.items()
            if moved in self._adamw.state
            for moment in MOMENTS
        }
        return moments | {f"master:{name}": master for name, master in self._masters.items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what ``state`` gave, as whole tensors; they are copied.

        Raises:
            ModelError: the state is of other weights; nothing is changed then.
        """
        moved = [name for name in self._moved if f"step:{name}" in tensors]
        self._check(tensors, moved)
        self._adamw.state.clear()
        for name in moved:
            weight = self._moved[name]
            state = {"step": tensors[f"step:{name}"].to(weight.device, copy=True)}
            for moment in ("exp_avg", "exp_avg_sq"):
                state[moment] = torch.empty_like(weight)
                fill(state[moment], tensors[f"{moment}:{name}"])
            self._adamw.state[weight] = state
        for name, master in self._masters.items():
            fill(master, tensors[f"master:{name}"])

    def _check(self, tensors: Mapping[str, Tensor], moved: Sequence[str]) -> None:
        shapes = {f"master:{name}": master.shape for name, master in self._masters.items()}
        shapes |= {
            f"{moment}:{name}": torch.Size() if moment == "step" else self._moved[name].shape
            for name in moved
            for moment in MOMENTS
        }
        wrong = [name for name in shapes.keys() & tensors.keys() if shapes[name] != tensors[name].shape]
        odd = sorted((shapes.keys() ^ tensors.keys()) | set(wrong))
        if odd:
            raise ModelError(
                f"the optimizer's state does not fit its {len(self._weights)} weights: missing, unknown or of another "
                f"shape: {listed(odd)}; resume with the settings that made it, or start anew in an empty folder"
            )
