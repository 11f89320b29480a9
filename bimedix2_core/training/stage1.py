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
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import finish, train, working
from bimedix2_core.training.progress import Watch
from bimedix2_core.training.shards import whole_trained
from bimedix2_core.training.step_log import TrainingLog


def train_stage1(
    lmm: Lmm,
    samples: Sequence[Sample],
    *,
    settings: StageParams,
    seed: int,
    folder: Path,
    sharding: str = "none",
    watch: Watch | None = None,
) -> TrainingLog:
    """Train the projector in place and save it under ``folder``.

    With several processes each calls this; the main one saves.

    Raises:
        DataError, ModelError, ParamsError: as ``train``.
    """
    freeze_all_but_projector(lmm.model)
    devices = Devices(lmm.device)
    net = devices.spread(PackedLoss(lmm.model), sharding)
    groups = parameter_groups(lmm.model, adapters=0.0, projector=settings.learning_rate)
    log = train(
        lmm, net, samples, groups=groups, settings=settings, devices=devices, seed=seed, folder=working(folder),
        title="Stage 1", watch=watch,
    )  # fmt: skip
    weights = whole_trained(lmm.model)
    if devices.is_main:
        save_projector(weights, folder)
        finish(working(folder))
    devices.wait()
    return log
