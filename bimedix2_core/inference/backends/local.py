"""A model in this process."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from bimedix2_core.inference.generate import generate
from bimedix2_core.inference.score_options import score_options
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.checkpoints import fingerprint
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import OptionScores, Query

IN_PROCESS = "log-probabilities, in process"
"""Scoring: exact sums over the option's tokens."""


@dataclass(frozen=True)
class LocalBackend:
    """A model in this process."""

    lmm: Lmm | TextModel
    settings: InferenceParams
    seed: int = 0
    scoring: ClassVar[str] = IN_PROCESS

    @cached_property
    def model_key(self) -> str:
        """Fingerprint of the weights."""
        return fingerprint(self.lmm)

    @property
    def name(self) -> str:
        """What a protocol card says scored it."""
        note = self.lmm.note if isinstance(self.lmm, TextModel) else ""
        return f"weights {self.model_key[:12]}, in process" + (f" ({note})" if note else "")

    @property
    def decoding(self) -> dict[str, Any]:
        """What an answer depends on besides model and prompt."""
        return self.settings.model_dump(exclude={"batch_size"})

    def generate(self, queries: Sequence[Query]) -> list[str]:
        """One text per query, in their order.

        Raises:
            DataError: images and image parts of a query differ in number.
        """
        return generate(self.lmm, queries, settings=self.settings, seed=self.seed)

    def score_options(self, queries: Sequence[Query]) -> list[OptionScores]:
        """The log-probabilities of each query's options, in their order.

        Raises:
            DataError: a query has no options, or does not fit.
        """
        return score_options(self.lmm, queries, batch_size=self.settings.batch_size)
