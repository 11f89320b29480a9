"""Chat: messages become tokens, and each token learns whether it is supervised.

Labels are never shifted. ``labels[i]`` is ``input_ids[i]`` or ``IGNORE_INDEX``; Hugging Face models shift inside their
``forward``, and a second shift would train a model to predict two tokens ahead without any error.

The mask is made here and nowhere else, from the spans of the chat template, before images are expanded. LLaVA recovers
it by tokenising the pieces again and silently ignores a sample whose lengths disagree; here a mismatch is an error.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Sample, n_images, text_of

IGNORE_INDEX = -100
"""Label of a token that does not count in the loss."""

IMAGE_TOKEN = "<image>"
"""Placeholder in text; one for each image, expanded to one token per image feature."""

END_OF_TURN = "<|eot_id|>"

HEADER = "<|start_header_id|>"
"""Begins a turn of Llama 3."""

INSTRUCTION = "[INST]"
"""Begins what the user says to Mistral's models; text, not a token."""

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
        tokenizer: a fast tokenizer whose chat template has generation marks, as ``CHAT_TEMPLATE`` and what
            `chat_templates.with_training_template` gives.
        n_image_tokens: features that the projector returns for one image; 0 for a model that sees none.

    Returns:
        Encoded, with loss on what the assistant says including the end of its turn.

    Raises:
        DataError: image parts and images differ in number, there are images for a model that sees none, a text holds a
            reserved token, the template has no marks, or nothing is supervised.
    """
    _check(sample.messages, len(sample.images), n_image_tokens, tokenizer, name=f"sample {_name(sample)}")
    if not has_marks(tokenizer):
        raise DataError("the tokenizer's chat template has no generation marks, so that nothing can be supervised; "
                        "train with what with_training_template(tokenizer) gives")  # fmt: skip
    rendered = _render(sample.messages, tokenizer, name=f"sample {_name(sample)}", is_prompt=False)
    supervised = rendered["assistant_masks"]
    if not any(supervised):
        raise DataError(f"sample {_name(sample)}: no assistant turn with text, so nothing to learn; add one or drop it")
    labels = [token if said else IGNORE_INDEX for token, said in zip(rendered["input_ids"], supervised, strict=True)]
    image_id = image_token(tokenizer)
    return Encoded(
        sample_id=_name(sample),
        input_ids=_expand(rendered["input_ids"], rendered["input_ids"], image_id, n_image_tokens),
        labels=_expand(labels, rendered["input_ids"], image_id, n_image_tokens),
        n_images=len(sample.images),
    )


def encode_prompt(messages: Sequence[Message], tokenizer, *, n_images: int, n_image_tokens: int) -> list[int]:
    """Turn messages into the tokens after which the assistant speaks.

    A published template, without generation marks, is given each turn as one text, which is what such templates read.

    Returns:
        int[T], image placeholders expanded, ending with the assistant's header.

    Raises:
        DataError: image parts and ``n_images`` differ, there are images for a model that sees none, a text holds a
            reserved token, or the tokenizer has no template.
    """
    _check(messages, n_images, n_image_tokens, tokenizer, name="the prompt")
    if not n_image_tokens and not has_marks(tokenizer):
        messages = [{**turn, "content": text_of(turn)} for turn in messages]
    rendered = _render(messages, tokenizer, name="the prompt", is_prompt=True)
    image_id = image_token(tokenizer)
    return _expand(rendered["input_ids"], rendered["input_ids"], image_id, n_image_tokens)


def token_id(tokenizer, token: str) -> int | None:
    """Id of a token; None where the vocabulary has none: a tokenizer itself answers with the unknown token."""
    index = tokenizer.convert_tokens_to_ids(token)
    return None if index == tokenizer.unk_token_id else index


def image_token(tokenizer) -> int | None:
    """Id of the image placeholder; None where the vocabulary has none."""
    return token_id(tokenizer, IMAGE_TOKEN)


def has_marks(tokenizer) -> bool:
    """Whether the chat template marks what the assistant says."""
    return tokenizer.chat_template is not None and bool(_MARK.search(tokenizer.get_chat_template()))


_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")


def _render(messages: Sequence[Message], tokenizer, *, name: str, is_prompt: bool):
    return tokenizer.apply_chat_template(
        list(messages),
        add_generation_prompt=is_prompt,
        return_dict=True,
        return_assistant_tokens_mask=not is_prompt,
    )


def _expand(values: list[int], tokens: list[int], image_id: int | None, n_image_tokens: int) -> list[int]:
    """Repeat each value whose token is an image placeholder."""
    expanded = []
    for value, token in zip(values, tokens, strict=True):
        expanded.extend([value] * (n_image_tokens if token == image_id else 1))
    return expanded


def _check(messages: Sequence[Message], n_given: int, n_image_tokens: int, tokenizer, *, name: str) -> None:
    n_parts = n_images(messages)
    if n_given and not n_image_tokens:
        raise DataError(f"{name}: {n_given} images for a model that reads text only; leave them out")
    if n_parts != n_given:
        raise DataError(
            f"{name}: {n_parts} image parts in its messages but {n_given} images; each image needs one part, "
            "in reading order"
        )
    if tokenizer.chat_template is None:
        raise DataError(f"{name}: messages, but the tokenizer has no chat template; ask in plain text, or give it one")
    reserved = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    if INSTRUCTION in tokenizer.get_chat_template():
        _check_turns(messages, name=name)
        reserved += [INSTRUCTION, "[/INST]"]
    _check_reserved(messages, reserved, name=name)


def _check_turns(messages: Sequence[Message], *, name: str) -> None:
    """Mistral's templates know no other order."""
    roles = [turn["role"] for turn in messages]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    if turns != [("user", "assistant")[index % 2] for index in range(len(turns))]:
        raise DataError(f"{name}: turns of {', '.join(roles)}; its chat template takes a system turn, if any, and then "
                        "user and assistant in turns")  # fmt: skip


def _check_reserved(messages: Sequence[Message], reserved: Sequence[str], *, name: str) -> None:
    """A text that spells a special token would be read as one: a forged turn, or an image that is not there."""
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
