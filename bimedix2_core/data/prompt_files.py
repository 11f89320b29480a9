"""Prompt files: wordings in YAML, one file each, versioned by a hash; and the version of the rules beside them."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.errors import DataError
from bimedix2_core.runs import content_key, data_key


def read_prompts(folder: Path, name: str) -> dict[str, Any]:
    """The prompt set ``name`` of a folder.

    Raises:
        DataError: there is none of this name.
    """
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name not in known:
        raise DataError(f"no {folder.parent.name} prompts {name!r}; known: {', '.join(known)}")
    return yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))


def version_of(prompts: Any) -> str:
    """Hash of a prompt set, a dataclass: another wording has another version."""
    return content_key(asdict(prompts))[:12]


@cache
def rules_key(folder: Path) -> str:
    """Content key of a package: other rules make other results, though no answer need be asked for again."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in (".py", ".yaml"))
    return content_key([[file.relative_to(folder).as_posix(), data_key(file)] for file in files])
