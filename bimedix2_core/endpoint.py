"""An OpenAI-compatible endpoint, asked with care: nothing is paid for twice, nothing is lost, the budget holds.

Every answer is stored in a `RequestCache` before it is used, under the content of its request. A process that is
killed finds the paid answers again; only what was in flight is asked once more.
"""

import asyncio
import json
import os
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from bimedix2_core.errors import EndpointError, RequestError
from bimedix2_core.runs import content_key

TRANSIENT = frozenset({408, 409, 425, 429})
"""Statuses after which the same request may succeed, with all of 500 and above."""

REFUSED = frozenset({400, 413, 422})
"""Statuses that speak of this request only (too long, filtered): it fails, the run goes on."""

MAX_WAIT = 60.0
"""Longest pause between two tries, in seconds."""


@dataclass(frozen=True)
class Reply:
    """What a model said, and what it cost."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Limits:
    """How hard an endpoint may be worked, and what it may cost."""

    in_flight: int = 32
    """Most requests at a time."""
    tries: int = 6
    """Tries of one request before it counts as failed."""
    timeout: float = 120.0
    """Seconds until a request without an answer is given up."""
    first_wait: float = 1.0
    """Seconds before the second try; every further pause is twice as long. A Retry-After of the server goes first."""
    budget: float | None = None
    """Most that may be spent, in the currency of the prices; None is no limit."""
    prompt_price: float = 0.0
    """Price of a million prompt tokens."""
    completion_price: float = 0.0
    """Price of a million completion tokens."""


@dataclass
class Meter:
    """Requests, tokens and cost so far, those of earlier runs with the same cache included."""

    limits: Limits
    requests: int = 0
    """Answers that were paid for."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused: int = 0
    """Answers that the cache had."""
    retries: int = 0
    """Tries in this run that brought no answer."""

    @property
    def cost(self) -> float:
        """Estimated price of all answers."""
        limits = self.limits
        return (self.prompt_tokens * limits.prompt_price + self.completion_tokens * limits.completion_price) / 1e6

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.limits.budget is not None and self.cost >= self.limits.budget

    def count(self, reply: Reply) -> None:
        """Add an answer that was paid for."""
        self.requests += 1
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens

    def __str__(self) -> str:
        tokens = self.prompt_tokens + self.completion_tokens
        price = f", about {self.cost:.2f}" if self.limits.prompt_price or self.limits.completion_price else ""
        return f"{self.requests:,} requests, {tokens:,} tokens{price}, {self.reused:,} reused, {self.retries:,} retries"


class RequestCache:
    """Answers by the content of their request, in one SQLite file; what `put` returned from survives a kill."""

    def __init__(self, path: Path):
        """Open or make the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,"
            " prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) WITHOUT ROWID"
        )

    def get(self, key: str) -> Reply | None:
        """The stored answer, or None."""
        row = self._db.execute(
            "SELECT text, finish_reason, prompt_tokens, completion_tokens FROM replies WHERE key = ?", (key,)
        ).fetchone()
        return Reply(*row) if row else None

    def put(self, key: str, reply: Reply) -> None:
        """Store an answer; the first one of a key stays."""
        values = (key, reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens)
        self._db.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", values)

    def totals(self) -> tuple[int, int, int]:
        """Number of answers, their prompt tokens and their completion tokens."""
        return self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(prompt_tokens), 0), COALESCE(SUM(completion_tokens), 0) FROM replies"
        ).fetchone()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@dataclass
class Endpoint:
    """One model behind an OpenAI-compatible chat endpoint; use it as an async context manager."""

    url: str
    """Base address, up to and with ``/v1``."""
    model: str
    cache: RequestCache
    limits: Limits = field(default_factory=Limits)
    api_key_variable: str | None = None
    """Environment variable that holds the key; its value is never stored or printed."""
    meter: Meter = field(init=False)

    def __post_init__(self):
        self.meter = Meter(self.limits, *self.cache.totals())
        self._pending: dict[str, asyncio.Future[Reply]] = {}

    async def __aenter__(self) -> Self:
        # a client for each place in flight: one client with many connections looks at all of them at every request
        context = httpx.create_ssl_context()
        self._clients = [
            httpx.AsyncClient(
                headers=_authorization(self.api_key_variable), timeout=self.limits.timeout, verify=context
            )
            for _ in range(self.limits.in_flight)
        ]
        self._free: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for client in self._clients:
            self._free.put_nowait(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()

    async def ask(self, payload: dict[str, Any]) -> Reply:
        """The answer to a chat completion request (``messages``, ``temperature``, ``seed``, ...).

        The same request is paid for once, also when two ask at the same time; ask with another ``seed`` for another
        answer.

        Raises:
            RequestError: this request was refused or brought nothing usable in all its tries.
            EndpointError: the budget is spent, the key is refused, or the endpoint is down.
        """
        body = {"model": self.model, **payload}
        key = content_key(body)
        if (known := self.cache.get(key)) is not None:
            self.meter.reused += 1
            return known
        if key in self._pending:
            self.meter.reused += 1
            return await asyncio.shield(self._pending[key])
        return await self._ask_once(key, body)

    async def _ask_once(self, key: str, body: dict[str, Any]) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[key] = answer
        try:
            client = await self._free.get()
            try:
                reply = await self._tried(client, body)
            finally:
                self._free.put_nowait(client)
            self.cache.put(key, reply)
            self.meter.count(reply)
            answer.set_result(reply)
            return reply
        except BaseException as error:
            answer.set_exception(RequestError("cancelled") if isinstance(error, asyncio.CancelledError) else error)
            answer.exception()  # it was raised to the one who asked; nobody else need wait for it
            raise
        finally:
            del self._pending[key]

    async def _tried(self, client: httpx.AsyncClient, body: dict[str, Any]) -> Reply:
        problem = ""
        for number in range(self.limits.tries):
            if self.meter.spent:
                raise EndpointError(
                    f"the budget of {self.limits.budget:g} is spent ({self.meter}); raise it and run again: "
                    "what was answered is kept"
                )
            if number:
                self.meter.retries += 1
            try:
                response = await client.post(f"{self.url}/chat/completions", json=body)
            except httpx.TransportError as error:
                problem, wait = f"{type(error).__name__} {error}".strip(), None
            else:
                self._check_allowed(response)
                reply, problem = _reply(response)
                if reply is not None:
                    return reply
                wait = _retry_after(response)
            await asyncio.sleep(wait if wait is not None else self._pause(number))
        await self._check_alive(client, problem)
        raise RequestError(f"no usable answer in {self.limits.tries} tries; the last one: {problem}")

    def _pause(self, number: int) -> float:
        return min(MAX_WAIT, self.limits.first_wait * 2**number) * random.uniform(0.5, 1.0)

    def _check_allowed(self, response: httpx.Response) -> None:
        if response.status_code in REFUSED:
            raise RequestError(f"refused with status {response.status_code}: {response.text[:200]}")
        if 400 <= response.status_code < 500 and response.status_code not in TRANSIENT:
            key = self.api_key_variable or "no key variable is set"
            raise EndpointError(
                f"{self.url} answered {response.status_code} to model {self.model!r}; expected 200: check the address, "
                f"the model's name and the key ({key})"
            )

    async def _check_alive(self, client: httpx.AsyncClient, problem: str) -> None:
        """A request that always fails is its own problem while the endpoint still lists its models."""
        try:
            response = await client.get(f"{self.url}/models", timeout=10.0)
            if response.status_code < 500:
                return
            problem = f"/models answered {response.status_code}"
        except httpx.TransportError as error:
            problem = f"{problem}; /models: {type(error).__name__}"
        raise EndpointError(f"{self.url} is down ({problem}); start it and run again: what was answered is kept")


def _authorization(variable: str | None) -> dict[str, str]:
    if variable is None:
        return {}
    if not os.environ.get(variable):
        raise EndpointError(f"no key for the endpoint: set the environment variable {variable}")
    return {"Authorization": f"Bearer {os.environ[variable]}"}


def _reply(response: httpx.Response) -> tuple[Reply | None, str]:
    """The reply of a response, or None and what is wrong with it."""
    if response.status_code != 200:
        return None, f"status {response.status_code}"
    try:
        found = response.json()
        choice = found["choices"][0]
        text = choice["message"]["content"]
        usage = found.get("usage") or {}
        if not isinstance(text, str):
            raise TypeError("content is no text")
        text.encode()  # half of a surrogate pair can neither be stored nor sent
        return Reply(
            text,
            str(choice.get("finish_reason") or ""),
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
        ), ""
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        return None, f"no chat completion ({type(error).__name__}: {error})"


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(MAX_WAIT, float(value)) if value.replace(".", "", 1).isdigit() else None
