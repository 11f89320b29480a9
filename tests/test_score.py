import csv
import json

import pytest
from shared_data import real

from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.benchmarks import LEVELS, VERACITIES
from bimedix2_core.data.sources.questions import DECISIONS
from bimedix2_core.score import command

TRUTH = "test_ground_truth.json"


def write_lines(path, records):
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def run(capsys, *arguments):
    """Exit status, standard output and error of the command line."""
    status = command.main([str(one) for one in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def result(record, metric, definition, kind):
    (found,) = [
        one
        for one in record["results"]
        if (one["metric"], one["definition"], one["kind"]) == (metric, definition, kind)
    ]
    return found


def pubmedqa_folder(tmp_path, decisions):
    """Labelled questions as published, all of them official, and the official file."""
    questions = {
        str(number): {
            "QUESTION": f"Does drug {number} help?",
            "CONTEXTS": [f"Drug {number} was given."],
            "LABELS": ["METHODS"],
            "MESHES": [],
            "YEAR": "2000",
            "reasoning_required_pred": decision,
            "reasoning_free_pred": decision,
            "final_decision": decision,
            "LONG_ANSWER": "See above.",
        }
        for number, decision in enumerate(decisions, start=1)
    }
    (tmp_path / "ori_pqal.json").write_text(json.dumps(questions))
    truth = {id: one["final_decision"] for id, one in questions.items()}
    (tmp_path / TRUTH).write_text(json.dumps(truth))
    return truth


def test_answers_made_elsewhere_are_scored_under_every_definition(tmp_path, capsys):
    pubmedqa_folder(tmp_path, ["yes", "yes", "no", "maybe"])
    said = {"1": "Yes.", "2": "No, it does not.", "3": "no", "4": ""}
    answers = write_lines(tmp_path / "a.jsonl", [{"pmid": id, "text": text} for id, text in said.items()])

    status, out, _ = run(
        capsys, "pubmedqa", "--data", tmp_path, "--predictions", answers, "--out", tmp_path / "s.json", "--id-field",
        "pmid", "--answer-field", "text", "--allow-partial",
    )  # fmt: skip

    record = json.loads((tmp_path / "s.json").read_text())
    ours, strict = (result(record, "accuracy", name, "pubmedqa") for name in ("own reader", "exact"))
    assert status == 0
    assert (ours["value"], ours["n"]) == (0.5, 4)  # 1 and 3; "" is wrong and counted
    assert 0 <= ours["low"] < 0.5 < ours["high"] <= 1
    assert strict["value"] == 0.25  # "no" alone is the word; "Yes." is not
    assert result(record, "share empty", "own reader", "pubmedqa")["value"] == 0.25
    assert "own reader" in out
    assert "MultiMedEval" in out


def test_gold_answers_to_the_official_questions_score_full_by_id_in_any_order(tmp_path, capsys):
    folder = real("pubmedqa")
    truth = json.loads((folder / TRUTH).read_text())
    lines = [{"id": id, "answer": decision} for id, decision in reversed(truth.items())]
    answers = write_lines(tmp_path / "a.jsonl", lines)

    status, *_ = run(capsys, "pubmedqa", "--data", folder, "--predictions", answers, "--out", tmp_path / "s.json")

    record = json.loads((tmp_path / "s.json").read_text())
    values = {one["definition"]: one["value"] for one in record["results"] if one["metric"] == "accuracy"}
    assert status == 0
    assert not record["is_partial"]
    assert values
    assert set(values.values()) == {1.0}


def test_the_arabic_mmlu_is_audited_and_given_with_and_without_the_rows_that_are_no_translations(tmp_path, capsys):
    arabic, english = real("mmlu_medical_ar"), real("mmlu_medical_en")
    rows = [
        row
        for file in sorted(arabic.glob("*_test.csv"))
        for row in read_source("mmlu_medical_ar", file, bad_rows=BadRows(0))
    ]
    answers = write_lines(tmp_path / "a.jsonl", [{"id": row.id, "answer": row.answer} for row in rows])

    status, out, _ = run(
        capsys, "mmlu_medical", "--language", "ar", "--data", arabic, "--english", english, "--predictions", answers,
        "--out", tmp_path / "s.json",
    )  # fmt: skip

    record = json.loads((tmp_path / "s.json").read_text())
    counts = [result(record, "accuracy", name, "micro")["n"]
              for name in ("own reader", "own reader, without excluded rows")]  # fmt: skip
    assert (status, counts) == (0, [1089, 880])
    assert "209 of 1,089 rows are no translations" in out


def test_a_partial_run_says_so_in_every_output(tmp_path, capsys):
    folder = real("pubmedqa")
    first = list(json.loads((folder / TRUTH).read_text()))[:20]
    answers = write_lines(tmp_path / "a.jsonl", [{"id": id, "answer": "yes"} for id in first])
    asked = ["pubmedqa", "--data", folder, "--predictions", answers, "--out", tmp_path / "s.json"]

    refused, _, problem = run(capsys, *asked)
    status, out, _ = run(capsys, *asked, "--allow-partial")

    record = json.loads((tmp_path / "s.json").read_text())
    assert refused == 2
    assert "no answer for 480 of 500 samples" in problem
    assert status == 0
    assert "partial run: 20 of 500" in out
    assert record["is_partial"]
    assert "partial run: 20 of 500" in record["remarks"][0]


def test_answers_without_ids_are_taken_in_order_only_if_one_says_so(tmp_path, capsys):
    truth = pubmedqa_folder(tmp_path, DECISIONS)
    answers = write_lines(tmp_path / "a.jsonl", [{"answer": decision} for decision in truth.values()])
    asked = ["pubmedqa", "--data", tmp_path, "--predictions", answers, "--out", tmp_path / "s.json", "--allow-partial"]

    refused, _, problem = run(capsys, *asked)
    status, *_ = run(capsys, *asked, "--by-position")

    assert refused == 2
    assert "line 1: no field 'id'" in problem
    assert status == 0


def uphill_file(path, *, n_claims=4):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["claim_id", "claim", "claim_veracity", "presupposition_level", "query_with_presupposition",
                         "query_response_id"])  # fmt: skip
        for number in range(n_claims):
            for level in LEVELS:
                writer.writerow([f"{number}_p", f"Claim {number}.", VERACITIES[number % 4], level,
                                 f"Is claim {number} so ({level})?", f"{number} {level}"])  # fmt: skip
    return path


@pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")
def test_uphill_labels_made_elsewhere_are_scored_under_the_name_of_who_gave_them(tmp_path, capsys):
    data = uphill_file(tmp_path / "queries.csv")
    right = {"true": "agree", "false": "Disagree", "mixture": "neutral", "fabricated": "agree"}
    lines = [
        {"id": f"{number} {level}", "answer": "Some words.", "label": right[VERACITIES[number]]}
        for number in range(4)
        for level in LEVELS
    ]
    answers = write_lines(tmp_path / "a.jsonl", lines)
    asked = ["uphill", "--data", data, "--predictions", answers, "--out", tmp_path / "s.json", "--allow-partial",
             "--label-field", "label"]  # fmt: skip

    nameless, _, problem = run(capsys, *asked)
    status, _, wrong = run(capsys, *asked, "--judge", "somebody")
    assert not wrong

    record = json.loads((tmp_path / "s.json").read_text())
    factual = result(record, "factual accuracy", "ours; judge somebody", "all")
    assert nameless == 2
    assert "--judge" in problem
    assert (status, factual["value"], factual["n"], factual["n_clusters"]) == (0, 1.0, 15, 3)
    assert result(record, "fabricated claims agreed with", "ours; judge somebody", "all")["value"] == 1.0


def test_the_command_line_lists_the_benchmarks_and_refuses_others(capsys):
    with pytest.raises(SystemExit):
        command.main(["medqua", "--data", "x", "--predictions", "x", "--out", "x"])
    assert "pubmedqa" in capsys.readouterr().err
