"""A mixture of experts small enough to train in a test, of the very classes of Mixtral 8x7B."""

import tiny
import torch
from transformers import MixtralConfig, MixtralForCausalLM

from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.params import MixtureTraining

BALANCE_WEIGHT = 0.02
N_CHOSEN = 2
CONFIG = MixtralConfig(
    vocab_size=320, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=N_CHOSEN, max_position_embeddings=512,
    router_aux_loss_coef=BALANCE_WEIGHT,
)  # fmt: skip


def tiny_mixture(seed: int = 0) -> TextModel:
    """2 layers, D=16, GQA 4/2, 2 of 4 experts with an inner size of 32; its router has strong opinions."""
    tokenizer = tiny.tiny_lmm().tokenizer
    torch.manual_seed(seed)
    model = MixtralForCausalLM(MixtralConfig.from_dict(CONFIG.to_dict() | {"pad_token_id": tokenizer.pad_token_id}))
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.mlp.gate.weight, std=0.5)
    return TextModel(model.eval(), tokenizer)


def adapted_mixture(*, rank: int = 2) -> TextModel:
    """The same with adapters that do something, as they are trained."""
    mixture = tiny_mixture()
    model = add_mixture_lora(mixture.model, rank=rank, alpha=2 * rank, seed=0)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return TextModel(model, mixture.tokenizer)


def text_samples(n: int = 8) -> list:
    """Samples without images, of different lengths and of both languages."""
    return [
        tiny.sample(
            name=f"t{index}", language="ar" if index % 2 else "en", n_images=0, answer="left " * (1 + index % 4)
        )
        for index in range(n)
    ]


def mixture_settings(**changes) -> MixtureTraining:
    """Four steps of four samples, rank 2."""
    stage = tiny.stage1_settings().model_dump()
    adapters = {"lora_r": 2, "lora_alpha": 4, "adapter_dtype": "float32", "balance_weight": BALANCE_WEIGHT}
    return MixtureTraining(**(stage | adapters | changes))
