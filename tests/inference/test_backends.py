import asyncio
import base64
import io
import json
import traceback
from dataclasses import replace

import local_server
import pytest
import torch
from PIL import Image
from tiny import GREEDY, colour_image, sample, tiny_lmm

from bimedix2_core.bench.task import predict
from bimedix2_core.data.chat import encode_prompt
from bimedix2_core.endpoint import Limits
from bimedix2_core.errors import DataError, EndpointError
from bimedix2_core.inference.backends import (
    BELOW_TOP,
    ECHO,
    EXTRACTION,
    FIRST_TOKEN,
    IN_PROCESS,
    EndpointBackend,
    LocalBackend,
    n_below_top,
)
from bimedix2_core.inference.backends.requests import asked as openai_form
from bimedix2_core.model.checkpoints import fingerprint
from bimedix2_core.records import OptionScores, Query, message
from bimedix2_core.runs import JsonlStore

FAST = Limits(in_flight=8, first_wait=0.01, timeout=2.0, tries=4)
LETTERS = (" A", " B", " C")
TEXT = Query("t1", "en", "Q: Is it left?\nAnswer:", LETTERS)
CHAT = Query("c1", "en", [message("user", "Is it left?")], LETTERS)


def backend(url, folder, **changes):
    settings = {"decoding": {"temperature": 0.0, "max_tokens": 6}, "limits": FAST} | changes
    return EndpointBackend(url, "m", folder / "kept", **settings)


def asked(n):
    return [Query(f"q{i}", "en", [message("user", f"Finding {i}.")]) for i in range(n)]


def said(n):
    return [local_server.cipher(f"Finding {i}.") for i in range(n)]


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.jsonl"


class TinyReader:
    """Log-probabilities of the tiny model, for a text (its first token hidden in no way) and for messages."""

    def __init__(self, lmm):
        self.lmm = lmm

    def read(self, payload):
        ids, log_probs = self._run(payload)
        text = [self.lmm.tokenizer.decode([token]) for token in ids]
        values = [None] + [log_probs[at, token].item() for at, token in enumerate(ids[1:])]
        return [(token, value, {token: value}) for token, value in zip(text, values, strict=True)]

    def write(self, payload):
        top = self._run(payload)[1][-1].topk(20)
        words = {self.lmm.tokenizer.decode([token]): value.item() for value, token in zip(*top, strict=True)}
        return (*next(iter(words.items())), words)

    @torch.inference_mode()
    def _run(self, payload):
        inputs = {}
        if "prompt" in payload:
            ids = self.lmm.tokenizer.encode(payload["prompt"])
        else:
            messages, images = opened(payload["messages"])
            options = {"n_images": len(images), "n_image_tokens": self.lmm.n_image_tokens}
            ids = encode_prompt(messages, self.lmm.tokenizer, **options)
            inputs = {"pixel_values": self.lmm.pixel_values(images)} if images else {}
        logits = self.lmm.model(input_ids=torch.tensor([ids]), **inputs).logits[0].double()
        return ids, logits.log_softmax(-1)


def opened(messages):
    """The messages of a request with image parts for data URLs, and the images."""
    images, turns = [], []
    for turn in messages:
        parts = turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
        for part in parts:
            if part["type"] == "image_url":
                kind, data = part["image_url"]["url"].split(",")
                assert kind == "data:image/png;base64"
                images.append(Image.open(io.BytesIO(base64.b64decode(data))))
        shown = [{"type": "image"} if part["type"] == "image_url" else part for part in parts]
        turns.append({"role": turn["role"], "content": shown})
    return turns, images


@pytest.fixture(scope="module")
def lmm():
    return tiny_lmm()


def plain_scores(lmm, prompt, options):
    """Summed log-probability of each option's tokens, one whole text at a time."""
    n = len(lmm.tokenizer.encode(prompt))
    reader = TinyReader(lmm)
    own = [[value for _, value, _ in reader.read({"prompt": prompt + option})[n:]] for option in options]
    return OptionScores(tuple(map(sum, own)), tuple(map(len, own)))


# --- writing -------------------------------------------------------------------------------------------------------


def test_answers_come_in_order_though_some_are_asked_again_and_come_late(tmp_path, ledger):
    with local_server.serving(ledger, faults="500=.2,drop=.1", seed=1) as url:
        answers = backend(url, tmp_path).generate(asked(40))

    assert answers == said(40)
    finished = [json.loads(line)["key"] for line in ledger.read_text().splitlines()]
    assert len(finished) == len(set(finished)) == 41  # and one to learn which model answers


def test_a_second_run_asks_nothing_and_needs_no_server(tmp_path, ledger):
    with local_server.serving_here(ledger) as url:
        first = backend(url, tmp_path).generate(asked(5))
        key = backend(url, tmp_path).model_key
    n_paid = local_server.paid(ledger).total()
    again = backend(url, tmp_path)

    assert again.generate(asked(5)) == first
    assert again.model_key == key
    assert local_server.paid(ledger).total() == n_paid == 6


def test_a_run_goes_on_where_the_server_died_and_pays_nothing_twice(tmp_path, ledger):
    with (
        local_server.serving(ledger, faults="die=.03", seed=2, latency=0.005) as url,
        pytest.raises(EndpointError, match=r"is down .* what was answered is kept"),
    ):
        backend(url, tmp_path).generate(asked(120))
    n_before = local_server.paid(ledger).total()
    with local_server.serving_here(ledger) as url:
        answers = backend(url, tmp_path).generate(asked(120))

    assert answers == said(120)
    assert 0 < n_before < 121
    assert local_server.paid(ledger).total() - 121 <= FAST.in_flight  # what the dead server had not delivered


def test_a_budget_that_runs_out_while_scoring_keeps_what_was_paid(tmp_path, ledger):
    queries = [replace(TEXT, id=f"t{i}", prompt=f"Case {i}. Answer:") for i in range(10)]
    cheap = Limits(in_flight=1, first_wait=0.01, budget=1e-4, prompt_price=1.0)
    with local_server.serving_here(ledger, log_probs="echo") as url:
        with pytest.raises(EndpointError, match=r"the budget of 0\.0001 is spent"):
            backend(url, tmp_path, limits=cheap).score_options(queries)
        n_before = local_server.paid(ledger).total()
        scores = backend(url, tmp_path).score_options(queries)

    assert scores == [OptionScores((-0.5, -0.5, -0.5), (1, 1, 1))] * 10
    assert 0 < n_before < 41
    assert set(local_server.paid(ledger).values()) == {1}
    assert local_server.paid(ledger).total() == 41


def test_a_call_inside_a_running_event_loop_answers_as_in_a_notebook(tmp_path, ledger):
    async def cell(url):
        return backend(url, tmp_path).generate(asked(3))

    with local_server.serving_here(ledger) as url:
        assert asyncio.run(cell(url)) == said(3)


def test_a_benchmark_takes_the_backend_as_its_respond(tmp_path, ledger):
    store = JsonlStore(tmp_path / "predictions.jsonl")
    with local_server.serving_here(ledger, log_probs="top") as url:
        one = backend(url, tmp_path)
        options = {"model_key": one.model_key, "decoding": dict(one.decoding)}
        texts = predict(asked(3), one.generate, store=store, **options)
        scores = predict([CHAT, replace(CHAT, options=(" B", " Z"))], one.score_options, store=store, **options)

    assert texts == said(3)
    assert scores == [OptionScores((-1.0, -0.25, -3.0), (1, 1, 1)), OptionScores((-0.25, BELOW_TOP), (1, 1))]
    assert len(JsonlStore(tmp_path / "predictions.jsonl")) == 5


def test_images_travel_as_png_in_their_place_and_in_reading_order(tmp_path):
    images = [Image.effect_noise((5, 4), 90).convert("RGB"), colour_image(200)]
    two = [message("user", "First.", images=1), message("assistant", "Yes."), message("user", "Second.", images=1)]
    sent = openai_form(Query("i", "en", two, images=images))["messages"]

    turns, got = opened(sent)
    assert turns == two
    assert sent[1]["content"] == "Yes."
    assert [image.tobytes() for image in got] == [image.tobytes() for image in images]


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        (Query("x", "en", [message("user", "?", images=2)], images=[colour_image(1)]), "2 image parts .* 1 images"),
        (Query("x", "en", "What?", images=[colour_image(1)]), "0 image parts .* 1 images"),
    ],
)
def test_images_that_do_not_pair_up_are_refused_before_anything_is_asked(tmp_path, ledger, query, counts):
    with local_server.serving_here(ledger) as url, pytest.raises(DataError, match=f"query 'x': {counts}"):
        backend(url, tmp_path).generate([query])

    assert local_server.paid(ledger).total() == 1  # which model answers


# --- scoring -------------------------------------------------------------------------------------------------------


def test_echoed_options_score_as_a_plain_forward_pass_does(tmp_path, ledger, lmm):
    prompts = ["Is the lesion on the left? Answer:", "هل تقع الآفة في الجهة اليسرى؟ الجواب:", "Zürich: yes"]
    options = (" A", " left", " on the left.", " نعم، في الجهة اليسرى.", " é\u200f")
    queries = [Query(f"q{i}", "", prompt, options) for i, prompt in enumerate(prompts)]
    with local_server.serving_here(ledger, log_probs="echo", reader=TinyReader(lmm)) as url:
        one = backend(url, tmp_path)
        scores = one.score_options(queries)

    assert one.scoring == ECHO
    assert any("\ufffd" in token for token, *_ in TinyReader(lmm).read({"prompt": prompts[1]}))  # halves of letters
    for query, got, local in zip(queries, scores, LocalBackend(lmm, GREEDY).score_options(queries), strict=True):
        plain = plain_scores(lmm, query.prompt, options)
        assert got.n_tokens == plain.n_tokens
        assert got.log_probs == pytest.approx(plain.log_probs, abs=1e-6)
        assert max(got.n_tokens) > 3
        assert got.log_probs == pytest.approx(local.log_probs, abs=1e-5)
        assert got.n_tokens == local.n_tokens


def test_letters_of_a_chat_with_an_image_score_as_the_model_in_process(tmp_path, ledger, lmm):
    prompt = [message("user", "Is it left?", images=1)]
    reader = TinyReader(lmm)
    ids = encode_prompt(prompt, lmm.tokenizer, n_images=1, n_image_tokens=lmm.n_image_tokens)
    pixels = lmm.pixel_values([colour_image(90)])
    with torch.inference_mode():
        logits = lmm.model(input_ids=torch.tensor([ids]), pixel_values=pixels).logits[0, -1].double()
    likely = logits.log_softmax(-1)
    letters = [letter for letter in map(chr, range(33, 127)) if letter.isalnum()]
    n_top = likely.topk(20).indices.tolist()
    inside = [letter for letter in letters if lmm.tokenizer.encode(letter, add_special_tokens=False)[0] in n_top]
    outside = [letter for letter in letters if letter not in inside]
    query = Query("c", "en", prompt, (inside[0], outside[0]), [colour_image(90)])
    with local_server.serving_here(ledger, log_probs="top", reader=reader) as url:
        one = backend(url, tmp_path)
        got = one.score_options([query])

    expected = likely[lmm.tokenizer.encode(inside[0], add_special_tokens=False)[0]].item()
    assert one.scoring == FIRST_TOKEN
    assert got[0].log_probs == (pytest.approx(expected, abs=1e-6), BELOW_TOP)
    local = LocalBackend(lmm, GREEDY).score_options([query])
    assert local[0].log_probs[0] == pytest.approx(expected, abs=1e-5)
    assert n_below_top([*got, "a text"]) == 1


@pytest.mark.parametrize(
    ("mode", "query", "scoring", "scores"),
    [
        # Lengths: a token costs a quarter of its length: " A" 2/4; " left" 5/4 + " side" 5/4
        ("echo", TEXT, ECHO, OptionScores((-0.5, -0.5, -0.5), (1, 1, 1))),
        ("echo", replace(TEXT, options=(" no", " left side")), ECHO, OptionScores((-0.75, -2.5), (1, 2))),
        ("echo", CHAT, FIRST_TOKEN, OptionScores((-1.0, -0.25, -3.0), (1, 1, 1))),
        ("top", TEXT, FIRST_TOKEN, OptionScores((-1.0, -0.25, -3.0), (1, 1, 1))),
        ("generated", TEXT, FIRST_TOKEN, OptionScores((-1.0, -0.25, -3.0), (1, 1, 1))),
        ("top", replace(CHAT, options=("A", " B")), FIRST_TOKEN, OptionScores((-2.0, -0.25), (1, 1))),
        ("top", replace(CHAT, options=(" A", " D")), FIRST_TOKEN, OptionScores((-1.0, BELOW_TOP), (1, 1))),
        ("top", replace(CHAT, options=("D", "E")), FIRST_TOKEN, "B"),
        ("top", replace(CHAT, options=(" yes", " no")), EXTRACTION, local_server.cipher("Is it left?")),
        ("null", TEXT, EXTRACTION, local_server.cipher("Q: Is it left?\nAnswer:")),
        ("null", CHAT, EXTRACTION, local_server.cipher("Is it left?")),
        ("refused", CHAT, EXTRACTION, local_server.cipher("Is it left?")),
    ],
)
def test_options_are_scored_in_the_best_way_the_server_has(tmp_path, ledger, mode, query, scoring, scores):
    with local_server.serving_here(ledger, log_probs=mode) as url:
        one = backend(url, tmp_path)
        before = one.scoring
        got = one.score_options([query])

    assert (before, one.scoring) == ("", scoring)
    assert got == [scores]
    assert backend(url, tmp_path).score_options([query]) == [scores]  # the server is gone
    assert backend(url, tmp_path).scoring == scoring


def test_two_forms_of_query_scored_in_two_ways_are_both_named(tmp_path, ledger):
    with local_server.serving_here(ledger, log_probs="echo") as url:
        one = backend(url, tmp_path)
        got = one.score_options([CHAT, TEXT])

    assert [scores.log_probs for scores in got] == [(-1.0, -0.25, -3.0), (-0.5, -0.5, -0.5)]
    assert one.scoring == f"messages and letters: {FIRST_TOKEN}; text and letters: {ECHO}"


@pytest.mark.parametrize("option", ["A", "A left"])  # "answers" and "A" become one token
def test_an_option_that_merges_with_its_prompt_is_an_error(tmp_path, ledger, option):
    merged = replace(TEXT, prompt="The answers", options=(option, " B"))
    with (
        local_server.serving_here(ledger, log_probs="echo") as url,
        pytest.raises(DataError, match=f"query 't1': option '{option}' does not begin at a token after 'The answers'"),
    ):
        backend(url, tmp_path).score_options([merged])


def test_an_option_right_behind_a_sign_does_not_merge(tmp_path, ledger):
    with local_server.serving_here(ledger, log_probs="echo") as url:
        scores = backend(url, tmp_path).score_options([replace(TEXT, prompt="Answer:(", options=("A left", "B"))])

    assert scores == [OptionScores((-1.5, -0.25), (2, 1))]  # "A" costs 1/4, " left" 5/4


def test_a_space_at_the_end_of_a_prompt_counts_to_the_option_as_in_process(tmp_path, ledger):
    with local_server.serving_here(ledger, log_probs="echo") as url:
        scores = backend(url, tmp_path).score_options([replace(TEXT, prompt="Answer: ", options=("A", "B"))])

    assert scores == [OptionScores((-0.5, -0.5), (1, 1))]  # " A" costs 2/4


def test_a_query_without_options_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"1 queries have no options to score, the first 'q0'; ask generate"):
        backend("http://127.0.0.1:9/v1", tmp_path).score_options([TEXT, *asked(1)])


# --- what an endpoint may do wrong ---------------------------------------------------------------------------------


def test_another_models_answer_is_refused_with_both_names(tmp_path, ledger):
    with (
        local_server.serving_here(ledger, model_name="other-7b") as url,
        pytest.raises(EndpointError, match=r"answered as model 'other-7b', but 'm' was asked for"),
    ):
        backend(url, tmp_path).generate(asked(1))


def test_an_alias_may_be_named_and_shows_on_the_card(tmp_path, ledger):
    with local_server.serving_here(ledger, model_name="other-7b") as url:
        one = backend(url, tmp_path, served_as="other-7b")
        assert one.generate(asked(1)) == said(1)

    assert one.name == "m (endpoint, answers as other-7b)"


def test_a_model_replaced_under_the_same_name_is_noticed(tmp_path, ledger):
    with local_server.serving_here(ledger, model_name="m-2024-05-13") as url:
        early = backend(url, tmp_path)
        early.generate(asked(2))
    with (
        local_server.serving_here(ledger, model_name="m-2024-08-06") as url,
        pytest.raises(EndpointError, match=r"answers 'm' as 'm-2024-08-06' now, and as 'm-2024-05-13' before"),
    ):
        backend(url, tmp_path).generate(asked(3))
    with local_server.serving_here(ledger, model_name="m-2024-08-06") as url:
        late = backend(url, tmp_path / "new")

        assert late.model_key != early.model_key
    assert backend("http://elsewhere/v1", tmp_path).model_key == early.model_key


def test_what_was_refused_for_missing_log_probabilities_is_asked_again(tmp_path, ledger):
    queries = [replace(CHAT, id=f"c{i}", prompt=[message("user", f"{i}?")]) for i in range(1, 6)]
    with local_server.serving_here(ledger, log_probs="fades") as url, pytest.raises(EndpointError, match="2 of 5"):
        backend(url, tmp_path, limits=replace(FAST, in_flight=1)).score_options(queries)
    with local_server.serving_here(ledger, log_probs="top") as url:
        assert backend(url, tmp_path).score_options(queries) == [OptionScores((-1.0, -0.25, -3.0), (1, 1, 1))] * 5


@pytest.mark.parametrize("fault", ["garbage", "nochoice", "truncate"])
def test_a_query_that_gets_no_usable_answer_is_named_and_the_others_are_kept(tmp_path, ledger, fault):
    with local_server.serving_here(ledger) as url:
        backend(url, tmp_path).generate(asked(4))
    with (
        local_server.serving(ledger, faults=f"{fault}=1") as url,
        pytest.raises(
            EndpointError, match=r"1 of 5 queries got no answer; query 'q4': no usable .* 4 answers are kept"
        ),
    ):
        backend(url, tmp_path).generate(asked(5))


def test_an_endpoint_that_answers_nothing_is_given_up_after_some_queries(tmp_path, ledger):
    with local_server.serving_here(ledger) as url:
        _ = backend(url, tmp_path).model_key
    with (
        local_server.serving(ledger, faults="garbage=1") as url,
        pytest.raises(EndpointError, match=r"(2[0-7]) of 500 queries got no answer; .* 0 answers are kept"),
    ):
        backend(url, tmp_path).generate(asked(500))


def test_a_probe_that_fails_decides_nothing(tmp_path, ledger):
    with local_server.serving_here(ledger) as url:
        _ = backend(url, tmp_path).model_key
    one = backend(url, tmp_path)
    with local_server.serving(ledger, faults="429=1") as url, pytest.raises(EndpointError, match="does not say what"):
        backend(url, tmp_path).score_options([CHAT])

    assert one.scoring == ""


def test_as_many_log_probabilities_as_tokens_or_an_error(tmp_path, ledger):
    with (
        local_server.serving_here(ledger, log_probs="short") as url,
        pytest.raises(EndpointError, match=r"gave \d+ tokens, \d+ log-probabilities and \d+ lists"),
    ):
        backend(url, tmp_path).score_options([TEXT])


def test_log_probabilities_that_cease_half_way_are_an_error_not_another_way(tmp_path, ledger):
    queries = [replace(TEXT, id=f"t{i}", prompt=f"Case {i}. Answer:") for i in range(3)]
    with (
        local_server.serving_here(ledger, log_probs="fades") as url,
        pytest.raises(EndpointError, match=r"'t0': no usable .* 0 log-probabilities for \d+ tokens of the prompt"),
    ):
        backend(url, tmp_path, limits=replace(FAST, in_flight=1)).score_options(queries)


def test_first_tokens_that_cease_half_way_are_an_error_not_another_way(tmp_path, ledger):
    queries = [replace(CHAT, id=f"c{i}", prompt=[message("user", f"{i}?")]) for i in range(1, 6)]
    with (
        local_server.serving_here(ledger, log_probs="fades") as url,
        pytest.raises(
            EndpointError,
            match=r"2 of 5 .* 'c4': .* no log-probabilities of the first token; 3 answers",
        ),
    ):
        backend(url, tmp_path, limits=replace(FAST, in_flight=1)).score_options(queries)


def test_a_server_of_text_only_is_identified_and_asked_for_text(tmp_path, ledger):
    with local_server.serving_here(ledger, paths=("completions",)) as url:
        one = backend(url, tmp_path)
        assert one.generate([Query("t", "en", "Finding 1.")]) == [local_server.cipher("Finding 1.")]
        with pytest.raises(EndpointError, match="answered 404 to model 'm'"):
            one.generate(asked(1))


def test_no_key_is_kept_or_shown(tmp_path, ledger, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    with local_server.serving_here(ledger) as url:
        one = backend(url, tmp_path, api_key_variable="SOME_KEY")
        one.generate(asked(1))

    assert "sk-secret" not in repr(one) + one.name + one.model_key
    assert all(b"sk-secret" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_key_that_no_header_can_carry_is_neither_sent_nor_shown(tmp_path, ledger, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-secret\nX-Header: x")
    with (
        local_server.serving_here(ledger) as url,
        pytest.raises(EndpointError, match="SOME_KEY holds a line break") as stopped,
    ):
        backend(url, tmp_path, api_key_variable="SOME_KEY").generate(asked(1))

    assert local_server.paid(ledger).total() == 0
    assert "sk-secret" not in "".join(traceback.format_exception(stopped.value))


# --- in process ----------------------------------------------------------------------------------------------------


def test_the_model_in_process_is_asked_the_same_and_named_by_its_weights(lmm):
    local = LocalBackend(lmm, GREEDY)
    one = sample()
    query = Query("s", "en", one.prompt, images=one.images)

    assert local.generate([query, query]) == LocalBackend(lmm, GREEDY).generate([query]) * 2
    assert local.model_key == fingerprint(lmm)
    assert local.name == f"weights {fingerprint(lmm)[:12]}, in process"
    assert local.scoring == IN_PROCESS
