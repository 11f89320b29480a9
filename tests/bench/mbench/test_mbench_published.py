"""LLaVA-Med's files of answers and verdicts, in the true schema (shared/notes/formats.md): ids join, never position."""

import json
import random

import pytest
from mbench_files import records, rows, written

from bimedix2_core.bench.judge import Verdict
from bimedix2_core.bench.mbench import (
    PairwiseJudge,
    original_scores,
    pairwise_prompts,
    read,
    read_answer_file,
    read_verdict_file,
    write_verdict_file,
)
from bimedix2_core.errors import DataError

JUDGE = PairwiseJudge("judge-1", pairwise_prompts())


@pytest.fixture
def questions():
    """The English ones."""
    return rows()[:193]


def answer_lines() -> list[dict]:
    return [
        {"question_id": n, "prompt": f"What is seen, question {n}?", "text": f"Answer {n}.", "answer_id": f"a{n}",
         "model_id": "m", "metadata": {}}
        for n in range(193)
    ]  # fmt: skip


def verdict_lines(**more) -> list[dict]:
    return [
        line | {"question": line["text"], "ans1": line["gpt4_answer"], "ans2": f"Answer {line['question_id']}.",
                "result": f"9 {line['question_id'] % 9 + 1}\nBecause."} | more
        for line in records()
    ]  # fmt: skip


def test_answers_are_joined_by_id_whatever_their_order(tmp_path, questions):
    lines = answer_lines()
    random.Random(0).shuffle(lines)
    found = read_answer_file(written(tmp_path / "a.jsonl", lines), questions)

    assert [found[row.id] for row in questions] == [f"Answer {n}." for n in range(193)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:192], "no answer for 1 of 193 samples"),
        (lambda lines: [*lines, lines[0]], r"line 194: id '0' stands in line 1 already"),
        (lambda lines: [*lines[:192], lines[192] | {"question_id": 999}], r"ids are none of the 193 samples \('999'\)"),
        (lambda lines: [line | {"question_id": line["question_id"] + 1} for line in lines], "none of the 193 samples"),
        (lambda lines: [{"answer": "x", "question_id": 0}], "no field 'text'"),
    ],
    ids=["one missing", "one twice", "foreign", "shifted", "another layout"],
)
def test_a_wrong_answer_file_is_refused(tmp_path, questions, change, message):
    with pytest.raises(DataError, match=message):
        read_answer_file(written(tmp_path / "a.jsonl", change(answer_lines())), questions)


def test_a_broken_answer_line_is_named(tmp_path, questions):
    file = written(tmp_path / "a.jsonl", answer_lines())
    file.write_text(file.read_text("utf-8")[:-30], "utf-8")

    with pytest.raises(DataError, match=r"a\.jsonl, line 193 is not JSON"):
        read_answer_file(file, questions)


def test_the_two_languages_share_ids_so_a_file_is_of_one(tmp_path):
    both = rows()
    for reading in (
        lambda file: read_answer_file(file, both),
        lambda file: read_verdict_file(file, both, judge="gpt"),
    ):
        with pytest.raises(DataError, match="questions in ar and en for one file"):
            reading(written(tmp_path / "a.jsonl", answer_lines()))


@pytest.mark.parametrize("field", ["result", "gpt_eval"])
def test_verdicts_are_read_in_both_published_layouts_and_joined_by_id(tmp_path, questions, field):
    lines = [line | {field: line["result"]} for line in verdict_lines()]
    lines = [line if field == "result" else {k: v for k, v in line.items() if k != "result"} for line in lines]
    found = read_verdict_file(written(tmp_path / "v.jsonl", lines[::-1]), questions, judge="gpt")

    assert [one.row.id for one in found] == [row.id for row in questions]
    assert [(one.reference_score, one.answer_score) for one in found] == [(9, n % 9 + 1) for n in range(193)]
    assert (found[5].answer, found[5].judge, found[5].order, found[5].repeat) == (
        "Answer 5.", "gpt", "reference_first", 0,
    )  # fmt: skip


def test_a_file_of_192_verdicts_is_normal_and_the_missing_one_unscored(tmp_path, questions):
    lines = verdict_lines()
    del lines[100]
    found = read_verdict_file(written(tmp_path / "v.jsonl", lines), questions, judge="gpt")

    assert len(found) == 193
    assert [(one.row.id, one.problem) for one in found if not one.is_scored] == [
        ("100", "no verdict in the file (v.jsonl)")
    ]


def test_stored_verdicts_are_read_strictly_or_as_the_script_does(tmp_path, questions):
    file = written(tmp_path / "v.jsonl", verdict_lines(result="9  8"))
    off = written(tmp_path / "off.jsonl", verdict_lines(result="11 10"))

    assert {one.answer_score for one in read_verdict_file(file, questions, judge="g")} == {8}
    stopped = read_verdict_file(file, questions, judge="g", reading=original_scores)
    assert {one.problem for one in stopped} == {"the published script stops here: 3 parts on the first line, not 2"}
    assert {one.answer_score for one in read_verdict_file(off, questions, judge="g")} == {None}
    taken = read_verdict_file(off, questions, judge="g", reading=original_scores)
    assert {one.answer_score for one in taken} == {10}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": 999}, r"v\.jsonl, line 1: question_id '999' is none of the 193 questions"),
        (
            {"ans1": "Another reference."},
            r"ans1 is 'Another reference\.', but the reference answer to question '0' \(en",
        ),
        ({"ans1": None}, "ans1 is None, but the reference answer"),
    ],
    ids=["foreign", "another reference", "no reference"],
)
def test_a_verdict_on_something_else_is_refused(tmp_path, questions, change, message):
    lines = verdict_lines()
    lines[0] |= change

    with pytest.raises(DataError, match=message):
        read_verdict_file(written(tmp_path / "v.jsonl", lines), questions, judge="gpt")


def test_two_verdicts_on_one_question_are_refused(tmp_path, questions):
    lines = [*verdict_lines(), verdict_lines()[1]]

    with pytest.raises(DataError, match=r"v\.jsonl, line 194: a verdict on question '1' stands above already"):
        read_verdict_file(written(tmp_path / "v.jsonl", lines), questions, judge="gpt")


def test_a_line_without_a_field_is_refused_and_a_file_without_verdicts_too(tmp_path, questions):
    bare = [{name: value for name, value in line.items() if name != "result"} for line in verdict_lines()]

    with pytest.raises(DataError, match=r"v\.jsonl, line 1: no field 'result'; it has question_id"):
        read_verdict_file(written(tmp_path / "v.jsonl", bare), questions, judge="gpt")
    with pytest.raises(DataError, match="no verdict in it; expected one on each of 193 questions"):
        read_verdict_file(written(tmp_path / "v.jsonl", []), questions, judge="gpt")


def test_a_null_verdict_is_unscored(tmp_path, questions):
    found = read_verdict_file(written(tmp_path / "v.jsonl", verdict_lines(result=None)), questions, judge="gpt")

    assert not any(one.is_scored for one in found)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_written_is_read_back_and_has_the_published_fields(tmp_path, language):
    own = read({language: written(tmp_path / "q.jsonl", records(language))}).rows
    answers = [f"Answer {n}." for n in range(193)]
    texts = [f"9 {n % 9 + 1}\nBecause of\u2028{n}." for n in range(193)]
    verdicts = [
        Verdict(one.id, "judge-1", one.key("judge-1"), text if one.id != "7" else None, "status 500")
        for one, text in zip(JUDGE.requests(own, answers), texts, strict=True)
    ]
    file = write_verdict_file(tmp_path / "v.jsonl", own, answers, verdicts[::-1], JUDGE)
    lines = [json.loads(line) for line in file.read_text("utf-8").split("\n")[:-1]]

    assert len(lines) == 192  # a failed request has no line
    assert lines[0] == records(language)[0] | {
        "question": own[0].messages[0]["content"][1]["text"], "ans1": records(language)[0]["gpt4_answer"],
        "ans2": "Answer 0.", "result": texts[0],
    }  # fmt: skip
    again = read_verdict_file(file, own, judge=JUDGE.name)
    straight = JUDGE.judged(own, answers, verdicts)
    assert [one for one in again if one.row.id != "7"] == [one for one in straight if one.row.id != "7"]


def test_verdicts_of_another_order_are_not_written_as_published_ones(tmp_path, questions):
    requests = JUDGE.requests(questions, ["x"] * 193, order="answer_first")
    verdicts = [Verdict(one.id, "judge-1", one.key("judge-1"), "9 8") for one in requests]

    with pytest.raises(DataError, match=r"no verdict of judge .* reference_first, draw 0"):
        write_verdict_file(tmp_path / "v.jsonl", questions, ["x"] * 193, verdicts, JUDGE)
    assert not (tmp_path / "v.jsonl").exists()
