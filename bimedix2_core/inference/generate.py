"""Generate: answers in batches, from messages with or without images, or from plain text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from bimedix2_core.data.chat import IMAGE_TOKEN, encode_prompt, image_token
from bimedix2_core.data.chat_templates import end_of_turn
from bimedix2_core.errors import DataError
from bimedix2_core.inference.shared_prefix import batch_inputs, batches_of, groups_of
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import pad_lists
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import Query, Sample


@dataclass(frozen=True)
class Prompts:
    """Some prompts as left-padded model inputs, and where they stood."""

    indices: list[int]
    inputs: dict[str, torch.Tensor]
    """input_ids int64[B, T], attention_mask int64[B, T], pixel_values float[I, 3, H, W] if any has an image."""


def generate(
    lmm: Lmm, asked: Sequence[Sample | Query], *, settings: InferenceParams, seed: int = 0, title: str = "answers"
) -> list[str]:
    """Answer each prompt: messages through the chat template, text as it stands.

    Prompts that begin with the same images read them once (`shared_prefix`): the answers are the same, sooner.
    Greedy where the temperature is 0: then an answer depends neither on its neighbours nor on the seed (to rounding:
    two tokens that are equally likely may change places). Sampled answers are drawn one batch after another from one
    stream: the same seed repeats them where the same prompts are asked together in batches of the same size.

    Returns:
        One text per sample or query, in their order, without special tokens.

    Raises:
        DataError: images and image parts differ in number, or a text holds a reserved token or is no token.
    """
    torch.manual_seed(seed)
    answers = [""] * len(asked)
    with tqdm(total=len(asked), desc=title, unit="answer") as bar:
        for indices, texts in _answered(lmm, asked, settings):
            for index, text in zip(indices, texts, strict=True):
                answers[index] = text
            bar.update(len(indices))
    return answers


def prompt_batches(lmm: Lmm, asked: Sequence[Sample | Query], *, batch_size: int) -> Iterator[Prompts]:
    """Yield the prompts of all samples, longest first, so that a batch pads little and memory peaks at once."""
    yield from _batches(lmm, asked, dict(enumerate(_encoded(lmm, asked))), batch_size=batch_size)


def prompt_tokens(lmm: Lmm, one: Sample | Query) -> list[int]:
    """The tokens a model continues: messages with template and assistant's header, or a text as it stands.

    Raises:
        DataError: images and image parts differ in number, or a text holds a reserved token or is no token; the message
            names the sample or query.
    """
    if isinstance(one.prompt, str):
        tokens = text_tokens(lmm.tokenizer, [one.prompt])[0]
        check_text(lmm, one, tokens)
        return tokens
    try:
        return encode_prompt(one.prompt, lmm.tokenizer, n_images=len(one.images), n_image_tokens=lmm.n_image_tokens)
    except DataError as error:
        raise DataError(f"{one.id!r}: {error}") from None


def text_tokens(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Tokens of each text, with the special ones that the tokenizer adds; none where a text begins with the first.

    Source:
        lm-evaluation-harness 0.4.13, ``HFLM.tok_encode``. Llama 3's tokenizer adds ``<|begin_of_text|>``.
    """
    if not texts:
        return []
    start = tokenizer.decode(start_token(tokenizer))
    encoded = tokenizer(list(texts), verbose=False)["input_ids"]
    return [
        tokenizer.encode(text, add_special_tokens=False) if text.startswith(start) else tokens
        for text, tokens in zip(texts, encoded, strict=True)
    ]


def start_token(tokenizer) -> int:
    """The token a text begins with: beginning of sequence, or its end for tokenizers that have no beginning."""
    return tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id


def check_text(lmm: Lmm, query: Query, tokens: Sequence[int]) -> None:
    """Hold that a text prompt has tokens and no image.

    Raises:
        DataError: it has none, or an image or the image token comes with it.
    """
    if not tokens:
        raise DataError(f"query {query.id!r}: its prompt {query.prompt!r} is no token; give the model a text to go on")
    if query.images or image_token(lmm.tokenizer) in tokens:
        raise DataError(
            f"query {query.id!r}: its prompt is a text with {len(query.images)} images, or spells {IMAGE_TOKEN}; "
            "images are parts of messages, so give messages as prompt"
        )


def _answered(
    lmm: Lmm, asked: Sequence[Sample | Query], settings: InferenceParams
) -> Iterator[tuple[list[int], list[str]]]:
    """Places and answers, batch by batch: first the prompts that share no image, then the groups that do."""
    encoded = _encoded(lmm, asked)
    groups = groups_of(lmm, asked, encoded)
    grouped = {index for group in groups for index in group.suffixes}
    others = {index: tokens for index, tokens in enumerate(encoded) if index not in grouped}
    for prompts in _batches(lmm, asked, others, batch_size=settings.batch_size):
        yield prompts.indices, _continued(lmm, prompts.inputs, settings)
    for batch in batches_of(lmm, groups, batch_size=settings.batch_size):
        yield batch.indices, _continued(lmm, batch_inputs(lmm, batch), settings)


def _encoded(lmm: Lmm, asked: Sequence[Sample | Query]) -> list[list[int]]:
    return [prompt_tokens(lmm, one) for one in asked]


def _batches(
    lmm: Lmm, asked: Sequence[Sample | Query], encoded: Mapping[int, list[int]], *, batch_size: int
) -> Iterator[Prompts]:
    """The prompts whose tokens are given by their places in ``asked``."""
    order = sorted(encoded, key=lambda index: (-len(encoded[index]), index))
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        rows = [encoded[index] for index in indices]
        inputs = {
            "input_ids": pad_lists(rows, lmm.tokenizer.pad_token_id, side="left").to(lmm.device),
            "attention_mask": pad_lists([[1] * len(row) for row in rows], 0, side="left").to(lmm.device),
        }
        images = [image for index in indices for image in asked[index].images]
        if images:
            inputs["pixel_values"] = lmm.pixel_values(images)
        yield Prompts(indices, inputs)


@torch.inference_mode()
def _continued(lmm: Lmm, inputs: dict, settings: InferenceParams) -> list[str]:
    tokens = lmm.model.generate(
        **inputs,
        **_sampling(settings),
        max_new_tokens=settings.max_new_tokens,
        pad_token_id=lmm.tokenizer.pad_token_id,
        eos_token_id=end_of_turn(lmm.tokenizer),
    )
    new = tokens[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in lmm.tokenizer.batch_decode(new, skip_special_tokens=True)]


def _sampling(settings: InferenceParams) -> dict:
    if settings.temperature == 0:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": settings.temperature, "top_p": settings.top_p}
