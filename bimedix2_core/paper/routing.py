"""Routing: the experts of a mixture before and after tuning as tables, which BiMediX's paper does not have.

The figure is `figures.routing`.
"""

from collections.abc import Sequence

from bimedix2_core.bench.expert_use import Change, ExpertUse, LayerUse, TokenUse
from bimedix2_core.paper.tables import LANGUAGE_NAMES, Cell, Table
from bimedix2_core.records import LANGUAGES
from bimedix2_core.statistics import Estimate

MEAN = "mean"
"""What stands in place of a layer in the row of the mean over layers."""


def routing_table(before: ExpertUse, after: ExpertUse, change: Change) -> Table:
    """A row for each layer and one for their mean: distances of the languages, and how uneven the loads are.

    Args:
        before: the experts of the model that tuning starts from.
        after: those of the tuned model, over the same texts.
        change: what `bench.expert_use.distance_change` gives for the two.

    Returns:
        distances with 95% intervals over texts and p-values adjusted for all layers (Holm); loads as the busiest
        expert's over the mean, by language.
    """
    columns = ("layer", *(f"{name}, {moment}" for moment in ("before", "after") for name in _columns()), "change")
    rows = [
        (str(number), *_cells(old), *_cells(new), _interval(step, signed=True))
        for number, (old, new, step) in enumerate(zip(before.layers, after.layers, change.layers, strict=True))
    ]
    means = [cell for use in (before, after) for cell in _mean_cells(use)]
    rows.append((MEAN, *means, _interval(change.mean, signed=True)))
    caption = (
        f"Distance of English and Arabic over {after.n_experts} experts (0 alike, 1 disjoint), busiest load over mean; "
        f"{after.n_texts:,} texts"
    )
    return Table(columns, tuple(rows), caption)


def token_table(tokens: Sequence[TokenUse], *, layer: int, expert: int) -> Table:
    """The tokens that one expert takes most often, by language, with the share of all their occurrences it takes."""
    rows = [
        (LANGUAGE_NAMES[one.language], one.text, one.n_taken, one.n_seen, one.n_taken / one.n_seen) for one in tokens
    ]
    columns = ("language", "token", "taken", "seen", "share")
    return Table(columns, tuple(rows), f"What expert {expert} of layer {layer} takes most often")


def _columns() -> tuple[str, ...]:
    return ("distance", "p", *(f"max/mean {language}" for language in LANGUAGES))


def _cells(layer: LayerUse) -> tuple[Cell, ...]:
    loads = (layer.balance[language].max_over_mean for language in LANGUAGES)
    return (_interval(layer.distance.estimate), _p(layer.distance.p_holm), *loads)


def _mean_cells(use: ExpertUse) -> tuple[Cell, ...]:
    loads = (
        sum(layer.balance[language].max_over_mean for layer in use.layers) / len(use.layers) for language in LANGUAGES
    )
    return (_interval(use.mean_distance.estimate), _p(use.mean_distance.p_holm), *loads)


def _interval(one: Estimate, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{one.value:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
