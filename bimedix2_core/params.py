"""The parameters of a run: the schema of a profile, and how one is read.

A profile is a YAML file with one top key, ``params``. ``load_params`` gives a frozen ``Params`` or one ``ParamsError``
that lists every problem. Nothing is filled in silently: what a run uses stands in its profile.
"""

import difflib
import html
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, ValidationInfo, field_validator

from bimedix2_core.errors import DataError, ParamsError

DEFAULT_PROFILE = "params/demo.yaml"
"""What every notebook names in its ``parameters`` cell; ``BIMEDIX2_PARAMS`` replaces this one string."""

Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class RunParams(_Section):
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


class BaseParts(_Section):
    """The two published parts a model is assembled from."""

    vision_tower: Text
    """Hub id or folder of a CLIP vision model."""
    language_model: Text
    """Hub id or folder of a Llama model with its tokenizer."""


class RandomBase(_Section):
    """A published shape with weights that are drawn, not learned: nothing is downloaded."""

    random_weights: Literal["bimedix2_8b", "bimedix2_70b"]
    """Which model's shape."""


def _base_tag(value: object) -> str:
    if isinstance(value, RandomBase) or (isinstance(value, Mapping) and "random_weights" in value):
        return "random"
    return "parts" if isinstance(value, Mapping | BaseParts) else "checkpoint"


class ModelParams(_Section):
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


class PhantomData(_Section):
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


class LlavaData(_Section):
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


class NoData(_Section):
    """Nothing is learned: finished weights are measured."""

    source: Literal["none"]
    """No training data."""
    reader_images: Text | None
    """Folder of a reader's own images for notebook 05; null where there is none."""


class StageParams(_Section):
    """How one training stage runs: AdamW, cosine schedule with linear warm-up."""

    learning_rate: Rate
    """Peak learning rate: Stage 1 of the projector, Stage 2 of the adapters."""
    global_batch_size: Count
    """Samples per optimiser step, over all processes and accumulation steps."""
    micro_batch_size: Count
    """Samples per forward pass of one process; divides global_batch_size."""
    epochs: Count | None = None
    """Passes over the data; exactly one of epochs and max_steps is given."""
    max_steps: Count | None = Field(default=None, validate_default=True)
    """Optimiser steps; exactly one of epochs and max_steps is given."""
    warmup_ratio: Share
    """Share of the steps in which the rate rises to its peak."""
    weight_decay: Share
    """AdamW's decoupled decay; 0 makes it Adam."""
    max_length: Count
    """Longest sample in tokens, image features included."""
    max_grad_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Gradients are scaled down to this norm."""
    checkpoint_every: Count
    """Optimiser steps between two checkpoints a killed run can go on from."""

    @field_validator("micro_batch_size")
    @classmethod
    def _divides(cls, value: int, info: ValidationInfo) -> int:
        total = info.data.get("global_batch_size")
        if total is not None and total % value:
            near = max(size for size in range(1, value + 1) if total % size == 0)
            raise ValueError(f"{value} does not divide global_batch_size {total}; the next smaller that does is {near}")
        return value

    @field_validator("max_steps")
    @classmethod
    def _one_length(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "epochs" in info.data and (value is None) == (info.data["epochs"] is None):
            found = "neither" if value is None else f"epochs {info.data['epochs']} and max_steps {value}"
            raise ValueError(f"give exactly one of epochs and max_steps (null the other); found {found}")
        return value


class Stage2Params(StageParams):
    """Stage 2 trains LoRA adapters beside the projector."""

    lora_r: Count
    """Rank of the adapters."""
    lora_alpha: Count
    """Adapters are scaled by lora_alpha / lora_r."""
    lora_dropout: Share
    """Dropout before the adapters."""
    projector_learning_rate: Rate
    """Peak learning rate of the projector."""


class InferenceParams(_Section):
    """How answers are written."""

    batch_size: Count
    """Prompts that are answered together."""
    max_new_tokens: Count
    """Longest answer in tokens."""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    """0 is greedy: the same answer each time."""
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """Nucleus of sampled answers; without effect at temperature 0."""


class MedicalVqaParams(_Section):
    """Held-out questions per language, by kind."""

    n_closed: Count
    """Closed questions of all kinds."""
    n_side: Count
    """Left or right."""
    n_open: Count
    """Open questions with a short answer."""
    n_choice: Count
    """Multiple choice."""
    n_caption: Count
    """Captions whose loss is measured with the true and a shuffled image."""
    n_follow_up: Count
    """Complaints, half of them underspecified."""


class BenchmarkParams(_Section):
    """Sizes of the benchmarks."""

    medical_vqa: MedicalVqaParams
    """Notebook 09."""


class Params(_Section):
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
    inference: InferenceParams
    """Decoding."""
    benchmarks: BenchmarkParams
    """What is measured."""

    @property
    def trains(self) -> bool:
        """Whether there is a base that both stages train; else finished weights are measured."""
        return self.model.base is not None

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
            raise ValueError("model.dtype is float16, which this training does not scale; write bfloat16 or float32")
        return value

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'><code>{key}</code></td><td style='text-align:left'>"
            f"{html.escape('null' if value is None else str(value))}</td>"
            f"<td style='text-align:left'>{html.escape(meaning)}</td></tr>"
            for key, value, meaning in _leaves(self, "")
        )
        return f"<table><tr><th>parameter</th><th>value</th><th>meaning</th></tr>{rows}</table>"


_TAGS: dict[str, type[_Section] | None] = {
    "checkpoint": None,
    "parts": BaseParts,
    "random": RandomBase,
    "phantoms": PhantomData,
    "llava": LlavaData,
    "none": NoData,
}
"""Names pydantic puts into an error's location for the branch of a union; they are no keys of the file."""


def root() -> Path:
    """Folder of the repository this package is installed from.

    Raises:
        DataError: the package was installed without its repository, so there are no notebooks and profiles.
    """
    folder = Path(__file__).resolve().parents[1]
    if not (folder / "pyproject.toml").is_file():
        raise DataError(
            f"bimedix2_core is installed in {folder} without its repository; clone it and run "
            "`pip install -e .` there, so that notebooks/, params/ and outputs/ are found"
        )
    return folder


def load_params(
    path_or_mapping: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Params:
    """The validated, frozen parameters of one profile.

    Args:
        path_or_mapping: a profile file, relative to the repository or else to the working folder; or the mapping
            papermill injects, with or without its top key ``params``. The default string ``params/demo.yaml`` is
            replaced by the environment variable ``BIMEDIX2_PARAMS`` where that is set.
        overrides: values to change, as a nested mapping, with dotted keys, or both:
            ``{"stage2": {"lora_r": 16}, "run.seed": 1}``.
        environment: where ``BIMEDIX2_PARAMS`` is looked up.

    Raises:
        ParamsError: the file is missing or no YAML, or the values do not fit; every problem is listed.
    """
    values, name = read_profile(path_or_mapping, environment=environment)
    if overrides is not None and not isinstance(overrides, Mapping):
        raise ParamsError(f"overrides is {_shown(overrides)}; expected a mapping such as {{'run': {{'seed': 1}}}}")
    if overrides:
        values = _merged(values, _nested(overrides))
        name = f"{name} with overrides"
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        lines = [f"  {_problem(detail)}" for detail in error.errors(include_url=False)]
        raise ParamsError("\n".join([f"{name} does not fit Params:", *lines])) from None


def read_profile(
    path_or_mapping: str | Path | Mapping[str, Any], *, environment: Mapping[str, str] = os.environ
) -> tuple[dict[str, Any], str]:
    """The values below ``params`` as they stand, not yet validated, and the name to call them by in messages.

    Raises:
        ParamsError: the file is missing, no YAML, or has no mapping ``params``.
    """
    if isinstance(path_or_mapping, Mapping):
        inner = path_or_mapping.get("params") if set(path_or_mapping) == {"params"} else path_or_mapping
        if not isinstance(inner, Mapping):
            raise ParamsError(f"the injected `params` is {_shown(inner)}; expected a mapping of sections")
        return dict(inner), "the injected profile"
    if not isinstance(path_or_mapping, str | Path):
        raise ParamsError(f"params is {_shown(path_or_mapping)}; expected a path or a mapping")
    if path_or_mapping == DEFAULT_PROFILE:
        path_or_mapping = environment.get("BIMEDIX2_PARAMS") or DEFAULT_PROFILE
    name = str(path_or_mapping)
    return _read_file(_find(Path(name)), name), name


def _find(path: Path) -> Path:
    places = [Path(__file__).resolve().parents[1], Path.cwd()]
    for place in places:
        if (place / path).is_file():
            return place / path
    known = sorted(f"params/{file.name}" for file in (places[0] / "params").glob("*.yaml"))
    likely = difflib.get_close_matches(str(path), known, n=1)
    hint = f"; did you mean {likely[0]}?" if likely else ""
    raise ParamsError(
        f"{path}: no such parameter file, from the repository or from here; known: {', '.join(known)}{hint}"
    )


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, which YAML would answer with the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.MarkedYAMLError(problem=f"key given twice: {', '.join(twice)}", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _read_file(path: Path, name: str) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{name} is not readable as YAML: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("params"), dict):
        raise ParamsError(f"{name} has no mapping under a top key `params:`; found {_shown(content)}")
    others = sorted(str(key) for key in content if key != "params")
    if others:
        raise ParamsError(f"{name} has keys beside `params:`: {', '.join(others)}; sections stand below `params:`")
    return content["params"]


def _nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys opened up: ``{"run.seed": 1}`` becomes ``{"run": {"seed": 1}}``."""
    nested: dict[str, Any] = {}
    for key, value in overrides.items():
        for part in reversed(str(key).split(".")):
            value = {part: _nested(value) if isinstance(value, Mapping) else value}
        nested = _merged(nested, value)
    return nested


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``below`` with the values of ``above``; a section that names another ``source`` replaces the whole section."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = (
            _merged(old, value) if both and value.get("source", old.get("source")) == old.get("source") else value
        )
    return merged


def _leaves(section: _Section, prefix: str) -> Iterator[tuple[str, Any, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, _Section):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value, field.description or ""


def _problem(detail: Mapping[str, Any]) -> str:
    """One line for one pydantic error: the dotted path, then what is wrong and what to write instead."""
    place = ".".join(str(part) for part in detail["loc"] if part not in _TAGS)
    return f"{place}: {_complaint(detail)}"


def _complaint(detail: Mapping[str, Any]) -> str:
    kind, found = detail["type"], detail["input"]
    if kind == "missing":
        return "required, but absent"
    if kind == "extra_forbidden":
        return f"unknown key; {_spelling(detail['loc'])}"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "union_tag_not_found":
        return "the section has no `source`; known: 'phantoms', 'llava', 'none'"
    if kind == "union_tag_invalid":
        return f"unknown source {detail['ctx']['tag']!r}; known: {detail['ctx']['expected_tags']}"
    if kind in ("model_type", "model_attributes_type"):
        return f"expected a section with its own keys, found {_shown(found)}"
    wanted = {"int_type": "a whole number", "float_type": "a number", "string_type": "text"}.get(kind)
    if wanted:
        return f"expected {wanted}, found {_shown(found)}{_hint(found)}"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, found {_shown(found)}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing (null)"
    names = {bool: "true or false", str: "text", int: "a whole number", float: "a number", list: "a list"}
    if isinstance(value, Mapping):
        return "a mapping"
    return f"{value!r} ({names.get(type(value), type(value).__name__)})"


def _hint(found: object) -> str:
    if isinstance(found, bool):
        return "; YAML reads yes, no, on and off as true and false"
    if not isinstance(found, str):
        return ""
    try:
        number = float(found)
    except ValueError:
        return ""
    if "e" not in found.lower():
        return f"; write {found.strip()} without quotes"
    mantissa, exponent = f"{number:e}".split("e")
    digits = mantissa.rstrip("0")
    digits += "0" if digits.endswith(".") else ""
    return f"; YAML reads this as text, write {digits}e{exponent[0]}{int(exponent[1:])}"


def _spelling(place: tuple[str | int, ...]) -> str:
    """The likely key for an unknown one: close in spelling in its section, or the same name elsewhere."""
    section: Any = Params
    for part in place[:-1]:
        section = _TAGS[part] if part in _TAGS else _sections(section.model_fields[part].annotation)[0]
    unknown, known = str(place[-1]), list(section.model_fields)
    close = difflib.get_close_matches(unknown, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    sources = _sections(Params.model_fields["data"].annotation)
    if place[0] == "data" and any(unknown in source.model_fields for source in sources):
        return f"it belongs to another source than {place[1]!r}"
    elsewhere = [path for path in _all_keys(Params, "") if path.rsplit(".", 1)[-1] == unknown]
    if elsewhere:
        return f"it belongs to `{elsewhere[0]}`"
    return f"known here: {', '.join(known)}"


def _all_keys(section: type[_Section], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        for kind in _sections(field.annotation):
            yield from _all_keys(kind, f"{prefix}{name}.")


def _sections(annotation: Any) -> list[Any]:
    """The sections an annotation allows: itself, or those in its unions; a union of values has none."""
    if isinstance(annotation, type) and issubclass(annotation, _Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
