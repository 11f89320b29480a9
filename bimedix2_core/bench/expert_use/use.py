"""Use: all numbers of one model's experts from the counts of its routers."""

import numpy as np

from bimedix2_core.bench.expert_use.numbers import Balance, ExpertUse, LayerUse
from bimedix2_core.bench.expert_use.routing import Routing
from bimedix2_core.bench.expert_use.separation import distances
from bimedix2_core.bench.expert_use.shares import shares_and_differences
from bimedix2_core.records import LANGUAGES


def expert_use(routing: Routing, *, seed: int = 0) -> ExpertUse:
    """Which experts take which language: shares, differences, distance and balance, layer by layer.

    Args:
        routing: counts over texts in both languages.
        seed: of the resamples and exchanges behind the distances.
    """
    shares, differences = shares_and_differences(routing)
    layers, mean = distances(routing, seed=seed)
    loads = {language: routing.shares(language) for language in LANGUAGES}
    return ExpertUse(
        layers=tuple(
            LayerUse(
                shares={language: tuple(shares[language][index]) for language in LANGUAGES},
                differences=tuple(differences[index]),
                distance=layers[index],
                balance={language: _balance(loads[language][index]) for language in LANGUAGES},
            )
            for index in range(routing.n_layers)
        ),
        mean_distance=mean,
        n_texts=len(routing.ids),
        n_tokens={language: int(routing.n_tokens[language].sum()) for language in LANGUAGES},
        n_chosen=routing.n_chosen,
    )


def most_specific(use: ExpertUse, language: str) -> tuple[int, int]:
    """Layer and expert that take most more of a language than of the other, both from 0."""
    sign = 1 if language == "ar" else -1
    cells = [(layer, expert) for layer in range(len(use.layers)) for expert in range(use.n_experts)]
    return max(cells, key=lambda cell: sign * use.layers[cell[0]].differences[cell[1]].value)


def _balance(loads: np.ndarray) -> Balance:
    """Of loads that add up to 1."""
    taken = loads[loads > 0]
    return Balance(
        max_over_mean=float(loads.max() / loads.mean()),
        variation=float(loads.std() / loads.mean()),
        entropy=float(max(0.0, -(taken * np.log2(taken)).sum())),
    )
