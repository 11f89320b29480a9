"""Generate: answers in batches, from messages with or without images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from bimedix2_core.data.chat import END_OF_TURN, encode_prompt
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import pad_lists
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import Sample


@dataclass(frozen=True)
class Prompts:
    """Some prompts as left-padded model inputs, and where they stood."""

    indices: list[int]
    inputs: dict[str, torch.Tensor]
    """input_ids int64[B, T], attention_mask int64[B, T], pixel_values float[I, 3, H, W] if any has an image."""


def generate(
    lmm: Lmm, samples: Sequence[Sample], *, settings: InferenceParams, seed: int = 0, title: str = "answers"
) -> list[str]:
    """Answer each sample's prompt.

    Greedy where the temperature is 0: then an answer depends neither on its neighbours in the batch nor on the seed.

    Returns:
        One text per sample, in the order of the samples, without special tokens.

    Raises:
        DataError: a sample's images and image parts differ in number.
    """
    torch.manual_seed(seed)
    answers = [""] * len(samples)
    sampling = _sampling(settings)
    with tqdm(total=len(samples), desc=title, unit="answer") as bar:
        for prompts in prompt_batches(lmm, samples, batch_size=settings.batch_size):
            tokens = _generate(lmm, prompts, settings.max_new_tokens, sampling)
            texts = lmm.tokenizer.batch_decode(tokens, skip_special_tokens=True)
            for index, text in zip(prompts.indices, texts, strict=True):
                answers[index] = text.strip()
            bar.update(len(prompts.indices))
    return answers


def prompt_batches(lmm: Lmm, samples: Sequence[Sample], *, batch_size: int) -> Iterator[Prompts]:
    """Yield the prompts of all samples, longest first, so that a batch pads little and memory peaks at once."""
    encoded = [
        encode_prompt(sample.prompt, lmm.tokenizer, n_images=len(sample.images), n_image_tokens=lmm.n_image_tokens)
        for sample in samples
    ]
    order = sorted(range(len(samples)), key=lambda index: (-len(encoded[index]), index))
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        rows = [encoded[index] for index in indices]
        inputs = {
            "input_ids": pad_lists(rows, lmm.tokenizer.pad_token_id, side="left").to(lmm.device),
            "attention_mask": pad_lists([[1] * len(row) for row in rows], 0, side="left").to(lmm.device),
        }
        images = [image for index in indices for image in samples[index].images]
        if images:
            inputs["pixel_values"] = lmm.pixel_values(images)
        yield Prompts(indices, inputs)


@torch.inference_mode()
def _generate(lmm: Lmm, prompts: Prompts, max_new_tokens: int, sampling: dict) -> torch.Tensor:
    tokens = lmm.model.generate(
        **prompts.inputs,
        **sampling,
        max_new_tokens=max_new_tokens,
        pad_token_id=lmm.tokenizer.pad_token_id,
        eos_token_id=lmm.tokenizer.convert_tokens_to_ids(END_OF_TURN),
    )
    return tokens[:, prompts.inputs["input_ids"].shape[1] :]


def _sampling(settings: InferenceParams) -> dict:
    if settings.temperature == 0:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p}
