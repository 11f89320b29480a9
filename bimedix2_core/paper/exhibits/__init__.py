"""The exhibits of the two papers, each declared once in ``declarations.yaml`` and checked against what is reported.

``catalogue()`` is all of them; ``exhibit("table05")`` is one. What can be derived is derived: rows and numbers from the
reported CSV; file names, rounding, marks, forms and the index of the README from the declaration.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits.check import reported_problems
from bimedix2_core.paper.exhibits.schema import UNITS, Catalogue, Column, Exhibit, Needs, Notebook, find

__all__ = ["UNITS", "Catalogue", "Column", "Exhibit", "Needs", "Notebook", "catalogue", "exhibit", "exhibits", "parse"]

DECLARATIONS = Path(__file__).with_name("declarations.yaml")


@cache
def catalogue() -> Catalogue:
    """All declarations, as shipped, and checked against the reported tables.

    Raises:
        DataError: as ``parse`` says, or a reported table has another header or other decimals than declared.
    """
    declared = parse(DECLARATIONS.read_text(encoding="utf-8"), DECLARATIONS.name)
    problems = [problem for one in declared.exhibits for problem in reported_problems(one)]
    if problems:
        raise DataError("\n".join([f"{DECLARATIONS.name} and the reported tables differ:", *problems]))
    return declared


def exhibits() -> tuple[Exhibit, ...]:
    """The exhibits in the order of the papers."""
    return catalogue().exhibits


def exhibit(exhibit_id: str) -> Exhibit:
    """One exhibit.

    Raises:
        PaperError: there is none of this id; the message lists those there are.

    Example:
        >>> exhibit("table05").notebook.name
        '09_medical_vqa'
    """
    return find(exhibit_id, {one.id: one for one in exhibits()}, "unknown exhibit")


def parse(text: str, where: str) -> Catalogue:
    """The declarations from the text of a YAML file.

    Args:
        text: content of the file.
        where: what to call it in messages.

    Raises:
        DataError: it is no YAML, has unknown or missing keys, names a notebook that is not declared, or gives one name
            twice; the message lists every problem.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{where} is not readable as YAML: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{where}: expected the sections {', '.join(Catalogue.model_fields)}")
    try:
        declared = Catalogue.model_validate(_with_notebooks(content))
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, one['loc']))}: {one['msg']}, found {_shown(one['input'])}"
                 for one in error.errors(include_url=False)]  # fmt: skip
        raise DataError("\n".join([f"{where} does not fit:", *lines])) from None
    problems = _problems(declared)
    if problems:
        raise DataError("\n".join([f"{where} contradicts itself:", *(f"  {problem}" for problem in problems)]))
    return declared


def _with_notebooks(content: dict[str, Any]) -> dict[str, Any]:
    """Each exhibit with its notebook in place of the notebook's name; an unknown name stays and is refused."""
    sections = {name: content.get(name) for name in ("notebooks", "exhibits")}
    if not all(isinstance(section, list) for section in sections.values()):
        return content
    known = {one["name"]: one for one in sections["notebooks"] if isinstance(one, dict) and "name" in one}
    exhibits = [
        one | {"notebook": known.get(str(one.get("notebook")), one.get("notebook"))} if isinstance(one, dict) else one
        for one in sections["exhibits"]
    ]
    return content | {"exhibits": exhibits}


def _problems(declared: Catalogue) -> list[str]:
    named = {"notebook": [one.name for one in declared.notebooks], "exhibit": [one.id for one in declared.exhibits]}
    named |= {f"{one.id}, column": [column.id for column in one.columns] for one in declared.exhibits}
    twice = [f"{what} {name}: declared twice" for what, names in named.items() for name in _repeated(names)]
    used = {one.notebook.name for one in declared.exhibits}
    idle = [
        f"notebook {one.name}: declares no exhibit and no role"
        for one in declared.notebooks
        if one.name not in used and one.role is None
    ]
    halves = [
        f"{one.id}, column {column.id}: a number needs unit and decimals, text has neither and no direction"
        for one in declared.exhibits
        for column in one.columns
        if (column.unit is None) == column.is_number or (column.direction != "none" and not column.is_number)
    ]
    return twice + idle + halves


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
