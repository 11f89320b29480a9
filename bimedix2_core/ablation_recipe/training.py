"""Training of the variants: each stage that a variant needs, once for each seed.

Beside a trained variant lies ``variant.json``: what it was made of, by content. Where that is still so, it is not
trained again. A run that was killed goes on where it stopped, as every stage does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bimedix2_core.ablation_recipe.budgets import AblationData, ablations_of, stage1_settings, stage2_settings
from bimedix2_core.ablation_recipe.variants import BASELINE, BOTH, STAGE_1, Variant, all_variants
from bimedix2_core.model.checkpoints import PROJECTOR_FILE, fingerprint, load_projector
from bimedix2_core.params import Params, StageParams
from bimedix2_core.recipe import load_base
from bimedix2_core.reproduce.reach import Core
from bimedix2_core.runs import content_key, data_key, write_atomic
from bimedix2_core.training.loop import LOCAL
from bimedix2_core.training.stage1 import train_stage1
from bimedix2_core.training.stage2 import train_stage2

MADE_OF = "variant.json"
"""File beside a trained variant."""

STAGES = ("bimedix2_core.training.stage1.train_stage1", "bimedix2_core.training.stage2.train_stage2")
"""What trains; a variant that was trained by other code is trained again, as `reproduce` runs a notebook again."""


@dataclass(frozen=True)
class Trained:
    """One variant, trained with one seed."""

    variant: Variant
    seed: int
    stage1: Path
    """Folder with its projector."""
    stage2: Path | None
    """Folder with its adapters."""

    @property
    def name(self) -> str:
        """For the store of answers, where a model has one row."""
        return f"{self.variant.name}, seed {self.seed}"


def trained_variants(
    params: Params, data: AblationData, *, folder: Path, stage1: Path | None, stage2: Path | None
) -> tuple[Trained, ...]:
    """All variants, one for each seed; where nothing is trained there is none.

    Args:
        params: the profile.
        data: what they learn from.
        folder: takes them, a folder for each variant and seed.
        stage1: what notebook 03 left: the medical projector of the run's own seed; None where nothing is trained.
        stage2: what notebook 04 left: both languages, of the run's own seed.

    Raises:
        DataError, ModelError, ParamsError: as the stages do.
    """
    if stage1 is None or stage2 is None:
        return ()
    asked, school = ablations_of(params), School(params, data, folder)
    taken_over = (stage1, stage2) if asked.steps_share == 1 else None
    return tuple(
        one for seed in asked.seeds for one in _of_seed(school, seed, taken_over if seed == params.run.seed else None)
    )


@dataclass(frozen=True)
class School:
    """Trains variants of a profile into a folder."""

    params: Params
    data: AblationData
    folder: Path

    def projector(self, variant: Variant, *, seed: int) -> Path:
        """Stage 1 on the variant's pairs, from the profile's base; the folder it is in.

        Raises:
            DataError, ModelError, ParamsError: as the stage does.
        """
        params, pairs, place = self.params, self.data.pairs(variant), self._place(variant, seed)
        settings = stage1_settings(params, self.data, variant)

        def train() -> None:
            train_stage1(
                load_base(params), pairs, settings=settings, seed=seed, folder=place, sharding=params.run.sharding
            )

        return _once(place, self._common(settings, seed) | {"samples": self.data.key_of(pairs)}, train)

    def adapters(self, variant: Variant, *, seed: int, stage1: Path) -> Path:
        """Stage 2 on the rows of the variant's languages, from a projector of Stage 1; the folder it is in.

        Raises:
            DataError, ModelError, ParamsError: as the stage does.
        """
        params, rows, place = self.params, self.data.rows(variant), self._place(variant, seed)
        settings = stage2_settings(params, self.data, variant)
        frozen_base = params.model.frozen_base

        def train() -> None:
            lmm = load_projector(load_base(params), stage1)
            train_stage2(
                lmm, rows, settings=settings, seed=seed, folder=place, frozen_base=frozen_base,
                sharding=params.run.sharding,
            )  # fmt: skip

        start = {"projector": data_key(stage1 / PROJECTOR_FILE), "frozen_base": frozen_base}
        return _once(place, self._common(settings, seed) | start | {"samples": self.data.key_of(rows)}, train)

    @cached_property
    def _base_and_code(self) -> dict[str, str]:
        code = sorted(one.key for one in Core().reached(STAGES).values())
        return {"base": fingerprint(load_base(self.params)), "code": content_key(code)}

    def _common(self, settings: StageParams, seed: int) -> dict[str, object]:
        return self._base_and_code | {"settings": settings.model_dump(exclude=set(LOCAL)), "seed": seed}

    def _place(self, variant: Variant, seed: int) -> Path:
        return self.folder / variant.name / f"seed-{seed}"


def _of_seed(school: School, seed: int, taken_over: tuple[Path, Path] | None) -> list[Trained]:
    projectors = {
        BASELINE.medical: school.projector(BASELINE, seed=seed),
        STAGE_1.medical: taken_over[0] if taken_over else school.projector(STAGE_1, seed=seed),
    }
    found = []
    for variant in all_variants():
        stage1, stage2 = projectors[variant.medical], None
        if taken_over and variant == BOTH:
            stage2 = taken_over[1]
        elif variant.languages:
            stage2 = school.adapters(variant, seed=seed, stage1=stage1)
        found.append(Trained(variant, seed, stage1, stage2))
    return found


def _once(folder: Path, made_of: Mapping[str, object], train: Callable[[], None]) -> Path:
    """Train unless what lies in the folder was made of the same; return the folder."""
    file = folder / MADE_OF
    if _read(file) != json.loads(json.dumps(made_of)):
        file.unlink(missing_ok=True)
        train()
        write_atomic(file, json.dumps(made_of, indent=1) + "\n")
    return folder


def _read(file: Path) -> object:
    """What a variant was made of; None where that is not known."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
