"""Reading: a file and what overrides it become `Params`, or one error that lists every problem.

A profile is a YAML file with one top key, ``params``. ``load_params`` gives a frozen ``Params`` or one ``ParamsError``
that lists every problem. Nothing is filled in silently: what a run uses stands in its profile.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from bimedix2_core.errors import DataError, ParamsError
from bimedix2_core.params.mixture import UpcycledBase
from bimedix2_core.params.section import Section
from bimedix2_core.params.sections import BaseParts, LlavaData, NoData, Params, PhantomData, RandomBase

DEFAULT_PROFILE = "params/demo.yaml"
"""What every notebook names in its ``parameters`` cell; ``BIMEDIX2_PARAMS`` replaces this one string."""

_TAGS: dict[str, type[Section] | None] = {
    "checkpoint": None,
    "parts": BaseParts,
    "random": RandomBase,
    "upcycled": UpcycledBase,
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
    folder = Path(__file__).resolve().parents[2]
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
    places = [Path(__file__).resolve().parents[2], Path.cwd()]
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
    """The likely key for an unknown one: the same name elsewhere, or close in spelling in its section."""
    section: Any = Params
    for part in place[:-1]:
        if part in _TAGS:
            section = _TAGS[part]
        elif part in section.model_fields:  # else it is a name that the profile gives, such as an endpoint's
            section = _sections(section.model_fields[part].annotation)[0]
    unknown, known = str(place[-1]), list(section.model_fields)
    sources = _sections(Params.model_fields["data"].annotation)
    if place[0] == "data" and any(unknown in source.model_fields for source in sources):
        return f"it belongs to another source than {place[1]!r}"
    elsewhere = [path for path in _all_keys(Params, "") if path.rsplit(".", 1)[-1] == unknown]
    if elsewhere:
        return f"it belongs to `{elsewhere[0]}`"
    close = difflib.get_close_matches(unknown, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"


def _all_keys(section: type[Section], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        for kind in _sections(field.annotation):
            yield from _all_keys(kind, f"{prefix}{name}.")


def _sections(annotation: Any) -> list[Any]:
    """The sections an annotation allows: itself, or those in its unions; a union of values has none."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
