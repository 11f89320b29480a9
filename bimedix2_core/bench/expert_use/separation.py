"""Separation: the total variation distance of two languages over the experts of a layer, against chance.

A distance is never negative, so that noise only adds to it, and plain bootstraps of it cover too little. Here the lower
end rests on the triangle inequality: the true distance is at least the one seen less the size of the noise, which is
the distance of resampled differences from the difference seen, at its 95th percentile. The upper end takes out the bias
(basic bootstrap: what resamples have too much over the distance seen, the distance seen has too much over the true
one). In simulation 92 to 98 of 100 such intervals hold the true distance, with equal languages too.
"""

from collections.abc import Iterator

import numpy as np

from bimedix2_core.bench.expert_use.numbers import Change, Distance, ExpertUse
from bimedix2_core.bench.expert_use.routing import Routing
from bimedix2_core.bench.statistics.p_values import N_FLIPS, TIE
from bimedix2_core.bench.statistics.resampling import expanded, resampled
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import CONFIDENCE, Estimate, holm

N_RESAMPLES = 2000
METHOD = f"bootstrap over texts, {N_RESAMPLES} resamples, without the bias of a distance"

_CHUNK = 500
"""Exchanges that are drawn at once."""


def distances(routing: Routing, *, seed: int = 0) -> tuple[list[Distance], Distance]:
    """The distance of the languages in each layer, and its mean over layers.

    Args:
        routing: counts over texts in both languages.
        seed: of the resamples and of the exchanges.
    """
    value = _distance(_difference(routing))
    low, high, chance = _resampled_ends(routing, value, seed)
    p = _p_values(routing, value, seed)
    adjusted = [*holm(p[:-1].tolist()), float(p[-1])]
    found = [
        Distance(_estimate(routing, value[i], low[i], high[i]), float(chance[i]), float(p[i]), adjusted[i])
        for i in range(len(value))
    ]
    return found[:-1], found[-1]


def distance_change(before: ExpertUse, after: ExpertUse) -> Change:
    """How much further apart the languages are after than before, in each layer and in the mean over layers.

    The two intervals are joined as if independent (MOVER), which is too wide rather than too narrow where the same
    texts move both distances alike.

    Raises:
        DataError: the texts, their tokens or the numbers of layers or experts differ.
    """
    shapes = [(one.n_texts, dict(one.n_tokens), len(one.layers), one.n_experts) for one in (before, after)]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"texts, tokens, layers and experts before are {shapes[0]} and after {shapes[1]}; expected the same texts "
            "and one architecture; count both models on the same texts"
        )
    layers = [
        _change(old.distance.estimate, new.distance.estimate)
        for old, new in zip(before.layers, after.layers, strict=True)
    ]
    return Change(tuple(layers), _change(before.mean_distance.estimate, after.mean_distance.estimate))


def _change(before: Estimate, after: Estimate) -> Estimate:
    value = after.value - before.value
    below = np.hypot(after.value - after.low, before.high - before.value)
    above = np.hypot(after.high - after.value, before.value - before.low)
    method = f"MOVER, {METHOD}"
    return Estimate(value, float(value - below), float(value + above), after.n, after.n_clusters, method)


def _distance(difference: np.ndarray) -> np.ndarray:
    """float[..., L + 1]: half the absolute differences of float[..., L, E], and their mean over layers at the end."""
    layers = np.abs(difference).sum(-1) / 2
    return np.concatenate([layers, layers.mean(-1, keepdims=True)], axis=-1)


def _difference(routing: Routing) -> np.ndarray:
    return routing.shares("ar") - routing.shares("en")


def _resampled_ends(routing: Routing, value: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float[L + 1] each: low and high ends, and the mean distance that noise alone gives.

    Texts are resampled in both languages or in none.
    """

    def statistic(times_BN: np.ndarray) -> np.ndarray:
        """float[B, 2, L + 1]: distances of the languages, and of their difference from the one seen."""
        drawn = _resampled_shares(routing, "ar", times_BN) - _resampled_shares(routing, "en", times_BN)
        return np.stack([_distance(drawn), _distance(drawn - seen)], axis=1)

    seen, n = _difference(routing), len(routing.ids)
    replicates = resampled(statistic, np.arange(n), n, seed=seed, n_resamples=N_RESAMPLES)
    least = np.quantile(replicates[:, 0], expanded(n)[0], axis=0)
    noise = np.quantile(replicates[:, 1], CONFIDENCE, axis=0)
    return np.clip(value - noise, 0.0, None), np.clip(2 * value - least, value, 1.0), replicates[:, 1].mean(0)


def _resampled_shares(routing: Routing, language: str, times_BN: np.ndarray) -> np.ndarray:
    chosen = routing.chosen[language]
    sums = times_BN @ chosen.reshape(len(chosen), -1).astype(float)
    totals = times_BN @ routing.n_choices(language)
    return (sums / totals[:, None]).reshape(len(times_BN), *chosen.shape[1:])


def _p_values(routing: Routing, value: np.ndarray, seed: int) -> np.ndarray:
    """float[L + 1]: the share of exchanges of languages that give a distance at least as large.

    The difference of the shares is a sum over texts. Where language makes no difference, each text's part of it is as
    likely to have the other sign, in all layers and experts at once; with texts of equal length that is to exchange
    its two labels. The counts seen are one exchange among the others, so that p is never 0.
    """
    parts_NC, n_as_far = _parts(routing), np.ones(len(value))
    for signs_BN in _signs(len(parts_NC), seed):
        exchanged = (signs_BN @ parts_NC).reshape(len(signs_BN), routing.n_layers, routing.n_experts)
        n_as_far += (_distance(exchanged) >= value - TIE).sum(0)
    return n_as_far / (N_FLIPS + 1)


def _parts(routing: Routing) -> np.ndarray:
    """float[N, L * E]: each text's part of the Arabic share minus the English, measured from the shares' mean."""
    centre = (routing.shares("ar") + routing.shares("en")) / 2
    parts = 0.0
    for language, sign in (("ar", 1), ("en", -1)):
        n_choices = routing.n_choices(language)
        parts = parts + sign * (routing.chosen[language] - n_choices[:, None, None] * centre) / n_choices.sum()
    return parts.reshape(len(routing.ids), -1)


def _signs(n: int, seed: int) -> Iterator[np.ndarray]:
    """N_FLIPS rows of n random signs, float[B, N] at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, N_FLIPS, _CHUNK):
        yield generator.choice([-1.0, 1.0], size=(min(_CHUNK, N_FLIPS - start), n))


def _estimate(routing: Routing, value: float, low: float, high: float) -> Estimate:
    n = sum(int(tokens.sum()) for tokens in routing.n_tokens.values())
    return Estimate(float(value), float(low), float(high), n, len(routing.ids), METHOD)
