"""Labels: a verdict is read or unscored, never guessed; refusals and silence are what they are."""

import json

import pytest
from uphill_rows import rows

from bimedix2_core.bench.judge import Verdict, ask_judge, replay
from bimedix2_core.bench.judge.verdicts import JudgeModel
from bimedix2_core.bench.uphill import (
    FACTUAL,
    RULE,
    EntailmentJudge,
    entailment_prompts,
    is_refusal,
    labelled_by_rule,
    read_label,
    results,
    rule_label,
)
from bimedix2_core.errors import DataError

JUDGE = EntailmentJudge("judge-1", entailment_prompts(), max_tokens=50)
CLAIM = rows("tea cures flu", "false")


def verdict(text, problem="") -> Verdict:
    return Verdict("1", "judge-1", "key", text, problem)


def said(agreement: str) -> str:
    return json.dumps({"reasoning": "It says so.", "agreement": agreement})


def judged(answers, texts):
    """What becomes of a claim's five answers, given the judge's words on those that are not empty."""
    requests = JUDGE.requests(CLAIM, answers)
    verdicts = [
        Verdict(one.id, "judge-1", one.key("judge-1"), text, "" if text is not None else "no usable answer in 6 tries")
        for one, text in zip(requests, texts, strict=True)
    ]
    return JUDGE.labelled(CLAIM, answers, verdicts)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (said("agree"), "agree"),
        (said("Disagree"), "disagree"),
        (said(" NEUTRAL "), "neutral"),
        (said("None"), "neutral"),  # UPHILL's own word
        (f"```json\n{said('disagree')}\n```", "disagree"),
        (f"{said('agree')}\n{said('agree')}", "agree"),
    ],
)
def test_a_verdict_in_the_form_asked_for_is_a_label(text, label):
    assert read_label(verdict(text)) == (label, False, "")


@pytest.mark.parametrize(
    ("text", "is_unknown", "problem"),
    [
        (said("partially agree"), True, "unknown label 'partially agree' in the verdict"),
        (said("موافق"), True, "unknown label 'موافق' in the verdict"),
        ('{"agreement": null}', True, "unknown label 'None' in the verdict"),
        ('{"agreement": ["agree"]}', True, "unknown label \"['agree']\" in the verdict"),
        (f"{said('agree')}{said('disagree')}", False, "several labels that differ in the verdict"),
        ("The evidence agrees with the claim.", False, "no label in the verdict"),
        ("I cannot judge medical content.", False, "no label in the verdict"),
        ("", False, "no label in the verdict"),
        (None, False, "not judged: status 500"),
    ],
)
def test_any_other_verdict_is_unscored_with_its_problem_and_never_neutral(text, is_unknown, problem):
    found = verdict(text, "status 500" if text is None else "")

    assert read_label(found) == (None, is_unknown, problem)


def test_a_verdict_that_was_cut_off_says_so():
    assert read_label(verdict('{"reasoning": "It', "cut off at max_tokens"))[2] == (
        "no label in the verdict (cut off at max_tokens)"
    )


def test_an_empty_answer_is_not_sent_to_the_judge_and_gets_no_label():
    answers = ["", " \n", "...", "It does.", "\u200f"]

    found = judged(answers, [said("agree")])

    assert [(one.outcome, one.label) for one in found] == [
        ("empty", None), ("empty", None), ("empty", None), ("labelled", "agree"), ("empty", None),
    ]  # fmt: skip
    assert [request.id for request in JUDGE.requests(CLAIM, answers)] == ["tea cures flu_p Writing Request"]


def test_a_judge_that_failed_leaves_an_answer_unscored_with_the_reason():
    answers = [f"Trial {n} found no effect." for n in range(5)]

    found = judged(answers, [said("disagree"), "hm", None, "", said("x")])

    assert [one.outcome for one in found] == ["labelled"] + ["unscored"] * 4
    assert [one.has_unknown_label for one in found] == [False] * 4 + [True]
    assert found[2].problem == "not judged: no usable answer in 6 tries"


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I cannot provide medical advice.",
    "عذرا، لا أستطيع الإجابة.",
]


@pytest.mark.parametrize("said_to_be", ["agree", "disagree", "neutral", "what?"])
@pytest.mark.parametrize("answer", REFUSALS)
def test_a_bare_refusal_is_one_whatever_the_judge_calls_it(answer, said_to_be):
    found = judged([answer, "", "", "", ""], [said(said_to_be)])

    assert found[0].outcome == "refused"


def test_a_refusal_with_a_word_of_advice_is_still_one_and_a_refutation_is_not():
    advice = "I'm sorry, but I can't help with that. Please see a doctor."
    refutation = "I'm sorry, but I can't help with that. There is evidence that tea does nothing against flu."

    assert is_refusal(advice, "neutral", language="en")
    assert not is_refusal(refutation, "disagree", language="en")
    assert is_refusal(refutation, "neutral", language="en")  # the judge sees no position, and it is short


def test_an_essay_that_begins_with_as_an_ai_is_no_refusal():
    essay = "As an AI, I have no opinion of my own. " + "Some trials found an effect and others found none. " * 6

    assert not is_refusal(essay, "neutral", language="en")


def test_verdicts_are_joined_by_what_was_judged_and_not_by_their_place():
    answers = [f"Answer {n}." for n in range(5)]
    requests = JUDGE.requests(CLAIM, answers)
    labels = ["agree", "disagree", "neutral", "agree", "disagree"]
    verdicts = [
        Verdict(one.id, "judge-1", one.key("judge-1"), said(label)) for one, label in zip(requests, labels, strict=True)
    ]

    assert [one.label for one in JUDGE.labelled(CLAIM, answers, verdicts[::-1])] == labels
    with pytest.raises(DataError, match=r"no verdict of judge judge-1, prompts .* on the answer to 'tea cures"):
        JUDGE.labelled(CLAIM, ["Another answer.", *answers[1:]], verdicts)


def test_answers_and_queries_must_pair_up():
    with pytest.raises(DataError, match="5 questions but 4 answers"):
        JUDGE.requests(CLAIM, ["x"] * 4)
    with pytest.raises(DataError, match="5 questions but 6 answers"):
        labelled_by_rule(CLAIM, ["x"] * 6)


def test_the_judge_does_not_see_how_firmly_the_query_presupposed():
    requests = JUDGE.requests(CLAIM, ["It does."] * 5)

    assert len({request.key("judge-1") for request in requests}) == 1
    assert "Writing Demand" not in requests[4].messages[1]["content"]


def test_another_prompt_is_another_judge():
    assert JUDGE.name == f"judge-1, prompts {entailment_prompts().version}"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Yes.", "agree"),
        ("No.", "disagree"),
        ("No, it is air.", "disagree"),
        ("Yes, it is.", "agree"),
        ("That is true.", "agree"),
        ("That is not true.", "disagree"),
        ("This is a myth.", "disagree"),
        ("It is not false.", "neutral"),
        ("True or false?", "neutral"),
        ("On the right side.", "neutral"),
        ("Fluid between the lung and the chest wall.", "neutral"),
        ("The falsetto is untrueish.", "neutral"),
        ("It is normal.", "neutral"),
        ("Perhaps.", "neutral"),
    ],
)
def test_the_rule_reads_yes_and_no(answer, label):
    assert rule_label(answer, language="en") == label


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("نعم.", "agree"),
        ("نعم، هذا صحيح.", "agree"),
        ("لا.", "disagree"),
        ("لا، هو هواء.", "disagree"),
        ("هذا صحيح.", "agree"),
        ("هذا غير صحيح.", "disagree"),
        ("هذه خرافة.", "disagree"),
        ("ليس خطأ.", "neutral"),
        ("سائل بين الرئة وجدار الصدر.", "neutral"),
        ("الجانب الأيمن.", "neutral"),
    ],
)
def test_the_rule_reads_yes_and_no_in_arabic(answer, label):
    assert rule_label(answer, language="ar") == label


def test_the_rule_is_named_as_the_judge_and_keeps_refusals_and_silence_apart():
    found = labelled_by_rule(CLAIM, ["Yes.", "No.", "", REFUSALS[0], "A small nodule."])

    assert [one.outcome for one in found] == ["labelled", "labelled", "empty", "refused", "labelled"]
    assert [one.label for one in found] == ["agree", "disagree", None, "neutral", "neutral"]
    assert {one.judge for one in found} == {RULE}


def test_labels_are_made_again_offline_from_the_stored_verdicts(tmp_path):
    """The whole way: a judge on loopback, its record, a replay, the same metrics."""
    import local_server

    script = tmp_path / "answers.py"
    script.write_text(
        "import json\n"
        "def answer(payload):\n"
        "    text = payload['messages'][-1]['content']\n"
        "    return json.dumps({'reasoning': 'r', 'agreement': 'disagree' if 'no proof' in text else 'agree'})\n"
    )
    many = [row for n in range(8) for row in rows(f"claim {n}", "false")]
    answers = [f"Answer {n}: {'no proof' if n % 3 else 'it does'}." for n in range(len(many))]
    with local_server.serving(tmp_path / "ledger.jsonl", answers=script) as url:
        asked = ask_judge(JUDGE.requests(many, answers), JudgeModel("judge-1", url), folder=tmp_path)

    again = replay(JUDGE.requests(many, answers), "judge-1", tmp_path / "verdicts.jsonl")
    live, offline = (JUDGE.labelled(many, answers, verdicts) for verdicts in (asked, again))

    assert live == offline
    with pytest.warns(match="rest on few claims"):
        accuracy = next(one for one in results(offline) if (one.metric, one.kind) == (FACTUAL, "all"))
    assert (accuracy.estimate.value, accuracy.estimate.n) == (26 / 40, 40)  # 0, 3, ..., 39: 14 answers agree
    assert accuracy.definition == f"ours; judge judge-1, prompts {entailment_prompts().version}"
