"""Prompt files: sets of wordings in YAML, one file each, versioned by a hash of their content."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.errors import DataError
from bimedix2_core.runs import content_key


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
