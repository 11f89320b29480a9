"""Checkpoints: what each stage leaves behind, in formats others read.

Stage 1 leaves the projector's weights; Stage 2 leaves a PEFT folder with the adapters and the projector.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file, save
from torch import Tensor

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import peft_on_transformers_5
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.runs import write_atomic

PROJECTOR_FILE = "projector.safetensors"


def save_projector(weights: Mapping[str, Tensor], folder: Path) -> Path:
    """Save the projector's weights, by their names in ``LlavaForConditionalGeneration``; return the file."""
    file = Path(folder) / PROJECTOR_FILE
    write_atomic(file, save({name: weight.contiguous() for name, weight in weights.items()}))
    return file


def load_projector(lmm: Lmm, folder: Path) -> Lmm:
    """Load Stage 1's projector into the model, in place; return the model.

    Raises:
        ModelError: no projector there, or one of another shape.
    """
    file = Path(folder) / PROJECTOR_FILE
    if not file.is_file():
        raise ModelError(f"{file.name}: not in {folder}; run Stage 1 (notebook 03_stage1_alignment) first")
    weights = load_file(file)
    own = lmm.model.state_dict()
    for name, weight in weights.items():
        if name not in own or own[name].shape != weight.shape:
            found = tuple(own[name].shape) if name in own else "no such weight"
            raise ModelError(f"{file}: {name} is {tuple(weight.shape)}, but the model has {found}; use its own base")
    lmm.model.load_state_dict(weights, strict=False)
    return lmm


def load_adapter(lmm: Lmm, folder: Path) -> Lmm:
    """Return the model with Stage 2's adapters and projector (a PEFT folder).

    Raises:
        ModelError: the folder holds no adapter.
    """
    if not (Path(folder) / "adapter_config.json").is_file():
        raise ModelError(f"{folder}: no adapter there; run Stage 2 (notebook 04_stage2_lora) first")
    with peft_on_transformers_5():
        adapted = PeftModel.from_pretrained(lmm.model, folder, is_trainable=False)
    return Lmm(adapted.eval(), lmm.processor)


def fingerprint(lmm: Lmm) -> str:
    """sha256 over the names and bytes of all weights, in the order of their names: what a prediction was made by.

    Adapters count; where the weights are (CPU or GPU) does not.
    """
    digest = hashlib.sha256()
    for name, weight in sorted(lmm.model.state_dict().items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)} ".encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
