"""The words and the numbers of the routing figure: what was counted, the text alternative, the table."""

from collections.abc import Sequence
from math import log2

import numpy as np

from bimedix2_core.bench.expert_use import ExpertUse, most_specific
from bimedix2_core.paper.tables import LANGUAGE_NAMES, Table
from bimedix2_core.records import LANGUAGES

MOMENTS = ("before tuning", "after tuning")


def counted(use: ExpertUse) -> str:
    """What cells, bars and marks are, and over which tokens."""
    tokens = " and ".join(f"{use.n_tokens[language]:,} {LANGUAGE_NAMES[language]}" for language in LANGUAGES)
    return (
        f"Cells: share of the Arabic choices minus share of the English, in points; bold where the 95% interval over "
        f"texts is clear of 0. Bars: share of all choices, mean over layers. Distance: total variation, 0 alike to 1 "
        f"disjoint; grey tick: chance. Counted: {tokens} tokens of what is said in {use.n_texts:,} texts, each in both "
        f"languages; template, special and padding tokens are not. Each token chooses {use.n_chosen} of "
        f"{use.n_experts} experts in every layer."
    )


def alt_text(title: str, before: ExpertUse, after: ExpertUse) -> str:
    """The finding in words: distances, the most specific experts, balance."""
    parts = [f"{_distance_said(use)} {moment}" for moment, use in zip(MOMENTS, (before, after), strict=True)]
    extremes = []
    for language in reversed(LANGUAGES):
        layer, expert = most_specific(after, language)
        one = after.layers[layer].differences[expert]
        extremes.append(
            f"expert {expert} of layer {layer} takes most more {LANGUAGE_NAMES[language]}, by "
            f"{abs(100 * one.value):.1f} points ({100 * min(abs(one.low), abs(one.high)):.1f} to "
            f"{100 * max(abs(one.low), abs(one.high)):.1f})"
        )
    n_apart = sum(layer.distance.p_holm < 0.05 for layer in after.layers)
    return (
        f"{title}. Maps of {len(after.layers)} layers and {after.n_experts} experts, before and after tuning: Arabic "
        f"share minus English share of each expert. The distance of the languages, mean over layers, is "
        f"{' and '.join(parts)}. After tuning {n_apart} of {len(after.layers)} layers are further apart than chance; "
        f"{'; '.join(extremes)}. {_balance_said(after)} {counted(after)}"
    )


def _distance_said(use: ExpertUse) -> str:
    one = use.mean_distance.estimate
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f}; chance {use.mean_distance.chance:.3f})"


def _balance_said(use: ExpertUse) -> str:
    bits = {language: np.mean([layer.balance[language].entropy for layer in use.layers]) for language in LANGUAGES}
    said = " and ".join(f"{bits[language]:.2f} in {LANGUAGE_NAMES[language]}" for language in LANGUAGES)
    return f"Entropy of the loads, mean over layers: {said}, of at most {log2(use.n_experts):.2f} bits."


def numbers(title: str, uses: Sequence[ExpertUse]) -> Table:
    """Every cell that is drawn; shares from 0 to 1."""
    rows = [
        (moment, number, expert, layer.shares["en"][expert].value, layer.shares["ar"][expert].value, one.value, one.low,
         one.high)
        for moment, use in zip(MOMENTS, uses, strict=True)
        for number, layer in enumerate(use.layers)
        for expert, one in enumerate(layer.differences)
    ]  # fmt: skip
    columns = ("moment", "layer", "expert", "English share", "Arabic share", "difference", "low", "high")
    return Table(columns, tuple(rows), title)
