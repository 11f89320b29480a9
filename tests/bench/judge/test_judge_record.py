"""The record: what cannot be replayed says so, and nothing in it is changed."""

import json
from dataclasses import replace

import pytest
from judging import FAST, PROMPTS, judge_that_says, request

from bimedix2_core.bench.judge import Wording, ask_judge, replay
from bimedix2_core.errors import DataError

REQUESTS = [request(f"q{n}", f"Answer {n}.") for n in range(3)]


@pytest.fixture
def record(tmp_path):
    """A record of three verdicts as `ask_judge` writes it; asked one at a time, so that they stand in order."""
    one_at_a_time = replace(FAST, in_flight=1)
    with judge_that_says(tmp_path, "return text.split('<response>')[1]", limits=one_at_a_time) as judge:
        ask_judge(REQUESTS, judge, folder=tmp_path)
    return tmp_path / "verdicts.jsonl"


def test_a_record_of_another_wording_says_which_version_it_is_of(record):
    other = replace(PROMPTS, wordings=PROMPTS.wordings | {"en": Wording("Weigh.", PROMPTS.wordings["en"].user)})
    messages = other.messages("en", claim="Tea cures flu.", response="Answer 0.")
    asked = replace(REQUESTS[0], prompts=other.version, messages=messages)

    with pytest.raises(DataError) as stopped:
        replay([asked], "judge-1", record)

    assert f"judge 'judge-1' with prompts {other.version} have no verdict there: 'q0'" in str(stopped.value)
    assert f"It has verdicts of judge 'judge-1' with prompts {PROMPTS.version}." in str(stopped.value)


def test_a_record_of_another_judge_is_not_taken_for_this_one(record):
    with pytest.raises(DataError, match=r"3 of 3 requests to judge 'judge-2' .* It has verdicts of judge 'judge-1'"):
        replay(REQUESTS, "judge-2", record)


def test_another_draw_is_not_replayed_from_the_first(record):
    with pytest.raises(DataError, match=r"1 of 2 requests .* no verdict there: 'q1'"):
        replay([REQUESTS[0], replace(REQUESTS[1], repeat=1)], "judge-1", record)


def test_a_last_line_that_was_cut_is_missing_by_name_and_stays_in_the_file(record, caplog):
    whole = record.read_bytes()
    record.write_bytes(whole[:-30])

    with pytest.raises(DataError, match=r"1 of 3 requests .* have no verdict there: 'q2'"):
        replay(REQUESTS, "judge-1", record)

    assert "passed over an incomplete last line" in caplog.text
    assert record.read_bytes() == whole[:-30]


def test_a_last_line_that_lost_only_its_line_end_counts(record):
    asked = replay(REQUESTS, "judge-1", record)
    record.write_bytes(record.read_bytes().rstrip(b"\n"))

    assert replay(REQUESTS, "judge-1", record) == asked


def test_the_same_verdict_twice_is_one_as_in_two_records_joined(record):
    asked = replay(REQUESTS, "judge-1", record)
    record.write_text(record.read_text() * 2)

    assert replay(REQUESTS, "judge-1", record) == asked


def test_two_verdicts_on_one_request_that_differ_are_an_error_that_names_both(record):
    lines = record.read_text().splitlines()
    second = json.loads(lines[1]) | {"text": "other words"}
    record.write_text("\n".join([*lines, json.dumps(second)]) + "\n")

    with pytest.raises(DataError, match=r"verdicts\.jsonl, line 4: a second verdict of 'judge-1' on 'q1', .* line 2 "):
        replay(REQUESTS, "judge-1", record)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"key": ', r"verdicts\.jsonl, line 1: not JSON"),
        ("[1, 2]", "line 1: a list; expected a verdict as ask_judge stores it"),
        ('{"key": "k", "id": "q0"}', "line 1: no text in 'judge', 'prompts', 'text', 'finish_reason'"),
    ],
)
def test_a_line_that_is_no_verdict_is_an_error_with_its_number(record, line, message):
    record.write_text(line + "\n" + record.read_text())

    with pytest.raises(DataError, match=message):
        replay(REQUESTS, "judge-1", record)


def test_an_empty_record_is_of_nobody(record):
    record.write_text("")

    with pytest.raises(DataError, match="It has verdicts of nobody"):
        replay(REQUESTS, "judge-1", record)


def test_a_line_separator_inside_a_verdict_is_no_end_of_a_line(tmp_path):
    asked = [request("a", "one\u2028two"), request("b", "three")]
    with judge_that_says(tmp_path, "return text.split('<response>')[1]") as judge:
        ask_judge(asked, judge, folder=tmp_path)

    found = replay(asked, "judge-1", tmp_path / "verdicts.jsonl")

    assert found[0].text.strip().startswith("one\u2028two")
