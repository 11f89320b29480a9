"""Chat templates for training: `generation` marks say what the assistant says, so that the loss falls on it alone.

Published tokenizers carry templates without such marks, or none. A marked one takes their place here and never changes
what a prompt is: rendered and tokenised, it gives the tokens that the published one gives.
"""

from transformers import PreTrainedTokenizerBase

from bimedix2_core.data.chat import CHAT_TEMPLATE, END_OF_TURN, HEADER, INSTRUCTION, has_marks, token_id
from bimedix2_core.errors import DataError

_INSTRUCT = (
    "{%- macro text(message) -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{- raise_exception('No place for images.') -}}{%- endif -%}"
    "{{- part['text'] -}}"
    "{%- endfor -%}"
    "{%- endmacro -%}"
    "{%- set turns, system = messages, '' -%}"
    "{%- if messages[0]['role'] == 'system' -%}"
    "{%- set turns, system = messages[1:], text(messages[0]) + '\\n\\n' -%}"
    "{%- endif -%}"
    "{{- bos_token -}}"
    "{%- for message in turns -%}"
    "{%- if message['role'] != ('assistant' if loop.index0 % 2 else 'user') -%}"
    "{{- raise_exception('After the system turn, if any, user and assistant take turns.') -}}"
    "{%- endif -%}"
    "{%- if message['role'] == 'user' -%}"
    "{{- 'BEFORE_USER[INST] ' + (system if loop.first else '') + text(message) + ' [/INST]' -}}"
    "{%- else -%}"
    "{%- generation -%}{{- 'BEFORE_ANSWER' + text(message) + eos_token -}}{%- endgeneration -%}"
    "{%- endif -%}"
    "{%- endfor -%}"
)


def _instruct(before_user: str, before_answer: str) -> str:
    return _INSTRUCT.replace("BEFORE_USER", before_user).replace("BEFORE_ANSWER", before_answer)


INSTRUCT_TEMPLATE = _instruct("", " ")
"""Mixtral's turns, ``<s>[INST] user [/INST] assistant</s>``; a system turn opens the first user turn.

To a tokenizer of early 2024, which puts a space before what follows a special token, these are the tokens of Mistral's
own reference: each piece tokenised by itself, with a space before it.

Source:
    mistralai/Mixtral-8x7B-Instruct-v0.1, README.md, "Instruction format"; FastChat, conversation template ``mistral``.
    The system turn: that repository's ``tokenizer_config.json`` since August 2024.
"""

PUBLISHED_INSTRUCT = (_instruct("", ""), _instruct(" ", " "), INSTRUCT_TEMPLATE)
"""What tokenizers of the family carry, marked: Mixtral-8x7B-Instruct-v0.1 of December 2023, of August 2024, and ours.

The first lets an answer that begins with a bracket grow into one token with the end of the prompt, ``](``.
"""

PROBE = tuple(
    {"role": role, "content": text}
    for role, text in (("user", "Is it?"), ("assistant", "Yes."), ("user", "Sure?"))
)  # fmt: skip
"""Rendered by two templates to see that they say the same."""


def with_training_template(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Give a tokenizer a template with generation marks, in place; one that has them keeps its own.

    Llama 3's headers in the vocabulary get ``CHAT_TEMPLATE``. A template of Mistral's ``[INST]`` kind gets the marked
    one that renders alike; a tokenizer of that kind without a template gets ``INSTRUCT_TEMPLATE``.

    Returns:
        The same tokenizer.

    Raises:
        DataError: its template is none of these.
    """
    if has_marks(tokenizer):
        return tokenizer
    known = template_of(tokenizer)
    if known is None:
        raise DataError(
            "the tokenizer's chat template has no generation marks, and it is neither Llama 3's nor Mistral's; give a "
            "tokenizer whose template puts {% generation %} around what the assistant says"
        )
    tokenizer.chat_template = known
    return tokenizer


def template_of(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The marked template that fits a tokenizer; None where none does."""
    if token_id(tokenizer, HEADER) is not None:
        return CHAT_TEMPLATE
    if tokenizer.chat_template is None:
        return INSTRUCT_TEMPLATE if _is_of_mistrals_kind(tokenizer) else None
    if INSTRUCTION not in tokenizer.get_chat_template():
        return None
    published = tokenizer.apply_chat_template(list(PROBE), tokenize=False)
    parts = [turn | {"content": [{"type": "text", "text": turn["content"]}]} for turn in PROBE]
    return next(
        (
            marked
            for marked in PUBLISHED_INSTRUCT
            if tokenizer.apply_chat_template(parts, chat_template=marked, tokenize=False) == published
        ),
        None,
    )


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token an assistant's turn ends with: Llama 3's own where the vocabulary has it, else the end of sequence."""
    index = token_id(tokenizer, END_OF_TURN)
    return tokenizer.eos_token_id if index is None else index


def _is_of_mistrals_kind(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Llama's first vocabulary and its descendants: sentencepiece's pieces between ``<s>`` and ``</s>``."""
    return (tokenizer.bos_token, tokenizer.eos_token) == ("<s>", "</s>") and token_id(tokenizer, "\u2581") is not None
