"""Estimates: tokens that nobody has counted: of a request before it is sent, or where an endpoint gives no count.

The rule: a text has a token for every `BYTES_PER_TOKEN` bytes of UTF-8, rounded up; an image has `IMAGE_TOKENS`. Both
are chosen to err upwards, so that a budget ends early rather than late.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bimedix2_core.endpoint.replies import Reply

BYTES_PER_TOKEN = 3.0
"""UTF-8 bytes that make a token, assumed: English text has about four, Arabic text three or more."""

IMAGE_TOKENS = 1500
"""Tokens of an image, assumed; its bytes say nothing, since endpoints count by pixels."""


def text_tokens(text: str) -> int:
    """Tokens of a text, about."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def request_tokens(payload: Mapping[str, Any]) -> int:
    """Tokens of a request's prompt, about: of its ``prompt``, or of the texts and images of its ``messages``.

    Example:
        >>> request_tokens({"messages": [{"role": "user", "content": "Is it left?"}]})  # 11 bytes
        4
    """
    parts = list(_parts(payload))
    texts = "".join(part["text"] for part in parts if part["type"] == "text")
    return text_tokens(texts) + IMAGE_TOKENS * sum(part["type"] != "text" for part in parts)


def with_estimates(reply: Reply, payload: Mapping[str, Any]) -> Reply:
    """The reply with an estimate for each count of tokens that the endpoint did not give.

    A count of 0 is none: each request has a token, and each text that is not empty.
    """
    return replace(
        reply,
        estimated_prompt_tokens=0 if reply.prompt_tokens else request_tokens(payload),
        estimated_completion_tokens=0 if reply.completion_tokens else text_tokens(reply.text),
    )


def _parts(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Parts of all messages, in OpenAI's form; a plain text is one part."""
    if "prompt" in payload:
        yield {"type": "text", "text": payload["prompt"]}
        return
    for turn in payload["messages"]:
        content = turn["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content
