import pytest
from shared_data import real

from bimedix2_core.bench.medical_vqa import disagreements, examples
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message


def question(number, answer, *, kind="closed", language="en"):
    turns = [message("user", f"Question {number}?", images=1), message("assistant", answer)]
    return Row(str(number), language, "vqa", "rad_vqa", turns, kind=kind, answer=answer)


def test_a_disagreement_shows_the_verdict_of_each_definition():
    rows = [question(1, "yes"), question(2, "no"), question(3, "yes")]

    found = disagreements(rows, ["Yes, abnormal", "No.", "It is"])

    [one] = found  # all agree on the second, and that the third is wrong or an abstention
    assert (one.row.id, one.question, one.answer, one.target) == ("1", "Question 1?", "Yes, abnormal", "yes")
    assert one.verdicts == {
        "ours": "right",
        "ours, abstentions left out": "right",
        "MultiMedEval": "right",
        "LLaVA-Med before fix #35": "right",
        "LLaVA-Med after fix #35": "right",
        "MedEvalKit, whole answer": "wrong",
        "MedEvalKit": "wrong",
        "MedEvalKit, as for SLAKE": "not counted",
        "exact match": "wrong",
        "word boundary": "right",
    }


def test_open_answers_disagree_under_open_metrics():
    rows = [question(1, "left lung", kind="open"), question(2, "left lung", kind="open"), question(3, "yes")]

    found = disagreements(rows, ["The left lung.", "left lung", "yes"], metric="open exact match")

    assert [one.row.id for one in found] == ["1"]
    assert found[0].verdicts["exact match"] == "wrong"
    assert found[0].verdicts["LLaVA-Med"] == "right"  # "the" is dropped


def test_examples_show_the_shortest_answer_of_each_pattern_the_most_frequent_first():
    rows = [question(number, "yes") for number in range(4)]
    texts = ["Yes, there is no doubt", "Yes, abnormal", "No doubt, yes", "Yes, not normal"]

    shown = examples(disagreements(rows, texts))

    assert [(one.answer, count) for one, count in shown] == [("Yes, abnormal", 3), ("No doubt, yes", 1)]


def test_a_metric_without_verdicts_and_unpaired_answers_are_refused():
    with pytest.raises(DataError, match="no verdicts of 'open recall'; known: closed accuracy, "):
        disagreements([question(1, "yes")], ["yes"], metric="open recall")
    with pytest.raises(DataError, match="1 questions but 2 answers"):
        disagreements([question(1, "yes")], ["yes", "no"])


def test_nobody_disagrees_about_the_published_yes_and_no_of_rad_vqa():
    rows = list(read_source("rad_vqa", real("vqa_rad/testset.json"), bad_rows=BadRows(0)))

    found = disagreements(rows, [row.answer for row in rows])

    assert {one.target.lower() for one in found} & {"yes", "no"} == set()
    assert len(found) == 18  # of the 21 other closed answers; three hold a "no" (abnormal and the like)
