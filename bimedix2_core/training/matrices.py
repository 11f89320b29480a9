"""Matrices: the linear layers of a decoder and the adapters on them, counted from the numbers of its config.

    attention   query, key, value, output
    dense       gate, up, down
    mixture     router; and of each expert gate and up as one matrix, and down

A memory holds all experts, a token passes few of them: both are counted here.
"""

from typing import NamedTuple

from transformers import PreTrainedConfig

from bimedix2_core.model.shapes import is_mixture


class Matrices(NamedTuple):
    """Numbers of weights, over all decoder layers."""

    layers: int
    """Of the frozen linear layers."""
    lora: int
    """Of the adapters, on each of these layers."""


def held(language: PreTrainedConfig, *, lora_r: int) -> Matrices:
    """All that there are."""
    return _count(language, lora_r, n_experts=language.num_local_experts if is_mixture(language) else 0)


def active(language: PreTrainedConfig, *, lora_r: int) -> Matrices:
    """Those that work on one token: fewer than there are where experts are chosen."""
    return _count(language, lora_r, n_experts=language.num_experts_per_tok if is_mixture(language) else 0)


def query_width(language: PreTrainedConfig) -> int:
    """Heads x head size."""
    return language.num_attention_heads * _head_size(language)


def _count(language: PreTrainedConfig, lora_r: int, *, n_experts: int) -> Matrices:
    linear = [*_attention(language), *_feed_forward(language, n_experts)]
    layers = sum(read * written for read, written in linear)
    lora = lora_r * sum(read + written for read, written in linear)
    return Matrices(language.num_hidden_layers * layers, language.num_hidden_layers * lora)


def _attention(language: PreTrainedConfig) -> list[tuple[int, int]]:
    """Width read and width written of each layer."""
    wide, query = language.hidden_size, query_width(language)
    key = language.num_key_value_heads * _head_size(language)
    return [(wide, query), (wide, key), (wide, key), (query, wide)]


def _feed_forward(language: PreTrainedConfig, n_experts: int) -> list[tuple[int, int]]:
    wide, inner = language.hidden_size, language.intermediate_size
    if is_mixture(language):
        return [(wide, language.num_local_experts), *([(wide, 2 * inner), (inner, wide)] * n_experts)]
    return [(wide, inner), (wide, inner), (inner, wide)]


def _head_size(language: PreTrainedConfig) -> int:
    return getattr(language, "head_dim", None) or language.hidden_size // language.num_attention_heads
