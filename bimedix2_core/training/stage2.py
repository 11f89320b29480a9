"""Stage 2: instruction alignment. LoRA in the language model, the projector at its own rate (section 2, Table 11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.model.adapters import add_lora, parameter_groups
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.params import Stage2Params
from bimedix2_core.records import Sample
from bimedix2_core.training.loop import TrainingLog, train


@dataclass(frozen=True)
class Stage2:
    """What Stage 2 made."""

    lmm: Lmm
    """The model with its adapter."""
    log: TrainingLog


def train_stage2(lmm: Lmm, samples: Sequence[Sample], *, settings: Stage2Params, seed: int, folder: Path) -> Stage2:
    """Wrap the model with LoRA, train adapters and projector, save both as a plain PEFT folder.

    The weights of ``lmm`` that Stage 2 does not train are shared with what comes back, not copied.

    Raises:
        DataError, ModelError, ParamsError: as ``train``.
    """
    adapted = add_lora(
        lmm.model, rank=settings.lora_r, alpha=settings.lora_alpha, dropout=settings.lora_dropout, seed=seed
    )
    tuned = Lmm(adapted, lmm.processor)
    groups = parameter_groups(adapted, adapters=settings.learning_rate, projector=settings.projector_learning_rate)
    log = train(tuned, samples, groups=groups, settings=settings, seed=seed, folder=folder, title="Stage 2")
    adapted.save_pretrained(folder, safe_serialization=True)
    return Stage2(tuned, log)
