"""Counts: the adapters of a mixture by part, and the share of its weights that is trained."""

from dataclasses import dataclass

from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.shapes import Shape, on_meta


@dataclass(frozen=True)
class AdapterCounts:
    """How many weights the adapters of a mixture have."""

    attention: int
    experts: int
    router: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.attention + self.experts + self.router


def count_adapters(shape: Shape, *, rank: int) -> AdapterCounts:
    """Count what ``add_mixture_lora`` adds to a mixture, on the meta device."""
    adapted = add_mixture_lora(on_meta(shape), rank=rank, alpha=rank, seed=0)
    lora = {name: weight.numel() for name, weight in adapted.named_parameters() if "lora_" in name}
    return AdapterCounts(*(
        sum(count for name, count in lora.items() if place in name)
        for place in (".self_attn.", ".mlp.experts.", ".mlp.gate.")
    ))  # fmt: skip


def count_adapters_per_matrix(shape: Shape, *, rank: int) -> AdapterCounts:
    """The same where gate and up (w1 and w3) have an A each, as in Mixtral's published layout; here they share one."""
    shared, config = count_adapters(shape, rank=rank), shape.language
    second = rank * config.hidden_size * config.num_local_experts * config.num_hidden_layers
    return AdapterCounts(shared.attention, shared.experts + second, shared.router)


def trained_share(trained: int, total: int) -> float:
    """Part of all weights that is trained, adapters among them, as PEFT's ``print_trainable_parameters`` says it.

    Args:
        trained: weights of the adapters.
        total: weights of the model without them.
    """
    return trained / (total + trained)
