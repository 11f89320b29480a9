"""The protocol card: how a number was measured, and in which words two ways of measuring differ.

Two numbers can be compared when their cards agree in everything but the weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from pydantic import ConfigDict

from bimedix2_core.errors import DataError
from bimedix2_core.params import RunParams
from bimedix2_core.runs import Run

KINDS = get_args(RunParams.model_fields["kind"].annotation)
"""Kinds a profile may have, as the schema of profiles says."""

REPRODUCED_KIND = "paper"
"""The kind whose numbers may stand beside reported ones."""

_SENTENCES = {
    "dataset": "measured on other data",
    "dataset_revision": "measured on another revision of the data",
    "split_hash": "measured on other samples: the split differs",
    "n": "another number of samples",
    "prompt_hash": "asked with another prompt",
    "scorer": "scored by another program",
    "definition": "scored by another definition of the metric",
    "model_fingerprint": "other weights",
    "judge": "graded by another judge",
    "profile": "another profile",
    "kind": "another kind of profile",
}
"""What it means that two cards differ in a field; mappings are taken apart key by key."""


@dataclass(frozen=True)
class ProtocolCard:
    """How one number was measured. Hashes are whole or shortened, but all of one length."""

    dataset: str
    """Hub id or name of what was measured on."""
    dataset_revision: str
    """Commit, version or date of it."""
    split_hash: str
    """Content key of the samples that were asked."""
    n: int
    """Number of samples that were asked, scored or not."""
    prompt_hash: str
    """Content key of the prompt's template."""
    scorer: str
    """Program and version that scored, such as ``bimedix2_core.bench 0.3``."""
    definition: str
    """Name of the metric's definition, such as ``closed accuracy, MultiMedEval``."""
    model_fingerprint: str
    """Content key of the weights, or name and date of an endpoint's model."""
    decoding: dict[str, Any]
    """Settings of generation, plain JSON: temperature, top_p, max_new_tokens, seed ..."""
    judge: str | None
    """Model that graded the answers; None where none did."""
    profile: str
    """Name of the profile."""
    kind: Literal[KINDS]  # type: ignore[valid-type]
    """Kind of the profile."""
    overrides: dict[str, Any]
    """What was changed in the profile for this run."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    def __post_init__(self) -> None:
        """Refuse a card that leaves something out: an empty name or hash, no samples, an unknown kind."""
        empty = [field.name for field in fields(self) if getattr(self, field.name) == ""]
        if empty:
            raise DataError(f"protocol card of profile {self.profile!r}: {', '.join(empty)} empty; say what was used")
        if self.kind not in KINDS:
            raise DataError(f"protocol card: profile {self.profile!r} is of kind {self.kind!r}; known: {KINDS}")
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise DataError(f"protocol card of profile {self.profile!r}: n is {self.n!r}; expected at least one sample")

    @property
    def is_reproduction(self) -> bool:
        """Whether its numbers may stand beside reported ones."""
        return self.kind == REPRODUCED_KIND


def card_of(
    run: Run, *, dataset: str, dataset_revision: str, split_hash: str, n: int, prompt_hash: str, scorer: str,
    definition: str, model_fingerprint: str, decoding: Mapping[str, Any], judge: str | None = None,
) -> ProtocolCard:  # fmt: skip
    """The card of a number measured in a run: profile, its kind and its overrides are the run's own.

    Raises:
        DataError: something is left empty, or ``n`` is 0.
    """
    return ProtocolCard(
        dataset=dataset, dataset_revision=dataset_revision, split_hash=split_hash, n=n, prompt_hash=prompt_hash,
        scorer=scorer, definition=definition, model_fingerprint=model_fingerprint, decoding=dict(decoding), judge=judge,
        profile=run.params.run.profile, kind=run.params.run.kind, overrides=dict(run.overrides),
    )  # fmt: skip


def diff(card_a: ProtocolCard, card_b: ProtocolCard) -> tuple[str, ...]:
    """In which ways two numbers were measured differently, a sentence each; empty where the cards agree.

    Differences that change what is measured come first, those of the name last.
    """
    sentences = [
        f"{words}: {_shown(a)} against {_shown(b)}"
        for name, words in _SENTENCES.items()
        if (a := getattr(card_a, name)) != (b := getattr(card_b, name))
    ]
    return (
        *sentences,
        *_mapping_diff("answers were generated with another", card_a.decoding, card_b.decoding),
        *_mapping_diff("the profile was changed in", card_a.overrides, card_b.overrides),
    )


def _mapping_diff(words: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return [
        f"{words} {key}: {_shown(a.get(key))} against {_shown(b.get(key))}"
        for key in sorted({*a, *b})
        if a.get(key) != b.get(key)
    ]


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
