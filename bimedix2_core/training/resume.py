"""Resume: what a run needs to go on after it was killed, in one safetensors file that is replaced as a whole."""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from bimedix2_core.runs import write_atomic

OPTIMIZER_STATE = ("step", "exp_avg", "exp_avg_sq")
"""What fused AdamW keeps for each weight, all of it on the weight's device."""


class Checkpoint:
    """Trainable weights, AdamW's state and the records of the steps so far.

    No pickle, and one ``os.replace``: a kill while saving leaves the old checkpoint whole.
    """

    def __init__(self, file: Path, *, key: str):
        """Belong to the run with this content key: its samples, settings and seed."""
        self.file, self.key = file, key

    def load(self, model: nn.Module, optimizer: Optimizer) -> list[dict]:
        """Restore model and optimizer in place if a checkpoint of this run is there; return its records."""
        if not self.file.is_file():
            return []
        with safe_open(self.file, framework="pt") as stored:
            if stored.metadata()["key"] != self.key:
                tqdm.write(f"{self.file.name}: made from other data or settings; starting anew")
                return []
            for name, weight in _trainable(model):
                weight.data.copy_(stored.get_tensor(f"weight:{name}"))
                optimizer.state[weight] = {
                    state: stored.get_tensor(f"{state}:{name}").to(weight.device) for state in OPTIMIZER_STATE
                }
            return json.loads(stored.metadata()["records"])

    def save(self, model: nn.Module, optimizer: Optimizer, records: Sequence[dict]) -> None:
        """Replace the checkpoint."""
        tensors: dict[str, Tensor] = {}
        for name, weight in _trainable(model):
            tensors[f"weight:{name}"] = weight.detach().contiguous()
            for state in OPTIMIZER_STATE:
                tensors[f"{state}:{name}"] = optimizer.state[weight][state].contiguous()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.file, save(tensors, {"key": self.key, "records": json.dumps(list(records))}))

    def remove(self) -> None:
        """Forget the checkpoint: the run is done."""
        self.file.unlink(missing_ok=True)


def _trainable(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
