"""Sections: what a profile says, with the meaning and the bounds of each value."""

import html
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from bimedix2_core.params.ablations import AblationParams
from bimedix2_core.params.benchmarks import BenchmarkParams
from bimedix2_core.params.data_engine import CompositionParams, SynthesisParams, TranslationParams
from bimedix2_core.params.mixture import MixtureParams, UpcycledBase
from bimedix2_core.params.section import Count, CountOrZero, Section, Text, leaves
from bimedix2_core.params.stages import Stage2Params, StageParams


class RunParams(Section):
    """Who this run is, and on what it computes."""

    profile: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Name of the profile: the folder under outputs/; small letters, digits and underscores."""
    kind: Literal["demo", "paper", "smoke"]
    """paper numbers may stand beside reported ones; demo (learns on phantoms) and smoke (proves a set-up) never."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """Seed of everything that is drawn."""
    threads: Count | None
    """CPU threads of torch; null lets torch decide. Another count rounds differently."""
    device: Literal["auto", "cpu", "cuda"]
    """auto takes a GPU when there is one."""
    sharding: Literal["none", "full"]
    """With several processes: a whole model in each (DDP), or its layers spread over them (FSDP2)."""


class BaseParts(Section):
    """The two published parts a model is assembled from."""

    vision_tower: Text
    """Hub id or folder of a CLIP vision model."""
    language_model: Text
    """Hub id or folder of a Llama model with its tokenizer."""


class RandomBase(Section):
    """A published shape with weights that are drawn, not learned: nothing is downloaded."""

    random_weights: Literal["bimedix2_8b", "bimedix2_70b"]
    """Which model's shape."""


_FLOAT16 = "model.dtype is float16, which this training does not scale; write bfloat16 or float32"


def _base_tag(value: object) -> str:
    if isinstance(value, RandomBase) or (isinstance(value, Mapping) and "random_weights" in value):
        return "random"
    return "parts" if isinstance(value, Mapping | BaseParts) else "checkpoint"


class ModelParams(Section):
    """What is trained, or what was trained by others and is measured."""

    base: (
        Annotated[
            Annotated[Text, Tag("checkpoint")]
            | Annotated[BaseParts, Tag("parts")]
            | Annotated[RandomBase, Tag("random")],
            Discriminator(_base_tag),
        ]
        | None
    )
    """What Stage 1 starts from: folder (from the repository) or hub id of a LLaVA checkpoint; vision_tower and
    language_model to assemble; random_weights of a shape; null where finished weights are measured."""
    dtype: Literal["float32", "bfloat16", "float16"]
    """Number format of the weights while they are trained and used; float16 only where nothing is trained."""
    frozen_base: Literal["plain", "fp8", "nf4"]
    """How the language model's frozen layers are held: in dtype, in 8 bits (H100 and later; changes the loss a little),
    or in 4 bits (QLoRA). Published parts are loaded so; other bases from Stage 2 on."""
    checkpoints: dict[Text, dict[Text, Text]] = Field(default_factory=dict, validate_default=True)
    """Finished weights to measure where base is null, by exhibit and row: ``table04: {bimedix2_8b: hub/id}``."""

    @field_validator("checkpoints")
    @classmethod
    def _base_or_checkpoints(cls, value: dict[str, dict[str, str]], info: ValidationInfo) -> dict[str, dict[str, str]]:
        if "base" in info.data and (info.data["base"] is None) != bool(value):
            found = "finished weights, but base names something to train" if value else "none, and base is null"
            raise ValueError(f"{found}; give base, or null and the weights of each exhibit: table04: {{row: hub/id}}")
        empty = [exhibit for exhibit, rows in value.items() if not rows]
        if empty:
            raise ValueError(f"{', '.join(empty)}: no row; write table04: {{bimedix2_8b: hub/id}}")
        return value


class PhantomData(Section):
    """Images and texts that the project draws itself."""

    source: Literal["phantoms"]
    """Procedural images with known findings, bilingual text from a grammar."""
    n_caption_images: Count
    """Images of Stage 1, each captioned in both languages."""
    n_instruction_images: Count
    """Images of Stage 2, each with questions in both languages."""
    n_text_samples: CountOrZero
    """Stage 2 samples without an image, per language."""
    reader_images: Text | None
    """Folder of a reader's own images for notebook 05; null where there is none."""


class LlavaData(Section):
    """LLaVA-style JSON files, as BiMed-V is published."""

    source: Literal["llava"]
    """Conversations with image file names."""
    stage1_file: Text
    """Image and caption pairs of Stage 1."""
    stage2_file: Text
    """Instructions of Stage 2."""
    image_folder: Text
    """Where the image names of both files start."""
    reader_images: Text | None
    """Folder of a reader's own images for notebook 05; null where there is none."""


class NoData(Section):
    """Nothing is learned: finished weights are measured."""

    source: Literal["none"]
    """No training data."""
    reader_images: Text | None
    """Folder of a reader's own images for notebook 05; null where there is none."""


class InferenceParams(Section):
    """How answers are written."""

    batch_size: Count
    """Prompts that are answered together."""
    max_new_tokens: Count
    """Longest answer in tokens."""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    """0 is greedy: the same answer each time."""
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """Nucleus of sampled answers; without effect at temperature 0."""


class Params(Section):
    """All parameters of one profile."""

    run: RunParams
    """Identity, seed and device."""
    model: ModelParams
    """The base, or finished weights."""
    data: Annotated[PhantomData | LlavaData | NoData, Field(discriminator="source")]
    """What is learned from."""
    stage1: StageParams | None
    """Concept alignment: the projector learns; null where finished weights are measured."""
    stage2: Stage2Params | None
    """Instruction alignment: adapters and projector learn; null where finished weights are measured."""
    translation: TranslationParams | None
    """Notebook 01; null where nothing is translated."""
    synthesis: SynthesisParams | None
    """Notebook 02; null where no samples are made from others."""
    composition: CompositionParams | None
    """Notebook 02; null where no training set is composed."""
    ablations: AblationParams | None
    """Notebook 11; null where no variants are trained."""
    mixture: MixtureParams | None
    """Notebook 14, the mixture of experts of BiMediX; null where none is trained."""
    inference: InferenceParams
    """Decoding."""
    benchmarks: BenchmarkParams
    """What is measured."""

    @property
    def trains(self) -> bool:
        """Whether there is a base that both stages train; else finished weights are measured."""
        return self.model.base is not None

    @property
    def synthesises(self) -> bool:
        """Whether samples are made from others (notebook 02)."""
        return self.synthesis is not None

    @field_validator("data", "stage1", "stage2")
    @classmethod
    def _given_where_trained(cls, value: Any, info: ValidationInfo) -> Any:
        model = info.data.get("model")
        if model is None:
            return value
        is_given = not (value is None or isinstance(value, NoData))
        if model.base is None and is_given:
            nothing = "source: none" if info.field_name == "data" else "null"
            raise ValueError(f"model.base is null, so nothing is trained; write {nothing}, or name a base")
        if model.base is not None and not is_given:
            raise ValueError("model.base is to be trained, but nothing is given here; fill it in, or make base null")
        if model.dtype == "float16" and isinstance(value, StageParams):
            raise ValueError(_FLOAT16)
        return value

    @field_validator("mixture")
    @classmethod
    def _mixture_fits_model(cls, value: MixtureParams | None, info: ValidationInfo) -> MixtureParams | None:
        model = info.data.get("model")
        if model is None or value is None:
            return value
        if model.base is None and isinstance(value.base, UpcycledBase):
            raise ValueError(
                "base gives n_experts, so the experts are made of the language model of model.base, which is null; "
                "name a mixture (hub id or folder) here, or give model.base"
            )
        if model.dtype == "float16":
            raise ValueError(_FLOAT16)
        return value

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'><code>{key}</code></td><td style='text-align:left'>"
            f"{html.escape('null' if value is None else str(value))}</td>"
            f"<td style='text-align:left'>{html.escape(meaning)}</td></tr>"
            for key, value, meaning in leaves(self, "")
        )
        return f"<table><tr><th>parameter</th><th>value</th><th>meaning</th></tr>{rows}</table>"
