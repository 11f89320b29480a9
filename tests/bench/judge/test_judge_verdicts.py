"""Verdicts: paid for once, kept raw, replayed without a network; a judge that fails gives none."""

import asyncio
import json
import os
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from judging import FAST, PROMPTS, judge_that_says, n_paid, request, sent

from bimedix2_core.bench.judge import JudgeRequest, ask_judge, estimate_cost, replay
from bimedix2_core.errors import DataError, JudgeError
from bimedix2_core.runs import only_one

ECHO = "return 'I read: ' + text.split('<response>')[1].split('</response>')[0].strip()"
REQUESTS = [request(f"q{n}", f"Answer {n}.") for n in range(3)]


def test_each_answer_gets_its_own_verdict_in_the_order_asked(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        verdicts = ask_judge(list(reversed(REQUESTS)), judge, folder=tmp_path)

    assert [(one.id, one.text) for one in verdicts] == [
        ("q2", "I read: Answer 2."),
        ("q1", "I read: Answer 1."),
        ("q0", "I read: Answer 0."),
    ]
    assert {(one.judge, one.problem) for one in verdicts} == {("judge-1", "")}


def test_a_judge_is_asked_at_temperature_0(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS[:1], judge, folder=tmp_path)

    [payload] = sent(tmp_path)
    assert (payload["model"], payload["temperature"], payload["max_tokens"]) == ("judge-1", 0, 64)


def test_a_second_run_and_the_same_content_pay_nothing(tmp_path):
    twins = [*REQUESTS, request("q0 at another level", "Answer 0.")]
    with judge_that_says(tmp_path, ECHO) as judge:
        first = ask_judge(twins, judge, folder=tmp_path)
        again = ask_judge(twins, judge, folder=tmp_path)

    assert first == again
    assert [one.id for one in first] == ["q0", "q1", "q2", "q0 at another level"]
    assert first[0].text == first[3].text
    assert n_paid(tmp_path) == 3


def test_two_processes_in_one_folder_are_refused_before_anything_is_sent(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        with (
            only_one(tmp_path / "requests.lock"),
            pytest.raises(DataError, match="another process is at work in "),
        ):
            ask_judge(REQUESTS, judge, folder=tmp_path)
        n_before = n_paid(tmp_path)
        ask_judge(REQUESTS, judge, folder=tmp_path)

    assert (n_before, n_paid(tmp_path)) == (0, 3)


def test_the_record_holds_the_words_the_judge_and_the_prompts(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS[:1], judge, folder=tmp_path)
    [record] = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]

    assert record["text"] == "I read: Answer 0."
    assert (record["id"], record["judge"], record["prompts"]) == ("q0", "judge-1", PROMPTS.version)
    assert record["key"] == REQUESTS[0].key("judge-1")


def test_a_judge_can_be_asked_from_inside_a_running_loop_as_in_a_notebook(tmp_path):
    async def cell(judge):
        return ask_judge(REQUESTS[:1], judge, folder=tmp_path)

    with judge_that_says(tmp_path, ECHO) as judge:
        [verdict] = asyncio.run(cell(judge))

    assert verdict.text == "I read: Answer 0."


def test_a_replay_is_the_same_without_a_network(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        asked = ask_judge(REQUESTS, judge, folder=tmp_path)

    assert replay(REQUESTS, "judge-1", tmp_path / "verdicts.jsonl") == asked


@pytest.mark.parametrize(
    ("requests", "model"),
    [
        ([REQUESTS[0], request("new answer", "Another answer.")], "judge-1"),
        ([replace(REQUESTS[0], id="new answer", max_tokens=65)], "judge-1"),
        ([replace(REQUESTS[0], id="new answer")], "judge-2"),
    ],
)
def test_a_replay_that_misses_a_verdict_says_which_and_what_the_record_is_of(tmp_path, requests, model):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS, judge, folder=tmp_path)

    with pytest.raises(DataError) as stopped:
        replay(requests, model, tmp_path / "verdicts.jsonl")

    message = str(stopped.value)
    assert f"verdicts.jsonl: 1 of {len(requests)} requests to judge '{model}'" in message
    assert "have no verdict there: 'new answer'" in message
    assert f"It has verdicts of judge 'judge-1' with prompts {PROMPTS.version}." in message


def test_a_replay_may_leave_out_what_is_missing_as_unscored(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS[:2], judge, folder=tmp_path)

    verdicts = replay(REQUESTS, "judge-1", tmp_path / "verdicts.jsonl", allow_missing=True)

    assert [one.text for one in verdicts] == ["I read: Answer 0.", "I read: Answer 1.", None]
    assert verdicts[2].problem == "not in the record"


def test_a_replay_without_a_record_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"verdicts\.jsonl: no record of verdicts there"):
        replay(REQUESTS, "judge-1", tmp_path / "verdicts.jsonl")


def test_a_request_that_fails_has_no_text_and_is_asked_again_next_time(tmp_path):
    with judge_that_says(tmp_path, ECHO, faults="garbage=1") as judge:
        failed = ask_judge(REQUESTS, judge, folder=tmp_path)
    with judge_that_says(tmp_path, ECHO) as judge:
        asked = ask_judge(REQUESTS, judge, folder=tmp_path)

    assert [one.text for one in failed] == [None] * 3
    assert "no usable answer in 2 tries" in failed[0].problem
    assert [one.text for one in asked] == ["I read: Answer 0.", "I read: Answer 1.", "I read: Answer 2."]


def test_a_verdict_that_was_cut_off_says_so(tmp_path):
    record = {"key": REQUESTS[0].key("judge-1"), "id": "q0", "judge": "judge-1", "prompts": PROMPTS.version}
    (tmp_path / "verdicts.jsonl").write_text(json.dumps(record | {"text": "{", "finish_reason": "length"}) + "\n")

    [verdict] = replay(REQUESTS[:1], "judge-1", tmp_path / "verdicts.jsonl")

    assert (verdict.text, verdict.problem) == ("{", "cut off at max_tokens")


def test_a_spent_budget_stops_the_run_and_what_was_paid_stays(tmp_path):
    many = [request(f"q{n}", f"Answer {n}.") for n in range(12)]
    # a request of about 8 words at a price of 0.5 for each token: the third answer is past the budget of 10
    limits = replace(FAST, in_flight=1, budget=10.0, prompt_price=5e5)
    with judge_that_says(tmp_path, ECHO, limits=limits) as judge:
        with pytest.raises(
            JudgeError, match=r"the judge cannot be asked any further, \d+ verdicts are missing: the bud"
        ):
            ask_judge(many, judge, folder=tmp_path)
        n_before = n_paid(tmp_path)
        kept = (tmp_path / "verdicts.jsonl").read_text().count("\n")
        ask_judge(many, replace(judge, limits=FAST), folder=tmp_path)

    assert 0 < n_before < 12
    assert kept == n_before
    assert n_paid(tmp_path) == 12


def test_the_budget_holds_with_many_in_flight_up_to_what_is_in_flight(tmp_path):
    many = [request(f"q{n}", f"Answer {n}.") for n in range(300)]
    limits = replace(FAST, in_flight=8, budget=100.0, prompt_price=1e6)  # a request is of about 10 words, so 10 each
    with judge_that_says(tmp_path, ECHO, limits=limits) as judge:
        with pytest.raises(JudgeError, match=r"the budget of 100 is spent \(\d+ requests, \d+ tokens, about 1\d\d\.00"):
            ask_judge(many, judge, folder=tmp_path)
        kept = (tmp_path / "verdicts.jsonl").read_text().count("\n")
        with pytest.raises(JudgeError, match=f"{300 - kept} verdicts are missing"):
            ask_judge(many, judge, folder=tmp_path)

    assert kept == n_paid(tmp_path)
    words = sum(len(" ".join(turn["content"] for turn in one["messages"]).split()) for one in sent(tmp_path))
    assert 100 <= words < 100 + 8 * 12


def test_a_budget_without_prices_is_an_error_since_it_would_never_be_spent(tmp_path):
    with (
        judge_that_says(tmp_path, ECHO, limits=replace(FAST, budget=10.0)) as judge,
        pytest.raises(JudgeError, match="a budget of 10 for judge 'judge-1', but no price of a token"),
    ):
        ask_judge(REQUESTS, judge, folder=tmp_path)

    assert n_paid(tmp_path) == 0


def test_a_judge_that_is_down_is_an_error_and_not_a_verdict(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        pass

    with pytest.raises(JudgeError, match=r"3 verdicts are missing: .* is down"):
        ask_judge(REQUESTS, judge, folder=tmp_path)


SECRET = "sk-3f9a1c"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "3 verdicts are missing: no key for the endpoint, nothing was asked: set the environment variable JUD"),
        (f"{SECRET}\r\nX-Header: x", "3 verdicts are missing: the environment variable JUDGE_KEY holds a line break"),
    ],
)
def test_without_a_usable_key_nothing_is_sent_and_the_key_is_not_printed(tmp_path, monkeypatch, capsys, key, message):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("JUDGE_KEY", key)
    with judge_that_says(tmp_path, ECHO) as judge, pytest.raises(JudgeError, match=message) as stopped:
        ask_judge(REQUESTS, replace(judge, api_key_variable="JUDGE_KEY"), folder=tmp_path)

    assert n_paid(tmp_path) == 0
    assert not (tmp_path / "verdicts.jsonl").exists()
    shown = "".join(traceback.format_exception(stopped.value)) + "".join(capsys.readouterr())
    assert SECRET not in shown


def test_a_key_is_sent_and_stands_in_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    with judge_that_says(tmp_path, ECHO) as judge:
        verdicts = ask_judge(REQUESTS, replace(judge, api_key_variable="JUDGE_KEY"), folder=tmp_path)

    assert all(one.text for one in verdicts)
    assert SECRET not in repr(verdicts)
    assert not [file.name for file in tmp_path.iterdir() if SECRET.encode() in file.read_bytes()]


def test_what_is_known_needs_no_key_and_no_judge(tmp_path, monkeypatch):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with judge_that_says(tmp_path, ECHO) as judge:
        asked = ask_judge(REQUESTS, judge, folder=tmp_path)

    assert ask_judge(REQUESTS, replace(judge, api_key_variable="JUDGE_KEY"), folder=tmp_path) == asked


# --- draws ---------------------------------------------------------------------------------------------------------


def test_another_draw_is_another_request_with_its_number_as_seed(tmp_path):
    draws = [replace(REQUESTS[0], repeat=repeat) for repeat in range(3)]
    with judge_that_says(tmp_path, "return 'seed ' + str(payload.get('seed'))") as judge:
        verdicts = ask_judge(draws, judge, folder=tmp_path)
        again = ask_judge(draws, judge, folder=tmp_path)

    assert [one.text for one in verdicts] == ["seed None", "seed 1", "seed 2"]
    assert verdicts == again
    assert len({one.key for one in verdicts}) == n_paid(tmp_path) == 3
    assert replay(draws, "judge-1", tmp_path / "verdicts.jsonl") == verdicts


def test_the_first_draw_is_the_request_that_knows_of_no_draws(tmp_path):
    assert "seed" not in REQUESTS[0].payload
    assert replace(REQUESTS[0], repeat=0).key("judge-1") == REQUESTS[0].key("judge-1")
    assert replace(REQUESTS[0], repeat=1).payload == REQUESTS[0].payload | {"seed": 1}


# --- cost ----------------------------------------------------------------------------------------------------------


def test_the_cost_is_estimated_for_what_is_not_yet_known(tmp_path):
    limits = replace(FAST, prompt_price=2.0, completion_price=10.0, budget=0.001)
    # 90 bytes in each message are 30 tokens: 60 a request, and 100 for its verdict
    texts = [("x" * 90, str(n) * 90) for n in range(3)]
    roles = ("system", "user")
    asked = [
        JudgeRequest(
            f"q{n}", "en", "v", [{"role": role, "content": text} for role, text in zip(roles, both, strict=True)]
        )
        for n, both in enumerate(texts)
    ]
    with judge_that_says(tmp_path, "return 'x'", limits=limits) as judge:
        before = estimate_cost(asked, judge, folder=tmp_path, completion_tokens=100)
        ask_judge(asked[:1], replace(judge, limits=FAST), folder=tmp_path)
        after = estimate_cost([*asked, replace(asked[2], id="twin")], judge, folder=tmp_path, completion_tokens=100)

    assert (before.n_requests, before.prompt_tokens, before.completion_tokens) == (3, 180, 300)
    assert before.price == pytest.approx((180 * 2 + 300 * 10) / 1e6)
    assert (before.fits, "NOT ENOUGH" in str(before)) == (False, True)
    assert (after.n_requests, after.n_known, after.prompt_tokens) == (2, 1, 120)


def test_what_earlier_runs_spent_counts_against_the_budget(tmp_path):
    limits = replace(FAST, prompt_price=1e6, budget=1000.0)
    with judge_that_says(tmp_path, ECHO, limits=limits) as judge:
        ask_judge(REQUESTS[:2], judge, folder=tmp_path)
        asked = [*REQUESTS, *(request(f"q{n}", "x" * 30) for n in range(3, 6))]
        after = estimate_cost(asked, judge, folder=tmp_path)
        spent = sum(len(" ".join(turn["content"] for turn in one["messages"]).split()) for one in sent(tmp_path))
        tight = replace(judge, limits=replace(limits, budget=after.price + spent - 1))

    assert after.spent == spent
    assert after.fits
    assert f"(budget 1000.00, {spent:.2f} spent)" in str(after)
    assert not estimate_cost(asked, tight, folder=tmp_path).fits


def test_what_was_paid_before_a_kill_is_known_though_it_is_in_no_record_yet(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS, judge, folder=tmp_path)
        (tmp_path / "verdicts.jsonl").unlink()
        found = estimate_cost(REQUESTS, judge, folder=tmp_path)

    assert (found.n_requests, found.n_known, found.price) == (0, 3, 0.0)


def test_a_judge_that_counts_no_tokens_still_spends_its_budget(tmp_path):
    limits = replace(FAST, in_flight=1, budget=10.0, prompt_price=2e5)  # a request has 79 bytes or more: 5.40
    with (
        judge_that_says(tmp_path, ECHO, limits=limits, quirks="uncounted") as judge,
        pytest.raises(JudgeError, match=r"the budget of 10 is spent \(\d+ requests, \d+ tokens \(estimated for"),
    ):
        ask_judge([request(f"q{n}", f"Answer {n}.") for n in range(12)], judge, folder=tmp_path)

    assert 0 < n_paid(tmp_path) < 12


def test_an_estimate_changes_nothing_of_a_record_that_is_being_written(tmp_path):
    with judge_that_says(tmp_path, ECHO) as judge:
        ask_judge(REQUESTS[:1], judge, folder=tmp_path)
        with (tmp_path / "verdicts.jsonl").open("a") as stream:
            stream.write('{"key": "half of')  # another process is in the midst of it
        before = (tmp_path / "verdicts.jsonl").read_bytes()
        found = estimate_cost(REQUESTS, judge, folder=tmp_path)

    assert (found.n_requests, found.n_known) == (2, 1)
    assert (tmp_path / "verdicts.jsonl").read_bytes() == before


ASKING = """
import sys
sys.path[:0] = sys.argv[1:3]
from dataclasses import replace
from pathlib import Path
import judging
from bimedix2_core.bench.judge import ask_judge
folder = Path(sys.argv[3])
limits = replace(judging.FAST, budget=500.0, prompt_price=1e6)
with judging.judge_that_says(folder, "return 'x'", limits=limits) as judge:
    ask_judge([judging.request("a", "b")], judge, folder=folder)
"""


def test_the_count_is_shown_while_the_judge_is_asked(tmp_path):
    here = Path(__file__).parent
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-c", ASKING, here, here.parents[1], tmp_path],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )

    n_words = len(" ".join(turn["content"] for turn in sent(tmp_path)[0]["messages"]).split())
    shown = (
        f"1 requests, {n_words + 1} tokens, about {n_words}.00, 0 reused, 0 retries, {500 - n_words}.00 of 500.00 left"
    )
    assert shown in done.stderr
