"""Bad replies: each has its problem, none becomes a score, and problems are counted by reason."""

import json
from dataclasses import replace

import pytest
from judging import FAST, judge_that_says, request, sent

from bimedix2_core.bench.judge import ask_judge, count_problems, replay
from bimedix2_core.bench.judge.reading import is_refusal
from bimedix2_core.bench.mbench.verdict import strict_scores

REQUEST = request("q0", "Answer.")


def recorded(folder, text: str, finish_reason: str = "stop"):
    record = {"key": REQUEST.key("judge-1"), "id": "q0", "judge": "judge-1", "prompts": REQUEST.prompts}
    path = folder / "verdicts.jsonl"
    path.write_text(json.dumps(record | {"text": text, "finish_reason": finish_reason}) + "\n")
    [verdict] = replay([REQUEST], "judge-1", path)
    return verdict


@pytest.mark.parametrize(
    ("text", "finish_reason", "problem"),
    [
        ("8 7\nThe first is better.", "stop", ""),
        ('{"agreement": "agree"}', "stop", ""),
        ("", "stop", "empty reply"),
        (" \n\u00a0", "stop", "empty reply"),
        ("", "length", "cut off at max_tokens"),
        ("8 ", "length", "cut off at max_tokens"),
        ("", "content_filter", "stopped by a content filter"),
        ("I'm sorry, but I can't assist with that.", "stop", "refusal"),
        ("عذرًا، لا أستطيع تقييم هذه الإجابات.", "stop", "refusal"),
    ],
)
def test_a_bad_reply_says_what_is_wrong_with_it(tmp_path, text, finish_reason, problem):
    verdict = recorded(tmp_path, text, finish_reason)

    assert (verdict.text, verdict.problem) == (text, problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I cannot evaluate medical images.", True),
        ("We will not fairly compare these answers.", True),
        ("The patient cannot walk.", False),
        ("As an AI, I am unable to rate these answers. 8 7", True),
        ("8 7\nI cannot fault the second.", False),
        ("Both answers are right. I cannot find a difference: 8 8", False),
        ('{"reasoning": "I cannot say more.", "agreement": "neutral"}', False),
        ("Assistant 1: 9\nAssistant 2: I'm sorry to say 3", False),
        ("The second is better.", False),
        ("", False),
    ],
)
def test_a_refusal_begins_with_declining_and_not_with_a_score_or_an_object(text, expected):
    assert is_refusal(text) == expected


@pytest.mark.parametrize(("body", "problem"), [("''", "empty reply"), ('"I cannot judge this."', "refusal")])
def test_what_a_server_says_badly_reaches_the_verdict_and_is_not_asked_for_again(tmp_path, body, problem):
    with judge_that_says(tmp_path, f"return {body}") as judge:
        first = ask_judge([REQUEST], judge, folder=tmp_path)
        again = ask_judge([REQUEST], judge, folder=tmp_path)

    assert [one.problem for one in (*first, *again)] == [problem] * 2
    assert len(sent(tmp_path)) == 1


def test_a_judge_that_declines_in_a_field_of_its_own_is_asked_once_whatever_its_words(tmp_path):
    with judge_that_says(tmp_path, "return '8 7'", quirks="declines") as judge:
        first = ask_judge([REQUEST], judge, folder=tmp_path)
        again = ask_judge([REQUEST], judge, folder=tmp_path)

    assert [(one.text, one.problem) for one in (*first, *again)] == [("8 7", "refusal")] * 2
    assert strict_scores(first[0].text, first[0].problem).first is None
    assert len(sent(tmp_path)) == 1


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        ("500=1", "status 500"),
        ("429=1", "status 429"),
        ("nochoice=1", "no chat completion"),
        ("drop=1", "disconnected"),
    ],
)
def test_a_request_that_brings_nothing_has_no_text_and_its_error(tmp_path, faults, problem):
    with judge_that_says(tmp_path, "return 'x'", faults=faults) as judge:
        [verdict] = ask_judge([REQUEST], replace(judge, limits=replace(FAST, tries=2)), folder=tmp_path)

    assert verdict.text is None
    assert "no usable answer in 2 tries; the last one: " in verdict.problem
    assert problem in verdict.problem


def test_problems_are_counted_by_reason_the_most_frequent_first():
    problems = [
        "",
        "not judged: no usable answer in 6 tries; the last one: status 500",
        "not judged: no usable answer in 6 tries; the last one: ReadTimeout",
        'not judged: refused with status 400: {"error": "too long, 9000 tokens"}',
        "no label in the verdict (cut off at max_tokens)",
        "no label in the verdict (refusal)",
        "no label in the verdict",
        "no label in the verdict",
        "no label in the verdict",
        "unknown label 'perhaps' in the verdict",
        "unknown label 'rather' in the verdict",
        "not judged: not in the record",
        "",
    ]

    found = count_problems(problems)

    assert list(found.items()) == [
        ("no label in the verdict", 3),
        ("no usable answer", 2),
        ("unknown label", 2),
        ("cut off at max_tokens", 1),
        ("not in the record", 1),
        ("refusal", 1),
        ("refused with status", 1),
    ]
    assert sum(found.values()) == len([problem for problem in problems if problem])


def test_the_words_of_the_endpoint_are_the_reasons_that_are_counted(tmp_path):
    with judge_that_says(tmp_path, "return 'x'", faults="500=1") as judge:
        [verdict] = ask_judge([REQUEST], judge, folder=tmp_path)

    assert count_problems([verdict.problem]) == {"no usable answer": 1}


def test_a_problem_that_is_all_detail_is_a_reason_of_its_own():
    assert count_problems(["3 numbers", "(none)"]) == {"(none)": 1, "3 numbers": 1}
    assert count_problems([]) == {}
