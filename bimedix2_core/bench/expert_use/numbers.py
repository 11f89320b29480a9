"""Numbers: what is said of the experts of one model, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass

from bimedix2_core.statistics import Estimate


@dataclass(frozen=True)
class Balance:
    """How evenly the experts of a layer are loaded with one language."""

    max_over_mean: float
    """The busiest expert's load over the mean load: 1 where all are equal, E where one takes all it can."""
    variation: float
    """Coefficient of variation of the loads: 0 where all are equal."""
    entropy: float
    """Of the loads, in bits: log2(E) where all are equal."""


@dataclass(frozen=True)
class Distance:
    """How far apart the languages are: the total variation distance of their distributions over experts.

    It is the share of the choices that would have to go to other experts for both languages to be alike: 0 where they
    are, 1 where no expert takes both. Two finite samples are never at 0, so chance stands beside it.
    """

    estimate: Estimate
    chance: float
    """The mean distance that the noise of so many texts gives where both languages are alike."""
    p_value: float
    """How often a distance as large is seen where each text's two languages are exchanged at random."""
    p_holm: float
    """Adjusted for all layers; of the mean over layers, the p-value itself."""


@dataclass(frozen=True)
class LayerUse:
    """The experts of one layer."""

    shares: Mapping[str, tuple[Estimate, ...]]
    """By language: each expert's share of the choices."""
    differences: tuple[Estimate, ...]
    """Arabic share minus English share of each expert, over the same texts."""
    distance: Distance
    balance: Mapping[str, Balance]
    """By language."""


@dataclass(frozen=True)
class ExpertUse:
    """The experts of one model; layers and experts are numbered from 0, as in its checkpoint."""

    layers: tuple[LayerUse, ...]
    mean_distance: Distance
    """Of the mean over layers."""
    n_texts: int
    """Texts, each in both languages."""
    n_tokens: Mapping[str, int]
    """By language."""
    n_chosen: int
    """Experts that each token chooses."""

    @property
    def n_experts(self) -> int:
        """Number of experts in each layer."""
        return len(self.layers[0].differences)


@dataclass(frozen=True)
class Change:
    """After minus before, over the same texts: how much further apart the languages are."""

    layers: tuple[Estimate, ...]
    mean: Estimate
    """Of the mean over layers."""


@dataclass(frozen=True)
class TokenUse:
    """How often one token of a language went to an expert."""

    language: str
    text: str
    """The characters it stands for; a token that is part of a letter stands for the whole letter."""
    n_taken: int
    n_seen: int
