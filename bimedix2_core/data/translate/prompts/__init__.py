"""Prompt sets of the translation: one file each, versioned by a hash of its content."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import yaml

from bimedix2_core.errors import DataError
from bimedix2_core.runs import content_key

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Prompts:
    """What the models are asked; the places in braces are filled in."""

    name: str
    unit: Literal["sample", "segment"]
    """What one request holds: all segments of a sample, in numbered tags, or one segment."""
    scorer: Literal["model", "back_translation"]
    """Who scores: a model that gives 0-100 and reasons as JSON, or the words that survive a translation back."""
    system: str
    translate: str
    refine: list[str]
    """One for each further attempt; the last one also for all after it."""
    score: str

    @property
    def version(self) -> str:
        """Hash of the wordings."""
        return content_key(asdict(self))[:12]

    def refine_of(self, number: int) -> str:
        """The prompt of further attempt ``number``, from 1."""
        return self.refine[min(number, len(self.refine)) - 1]


def prompts(name: str) -> Prompts:
    """The prompt set ``name``.

    Raises:
        DataError: there is none of this name.
    """
    known = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if name not in known:
        raise DataError(f"no translation prompts {name!r}; known: {', '.join(known)}")
    return Prompts(name=name, **yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
