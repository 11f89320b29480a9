"""Asking: a judge is asked what it has not been asked yet; each verdict is paid for once, whatever happens."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tqdm.auto import tqdm

from bimedix2_core.bench.judge.verdicts import CACHE, LOCK, RECORD, JudgeModel, JudgeRequest, Verdict, stored_verdict
from bimedix2_core.endpoint import Endpoint, RequestCache
from bimedix2_core.errors import EndpointError, JudgeError, RequestError
from bimedix2_core.runs import JsonlStore, only_one

CHUNK = 64
"""Verdicts that go into the record with one write; the request cache has each of them at once."""


def ask_judge(
    requests: Sequence[JudgeRequest], judge: JudgeModel, *, folder: Path, title: str = "verdicts"
) -> list[Verdict]:
    """Ask a judge what it has not been asked yet; return all verdicts in the order of the requests.

    Blocks like any other call, in a notebook too. What is answered is in ``requests.sqlite3`` at once, and then in
    ``verdicts.jsonl``, the record that `replay` reads. A request that brings nothing in all its tries gives a verdict
    without text, and is asked again in the next run. At most what is in flight is paid beyond the budget.

    Raises:
        JudgeError: there is no usable key, or a budget without prices; nothing was sent. Or the judge is down, refuses
            the key or the budget is spent; what was answered is kept.
        DataError: another process asks in the same folder.
    """
    with only_one(folder / LOCK):
        return _all_verdicts(requests, judge, JsonlStore(folder / RECORD), title)


def _all_verdicts(requests: Sequence[JudgeRequest], judge: JudgeModel, store: JsonlStore, title: str) -> list[Verdict]:
    by_key = {request.key(judge.model): request for request in requests}
    missing = [request for key, request in by_key.items() if key not in store]
    problems: dict[str, str] = {}
    if missing:
        _check_budget(judge)
        try:
            with ThreadPoolExecutor(1) as thread:  # its own event loop: a notebook has one already
                thread.submit(asyncio.run, _ask_all(missing, judge, store, problems, title)).result()
        except EndpointError as error:
            n_left = sum(key not in store for key in by_key)
            raise JudgeError(
                f"the judge cannot be asked any further, {n_left} verdicts are missing: {error}"
            ) from error
    records = {record["key"]: record for record in store}
    return [
        stored_verdict(request, judge.model, records, problems.get(request.key(judge.model), ""))
        for request in requests
    ]


def _check_budget(judge: JudgeModel) -> None:
    limits = judge.limits
    if limits.budget is not None and not (limits.prompt_price or limits.completion_price):
        raise JudgeError(
            f"a budget of {limits.budget:g} for judge {judge.model!r}, but no price of a token: it would never be "
            "spent, nothing was asked; give the prices, or no budget"
        )


async def _ask_all(
    requests: Sequence[JudgeRequest], judge: JudgeModel, store: JsonlStore, problems: dict[str, str], title: str
) -> None:
    """Ask with as many workers as may be in flight, and record what comes; a run that stops keeps what it has."""
    with (
        closing(RequestCache(store.path.with_name(CACHE))) as cache,
        tqdm(total=len(requests), desc=title, unit="verdict") as bar,
    ):
        async with Endpoint(judge.url, judge.model, cache, judge.limits, judge.api_key_variable) as endpoint:
            left, ready, stops = iter(requests), [], []

            async def work() -> None:
                for request in left:  # all workers take from the same
                    try:
                        ready.append(await _record(endpoint, request))
                    except RequestError as error:
                        problems[request.key(judge.model)] = str(error)
                    except EndpointError as error:
                        stops.append(error)
                    if stops:
                        return
                    bar.set_postfix_str(str(endpoint.meter), refresh=False)
                    bar.update()
                    if len(ready) >= CHUNK:
                        _move(ready, store)

            try:
                await asyncio.gather(*(work() for _ in range(min(judge.limits.in_flight, len(requests)))))
            finally:
                _move(ready, store)
            if stops:
                raise stops[0]


def _move(ready: list[dict[str, str]], store: JsonlStore) -> None:
    store.extend(ready)
    ready.clear()


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
