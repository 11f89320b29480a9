"""Said tokens: which tokens of a conversation belong to what someone says, and which to the chat template."""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample, n_images, text_of


@dataclass(frozen=True)
class SaidTokens:
    """A conversation as tokens."""

    input_ids: list[int]
    """int[T], as the chat template sets it."""
    is_said: list[bool]
    """bool[T]: true where a token shares a character with a turn's text."""
    words: list[str]
    """T texts: the characters of each token that is said, without space around; empty for the others. A token that is
    part of a letter has the whole letter."""


def said_tokens(sample: Sample, tokenizer) -> SaidTokens:
    """Read a conversation as a model reads it, and find what is said in it.

    Args:
        sample: turns of text, without images.
        tokenizer: a fast tokenizer with any chat template that sets every turn's text as it is.

    Raises:
        DataError: the sample has images, or the template leaves out or changes a turn's text.
    """
    if n_images(sample.messages):
        raise DataError(f"sample {sample.id!r} ({sample.language}) has images; expected turns of text only; drop it")
    rendered = tokenizer.apply_chat_template(list(sample.messages), tokenize=False)
    said = _spans(rendered, [text_of(message).strip() for message in sample.messages], sample)
    encoded = tokenizer(rendered, add_special_tokens=False, return_offsets_mapping=True)
    offsets = encoded["offset_mapping"]
    is_said = [any(start < last and first < end for first, last in said) for start, end in offsets]
    words = [rendered[start:end].strip() if own else "" for (start, end), own in zip(offsets, is_said, strict=True)]
    return SaidTokens(encoded["input_ids"], is_said, words)


def _spans(rendered: str, texts: Sequence[str], sample: Sample) -> list[tuple[int, int]]:
    """Where each turn's text stands."""
    spans, place = [], 0
    for text in texts:
        start = rendered.find(text, place)
        if start < 0:
            raise DataError(
                f"sample {sample.id!r} ({sample.language}): the chat template leaves out or changes {text[:60]!r}; "
                "give one that sets every turn's text as it is"
            )
        place = start + len(text)
        spans.append((start, place))
    return spans
