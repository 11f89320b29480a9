"""Budgets: what each variant learns from, and for how many steps."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from bimedix2_core.ablation_recipe.variants import Variant, all_variants
from bimedix2_core.data.image_key import ImageKeys
from bimedix2_core.data.sources import read_llava
from bimedix2_core.demo.shapes import shape_samples
from bimedix2_core.errors import DataError
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.params import Params, Stage2Params, StageParams, root
from bimedix2_core.params.ablations import AblationParams, LlavaPairs
from bimedix2_core.recipe import stage1_samples, stage2_samples
from bimedix2_core.records import Sample
from bimedix2_core.runs import content_key
from bimedix2_core.training.loop import n_steps_of

Settings = TypeVar("Settings", bound=StageParams)
"""Of either stage."""


@dataclass(frozen=True)
class AblationData:
    """What the variants of a profile learn from, each part read or drawn when it is first asked for.

    The data are those of the run's seed for every seed of a variant: a seed is another order and other adapters.
    """

    params: Params

    @cached_property
    def non_medical(self) -> list[Sample]:
        """Pairs of the baseline's projector."""
        params = self.params
        pairs = ablations_of(params).non_medical
        if isinstance(pairs, LlavaPairs):
            return read_llava(root() / pairs.file, image_folder=root() / pairs.image_folder)
        return shape_samples(pairs.n_images, seed=params.run.seed)

    @cached_property
    def medical(self) -> list[Sample]:
        """Pairs of Stage 1."""
        return stage1_samples(self.params)

    @cached_property
    def instructions(self) -> list[Sample]:
        """Rows of Stage 2 in both languages."""
        return stage2_samples(self.params)

    def key_of(self, samples: Sequence[Sample]) -> str:
        """SHA-256 of conversations and images; an image file counts by its place, size and time, and is not opened."""
        digest = hashlib.sha256()
        for one in samples:
            content = [one.id, one.language, one.messages, list(self._image_keys(one.images))]
            digest.update(content_key(content).encode())
        return digest.hexdigest()

    @cached_property
    def _image_keys(self) -> ImageKeys:
        return ImageKeys()

    def pairs(self, variant: Variant) -> list[Sample]:
        """What the variant's projector learns from."""
        return self.medical if variant.medical else self.non_medical

    def rows(self, variant: Variant) -> list[Sample]:
        """What its adapters learn from: the rows of its languages, in their order.

        Raises:
            DataError: there is none.
        """
        chosen = [sample for sample in self.instructions if sample.language in variant.languages]
        if variant.languages and not chosen:
            raise DataError(f"variant {variant.name}: no row of Stage 2 is in {', '.join(variant.languages)}")
        return chosen


def ablations_of(params: Params) -> AblationParams:
    """The section of the profile.

    Raises:
        DataError: the profile has none.
    """
    if params.ablations is None:
        raise DataError(f"profile {params.run.profile} has no ablations to train; fill the section in, as paper_8b has")
    return params.ablations


def settings_for(settings: Settings, *, n_samples: int, of: int, share: float) -> Settings:
    """The settings of a stage for a part of its samples: each is seen as often as in the whole stage, times the share.

    Args:
        settings: of the profile.
        n_samples: that the variant learns from.
        of: all samples of the stage.
        share: of the steps, above 0 and at most 1.
    """
    if settings.max_steps is None and share == 1:
        return settings  # as many epochs over fewer samples
    steps = n_steps_of(settings, n_samples=of) * share * n_samples / of
    return settings.model_copy(update={"max_steps": max(1, round(steps)), "epochs": None})


def stage1_settings(params: Params, data: AblationData, variant: Variant) -> StageParams:
    """How the variant's projector is trained.

    Raises:
        DataError: as for the data.
    """
    n = len(data.pairs(variant))
    return settings_for(params.stage1, n_samples=n, of=n, share=ablations_of(params).steps_share)


def stage2_settings(params: Params, data: AblationData, variant: Variant) -> Stage2Params:
    """How its adapters are trained.

    Raises:
        DataError: as for the data.
    """
    n, of = len(data.rows(variant)), len(data.instructions)
    return settings_for(params.stage2, n_samples=n, of=of, share=ablations_of(params).steps_share)


def budget_table(params: Params, data: AblationData) -> Table:
    """What each variant learns from and for how many steps; empty where nothing is trained."""
    columns = ("variant", "pairs of Stage 1", "number", "steps", "rows of Stage 2", "number ", "steps ")
    if not params.trains:
        return Table(columns, (), "Nothing is trained here: finished weights are measured")
    lines = tuple((one.title, *_stage1_budget(params, data, one), *_stage2_budget(params, data, one))
                  for one in all_variants())  # fmt: skip
    return Table(columns, lines, "What each variant learns from, the same for every seed")


def _stage1_budget(params: Params, data: AblationData, variant: Variant) -> tuple[str, int, int]:
    pairs = data.pairs(variant)
    words = "medical" if variant.medical else "not medical"
    return words, len(pairs), n_steps_of(stage1_settings(params, data, variant), n_samples=len(pairs))


def _stage2_budget(params: Params, data: AblationData, variant: Variant) -> tuple[str, int | None, int | None]:
    if not variant.languages:
        return "none", None, None
    rows = data.rows(variant)
    words = " and ".join(language_name(language) for language in variant.languages)
    return words, len(rows), n_steps_of(stage2_settings(params, data, variant), n_samples=len(rows))
