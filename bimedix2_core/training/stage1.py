"""Stage 1: concept alignment. The projector learns to say images in the language model's own words (section 2.2).

Vision encoder and language model stay as they are; only image-caption pairs are seen.
"""

from collections.abc import Sequence
from pathlib import Path

from bimedix2_core.model.adapters import freeze_all_but_projector, parameter_groups
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.checkpoints import save_projector
from bimedix2_core.params import StageParams
from bimedix2_core.records import Sample
from bimedix2_core.training.loop import TrainingLog, train


def train_stage1(lmm: Lmm, samples: Sequence[Sample], *, settings: StageParams, seed: int, folder: Path) -> TrainingLog:
    """Train the projector in place and save it under ``folder``.

    Raises:
        DataError, ModelError, ParamsError: as ``train``.
    """
    freeze_all_but_projector(lmm.model)
    groups = parameter_groups(lmm.model, adapters=0.0, projector=settings.learning_rate)
    log = train(lmm, samples, groups=groups, settings=settings, seed=seed, folder=folder, title="Stage 1")
    save_projector(lmm, folder)
    return log
