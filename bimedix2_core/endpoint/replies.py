"""Replies: what a model said, read from the response of an OpenAI-compatible endpoint."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bimedix2_core.errors import EndpointError

LOWEST = -9999.0
"""What OpenAI and vLLM write for a log-probability of minus infinity, which JSON cannot hold."""

DECLINED = "refusal"
"""Reason to finish of an answer whose text is what stood in ``refusal``, without any content."""


@dataclass(frozen=True)
class TokenLogProb:
    """One token of an answer, or of a prompt that was echoed."""

    token: str
    """As the server spells it; half of a character becomes U+FFFD in most."""
    log_prob: float | None
    """Natural logarithm, `LOWEST` at least; None for the first token of a prompt, which follows nothing."""
    top: tuple[tuple[str, float], ...] = ()
    """The most likely tokens at its place, most likely first."""


@dataclass(frozen=True)
class Reply:
    """What a model said, and what it cost."""

    text: str
    finish_reason: str
    """As the endpoint gave it, or `DECLINED`."""
    prompt_tokens: int
    """As the endpoint counted them; 0 where it did not."""
    completion_tokens: int
    """As the endpoint counted them; 0 where it did not."""
    model: str = ""
    """The name the endpoint gave as its own; empty where it gave none."""
    log_probs: tuple[TokenLogProb, ...] | None = None
    """One for each token, those of an echoed prompt first; None where the endpoint gave none."""
    estimated_prompt_tokens: int = 0
    """What stands for a count that the endpoint did not give (`estimates`); 0 where it gave one."""
    estimated_completion_tokens: int = 0
    """The same for the answer."""

    @property
    def is_estimated(self) -> bool:
        """Whether the endpoint left out a count of tokens."""
        return bool(self.estimated_prompt_tokens or self.estimated_completion_tokens)


def read_reply(response: httpx.Response, path: str = "chat/completions") -> tuple[Reply | None, str]:
    """The reply of a response, or None and what is wrong with it.

    Args:
        response: of any status.
        path: where the request went; ``completions`` have another shape.

    Raises:
        EndpointError: tokens and log-probabilities do not pair up.
    """
    if response.status_code != 200:
        return None, f"status {response.status_code}"
    try:
        found = response.json()
        if len(found["choices"]) != 1:
            raise LookupError(f"{len(found['choices'])} choices, expected 1")
        choice = found["choices"][0]
        text, finish_reason = _said(choice, path)
        usage = found.get("usage") or {}
        if not isinstance(text, str):
            raise TypeError("content is no text")
        text.encode()  # half of a surrogate pair can neither be stored nor sent
        return Reply(
            text,
            finish_reason,
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
            str(found.get("model") or ""),
            _log_probs(choice.get("logprobs") or {}),
        ), ""
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        kind = "completion" if path == "completions" else "chat completion"
        return None, f"no {kind} ({type(error).__name__}: {error})"


def _said(choice: Mapping[str, Any], path: str) -> tuple[Any, str]:
    """The text of a choice, and why it ends; a refusal in place of content is what was said."""
    finish_reason = str(choice.get("finish_reason") or "")
    if path == "completions":
        return choice["text"], finish_reason
    message = choice["message"]
    if message.get("refusal") and not message.get("content"):
        return message["refusal"], DECLINED
    return message["content"], finish_reason


def _log_probs(found: Mapping[str, Any]) -> tuple[TokenLogProb, ...] | None:
    """Log-probabilities in either form: ``content`` (chat) or ``tokens`` and ``token_logprobs`` (completions)."""
    if found.get("content"):
        return tuple(
            TokenLogProb(
                one["token"],
                _log_prob(one["logprob"]),
                _ranked([(other["token"], other["logprob"]) for other in one.get("top_logprobs") or ()]),
            )
            for one in found["content"]
        )
    if not found.get("token_logprobs"):
        return None
    tokens, values = found["tokens"], found["token_logprobs"]
    tops = found.get("top_logprobs") or [None] * len(tokens)
    if not len(tokens) == len(values) == len(tops):
        raise EndpointError(
            f"the endpoint gave {len(tokens)} tokens, {len(values)} log-probabilities and {len(tops)} lists of likely "
            "tokens; expected as many of each: its scores cannot be told apart, so update the server or use another"
        )
    return tuple(
        TokenLogProb(token, None if value is None else _log_prob(value), _ranked((top or {}).items()))
        for token, value, top in zip(tokens, values, tops, strict=True)
    )


def _log_prob(value: float) -> float:
    if math.isnan(value):
        raise ValueError("a log-probability is not a number")
    return max(float(value), LOWEST)


def _ranked(top: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(((token, _log_prob(value)) for token, value in top), key=lambda pair: -pair[1]))
