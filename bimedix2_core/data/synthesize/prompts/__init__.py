"""Prompt sets of the synthesis: one file each, in both languages, versioned by a hash of its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bimedix2_core.data.prompt_files import read_prompts, version_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Wording:
    """What the model is asked in one language; the places in braces are filled in. An empty text: never asked so."""

    system: str = ""
    doctor_chat: str = ""
    image_conversation: str = ""
    fuller_answer: str = ""
    again: str = ""
    """The second and later attempts; where it is empty they are asked as the first."""
    questions: tuple[str, ...] = ()
    """The user's turns, where one request holds one turn."""


@dataclass(frozen=True)
class Prompts:
    """A prompt set."""

    name: str
    unit: Literal["conversation", "turn"]
    """What one request of a conversation brings: all of it as JSON, or the answer to one of `Wording.questions`."""
    wordings: Mapping[str, Wording]
    """By language."""

    @property
    def version(self) -> str:
        """Hash of the wordings."""
        return version_of(self)


def prompts(name: str) -> Prompts:
    """The prompt set ``name``.

    Raises:
        DataError: there is none of this name.
    """
    stored = read_prompts(FOLDER, name)
    wordings = {
        language: Wording(**{**texts, "questions": tuple(texts.get("questions", ()))})
        for language, texts in stored["wordings"].items()
    }
    return Prompts(name=name, unit=stored["unit"], wordings=wordings)
