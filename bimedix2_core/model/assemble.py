"""Assemble: vision encoder, projector and language model become one plain ``LlavaForConditionalGeneration``.

The same functions put together the tiny base of the demo and the 8B of the paper (section 2): CLIP ViT-L/14-336 read at
layer -2 without its class token, an untrained two-layer MLP with GELU, Llama 3.1. What comes out is saved with
``save_pretrained`` and loads in vLLM, ``transformers serve`` and other trainers.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

from bimedix2_core.data.chat import CHAT_TEMPLATE, END_OF_TURN, IMAGE_TOKEN
from bimedix2_core.errors import ModelError
from bimedix2_core.model.frozen_base import FrozenBase, freeze_as, nf4_config

VISION_FEATURE_LAYER = -2
"""Which hidden state of CLIP the projector reads (official scripts; LLaVA-1.5)."""

RESERVED_TOKEN = "<|reserved_special_token_0|>"
"""The unused token of Llama 3 that becomes ``<image>``, so that the vocabulary keeps its 128,256 rows."""

PAD_TOKEN = "<|finetune_right_pad_id|>"
"""Llama 3.1's own padding token; LLaVA++ adds another and so resizes the embedding to 128,257 rows."""


@dataclass(frozen=True)
class Lmm:
    """A large multimodal model with what turns samples into its inputs."""

    model: nn.Module
    """``LlavaForConditionalGeneration``, or the same wrapped by PEFT."""
    processor: LlavaProcessor

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The language model's own tokenizer."""
        return self.processor.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return next(self.model.parameters()).device

    @property
    def n_image_tokens(self) -> int:
        """Features (and so tokens) that one image takes."""
        return self.model.config.image_seq_length

    def pixel_values(self, images: list[Image.Image]) -> Tensor:
        """What the vision encoder reads, float[I, 3, H, W], on the model's device."""
        return pixel_values(self.processor, images).to(self.device)


@dataclass(frozen=True)
class ParameterCounts:
    """Number of weights in each part of the model."""

    vision_tower: int
    projector: int
    language_model: int
    lm_head: int
    """0 where the head shares the embedding's weights."""


def assemble(
    vision_tower: CLIPVisionModel,
    language_model: LlamaForCausalLM,
    *,
    tokenizer: PreTrainedTokenizerFast,
    image_processor: CLIPImageProcessorPil,
) -> Lmm:
    """Join trained parts by an untrained projector: what Stage 1 starts from.

    The parts are moved in, not copied; only the projector is new (its weights drawn as ``nn.Linear`` draws them, from
    torch's generator).

    Raises:
        ModelError: the tokenizer has no ``<image>`` token.
    """
    config = llava_config(vision_tower.config, language_model.config, image_token_index=_image_token_index(tokenizer))
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(config)
    model.model.vision_tower = vision_tower
    model.model.language_model = language_model.model
    model.lm_head = language_model.lm_head
    with language_model.device:
        model.model.multi_modal_projector = LlavaMultiModalProjector(config).to(language_model.dtype)
    model.generation_config = language_model.generation_config
    return Lmm(model.eval(), _processor(config, tokenizer, image_processor))


def llava_config(vision: CLIPVisionConfig, language: PreTrainedConfig, **tokens: int) -> LlavaConfig:
    """The configuration of a LLaVA as the paper puts it together: CLIP at layer -2, two projector layers with GELU.

    Args:
        vision: of the vision encoder.
        language: of the language model.
        tokens: ``image_token_index``, where a tokenizer is at hand.
    """
    return LlavaConfig(
        vision_config=vision,
        text_config=language,
        projector_hidden_act="gelu",
        vision_feature_select_strategy="default",
        vision_feature_layer=VISION_FEATURE_LAYER,
        image_seq_length=(vision.image_size // vision.patch_size) ** 2,
        tie_word_embeddings=language.tie_word_embeddings,
        **tokens,
    )


def load_lmm(folder: str | Path, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Lmm:
    """Load a checkpoint saved with ``save_lmm`` (or any Hugging Face LLaVA of CLIP and Llama) from safetensors.

    Args:
        folder: where it is (a path), or its id on the hub (text).
        dtype: number format of the weights.
        device: ``cpu`` or ``cuda``.

    Raises:
        ModelError: the folder is not a checkpoint.
    """
    if isinstance(folder, Path) and not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json there, so it is no checkpoint; give a folder made by save_lmm")
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=dtype, use_safetensors=True)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    image_processor = CLIPImageProcessorPil.from_pretrained(folder)
    return Lmm(model.to(device).eval(), _processor(model.config, tokenizer, image_processor))


def load_parts(
    vision_tower: str,
    language_model: str,
    *,
    dtype: torch.dtype,
    device: str = "cpu",
    frozen_base: FrozenBase = "plain",
) -> Lmm:
    """Load the parts from the hub or from folders, and assemble them as the paper does.

    Llama 3.1 has no image token: ``<image>`` takes the first of its reserved tokens, so the vocabulary keeps its size
    (LLaVA++ adds a token and resizes the embedding to 128,257 rows).

    Args:
        vision_tower: CLIP's id or folder.
        language_model: Llama's id or folder.
        dtype: number format of the weights.
        device: ``cpu`` or ``cuda``.
        frozen_base: as ``freeze_as`` has it; ``nf4`` is packed weight by weight, so a GPU of 80 GB takes the 70B.

    Raises:
        ModelError: the tokenizer is not Llama 3's, or ``frozen_base`` cannot be had here.
    """
    quantisation = {"quantization_config": nf4_config(dtype), "device_map": device} if frozen_base == "nf4" else {}
    vision = CLIPVisionModel.from_pretrained(vision_tower, dtype=dtype, use_safetensors=True)
    language = LlamaForCausalLM.from_pretrained(language_model, dtype=dtype, use_safetensors=True, **quantisation)
    tokenizer = _name_image_token(PreTrainedTokenizerFast.from_pretrained(language_model))
    image_processor = CLIPImageProcessorPil.from_pretrained(vision_tower)
    lmm = assemble(vision.to(device), language.to(device), tokenizer=tokenizer, image_processor=image_processor)
    freeze_as(lmm.model, frozen_base)
    return lmm


def save_lmm(lmm: Lmm, folder: Path) -> None:
    """Save model and processor as a plain Hugging Face checkpoint (safetensors)."""
    lmm.model.save_pretrained(folder, safe_serialization=True)
    lmm.processor.save_pretrained(folder)


def pixel_values(processor: LlavaProcessor, images: list[Image.Image]) -> Tensor:
    """Return float[I, 3, H, W], images padded to a square with CLIP's mean colour, resized and normalised.

    Source:
        LLaVA-1.5's ``image_aspect_ratio pad`` (``expand2square``); the official stage 2 script uses it too.
    """
    square = [_pad_to_square(image, processor.image_processor.image_mean) for image in images]
    return processor.image_processor(square, return_tensors="pt")["pixel_values"]


def count_parameters(model: LlavaForConditionalGeneration) -> ParameterCounts:
    """Count the weights of each part; works on the meta device."""
    tied = model.lm_head.weight is model.model.language_model.embed_tokens.weight
    return ParameterCounts(
        vision_tower=_count(model.model.vision_tower),
        projector=_count(model.model.multi_modal_projector),
        language_model=_count(model.model.language_model),
        lm_head=0 if tied else _count(model.lm_head),
    )


def _name_image_token(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    state = tokenizer.backend_tokenizer.to_str()
    if RESERVED_TOKEN not in state:
        raise ModelError(
            f"the tokenizer has no {RESERVED_TOKEN!r} to rename to {IMAGE_TOKEN!r}; give a Llama 3 tokenizer"
        )
    renamed = Tokenizer.from_str(state.replace(RESERVED_TOKEN, IMAGE_TOKEN))
    return PreTrainedTokenizerFast(
        tokenizer_object=renamed,
        bos_token=tokenizer.bos_token,
        eos_token=END_OF_TURN,
        pad_token=PAD_TOKEN,
        additional_special_tokens=[IMAGE_TOKEN],
    )


def _pad_to_square(image: Image.Image, mean: list[float]) -> Image.Image:
    side = max(image.size)
    if image.size == (side, side):
        return image
    colour = tuple(int(255 * channel) for channel in mean)
    padded = Image.new("RGB", (side, side), colour)
    padded.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return padded


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _image_token_index(tokenizer: PreTrainedTokenizerFast) -> int:
    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    if image_id is None or image_id == tokenizer.unk_token_id:
        raise ModelError(
            f"the tokenizer has no token {IMAGE_TOKEN!r}; a reserved token can be renamed to it, as load_parts does"
        )
    return image_id


def _processor(config: LlavaConfig, tokenizer, image_processor) -> LlavaProcessor:
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
