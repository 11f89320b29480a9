"""Tiny named things for tests: a model small enough to train in a test, of the very classes of the 8B."""

import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from bimedix2_core.demo.tiny_base import train_tokenizer
from bimedix2_core.model.assemble import Lmm, assemble
from bimedix2_core.params import InferenceParams, Stage2Params, StageParams
from bimedix2_core.records import Sample, message

PIXELS = 28
GREEDY = InferenceParams(batch_size=4, max_new_tokens=6, temperature=0.0, top_p=1.0)

QUESTIONS = {
    "en": ("Is the lesion on the left?", "Yes, on the left."),
    "ar": ("هل تقع الآفة في الجهة اليسرى؟", "نعم، في الجهة اليسرى."),
}


def colour_image(level: int) -> Image.Image:
    """A plain square; the level is its brightness."""
    return Image.new("RGB", (PIXELS, PIXELS), (level, level, level))


def sample(
    *, language: str = "en", n_images: int = 1, question: str | None = None, answer: str | None = None, name: str = "s"
) -> Sample:
    """One question with its answer and images."""
    asked, answered = QUESTIONS[language]
    return Sample(
        id=name,
        language=language,
        task="closed",
        source="test",
        messages=[message("user", question or asked, images=n_images), message("assistant", answer or answered)],
        images=[colour_image(40 * (index + 1)) for index in range(n_images)],
        kind="side",
    )


def mixed_samples(n: int = 8) -> list[Sample]:
    """Samples of different lengths, both languages, with and without image."""
    return [
        sample(
            name=f"s{index}",
            language="ar" if index % 2 else "en",
            n_images=index % 3 != 0,
            answer=" ".join(["left"] * (1 + index % 4)),
        )
        for index in range(n)
    ]


def tiny_lmm(seed: int = 0) -> Lmm:
    """2 layers, D=16, GQA 4/2, 28-pixel images in 4 patches: a complete LLaVA with random weights."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer([sample(language=language, n_images=0) for language in QUESTIONS])
    vision = CLIPVisionModel(
        CLIPVisionConfig(
            image_size=PIXELS,
            patch_size=14,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
        )
    )
    language_model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=320,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": PIXELS}, crop_size={"height": PIXELS, "width": PIXELS}
    )
    return assemble(vision, language_model, tokenizer=tokenizer, image_processor=image_processor)


def stage1_settings(**changes) -> StageParams:
    """Four steps of four samples."""
    return StageParams(**(_STAGE | changes))


def stage2_settings(**changes) -> Stage2Params:
    """Four steps of four samples, rank 2."""
    adapters = {"lora_r": 2, "lora_alpha": 4, "lora_dropout": 0.0, "projector_learning_rate": 1.0e-2,
                "adapter_dtype": "float32"}  # fmt: skip
    return Stage2Params(**(_STAGE | adapters | changes))


_STAGE = {
    "learning_rate": 1.0e-2,
    "global_batch_size": 4,
    "row_length": 256,
    "share_images": True,
    "loss_weighting": "tokens",
    "epochs": None,
    "max_steps": 4,
    "warmup_ratio": 0.25,
    "weight_decay": 0.0,
    "max_length": 256,
    "too_long": "error",
    "max_grad_norm": 1.0,
    "checkpoint_every": 100,
    "keep_checkpoints": 2,
    "activation_checkpointing": "none",
    "compile_layers": False,
    "image_workers": 0,
    "tensorboard": False,
}
