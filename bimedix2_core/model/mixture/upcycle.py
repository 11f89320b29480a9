"""Upcycling: a mixture of experts made of a dense model, which computes what the dense model computes.

Source:
    sparse upcycling, arXiv 2212.05055; the router of Mixtral, whose chosen experts' weights add up to 1.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

from bimedix2_core.errors import ModelError

KEPT = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim", "hidden_act", "max_position_embeddings", "initializer_range", "rms_norm_eps", "use_cache",
    "pad_token_id", "bos_token_id", "eos_token_id", "tie_word_embeddings", "rope_parameters", "attention_dropout",
)  # fmt: skip
"""What the mixture's config has of the dense model's."""


def upcycled(dense: LlamaForCausalLM, *, n_experts: int, n_chosen: int, seed: int) -> MixtralForCausalLM:
    """Make a mixture of a dense model: attention, norms, embeddings and head copied, each expert a copy of the MLP.

    As all experts are equal and the weights of the chosen ones add up to 1, the mixture computes what the dense model
    computes. Its router is drawn: normal with the config's ``initializer_range``, as transformers draws that of a new
    Mixtral. Nothing else is drawn, and torch's own generators are left as they were; so is the dense model.

    Args:
        dense: without biases; the mixture has its device and number format, and is in the same mode (train or eval).
        n_experts: of each layer.
        n_chosen: of them, for a token.
        seed: of the router.

    Raises:
        ModelError: the dense model has biases, which Mixtral has not, or there are fewer experts than are chosen.
    """
    config = upcycled_config(dense.config, n_experts=n_experts, n_chosen=n_chosen)
    with torch.random.fork_rng(), torch.device(dense.device):
        mixture = MixtralForCausalLM._from_config(
            config, dtype=dense.dtype, attn_implementation=dense.config._attn_implementation
        )
    generator = torch.Generator().manual_seed(seed)
    mixture.load_state_dict(dict(_weights(dense, config, generator)))
    mixture.generation_config = dense.generation_config
    return mixture.train(dense.training)


def upcycled_config(dense: LlamaConfig, *, n_experts: int, n_chosen: int) -> MixtralConfig:
    """The config of the mixture that ``upcycled`` makes.

    Raises:
        ModelError: as ``upcycled``.
    """
    if dense.attention_bias or dense.mlp_bias:
        raise ModelError("the dense model has biases, which a Mixtral has no place for; take one without")
    if not 1 <= n_chosen <= n_experts:
        raise ModelError(f"{n_chosen} experts chosen of {n_experts}; expected at least 1 and at most {n_experts}")
    numbers = {name: getattr(dense, name) for name in KEPT}
    return MixtralConfig(
        **numbers, num_local_experts=n_experts, num_experts_per_tok=n_chosen, sliding_window=None,
        router_jitter_noise=0.0,
    )  # fmt: skip


def _weights(
    dense: LlamaForCausalLM, config: MixtralConfig, generator: torch.Generator
) -> Iterator[tuple[str, Tensor]]:
    """Each weight by its name in the mixture; the experts of a layer are one matrix, repeated and not yet copied."""
    for name, weight in dense.state_dict().items():
        if ".mlp." not in name:
            yield name, weight
    for number, layer in enumerate(dense.model.layers):
        mlp, place = layer.mlp, f"model.layers.{number}.mlp"
        gate_up = torch.cat([mlp.gate_proj.weight.detach(), mlp.up_proj.weight.detach()])
        router = torch.randn(config.num_local_experts, config.hidden_size, generator=generator)
        yield f"{place}.experts.gate_up_proj", gate_up.expand(config.num_local_experts, -1, -1)
        yield f"{place}.experts.down_proj", mlp.down_proj.weight.detach().expand(config.num_local_experts, -1, -1)
        yield f"{place}.gate.weight", router * config.initializer_range
