"""Routing: how often the tokens of each text chose each expert, counted in both languages of the same texts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES


@dataclass(frozen=True)
class Routing:
    """What the routers of a model did with N texts, each in English and in Arabic."""

    ids: tuple[str, ...]
    """What the two twins of each text share, N of them."""
    chosen: Mapping[str, np.ndarray]
    """By language, int64[N, L, E]: how many tokens of a text chose an expert of a layer."""
    probability: Mapping[str, np.ndarray]
    """By language, float64[N, L, E]: the routers' probabilities before the choice, summed over a text's tokens."""
    n_tokens: Mapping[str, np.ndarray]
    """By language, int64[N]: the tokens of each text that were counted."""
    n_chosen: int
    """Experts that each token chooses."""

    def __post_init__(self) -> None:
        """Refuse counts that do not fit one another."""
        if len(self.ids) < 2:
            raise DataError(f"{len(self.ids)} texts; expected at least two: an interval is over texts; give more")
        for language in LANGUAGES:
            tokens, chosen = self.n_tokens[language], self.chosen[language]
            empty = [name for name, n in zip(self.ids, tokens, strict=True) if n == 0]
            if empty:
                raise DataError(f"text {empty[0]!r} ({language}) has no token to count; leave it out in both languages")
            if chosen.shape != self.chosen[LANGUAGES[0]].shape or len(chosen) != len(self.ids):
                raise DataError(
                    f"counts of shape {chosen.shape} in {language!r}; expected {len(self.ids)} texts and as many "
                    f"layers and experts as in {LANGUAGES[0]!r}; count both languages with one model"
                )
            if not (chosen.sum(-1) == self.n_chosen * tokens[:, None]).all():
                raise DataError(
                    f"the choices in {language!r} are not {self.n_chosen} for each token in every layer; "
                    "count the same tokens everywhere"
                )

    @property
    def n_layers(self) -> int:
        """Number of layers, L."""
        return self.chosen[LANGUAGES[0]].shape[1]

    @property
    def n_experts(self) -> int:
        """Number of experts in each layer, E."""
        return self.chosen[LANGUAGES[0]].shape[2]

    def n_choices(self, language: str) -> np.ndarray:
        """int64[N]: the choices that each text's tokens made in a layer."""
        return self.n_chosen * self.n_tokens[language]

    def shares(self, language: str) -> np.ndarray:
        """float64[L, E]: each expert's share of all choices in its layer; a layer's shares add up to 1."""
        return self.chosen[language].sum(0) / self.n_choices(language).sum()

    def mean_probability(self, language: str) -> np.ndarray:
        """float64[L, E]: the routers' mean probability over tokens, before the choice."""
        return self.probability[language].sum(0) / self.n_tokens[language].sum()
