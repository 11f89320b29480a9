import asyncio
from contextlib import closing

import httpx
import local_server
import pytest

from bimedix2_core.endpoint import Endpoint, Limits, RequestCache, _reply
from bimedix2_core.errors import EndpointError, RequestError

FAST = Limits(first_wait=0.01, timeout=1.0, tries=4)


def question(text: str = "A small nodule.", **more) -> dict:
    return {"messages": [{"role": "user", "content": f"English:\n{text}"}], **more}


def ask(url, cache, *payloads, limits=FAST, together=False, **more):
    """The replies or errors to some requests, and the meter."""

    async def run():
        async with Endpoint(url, "m", cache, limits, **more) as endpoint:
            if together:
                got = await asyncio.gather(*(endpoint.ask(one) for one in payloads), return_exceptions=True)
            else:
                got = []
                for one in payloads:
                    got += await asyncio.gather(endpoint.ask(one), return_exceptions=True)
            return got, endpoint.meter

    return asyncio.run(run())


@pytest.fixture
def cache(tmp_path):
    with closing(RequestCache(tmp_path / "cache" / "requests.sqlite3")) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_a_request_is_paid_for_once_whether_it_comes_again_or_at_the_same_time(cache, ledger):
    with local_server.serving(ledger, latency=0.05) as url:
        (first, *_), meter = ask(url, cache, *[question()] * 5, together=True)
        (again,), _ = ask(url, cache, question())

    assert first == again
    assert (first.text, first.finish_reason) == (local_server.cipher("A small nodule."), "stop")
    assert (meter.requests, meter.reused) == (1, 4)
    assert local_server.paid(ledger).total() == 1


def test_another_seed_is_another_request(cache, ledger):
    with local_server.serving(ledger) as url:
        ask(url, cache, question(seed=0), question(seed=1), question(seed=1))

    assert local_server.paid(ledger).total() == 2


@pytest.mark.parametrize("fault", ["drop", "429", "500", "truncate", "garbage", "nochoice", "hang"])
def test_what_fails_for_a_moment_is_tried_again(cache, ledger, fault):
    with local_server.serving(ledger, faults=f"{fault}=.4", seed=3) as url:
        replies, meter = ask(url, cache, *(question(f"Finding {n}.") for n in range(12)), together=True)

    assert [reply.text for reply in replies] == [local_server.cipher(f"Finding {n}.") for n in range(12)]
    assert meter.retries > 0
    assert max(local_server.paid(ledger).values()) == 1


def test_a_request_that_never_succeeds_fails_alone_while_the_endpoint_lives(cache, ledger):
    with local_server.serving(ledger, faults="garbage=1") as url:
        (failed,), meter = ask(url, cache, question())

    assert isinstance(failed, RequestError)
    assert "no usable answer in 4 tries; the last one: no chat completion (JSONDecodeError" in str(failed)
    assert meter.requests == 0
    assert cache.totals() == (0, 0, 0)


def test_an_endpoint_that_is_gone_ends_the_run_with_what_to_do(cache, ledger):
    with local_server.serving(ledger) as url:
        pass
    (error,), _ = ask(url, cache, question())

    assert isinstance(error, EndpointError)
    assert "is down" in str(error)
    assert "what was answered is kept" in str(error)


def test_the_budget_stops_new_requests_and_counts_what_earlier_runs_spent(cache, ledger):
    # one answer: 2 + 3 = "English:", "A", "small", "nodule." -> 4 prompt words, 3 completion words
    limits = Limits(budget=7e-6, prompt_price=1.0, completion_price=1.0, first_wait=0.01)
    with local_server.serving(ledger) as url:
        (_, second), meter = ask(url, cache, question(seed=0), question(seed=1), limits=limits)
        (third,), _ = ask(url, cache, question(seed=2), limits=limits)
        (known,), _ = ask(url, cache, question(seed=0), limits=limits)

    assert meter.cost == pytest.approx(7e-6)
    assert isinstance(second, EndpointError)
    assert "the budget of 7e-06 is spent (1 requests, 7 tokens, about 0.00" in str(second)
    assert isinstance(third, EndpointError)
    assert known.completion_tokens == 3


def test_a_missing_key_is_named_and_a_key_never_shows(cache, ledger, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(EndpointError, match="set the environment variable SOME_KEY"):
        ask("http://127.0.0.1:9/v1", cache, question(), api_key_variable="SOME_KEY")

    monkeypatch.setenv("SOME_KEY", "sk-secret")
    with local_server.serving(ledger) as url:
        (error,), _ = ask(f"{url}/nowhere", cache, question(), api_key_variable="SOME_KEY")

    assert isinstance(error, EndpointError)
    assert "answered 404" in str(error)
    assert "(SOME_KEY)" in str(error)
    assert "sk-secret" not in repr(error)


def test_the_cache_keeps_the_first_answer_and_survives_reopening(tmp_path, ledger):
    with local_server.serving(ledger) as url:
        first = RequestCache(tmp_path / "a.sqlite3")
        (reply,), _ = ask(url, first, question())
    second = RequestCache(tmp_path / "a.sqlite3")  # the first is still open, as after a kill

    assert second.totals() == (1, reply.prompt_tokens, reply.completion_tokens)


def test_half_a_character_is_no_usable_answer():
    body = rb'{"choices": [{"message": {"content": "a \ud83d"}, "finish_reason": "stop"}]}'

    reply, problem = _reply(httpx.Response(200, content=body))

    assert reply is None
    assert "UnicodeEncodeError" in problem
