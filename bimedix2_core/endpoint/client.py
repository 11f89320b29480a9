"""Client: one model behind an endpoint; tries again what fails for a moment, and stops at the budget."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from bimedix2_core.endpoint.cache import RequestCache
from bimedix2_core.endpoint.estimates import with_estimates
from bimedix2_core.endpoint.keys import authorization
from bimedix2_core.endpoint.meter import Limits, Meter, meter_of
from bimedix2_core.endpoint.model_names import is_same_model
from bimedix2_core.endpoint.replies import Reply, read_reply
from bimedix2_core.errors import EndpointError, RequestError
from bimedix2_core.runs import content_key

TRANSIENT = frozenset({408, 409, 425, 429})
"""Statuses after which the same request may succeed, with all of 500 and above."""

REFUSED = frozenset({400, 413, 422})
"""Statuses that speak of this request only (too long, filtered): it fails, the run goes on."""

NOT_OFFERED = frozenset({403, 404, 405, 501})
"""Statuses of an endpoint that lacks what is asked for: a path, a model, log-probabilities."""

MAX_WAIT = 60.0
"""Longest pause between two tries, in seconds."""

Check = Callable[[Reply], str]
"""Says what is wrong with an answer; empty where it is usable."""


class _RefusedError(RequestError):
    """This request is refused."""


class _NotOfferedError(EndpointError):
    """The endpoint lacks what was asked for."""


@dataclass
class Endpoint:
    """One model behind an OpenAI-compatible endpoint; use it as an async context manager.

    Raises:
        EndpointError: where it is entered with a key that is missing or that no header can carry; nothing was sent.
    """

    url: str
    """Base address, up to and with ``/v1``."""
    model: str
    cache: RequestCache
    limits: Limits = field(default_factory=Limits)
    api_key_variable: str | None = None
    """Environment variable that holds the key; its value is never stored or printed."""
    served_as: str = ""
    """Name the endpoint answers under where that is another than `model` (an alias, a deployment)."""
    meter: Meter = field(init=False)

    def __post_init__(self):
        self.meter = meter_of(self.limits, self.cache)
        self._pending: dict[str, asyncio.Future[Reply]] = {}

    async def __aenter__(self) -> Self:
        # a client for each place in flight: one client with many connections looks at all of them at every request
        context = httpx.create_ssl_context()
        self._clients = [
            httpx.AsyncClient(headers=authorization(self.api_key_variable), timeout=self.limits.timeout, verify=context)
            for _ in range(self.limits.in_flight)
        ]
        self._free: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for client in self._clients:
            self._free.put_nowait(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()

    async def ask(self, payload: dict[str, Any], problem_of: Check | None = None) -> Reply:
        """The answer to a request: ``messages`` go to /chat/completions, a ``prompt`` as it stands to /completions.

        The same request is paid for once, also when two ask at the same time; ask with another ``seed`` for another
        answer. An answer with a problem is not kept and asked for again; a refusal is an answer (`DECLINED`).

        Args:
            payload: fields of the request, all but the model.
            problem_of: what an answer must stand to be usable, if anything.

        Raises:
            RequestError: this request was refused or brought nothing usable in all its tries.
            EndpointError: the budget is spent, the key is refused, the endpoint is down, another model answered, or
                tokens and log-probabilities do not pair up.
        """
        body = {"model": self.model, **payload}
        key = content_key(body)
        if (known := self.cache.get(key)) is not None:
            self.meter.reused += 1
            return known
        if key in self._pending:
            self.meter.reused += 1
            return await asyncio.shield(self._pending[key])
        return await self._ask_once(key, body, problem_of)

    async def offered(self, payload: dict[str, Any]) -> Reply | None:
        """The answer, or None where the endpoint refuses such a request: a probe of what it can do.

        Raises:
            RequestError: no usable answer in all tries; that says nothing of what is offered.
            EndpointError: as for ``ask``.
        """
        try:
            return await self.ask(payload)
        except (_RefusedError, _NotOfferedError):
            return None

    async def _ask_once(self, key: str, body: dict[str, Any], problem_of: Check | None) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[key] = answer
        try:
            client = await self._free.get()
            try:
                reply = with_estimates(await self._tried(client, body, problem_of), body)
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

    async def _tried(self, client: httpx.AsyncClient, body: dict[str, Any], problem_of: Check | None) -> Reply:
        problem, path = "", "completions" if "prompt" in body else "chat/completions"
        for number in range(self.limits.tries):
            if self.meter.spent:
                raise EndpointError(
                    f"the budget of {self.limits.budget:g} is spent ({self.meter}); raise it and run again: "
                    "what was answered is kept"
                )
            if number:
                self.meter.retries += 1
            try:
                response = await client.post(f"{self.url}/{path}", json=body)
            except httpx.TransportError as error:
                problem, wait = f"{type(error).__name__} {error}".strip(), None
            else:
                self._check_allowed(response)
                reply, problem = read_reply(response, path)
                if reply is not None:
                    self._check_model(reply)
                    problem = problem_of(reply) if problem_of else ""
                    if not problem:
                        return reply
                wait = _retry_after(response)
            await asyncio.sleep(wait if wait is not None else self._pause(number))
        await self._check_alive(client, problem)
        raise RequestError(f"no usable answer in {self.limits.tries} tries; the last one: {problem}")

    def _pause(self, number: int) -> float:
        return min(MAX_WAIT, self.limits.first_wait * 2**number) * random.uniform(0.5, 1.0)

    def _check_allowed(self, response: httpx.Response) -> None:
        if response.status_code in REFUSED:
            raise _RefusedError(f"refused with status {response.status_code}: {response.text[:200]}")
        lacking = response.status_code in NOT_OFFERED
        if lacking or (400 <= response.status_code < 500 and response.status_code not in TRANSIENT):
            key = self.api_key_variable or "no key variable is set"
            raise (_NotOfferedError if lacking else EndpointError)(
                f"{self.url} answered {response.status_code} to model {self.model!r}; expected 200: check the address, "
                f"the model's name and the key ({key})"
            )

    def _check_model(self, reply: Reply) -> None:
        if reply.model and not is_same_model(self.served_as or self.model, reply.model):
            raise EndpointError(
                f"{self.url} answered as model {reply.model!r}, but {self.served_as or self.model!r} was asked for; "
                "ask for the model by the name it answers under, or give that name as served_as: "
                "what was answered before is kept"
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


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(MAX_WAIT, float(value)) if value.replace(".", "", 1).isdigit() else None
