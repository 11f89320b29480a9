"""Chat: messages become tokens, and each token learns whether it is supervised.

Labels are never shifted. ``labels[i]`` is ``input_ids[i]`` or ``IGNORE_INDEX``; Hugging Face models shift inside their
``forward``, and a second shift would train a model to predict two tokens ahead without any error.

The mask is made here and nowhere else, from the spans of the chat template, before images are expanded. LLaVA recovers
it by tokenising the pieces again and silently ignores a sample whose lengths disagree; here a mismatch is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Sample, n_images

IGNORE_INDEX = -100
"""Label of a token that does not count in the loss."""

IMAGE_TOKEN = "<image>"
"""Placeholder in text; one for each image, expanded to one token per image feature."""

END_OF_TURN = "<|eot_id|>"

CHAT_TEMPLATE = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}"
    "{%- for part in message['content'] -%}{{- part['text'] | trim -}}{%- endfor -%}{{- '<|eot_id|>' -}}"
    "{%- endgeneration -%}"
    "{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{- '<image>\\n' -}}{%- else -%}{{- part['text'] | trim -}}{%- endif -%}"
    "{%- endfor -%}{{- '<|eot_id|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}"
    "{%- endif -%}"
)
"""Llama 3's turns, with images where the user put them and ``generation`` marks around what the assistant says."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sample as tokens, images already expanded.

    Lists, not tensors: a sample is read many times and padded once.
    """

    sample_id: str
    input_ids: list[int]
    """int[T], image placeholders repeated once per image feature."""
    labels: list[int]
    """int[T], ``input_ids`` where the assistant speaks, ``IGNORE_INDEX`` elsewhere. Not shifted."""
    n_images: int

    @property
    def n_supervised(self) -> int:
        """Number of tokens that count in the loss."""
        return sum(label != IGNORE_INDEX for label in self.labels)


def encode(sample: Sample, tokenizer, *, n_image_tokens: int) -> Encoded:
    """Turn a sample into tokens and labels.

    Args:
        sample: messages in reading order; one image per image part.
        tokenizer: a fast tokenizer whose chat template is ``CHAT_TEMPLATE``.
        n_image_tokens: features that the projector returns for one image.

    Returns:
        Encoded, with loss on what the assistant says including its ``<|eot_id|>``.

    Raises:
        DataError: image parts and images differ in number, a text holds a reserved token, or nothing is supervised.
    """
    _check_images(sample)
    rendered = _render(sample.messages, tokenizer, name=f"sample {_name(sample)}", add_generation_prompt=False)
    supervised = rendered["assistant_masks"]
    if not any(supervised):
        raise DataError(f"sample {_name(sample)}: no assistant turn with text, so nothing to learn; add one or drop it")
    labels = [token if said else IGNORE_INDEX for token, said in zip(rendered["input_ids"], supervised, strict=True)]
    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    return Encoded(
        sample_id=_name(sample),
        input_ids=_expand(rendered["input_ids"], rendered["input_ids"], image_id, n_image_tokens),
        labels=_expand(labels, rendered["input_ids"], image_id, n_image_tokens),
        n_images=len(sample.images),
    )


def encode_prompt(messages: Sequence[Message], tokenizer, *, n_images: int, n_image_tokens: int) -> list[int]:
    """Turn messages into the tokens after which the assistant speaks.

    Returns:
        int[T], image placeholders expanded, ending with the assistant's header.

    Raises:
        DataError: image parts and ``n_images`` differ, or a text holds a reserved token.
    """
    _check_count(messages, n_images, name="the prompt")
    rendered = _render(messages, tokenizer, name="the prompt", add_generation_prompt=True)
    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    return _expand(rendered["input_ids"], rendered["input_ids"], image_id, n_image_tokens)


def _render(messages: Sequence[Message], tokenizer, *, name: str, add_generation_prompt: bool):
    _check_reserved(messages, tokenizer, name=name)
    return tokenizer.apply_chat_template(
        list(messages),
        add_generation_prompt=add_generation_prompt,
        return_dict=True,
        return_assistant_tokens_mask=not add_generation_prompt,
    )


def _expand(values: list[int], tokens: list[int], image_id: int, n_image_tokens: int) -> list[int]:
    """Repeat each value whose token is an image placeholder."""
    expanded = []
    for value, token in zip(values, tokens, strict=True):
        expanded.extend([value] * (n_image_tokens if token == image_id else 1))
    return expanded


def _check_images(sample: Sample) -> None:
    _check_count(sample.messages, len(sample.images), name=f"sample {_name(sample)}")


def _check_count(messages: Sequence[Message], n_given: int, *, name: str) -> None:
    n_parts = n_images(messages)
    if n_parts != n_given:
        raise DataError(
            f"{name}: {n_parts} image parts in its messages but {n_given} images; each image needs one part, "
            "in reading order"
        )


def _check_reserved(messages: Sequence[Message], tokenizer, *, name: str) -> None:
    """A text that spells a special token would be read as one: a forged turn, or an image that is not there."""
    reserved = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    for index, message in enumerate(messages):
        for part in message["content"]:
            found = [token for token in reserved if part["type"] == "text" and token in part["text"]]
            if found:
                raise DataError(
                    f"{name}, turn {index}: the text holds the reserved token {found[0]!r}; "
                    "images are parts of a message and turns are messages, so remove it from the text"
                )


def _name(sample: Sample) -> str:
    return f"{sample.id}-{sample.language}"
