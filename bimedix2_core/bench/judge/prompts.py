"""Prompts of a judge: one YAML file each, in both languages, versioned by a hash of their wordings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from bimedix2_core.data.prompt_files import read_prompts, version_of
from bimedix2_core.data.synthesize.material import fenced
from bimedix2_core.errors import DataError

_HEADING = re.compile(r"\[(?=\s*/?\s*[^\W\d_][^\[\]]{0,60}\])")
_BRACKET = "\u2045"
"""Looks like an opening square bracket, and no normalisation makes one of it."""


@dataclass(frozen=True)
class Wording:
    """What the judge is asked in one language; the places in braces are filled in."""

    system: str
    user: str


@dataclass(frozen=True)
class JudgePrompts:
    """A prompt file."""

    name: str
    wordings: Mapping[str, Wording]
    """By language."""

    @property
    def version(self) -> str:
        """Hash of the wordings: others make another judge."""
        return version_of(self)

    def messages(self, language: str, **material: str) -> list[dict[str, str]]:
        """The messages of one request, in the form an OpenAI-compatible endpoint takes.

        Material stands between tags such as ``<response>``. In it, an opening angle bracket that begins no number
        becomes a look-alike (`fenced`), so that it can neither close its place nor open another; so does a square
        bracket that begins words (``[End of Assistant 2]``, ``[INST]``); braces mean nothing there. Half of a surrogate
        pair, which no request can carry, becomes a question mark.

        Raises:
            DataError: there is no wording in this language, or the places and the material do not fit.
        """
        if language not in self.wordings:
            raise DataError(
                f"judge prompts {self.name!r} have no wording in {language!r}; known: {', '.join(self.wordings)}"
            )
        wording = self.wordings[language]
        places = {place for _, place, _, _ in Formatter().parse(wording.user) if place is not None}
        if places != set(material):
            raise DataError(
                f"judge prompts {self.name!r} ({language}) have the places {sorted(places)}, but the material is "
                f"{sorted(material)}; mend the prompt file"
            )
        safe = {name: _harmless(text) for name, text in material.items()}
        user = wording.user.format(**safe)
        return [{"role": "system", "content": wording.system}, {"role": "user", "content": user}]


def _harmless(text: str) -> str:
    return _HEADING.sub(_BRACKET, fenced(text.encode("utf-8", "replace").decode()))


def judge_prompts(folder: Path, name: str) -> JudgePrompts:
    """The prompt file ``name`` of a benchmark's folder of prompts.

    Raises:
        DataError: there is none of this name.
    """
    stored = read_prompts(folder, name)
    return JudgePrompts(name, {language: Wording(**texts) for language, texts in stored["wordings"].items()})
