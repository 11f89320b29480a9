"""Prompt sets of the translation: one file each, versioned by a hash of its content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bimedix2_core.data.prompt_files import read_prompts, version_of

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
        return version_of(self)

    def refine_of(self, number: int) -> str:
        """The prompt of further attempt ``number``, from 1."""
        return self.refine[min(number, len(self.refine)) - 1]


def prompts(name: str) -> Prompts:
    """The prompt set ``name``.

    Raises:
        DataError: there is none of this name.
    """
    return Prompts(name=name, **read_prompts(FOLDER, name))
