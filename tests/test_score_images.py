import json

import pytest
from shared_data import real

from bimedix2_core.bench import mbench
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.demo.mbench_set import write_mbench
from bimedix2_core.demo.reports import write_reports
from bimedix2_core.score import command

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


def write_lines(path, records):
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path


def run(capsys, *arguments):
    """Exit status, standard output and error of the command line."""
    status = command.main([str(one) for one in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def results(out):
    """Value and n of each number, by metric, definition and group."""
    record = json.loads(out.read_text())
    return {(one["metric"], one["definition"], one["kind"]): (one["value"], one["n"]) for one in record["results"]}


def answers_of(rows, tmp_path, say):
    return write_lines(tmp_path / "answers.jsonl", [{"id": row.id, "answer": say(row)} for row in reversed(rows)])


# --- medical VQA ------------------------------------------------------------------------------------------------------


def test_slake_answered_with_its_own_golds_is_all_right_in_english_only(tmp_path, capsys):
    file = real("slake/test.json")
    rows = list(read_source("slake_vqa", file, bad_rows=BadRows(0)))
    answers = answers_of(rows, tmp_path, lambda row: row.answer)

    status, said, _ = run(capsys, "slake_vqa", "--data", file, "--predictions", answers, "--out", tmp_path / "s.json")

    found = results(tmp_path / "s.json")
    assert (status, len(rows)) == (0, 1061)
    assert found["closed accuracy", "MultiMedEval", "closed by answer"] == (1.0, 355)
    assert found["open accuracy", "MultiMedEval", "open by answer"][1] == 706
    assert "the same answers, closed accuracy from" in said


def test_always_no_is_right_where_the_gold_is_no_and_the_definitions_differ(tmp_path, capsys):
    file = real("vqa_rad/testset.json")
    rows = list(read_source("rad_vqa", file, bad_rows=BadRows(0)))
    answers = answers_of(rows, tmp_path, lambda row: "No.")

    status, said, _ = run(
        capsys, "rad_vqa", "--data", file, "--predictions", answers, "--out", tmp_path / "s.json",
        "--training", real("vqa_rad/trainset.json"),
    )  # fmt: skip

    found = results(tmp_path / "s.json")
    assert status == 0
    assert found["closed accuracy", "MultiMedEval", "closed by answer"] == (pytest.approx(133 / 251), 251)
    assert "0 of 451 questions share no image with training" in said
    clean = "MultiMedEval, without questions that share the question with training"
    assert found["closed accuracy", clean, "closed by answer"][1] < 251


def test_answers_of_another_set_are_refused_by_their_ids(tmp_path, capsys):
    answers = write_lines(tmp_path / "answers.jsonl", [{"id": "nobody", "answer": "No."}])

    status, _, error = run(
        capsys, "slake_vqa", "--data", real("slake/test.json"), "--predictions", answers, "--out", tmp_path / "s.json"
    )

    assert status == 2
    assert "'nobody'" in error
    assert "another data set" in error
    assert not (tmp_path / "s.json").exists()


# --- BiMed-MBench -----------------------------------------------------------------------------------------------------


@pytest.fixture
def questions(tmp_path):
    """A question file in the published layout, and its rows."""
    files = write_mbench(tmp_path / "mbench", n_images=5, seed=0)
    return files.english, mbench.read({"en": files.english}, allow_partial=True).rows


def llava_answers(path, rows, say):
    return write_lines(path, [{"question_id": int(row.id), "text": say(row), "answer_id": "x"} for row in rows])


def llava_verdicts(path, rows, say, verdict):
    return write_lines(
        path,
        [
            {"question_id": int(row.id), "ans1": mbench.reference_of(row), "ans2": say(row), "result": verdict(row)}
            for row in rows
        ],
    )


def test_llava_meds_question_answer_and_verdict_files_give_the_papers_number(tmp_path, capsys, questions):
    file, rows = questions
    answers = llava_answers(tmp_path / "a.jsonl", rows[::-1], lambda row: f"answer {row.id}")
    verdicts = llava_verdicts(
        tmp_path / "v.jsonl", rows[1:], lambda row: f"answer {row.id}", lambda row: "8 4\nThe first is better."
    )

    status, said, _ = run(
        capsys, "bimed_mbench", "--data", file, "--predictions", answers, "--verdicts", verdicts, "--judge", "gpt-4o",
        "--allow-partial", "--out", tmp_path / "s.json",
    )  # fmt: skip

    found = results(tmp_path / "s.json")
    assert status == 0
    assert found["relative score", "mean of ratios; judge gpt-4o", "all"] == (0.5, len(rows) - 1)
    assert found["worse than the reference", "ours; judge gpt-4o", "all"][0] == 1.0
    assert "two domains" in said


def test_our_own_record_of_verdicts_is_replayed_in_both_orders(tmp_path, capsys, questions):
    file, rows = questions
    texts = [f"answer {row.id}" for row in rows]
    judge = mbench.PairwiseJudge("a-judge", mbench.pairwise_prompts())
    record = [
        {"key": request.key("a-judge"), "id": request.id, "language": "en", "judge": "a-judge", "answered_by": "j",
         "prompts": request.prompts, "text": f"{scores}\nso", "finish_reason": "stop"}
        for order, scores in (("reference_first", "10 5"), ("answer_first", "7 10"))
        for request in judge.requests(rows, texts, order=order)
    ]  # fmt: skip
    answers = llava_answers(tmp_path / "a.jsonl", rows, lambda row: f"answer {row.id}")

    status, _, _ = run(
        capsys, "bimed_mbench", "--data", file, "--predictions", answers, "--judge", "a-judge", "--allow-partial",
        "--verdicts", write_lines(tmp_path / "verdicts.jsonl", record), "--out", tmp_path / "s.json",
    )  # fmt: skip

    value, n = results(tmp_path / "s.json")["relative score", f"mean of ratios; judge {judge.name}", "all"]
    assert (status, n) == (0, len(rows))
    assert value == pytest.approx((0.5 + 0.7) / 2)


def test_a_benchmark_for_a_judge_is_not_scored_without_one(tmp_path, capsys, questions):
    file, rows = questions
    answers = llava_answers(tmp_path / "a.jsonl", rows, lambda row: "x")

    status, _, error = run(
        capsys, "bimed_mbench", "--data", file, "--predictions", answers, "--allow-partial", "--out", tmp_path / "s"
    )

    assert status == 2
    assert "--verdicts" in error


def test_verdicts_on_other_answers_are_refused(tmp_path, capsys, questions):
    file, rows = questions
    answers = llava_answers(tmp_path / "a.jsonl", rows, lambda row: "mine")
    verdicts = llava_verdicts(tmp_path / "v.jsonl", rows, lambda row: "somebody else's", lambda row: "8 4")

    status, _, error = run(
        capsys, "bimed_mbench", "--data", file, "--predictions", answers, "--verdicts", verdicts, "--judge", "gpt-4o",
        "--allow-partial", "--out", tmp_path / "s.json",
    )  # fmt: skip

    assert status == 2
    assert "somebody else" in error


# --- reports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ar"])
def test_reports_that_repeat_their_references_score_one_wherever_a_metric_is_defined(tmp_path, capsys, language):
    drawn = write_reports(tmp_path / "reports", n=4, seed=0)
    file = drawn.iu_xray if language == "en" else drawn.iu_xray_ar
    text = file.read_text(encoding="utf-8")
    records = json.loads(text) if language == "en" else [json.loads(line) for line in text.splitlines()]
    answers = write_lines(tmp_path / "a.jsonl", [{"id": one["id"], "answer": one["findings"]} for one in records])

    status, said, _ = run(
        capsys,
        "iu_xray",
        "--data",
        file,
        "--predictions",
        answers,
        "--language",
        language,
        "--out",
        tmp_path / "s.json",
    )

    found = results(tmp_path / "s.json")
    assert status == 0
    assert found["ROUGE-L", "ours", "all"] == (1.0, 4)
    assert found["BLEU-1", "ours", "all"] == (1.0, 4)
    assert "F1-RadGraph" not in {metric for metric, _, _ in found}
    assert ("not run" if language == "en" else "not defined in Arabic") in said
