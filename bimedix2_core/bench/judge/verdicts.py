"""Verdicts: what a judge said, raw, each under the content of its request; asked for once, read again at any time."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from bimedix2_core.endpoint import Endpoint, Limits, RequestCache
from bimedix2_core.errors import DataError, EndpointError, JudgeError, RequestError
from bimedix2_core.runs import JsonlStore, content_key

CHUNK = 256
"""Requests that are asked before their verdicts are in the record; the request cache has each of them at once."""

SHOWN = 5
"""Ids that a message lists."""


@dataclass(frozen=True)
class JudgeModel:
    """Which model judges, where it is, and what it may cost. It answers at temperature 0."""

    model: str
    url: str
    """Of an OpenAI-compatible endpoint, up to and with ``/v1``."""
    api_key_variable: str | None = None
    """Environment variable that holds the key."""
    limits: Limits = field(default_factory=Limits)


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
    """Why there is no text, or why it may be cut off."""


def ask_judge(
    requests: Sequence[JudgeRequest], judge: JudgeModel, *, folder: Path, title: str = "verdicts"
) -> list[Verdict]:
    """Ask a judge what it has not been asked yet; return all verdicts in the order of the requests.

    Blocks like any other call, in a notebook too. What is answered is in ``requests.sqlite3`` at once, and then in
    ``verdicts.jsonl``, the record that `replay` reads. A request that brings nothing in all its tries gives a verdict
    without text, and is asked again in the next run.

    Raises:
        JudgeError: the judge is down, refuses the key or the budget is spent; what was answered is kept.
    """
    store = JsonlStore(folder / "verdicts.jsonl")
    by_key = {request.key(judge.model): request for request in requests}
    missing = [request for key, request in by_key.items() if key not in store]
    problems: dict[str, str] = {}
    if missing:
        try:
            with ThreadPoolExecutor(1) as thread:  # its own event loop: a notebook has one already
                thread.submit(asyncio.run, _ask_all(missing, judge, store, problems, title)).result()
        except EndpointError as error:
            n_left = sum(key not in store for key in by_key)
            raise JudgeError(
                f"the judge cannot be asked any further, {n_left} verdicts are missing: {error}"
            ) from error
    keys = [request.key(judge.model) for request in requests]
    return [_verdict(request, judge.model, key, store, problems) for request, key in zip(requests, keys, strict=True)]


def replay(requests: Sequence[JudgeRequest], model: str, record: Path, *, allow_missing: bool = False) -> list[Verdict]:
    """The verdicts of a record, in the order of the requests: a table is made again without a network.

    Args:
        requests: as they were asked.
        model: name of the judge.
        record: a ``verdicts.jsonl`` that `ask_judge` wrote.
        allow_missing: a request without a verdict gives one without text, unscored, instead of an error.

    Raises:
        DataError: there is no such record, or a request has no verdict in it; the message has their ids, and which
            judges and prompts the record is of.
    """
    if not record.is_file():
        raise DataError(f"{record.name}: no record of verdicts there; ask the judge first, or name another record")
    store = JsonlStore(record)
    keys = [request.key(model) for request in requests]
    missing = [request.id for request, key in zip(requests, keys, strict=True) if key not in store]
    if missing and not allow_missing:
        asked = sorted({request.prompts for request in requests})
        raise DataError(
            f"{record.name}: {len(missing)} of {len(requests)} requests to judge {model!r} with prompts "
            f"{', '.join(asked)} have no verdict there: {_listed(missing)}. It has verdicts of {_contents(store)}. Ask "
            "the judge for them, or allow missing ones: then they are unscored"
        )
    return [
        _verdict(request, model, key, store, dict.fromkeys(keys, "not in the record"))
        for request, key in zip(requests, keys, strict=True)
    ]


async def _ask_all(
    requests: Sequence[JudgeRequest], judge: JudgeModel, store: JsonlStore, problems: dict[str, str], title: str
) -> None:
    """Ask in chunks and record each; a chunk that stops the run is recorded as far as it came."""
    with (
        closing(RequestCache(store.path.with_name("requests.sqlite3"))) as cache,
        tqdm(total=len(requests), desc=title, unit="verdict") as bar,
    ):
        async with Endpoint(judge.url, judge.model, cache, judge.limits, judge.api_key_variable) as endpoint:
            for chunk in _chunks(requests):
                found = await _ask_chunk(endpoint, chunk, bar)
                store.extend(one for one in found if isinstance(one, dict))
                if stop := next((one for one in found if isinstance(one, EndpointError)), None):
                    raise stop
                problems |= {
                    request.key(judge.model): str(failed)
                    for request, failed in zip(chunk, found, strict=True)
                    if isinstance(failed, RequestError)
                }
                bar.set_postfix_str(str(endpoint.meter), refresh=False)


async def _ask_chunk(
    endpoint: Endpoint, chunk: Sequence[JudgeRequest], bar: tqdm
) -> list[dict[str, str] | RequestError | EndpointError]:
    """A record, or why there is none, for each request; after an endpoint's error no further one is sent."""
    slots = asyncio.Semaphore(endpoint.limits.in_flight)
    stops: list[EndpointError] = []

    async def one(request: JudgeRequest) -> dict[str, str] | RequestError | EndpointError:
        async with slots:
            if stops:
                return stops[0]
            try:
                record = await _record(endpoint, request)
            except RequestError as error:
                return error
            except EndpointError as error:
                stops.append(error)
                return error
            bar.update()
            return record

    return await asyncio.gather(*map(one, chunk))


async def _record(endpoint: Endpoint, request: JudgeRequest) -> dict[str, str]:
    reply = await endpoint.ask(request.payload)
    return {
        "key": request.key(endpoint.model),
        "id": request.id,
        "language": request.language,
        "judge": endpoint.model,
        "answered_by": reply.model,
        "prompts": request.prompts,
        "text": reply.text,
        "finish_reason": reply.finish_reason,
    }


def _chunks(requests: Sequence[JudgeRequest]) -> Iterator[Sequence[JudgeRequest]]:
    for start in range(0, len(requests), CHUNK):
        yield requests[start : start + CHUNK]


def _verdict(request: JudgeRequest, model: str, key: str, store: JsonlStore, problems: dict[str, str]) -> Verdict:
    if key not in store:
        return Verdict(request.id, model, key, None, problems[key])
    record = store[key]
    cut = "cut off at max_tokens" if record["finish_reason"] == "length" else ""
    return Verdict(request.id, model, key, record["text"], cut)


def _contents(store: JsonlStore) -> str:
    found = sorted({f"judge {record['judge']!r} with prompts {record['prompts']}" for record in store})
    return ", ".join(found) or "nobody"


def _listed(ids: Sequence[str]) -> str:
    rest = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(map(repr, ids[:SHOWN])) + rest
