"""Bounds: true shapes counted without weights, and how fast memory lets a token be written at best."""

from dataclasses import dataclass

from transformers import LlamaConfig, MixtralConfig

from bimedix2_core.model.shapes import LLAMA_3_1_70B, MIXTRAL_8X7B, Shape, count

H200_BYTES_PER_SECOND = 4.8e12
"""NVIDIA H200 data sheet: GPU memory bandwidth 4.8 TB/s."""
BYTES_PER_WEIGHT = 2
"""bfloat16."""


@dataclass(frozen=True)
class Bound:
    """A shape by what one token costs."""

    total: int
    """All weights."""
    active: int
    """Weights that work on one token."""
    multiplied: int
    """Of these, the weights that are multiplied: all but the embeddings, of which one row is looked up."""
    hidden: int

    @property
    def flops(self) -> int:
        """Of one token forward: a product and a sum for each weight; attention to earlier tokens is left out."""
        return 2 * self.multiplied

    @property
    def bytes_read(self) -> int:
        """For one token of a single text: each weight once; what is cached of earlier tokens is left out."""
        return BYTES_PER_WEIGHT * (self.multiplied + self.hidden)

    @property
    def tokens_per_second(self) -> float:
        """At most, on one H200: nothing is written sooner than its weights are read."""
        return H200_BYTES_PER_SECOND / self.bytes_read


def same_total(mixture: MixtralConfig) -> LlamaConfig:
    """The dense model of a mixture's total size: its layers, with one wide feed-forward part for all experts."""
    return dense_like(mixture, wide_inner(mixture.hidden_size, mixture.intermediate_size, mixture.num_local_experts))


def dense_like(config: MixtralConfig | LlamaConfig, inner: int) -> LlamaConfig:
    """A dense Llama of this shape but for its feed-forward part."""
    kept = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
            "max_position_embeddings", "rms_norm_eps", "rope_parameters", "tie_word_embeddings",
            "bos_token_id", "eos_token_id", "pad_token_id")  # fmt: skip
    return LlamaConfig(**{name: getattr(config, name) for name in kept}, intermediate_size=inner)


def wide_inner(hidden: int, inner: int, n_experts: int) -> int:
    """The inner size whose three matrices have as many weights as all experts and their router."""
    return round((n_experts * 3 * hidden * inner + n_experts * hidden) / (3 * hidden))


def bound(config: LlamaConfig | MixtralConfig) -> Bound:
    """Count a shape on the meta device."""
    found = count(Shape(config))
    embeddings = 0 if config.tie_word_embeddings else config.vocab_size * config.hidden_size
    return Bound(found.total, found.active, found.active - embeddings, config.hidden_size)


def true_bounds() -> dict[str, Bound]:
    """Mixtral 8x7B, the dense model of its total size, and what the paper compares itself with, about."""
    mixture = MixtralConfig(**MIXTRAL_8X7B)
    return {
        "Mixtral 8x7B, 2 of 8 experts": bound(mixture),
        "dense, of the same total size": bound(same_total(mixture)),
        "dense, one expert of Mixtral": bound(dense_like(mixture, mixture.intermediate_size)),
        "dense 70B (Llama 3.1's shape)": bound(LlamaConfig(**LLAMA_3_1_70B)),
    }
