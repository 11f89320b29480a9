"""Verdicts: what a judge is asked, and what it said, raw, under the content of its request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bimedix2_core.bench.judge.problems import CUT_OFF, EMPTY, FILTERED, REFUSAL
from bimedix2_core.bench.judge.reading import is_refusal
from bimedix2_core.endpoint import DECLINED, Limits
from bimedix2_core.runs import content_key

RECORD = "verdicts.jsonl"
"""File of the verdicts, in a folder of the caller's."""
CACHE = "requests.sqlite3"
"""File of the answers beside it, as they come."""
LOCK = "requests.lock"
"""File that whoever asks holds, so that nobody else does at the same time."""

FINISHES = {"length": CUT_OFF, "content_filter": FILTERED, DECLINED: REFUSAL}
"""What is wrong where a judge stopped for another reason than that it was done."""


@dataclass(frozen=True)
class JudgeModel:
    """Which model judges, where it is, and what it may cost. It answers at temperature 0."""

    model: str
    url: str
    """Of an OpenAI-compatible endpoint, up to and with ``/v1``."""
    api_key_variable: str | None = None
    """Environment variable that holds the key."""
    limits: Limits = field(default_factory=Limits)
    """Where the endpoint allows it, have 64 in flight or more: verdicts of 200 ms came 29 to 44 times as fast as in a
    loop then, 22 to 26 times with the default of 32 (tests/benchmarks/judge_calls.py, two busy cores)."""


@dataclass(frozen=True)
class JudgeRequest:
    """One question to a judge."""

    id: str
    """Of the sample whose answer is judged."""
    language: str
    prompts: str
    """Version of the prompt file."""
    messages: list[dict[str, str]]
    max_tokens: int = 1024
    """Longest verdict; one that is cut off cannot be read and is unscored."""
    repeat: int = 0
    """Number of the draw, from 0; a later one is sent with its number as seed, so that it is another request."""

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent, the model's name aside."""
        sent = {"messages": self.messages, "temperature": 0.0, "max_tokens": self.max_tokens}
        return sent | {"seed": self.repeat} if self.repeat else sent

    def key(self, model: str) -> str:
        """Content key of the request to this model; the endpoint's cache knows it by the same key."""
        return content_key({"model": model, **self.payload})


@dataclass(frozen=True)
class Verdict:
    """What a judge said of one answer."""

    id: str
    judge: str
    """Name of the model."""
    key: str
    """Content key of the request."""
    text: str | None
    """As it came; None where the judge could not be asked."""
    problem: str = ""
    """Why there is no text, or why none can be read in it, if none can: it is empty, a refusal, or cut off."""


def stored_verdict(
    request: JudgeRequest, model: str, records: Mapping[str, Mapping[str, Any]], missing: str
) -> Verdict:
    """The verdict on a request from records by key, or none and what is the matter with it."""
    key = request.key(model)
    if key not in records:
        return Verdict(request.id, model, key, None, missing)
    record = records[key]
    return Verdict(request.id, model, key, record["text"], _problem(record["text"], record["finish_reason"]))


def _problem(text: str, finish_reason: str) -> str:
    if finish_reason in FINISHES:
        return FINISHES[finish_reason]
    if not text.strip():
        return EMPTY
    return REFUSAL if is_refusal(text) else ""
