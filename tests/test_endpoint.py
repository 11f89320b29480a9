import asyncio
import json
import sqlite3
import traceback
from contextlib import closing

import httpx
import local_server
import pytest

from bimedix2_core.endpoint import (
    DECLINED,
    Endpoint,
    Limits,
    Meter,
    Reply,
    RequestCache,
    TokenLogProb,
    is_same_model,
    request_tokens,
)
from bimedix2_core.endpoint.estimates import IMAGE_TOKENS, with_estimates
from bimedix2_core.endpoint.keys import authorization
from bimedix2_core.endpoint.replies import read_reply
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

    reply, problem = read_reply(httpx.Response(200, content=body))

    assert reply is None
    assert "UnicodeEncodeError" in problem


# --- keys ----------------------------------------------------------------------------------------------------------


SECRET = "sk-3f9a1c"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "no key for the endpoint, nothing was asked: set the environment variable SOME_KEY"),
        ("", "no key for the endpoint, nothing was asked: set the environment variable SOME_KEY"),
        (" \t", "no key for the endpoint, nothing was asked"),
        (f"{SECRET}\n", "the environment variable SOME_KEY holds a line break, a space at an end or"),
        (f" {SECRET}", "the environment variable SOME_KEY holds a line break"),
        (f"{SECRET}\r\nX-Header: x", "the environment variable SOME_KEY holds a line break"),
        (f"{SECRET}\x07\x1b", "the environment variable SOME_KEY holds a line break"),
        (f"{SECRET}\u2026", "a letter that no key has"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_before_anything_is_sent_and_never_printed(
    cache, ledger, monkeypatch, capfd, key, message
):
    monkeypatch.delenv("SOME_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("SOME_KEY", key)
    with local_server.serving(ledger) as url, pytest.raises(EndpointError, match=message) as stopped:
        ask(url, cache, question(), api_key_variable="SOME_KEY")

    assert not ledger.read_text()
    told = traceback.TracebackException.from_exception(stopped.value, capture_locals=True)
    own = (frame for frame in told.stack if "bimedix2_core" in frame.filename)
    assert SECRET not in "".join(map(str, (told, *(frame.locals for frame in own), *capfd.readouterr())))


def test_a_key_of_letters_digits_and_signs_reaches_the_endpoint(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-proj_aB9.~+/=")

    assert authorization("SOME_KEY") == {"Authorization": "Bearer sk-proj_aB9.~+/="}
    assert authorization(None) == {}


# --- refusals ------------------------------------------------------------------------------------------------------


def test_a_refusal_is_an_answer_that_is_kept_and_paid_for_once(cache, ledger):
    with local_server.serving(ledger, quirks="declines") as url:
        (said,), meter = ask(url, cache, question())
        (again,), _ = ask(url, cache, question())

    assert said == again == Reply(local_server.cipher("A small nodule."), DECLINED, 4, 3, "m")
    assert (meter.requests, meter.retries, local_server.paid(ledger).total()) == (1, 0, 1)


@pytest.mark.parametrize(
    ("message", "text", "finish_reason"),
    [
        ({"content": None, "refusal": "I can't help."}, "I can't help.", DECLINED),
        ({"content": "", "refusal": "I can't help."}, "I can't help.", DECLINED),
        ({"refusal": "I can't help."}, "I can't help.", DECLINED),
        ({"content": "8 7", "refusal": None}, "8 7", "stop"),
        ({"content": "8 7", "refusal": "but not more"}, "8 7", "stop"),
        ({"content": "", "refusal": None}, "", "stop"),
    ],
)
def test_a_refusal_counts_where_there_is_no_content(message, text, finish_reason):
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    reply, _ = read_reply(httpx.Response(200, content=json.dumps(body).encode()))

    assert (reply.text, reply.finish_reason) == (text, finish_reason)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"content": None, "refusal": None}, "no chat completion (TypeError: content is no text)"),
        ({"content": None}, "no chat completion (TypeError: content is no text)"),
        ({"content": None, "refusal": {"code": 1}}, "no chat completion (TypeError: content is no text)"),
        ({"refusal": ""}, "no chat completion (KeyError: 'content')"),
    ],
)
def test_neither_content_nor_refusal_is_no_answer(message, problem):
    response = httpx.Response(200, content=json.dumps({"choices": [{"message": message}]}).encode())

    assert read_reply(response) == (None, problem)


# --- tokens that nobody counted ------------------------------------------------------------------------------------

UNCOUNTED = [question(seed=seed) for seed in range(3)]
# "English:\nA small nodule.": 24 bytes are 8 tokens; its answer is 12 Arabic letters of 2 bytes, 2 spaces and a full
# stop: 27 bytes are 9 tokens


def test_where_an_endpoint_counts_no_tokens_the_budget_holds_by_an_estimate_and_says_so(cache, ledger):
    limits = Limits(budget=30e-6, prompt_price=1.0, completion_price=1.0, first_wait=0.01)
    with local_server.serving(ledger, quirks="uncounted") as url:
        (first, second, third), meter = ask(url, cache, *UNCOUNTED, limits=limits)
        (stopped,), resumed = ask(url, cache, question(seed=9), limits=limits)

    assert (first.prompt_tokens, first.completion_tokens) == (0, 0)
    assert (first.estimated_prompt_tokens, first.estimated_completion_tokens) == (8, 9)
    assert second.text == first.text
    said = "2 requests, 34 tokens (estimated for 2 answers without a count), about 0.00, 0 reused, 0 retries, "
    assert f"the budget of 3e-05 is spent ({said}0.00 of 0.00 left); raise it" in str(third)
    assert meter.cost == resumed.cost == pytest.approx(34e-6)
    assert str(third) == str(stopped)
    assert local_server.paid(ledger).total() == 2


def test_a_count_that_is_given_is_taken_as_it_is(cache, ledger):
    with local_server.serving(ledger) as url:
        (reply,), meter = ask(url, cache, question())

    assert (reply.prompt_tokens, reply.completion_tokens, reply.is_estimated) == (4, 3, False)
    assert (meter.prompt_tokens, meter.completion_tokens, meter.estimated) == (4, 3, 0)
    assert str(meter) == "1 requests, 7 tokens, 0 reused, 0 retries"


@pytest.mark.parametrize(
    ("given", "estimated"),
    [
        (Reply("four", "stop", 0, 0), (4, 2)),
        (Reply("four", "stop", 7, 0), (0, 2)),
        (Reply("four", "stop", 0, 5), (4, 0)),
        (Reply("", "length", 7, 0), (0, 0)),
    ],
)
def test_only_the_count_that_lacks_is_estimated(given, estimated):
    found = with_estimates(given, {"prompt": "Is it left?"})

    assert (found.estimated_prompt_tokens, found.estimated_completion_tokens) == estimated
    assert found.is_estimated == any(estimated)


@pytest.mark.parametrize(
    ("payload", "n_tokens"),
    [
        ({"prompt": ""}, 0),
        ({"prompt": "abc"}, 1),
        ({"prompt": "abcd"}, 2),
        ({"prompt": "\u0646\u0639\u0645"}, 2),  # three letters of two bytes
        ({"messages": [{"role": "system", "content": "abc"}, {"role": "user", "content": "def"}]}, 2),
    ],
)
def test_a_text_has_a_token_for_every_three_bytes(payload, n_tokens):
    assert request_tokens(payload) == n_tokens


def test_an_image_counts_by_itself_and_not_by_the_bytes_it_is_sent_as():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 90_000}"}}
    turn = {"role": "user", "content": [{"type": "text", "text": "abc"}, image, image]}

    assert request_tokens({"messages": [turn]}) == 1 + 2 * IMAGE_TOKENS


def test_a_cache_made_before_estimates_opens_with_its_answers(tmp_path):
    file = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as old:
        old.execute(
            "CREATE TABLE replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,"
            " prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, model TEXT NOT NULL DEFAULT '',"
            " log_probs BLOB) WITHOUT ROWID"
        )
        old.execute("INSERT INTO replies VALUES ('known', 'text', 'stop', 7, 2, 'm', NULL)")
    with closing(RequestCache(file)) as cache:
        cache.put("new", Reply("x", "stop", 0, 3, "m", None, 5, 0))

        assert cache.get("known") == Reply("text", "stop", 7, 2, "m")
        assert cache.get("new") == Reply("x", "stop", 0, 3, "m", None, 5, 0)
        assert (cache.totals(), cache.n_estimated()) == ((2, 12, 5), 1)


def test_the_meter_says_requests_tokens_price_and_what_is_left():
    meter = Meter(Limits(budget=2.0, prompt_price=2.5, completion_price=10.0), 386, 400_000, 50_000)

    # 400,000 x 2.5 + 50,000 x 10 millionths
    assert str(meter) == "386 requests, 450,000 tokens, about 1.50, 0 reused, 0 retries, 0.50 of 2.00 left"
    assert str(Meter(Limits(), 1, 2, 3)) == "1 requests, 5 tokens, 0 reused, 0 retries"


# --- text prompts and log-probabilities ----------------------------------------------------------------------------


ECHOED = {"prompt": "Answer: B", "echo": True, "logprobs": 1, "max_tokens": 1}

ECHO = (  # a token costs a quarter of its length; the first follows nothing
    TokenLogProb("Answer", None),
    TokenLogProb(":", -0.25, ((":", -0.25),)),
    TokenLogProb(" B", -0.5, ((" B", -0.5),)),
    TokenLogProb(" B", -0.25, ((" B", -0.25), (" A", -1.0), ("A", -2.0), (" C", -3.0), (" no", -4.0))),
)


def test_a_text_prompt_is_continued_as_it_stands_and_its_tokens_come_with_their_log_probabilities(cache, ledger):
    with local_server.serving(ledger, log_probs="echo") as url:
        (plain, echoed), _ = ask(url, cache, {"prompt": "A small nodule."}, ECHOED)
        (again,), meter = ask(url, cache, ECHOED)

    assert (plain.text, plain.log_probs, plain.model) == (local_server.cipher("A small nodule."), None, "m")
    assert echoed == again == Reply("Answer: B B", "stop", 3, 1, "m", ECHO)
    assert (meter.reused, local_server.paid(ledger).total()) == (1, 2)


def test_a_chats_log_probabilities_are_read_and_ranked():
    top = [
        {"token": "B", "logprob": -2.0},
        {"token": "A", "logprob": -0.5},
        {"token": "\ud83d", "logprob": float("-inf")},
    ]
    said = {"content": [{"token": "A", "logprob": -0.5, "bytes": [65], "top_logprobs": top}]}
    choice = {"message": {"content": "A"}, "finish_reason": "length", "logprobs": said}
    reply, _ = read_reply(httpx.Response(200, content=json.dumps({"choices": [choice], "model": "gpt-4o"}).encode()))

    assert reply.log_probs == (TokenLogProb("A", -0.5, (("A", -0.5), ("B", -2.0), ("\ud83d", -9999.0))),)


def test_half_a_character_among_the_tokens_is_kept(tmp_path):
    reply = Reply("x", "stop", 1, 1, "m", (TokenLogProb("\ud83d", -0.1, (("\ufffd", -0.1),)),))
    with closing(RequestCache(tmp_path / "a.sqlite3")) as cache:
        cache.put("k", reply)
        assert cache.get("k") == reply


def test_a_cache_made_before_log_probabilities_opens_with_its_answers_and_takes_new_ones(tmp_path, ledger):
    file = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as old:
        old.execute(
            "CREATE TABLE replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,"
            " prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) WITHOUT ROWID"
        )
        old.execute("INSERT INTO replies VALUES ('known', 'text', 'stop', 7, 2)")
    with local_server.serving(ledger, log_probs="echo") as url, closing(RequestCache(file)) as cache:
        assert cache.get("known") == Reply("text", "stop", 7, 2)
        (echoed,), meter = ask(url, cache, ECHOED)

    with closing(RequestCache(file)) as cache, closing(RequestCache(file)) as beside:
        assert cache.get("known") == beside.get("known") == Reply("text", "stop", 7, 2)
        assert cache.totals() == (2, 10, 3)
    assert echoed.log_probs == ECHO
    assert meter.requests == 2


@pytest.mark.parametrize(
    ("log_probs", "counts"),
    [
        (
            {"tokens": ["a", "b"], "token_logprobs": [None], "top_logprobs": [None, None]},
            "2 tokens, 1 .* 2 lists",
        ),
        ({"tokens": ["a"], "token_logprobs": [None, -1.0]}, "1 tokens, 2 log-probabilities and 1 lists"),
        ({"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{}, {}]}, "1 tokens, 1 .* and 2 lists"),
    ],
)
def test_tokens_and_log_probabilities_that_differ_in_number_are_an_error(log_probs, counts):
    body = {"choices": [{"text": "a", "logprobs": log_probs}]}

    with pytest.raises(EndpointError, match=f"the endpoint gave {counts}"):
        read_reply(httpx.Response(200, content=json.dumps(body).encode()), "completions")


@pytest.mark.parametrize(
    ("choices", "problem"),
    [
        ([{"text": "a"}, {"text": "b"}], "no completion (LookupError: 2 choices, expected 1)"),
        ([], "no completion (LookupError: 0 choices, expected 1)"),
        ([{"message": {"content": "a"}}], "no completion (KeyError: 'text')"),
        ([{"text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": [float("nan")]}}],
         "no completion (ValueError: a log-probability is not a number)"),
        ([{"text": "a", "logprobs": ["a"]}], "no completion (AttributeError: 'list' object has no attribute 'get')"),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_not_usable(choices, problem):
    response = httpx.Response(200, content=json.dumps({"choices": choices}).encode())

    assert read_reply(response, "completions") == (None, problem)


def test_an_answer_with_a_problem_is_asked_for_again_and_not_kept(cache, ledger):
    async def run(url):
        async with Endpoint(url, "m", cache, FAST) as endpoint:
            await endpoint.ask(question(), lambda reply: "" if len(seen) > 1 else seen.append(reply) or "too plain")
            with pytest.raises(RequestError, match="in 4 tries; the last one: too plain"):
                await endpoint.ask(question("Another."), lambda _: "too plain")

    seen = []
    with local_server.serving(ledger) as url:
        asyncio.run(run(url))

    assert cache.totals()[0] == 1
    assert sorted(local_server.paid(ledger).values()) == [3, 4]


def test_what_an_endpoint_does_not_offer_is_none_and_what_fails_is_an_error(cache, ledger):
    async def offered(url, payload):
        async with Endpoint(url, "m", cache, FAST) as endpoint:
            return await endpoint.offered(payload)

    with local_server.serving(ledger, log_probs="refused") as url:
        assert asyncio.run(offered(url, ECHOED)) is None
        assert asyncio.run(offered(url, question())).text
        assert asyncio.run(offered(f"{url}/nowhere", question("Other."))) is None
    with local_server.serving(ledger, faults="429=1") as url, pytest.raises(RequestError, match="status 429"):
        asyncio.run(offered(url, ECHOED))


# --- which model answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4", "gpt-4-0613"),
        ("gpt-4o", "openai/gpt-4o"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("meta-llama/Llama-3.1-8B", "Llama-3.1-8B"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/llama-3.1-8b"),
        ("/models/base", "/models/base@main"),  # transformers serve
        ("llama3", "llama3:latest"),
    ],
)
def test_the_same_model_under_the_forms_of_its_name(asked, answered):
    assert is_same_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4-turbo-2024-04-09"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("meta-llama/Llama-3.1-8B", "other/Llama-3.1-8B"),
        ("Llama-3.1-8B", "Llama-3.1-70B"),
        ("base", "base@experiment"),
        ("m", ""),
    ],
)
def test_another_model_with_a_name_much_alike(asked, answered):
    assert not is_same_model(asked, answered)


def test_an_answer_of_another_model_is_refused_and_not_kept(cache, ledger):
    with local_server.serving(ledger, model_name="m-mini") as url:
        (error,), meter = ask(url, cache, question())
        (good,), _ = ask(url, cache, question(), served_as="m-mini")

    assert isinstance(error, EndpointError)
    assert f"{url} answered as model 'm-mini', but 'm' was asked for" in str(error)
    assert meter.requests == 0
    assert good.model == "m-mini"
