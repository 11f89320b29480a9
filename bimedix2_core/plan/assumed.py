"""Assumed: the values of the paper profiles that neither the papers nor the scripts give, as the README lists them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from bimedix2_core.paper.exhibits.forms import markdown
from bimedix2_core.paper.exhibits.index import between
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import root

MARKERS = ("<!-- assumed: begin (generated from params/) -->\n", "<!-- assumed: end -->")

_REMARK = re.compile(r"#\s*(paper|code|assumed|local): (.+)$")


@dataclass(frozen=True)
class Remark:
    """Where one value of a profile comes from."""

    key: str
    """Dotted, such as ``stage2.lora_r``."""
    value: str
    """As it is written in the file."""
    origin: str
    """paper, code, assumed or local; empty where the line says nothing."""
    words: str
    """What is said behind it."""


def remarks(profile: Path) -> list[Remark]:
    """Every value of a profile, with the remark at the end of its line."""
    text = profile.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = []
    for key, node in _leaves(yaml.compose(text), ""):
        said = _REMARK.search(lines[node.start_mark.line])
        origin, words = said.groups() if said else ("", "")
        is_scalar = isinstance(node, yaml.ScalarNode)
        value = node.value if is_scalar else text[node.start_mark.index : node.end_mark.index]
        found.append(Remark(key.removeprefix("params."), value, origin, words.strip()))
    return found


def assumed_markdown(folder: Path | None = None) -> str:
    """A table of the assumed values of all profiles of kind paper: one row for each reason.

    Args:
        folder: where the profiles are.
    """
    values: dict[tuple[str, str, str], list[str]] = {}
    for profile in sorted((folder or root() / "params").glob("*.yaml")):
        found = remarks(profile)
        if any((one.key, one.value) == ("run.kind", "paper") for one in found):
            for one in found:
                if one.origin == "assumed":
                    values.setdefault((one.words, one.key, one.value), []).append(profile.stem)
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (words, key, value), profiles in values.items():
        rows.setdefault((words, tuple(profiles)), []).append(f"{key}: {value}")
    cells = tuple((words, ", ".join(keys), ", ".join(profiles)) for (words, profiles), keys in rows.items())
    return f"\n{markdown(Table(('why', 'assumed values', 'profiles'), cells, ''))}\n"


def with_assumed(readme: str) -> str:
    """The text of a README with the table of assumed values between its markers made again.

    Raises:
        DataError: the two markers are not there once each, in this order.
    """
    return between(readme, MARKERS, assumed_markdown())


def _leaves(node: yaml.Node, prefix: str) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        yield prefix, node
        return
    for key, value in node.value:
        yield from _leaves(value, f"{prefix}.{key.value}".lstrip("."))
