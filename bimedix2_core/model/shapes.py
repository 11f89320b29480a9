"""Shapes: the published architectures by their numbers, to be counted without weights or drawn at random.

Nothing is downloaded: a model is built from these numbers on torch's meta device, which holds no values, and its
weights are counted. The numbers are those of the published ``config.json`` files.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MixtralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.assemble import Lmm, ParameterCounts, assemble, count_parameters, llava_config
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.params import BaseParts, Params

CLIP_L_336 = {
    "image_size": 336, "patch_size": 14, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
    "num_attention_heads": 16, "projection_dim": 768,
}  # fmt: skip
"""openai/clip-vit-large-patch14-336, config.json."""

LLAMA_3_1 = {
    "vocab_size": 128_256, "num_key_value_heads": 8, "max_position_embeddings": 131_072, "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "rope_parameters": {"rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
}  # fmt: skip
"""What all sizes of Llama 3.1 share, config.json of meta-llama/Meta-Llama-3.1-8B-Instruct and 70B-Instruct."""

LLAMA_3_1_8B = LLAMA_3_1 | {
    "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32,
}  # fmt: skip
LLAMA_3_1_70B = LLAMA_3_1 | {
    "hidden_size": 8192, "intermediate_size": 28_672, "num_hidden_layers": 80, "num_attention_heads": 64,
}  # fmt: skip

MIXTRAL_8X7B = {
    "vocab_size": 32_000, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "num_local_experts": 8, "num_experts_per_tok": 2,
    "tie_word_embeddings": False,
}  # fmt: skip
"""Mixtral-8x7B-Instruct-v0.1, config.json: the base of BiMediX."""


@dataclass(frozen=True)
class Shape:
    """An architecture without weights."""

    language: PreTrainedConfig
    """Of the language model."""
    vision: CLIPVisionConfig | None = None
    """Of the vision encoder; None for a model that reads text only."""

    @classmethod
    def of(cls, config: PreTrainedConfig) -> "Shape":
        """The shape of a model by its config: a LLaVA, or a causal language model."""
        return cls(config.text_config, config.vision_config) if isinstance(config, LlavaConfig) else cls(config)

    @property
    def n_image_tokens(self) -> int:
        """Features (and so tokens) of one image."""
        return 0 if self.vision is None else (self.vision.image_size // self.vision.patch_size) ** 2


@dataclass(frozen=True)
class Counts:
    """How many weights a shape has, by what has to hold or move them."""

    parts: ParameterCounts
    """Vision encoder, projector, language model, its head."""
    active: int
    """Weights of the language model and its head that work on one token; fewer than it has where experts are chosen."""

    @property
    def total(self) -> int:
        """All weights."""
        return self.language + self.parts.vision_tower + self.parts.projector

    @property
    def language(self) -> int:
        """Weights of the language model with its head, as its publishers count them."""
        return self.parts.language_model + self.parts.lm_head


SHAPES = {
    "bimedix2_8b": Shape(LlamaConfig(**LLAMA_3_1_8B), CLIPVisionConfig(**CLIP_L_336)),
    "bimedix2_70b": Shape(LlamaConfig(**LLAMA_3_1_70B), CLIPVisionConfig(**CLIP_L_336)),
    "bimedix_moe": Shape(MixtralConfig(**MIXTRAL_8X7B)),
}
"""The models of the two papers, but for the 4B."""

THE_4B = (
    "BiMediX2 4B has no profile. Its base, Phi-3.5-vision, is code of its own on the hub, which this project does not "
    "run (trust_remote_code); the 4B is measured through an endpoint, and its size is cited."
)

PHI_3_5_VISION = 4.2e9
"""Weights of the 4B's base, Phi-3.5-vision-instruct, as its model card says: cited, not counted."""

PUBLISHED = {
    "meta-llama/Meta-Llama-3.1-8B-Instruct": "bimedix2_8b",
    "meta-llama/Meta-Llama-3.1-70B-Instruct": "bimedix2_70b",
    "MBZUAI/BiMediX2-8B": "bimedix2_8b",
    "MBZUAI/BiMediX2-8B-Bi": "bimedix2_8b",
    "MBZUAI/BiMediX2-70B": "bimedix2_70b",
    "mistralai/Mixtral-8x7B-v0.1": "bimedix_moe",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "bimedix_moe",
    "BiMediX/BiMediX-Eng": "bimedix_moe",
    "BiMediX/BiMediX-Ara": "bimedix_moe",
    "BiMediX/BiMediX-Bi": "bimedix_moe",
}
"""The shape a model on the hub has, or is the language model of (with the paper's vision encoder)."""


def shape_of(weights: str, folder: Path) -> Shape | None:
    """The shape of a model on the hub, by its id, or of a checkpoint below ``folder``; None where neither is known."""
    if weights in PUBLISHED:
        return SHAPES[PUBLISHED[weights]]
    if not (folder / weights / "config.json").is_file():
        return None
    return Shape.of(AutoConfig.from_pretrained(folder / weights))


def is_mixture(language: PreTrainedConfig) -> bool:
    """Whether the feed-forward part of each layer is a number of experts with a router, as in Mixtral."""
    return hasattr(language, "num_local_experts")


def count(shape: Shape) -> Counts:
    """Count the weights of a shape on the meta device: no memory, no download."""
    model = on_meta(shape)
    if shape.vision is None:
        head = model.lm_head.weight.numel()
        parts = ParameterCounts(0, 0, sum(weight.numel() for weight in model.parameters()) - head, head)
    else:
        parts = count_parameters(model)
    experts = sum(weight.numel() for name, weight in model.named_parameters() if ".experts." in name)
    idle = 1 - shape.language.num_experts_per_tok / shape.language.num_local_experts if experts else 0
    return Counts(parts, parts.language_model + parts.lm_head - round(experts * idle))


def count_lora(shape: Shape, *, rank: int) -> int:
    """Count the weights that LoRA of this rank adds to the language model: of Stage 2, or of a mixture of experts."""
    if is_mixture(shape.language):
        adapted = add_mixture_lora(on_meta(shape), rank=rank, alpha=rank, seed=0)
    else:
        adapted = add_lora(on_meta(shape), rank=rank, alpha=rank, dropout=0.0, seed=0)
    return sum(weight.numel() for name, weight in adapted.named_parameters() if "lora_" in name)


def draw_lmm(
    shape: Shape, *, tokenizer: PreTrainedTokenizerFast, seed: int, dtype: torch.dtype, device: str = "cpu"
) -> Lmm:
    """A model of this shape with weights drawn from the seed: it proves a machine and knows nothing.

    Args:
        shape: what to draw; it has a vision encoder.
        tokenizer: any with an ``<image>`` token and no more tokens than the shape has rows for.
        seed: of all weights; torch's own generators are left as they were.
        dtype: of the weights.
        device: where they are drawn and stay.

    Raises:
        ModelError: the tokenizer has more tokens than the shape, or no ``<image>``.
    """
    if len(tokenizer) > shape.language.vocab_size:
        raise ModelError(f"{len(tokenizer)} tokens, but the shape has {shape.language.vocab_size} rows for them; "
                         "give a smaller tokenizer")  # fmt: skip
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    language = type(shape.language).from_dict(shape.language.to_dict() | ends)
    side = shape.vision.image_size
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )  # fmt: skip
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(seed)
        return assemble(
            AutoModel.from_config(shape.vision, dtype=dtype),
            AutoModelForCausalLM.from_config(language, dtype=dtype),
            tokenizer=tokenizer,
            image_processor=image_processor,
        )


def on_meta(shape: Shape) -> PreTrainedModel:
    """The model without values, to be counted."""
    with torch.device("meta"):
        if shape.vision is None:
            return AutoModelForCausalLM.from_config(shape.language)
        return LlavaForConditionalGeneration(llava_config(shape.vision, shape.language))


def published_name(params: Params) -> str | None:
    """Which model of the papers a profile trains; None where its base is another one."""
    base = params.model.base
    return PUBLISHED.get(base.language_model if isinstance(base, BaseParts) else str(base))
