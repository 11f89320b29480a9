"""Every published definition, its defects included, on values computed by hand."""

import pytest
from nltk.translate.bleu_score import sentence_bleu
from sacrebleu.metrics import CHRF

from bimedix2_core.bench.medical_vqa.definitions import DEFINITIONS, llava_med, medevalkit, multimedeval, ours, plain
from bimedix2_core.bench.medical_vqa.definitions.definition import polarity_of
from bimedix2_core.bench.metrics import token_f1

CLOSED = (
    llava_med.closed_before_fix,
    llava_med.closed_after_fix,
    multimedeval.closed,
    medevalkit.closed_whole,
    plain.exact_match,
    plain.first_word,
    ours.closed,
    ours.closed_read,
)
OUT = None

PNEUMONIA = "لا يوجد دليل على التهاب رئوي حاد"
"""Seven words: there is no evidence of acute pneumonia."""


@pytest.mark.parametrize(
    ("target", "prediction", "verdicts"),
    [
        # LLaVA-Med before and after, MultiMedEval, MedEvalKit, exact, whole word; ours with and without abstentions
        ("yes", "Yes.", (1, 1, 1, 1, 1, 1, 1, 1)),
        ("Yes", "yes", (1, 1, 1, 1, 1, 1, 1, 1)),
        ("no", "No", (1, 1, 1, 1, 1, 1, 1, 1)),
        ("no", "yes", (OUT, 0, 0, 0, 0, 0, 0, 0)),
        ("no", "The heart is normal", (1, 1, 0, 1, 0, 0, 0, OUT)),
        ("yes", "The heart is normal", (OUT, 0, 0, 0, 0, 0, 0, OUT)),
        ("no", "an abnormality", (1, 1, 0, 1, 0, 0, 0, OUT)),
        ("yes", "I do not know", (OUT, 0, 0, 0, 0, 0, 0, OUT)),
        ("no", "It is not enlarged", (1, 1, 1, 1, 0, 0, 0, OUT)),
        ("yes", "Yes, abnormal", (1, 1, 1, 0, 0, 1, 1, 1)),
        ("yes", "Yes, there is no doubt", (1, 1, 1, 0, 0, 1, 1, 1)),
        ("no", "Yes, there is no doubt", (1, 1, 1, 0, 0, 0, 0, 0)),
        ("yes", "No doubt, yes", (1, 1, 1, 0, 0, 0, 1, 1)),
        ("yes", "Yes/No", (1, 1, 1, 0, 0, 1, 0, OUT)),
        ("yes", "Eyes are normal", (1, 1, 0, 0, 0, 0, 0, OUT)),
        ("yes", "enlarged", (0, 0, 0, 0, 0, 0, 0, OUT)),
        ("yes", "I cannot answer this question.", (OUT, 0, 0, 0, 0, 0, 0, OUT)),
        ("yes", "", (0, 0, 0, 0, 0, 0, 0, OUT)),
        ("no", " \n", (0, 0, 0, 0, 0, 0, 0, OUT)),
    ],
)
def test_one_answer_has_as_many_verdicts_as_there_are_definitions(target, prediction, verdicts):
    assert tuple(definition(prediction, target) for definition in CLOSED) == verdicts


def test_llava_med_credits_left_only_beside_a_yes_or_no():
    assert llava_med.closed_after_fix("Left", "Left") == 0.0
    assert llava_med.closed_after_fix("Left, not right", "Left") == 1.0
    assert ours.closed("Left.", "left") == 1.0
    assert ours.closed("Left, not right", "Left") == 0.0


def test_only_yes_or_no_alone_is_a_closed_answer_in_either_language():
    assert [polarity_of(target) for target in ("Yes", "no", "No.", "نعم", "لا،")] == ["yes", "no", "no", "yes", "no"]
    assert [polarity_of(target) for target in ("none", "No fracture", "normal", "لا يوجد", "")] == [""] * 5


# --- LLaVA-Med -----------------------------------------------------------------------------------------------------


def test_llava_med_counts_a_word_as_often_as_it_is_repeated():
    repeated, target = "lung lung lung lung", "right lung"

    assert llava_med.recall(repeated, target) == pytest.approx(4 / 5)  # 4 found, "right" missing
    assert llava_med.precision(repeated, target) == 1.0
    assert round(llava_med.f1(repeated, target), 3) == 0.889
    assert round(ours.f1(repeated, target), 3) == 0.333


def test_llava_meds_exact_match_is_a_precision():
    assert llava_med.exact_match("lung lung lung lung", "right lung") == 1 / 4
    assert llava_med.exact_match("left lung", "left upper lung") == 1.0  # not exact at all
    assert llava_med.exact_match("it is in the left lung", "left lung") == pytest.approx(2 / 5)  # "the" is dropped


def test_llava_meds_bleu_of_each_order_is_nltks_with_weight_on_it_alone():
    said, target = "mass in right lower lobe of lung", "large mass in right lower lobe"

    for order, metric in enumerate((llava_med.bleu_1, llava_med.bleu_2, llava_med.bleu_3)):
        weights = [float(index == order) for index in range(4)]
        assert metric(said, target) == pytest.approx(sentence_bleu([target.split()], said.split(), weights=weights))
    assert llava_med.bleu_2("lung", "lung") == 0.0  # a perfect answer of one word has no pairs


# --- MultiMedEval --------------------------------------------------------------------------------------------------


def test_multimedeval_compares_sets_of_words():
    assert multimedeval.recall("lung lung", "right lung") == 0.5
    assert multimedeval.f1("lung lung", "right lung") == pytest.approx(2 * 0.5 / (1.5 + 1e-8), abs=1e-12)
    assert 1 - multimedeval.f1("right lung", "Right lung.") == pytest.approx(5e-9, rel=0.01)
    assert multimedeval.recall("None", "0") == 1.0


def test_multimedeval_knows_no_answer_that_is_an_article_and_no_colon():
    assert multimedeval.recall("A", "A") == multimedeval.bleu_1("A", "A") == 0.0
    assert multimedeval.recall("b", "b: left") == 0.0


def test_three_quarters_of_the_words_are_an_open_answer_and_two_thirds_are_not():
    for definition in (multimedeval, ours):
        assert definition.open_accuracy("upper lobe mass", "left upper lobe mass") == 1.0
        assert definition.open_accuracy("lobe mass", "upper lobe mass") == 0.0


def test_bleu_1_is_torchmetrics_on_the_cleaned_texts():
    from torchmetrics.functional.text import bleu_score

    pairs = [
        ("the lung lung lung", "Right lung"),
        ("left", "The left upper lobe."),
        ("Chest X-ray, PA view", "x ray of the chest"),
        ("nothing alike", "pneumonia"),
        ("mass in the right lower lobe", "right lower lobe"),
        ("None", "none of them"),
    ]

    ours_too = [multimedeval.bleu_1(said, target) for said, target in pairs]

    clean = multimedeval.cleaned
    theirs = [bleu_score([clean(said)], [[clean(target)]], n_gram=1).item() for said, target in pairs]
    assert ours_too == pytest.approx(theirs, abs=1e-6)
    assert ours_too[0] == pytest.approx(1 / 3)  # one "lung" of three counts, clipped
    assert ours_too[1] == pytest.approx(0.1353, abs=1e-4)  # exp(1 - 3/1), "the" is dropped


# --- MedEvalKit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        ("No sign of it is seen. Final answer: Yes", " yes"),
        ("The answer is no, the answer is YES", " yes"),
        (r"There is no doubt: \boxed{Yes}", "yes"),
        ("<answer>Yes</answer> no", "yes"),
        ("**Answer**: yes", " yes"),
        ("答案：no", "答案：no"),  # the marker has an ASCII colon
        ("答案:no", "no"),
        ("Pneumonia.", "pneumonia."),
    ],
)
def test_medevalkit_cuts_the_answer_out(prediction, said):
    assert medevalkit.extracted(prediction) == said


def test_medevalkits_extraction_changes_what_is_right():
    reasoned = "No effusion, so the final answer is yes"

    assert medevalkit.closed_whole(reasoned, "yes") == 0.0
    assert medevalkit.closed(reasoned, "yes") == 1.0


def test_medevalkit_compares_slakes_capitalised_targets_strictly():
    assert medevalkit.closed_slake("Yes.", "Yes") == 1.0
    assert [medevalkit.closed_slake(said, "Yes") for said in ("Yes, it is", "Answer: yes", "yes ", "")] == [0.0] * 4
    assert medevalkit.closed_slake("Yes, it is", "yes") == 1.0  # published in small letters: by substrings


def test_medevalkits_columns_stand_under_each_others_names():
    said, target = "large mass left lung", "left lung"  # precision 2/4, recall 2/2, F1 2/3

    assert medevalkit.column_precision(said, target) == pytest.approx(2 / 3)
    assert medevalkit.column_recall(said, target) == 0.5
    assert medevalkit.column_f1(said, target) == 1.0


def test_medevalkits_exact_match_keeps_punctuation():
    assert medevalkit.exact_match("pneumonia", "Pneumonia") == 1.0
    assert medevalkit.exact_match("Pneumonia.", "pneumonia") == 0.0
    assert plain.exact_match("Pneumonia.", "pneumonia") == 1.0


# --- ours ----------------------------------------------------------------------------------------------------------


def test_overlap_is_clipped_and_agrees_with_the_token_f1_of_the_demo():
    assert ours.recall("lung lung lung lung", "right lung") == 0.5
    assert ours.precision("lung lung lung lung", "right lung") == 0.25
    for said, target in [("the left lung", "left left lung"), ("Mass.", "mass"), ("heart", "lung")]:
        assert ours.f1(said, target) == pytest.approx(token_f1(said, target))


def test_a_decimal_is_one_word():
    assert ours.recall("15 mg", "1.5 mg") == 0.5
    assert ours.exact_match("1.5 MG.", "1.5 mg") == 1.0


def test_identical_arabic_answers_score_1_under_every_metric_of_ours():
    for definition in ours.DEFINITIONS:
        target = "نعم" if "closed" in definition.metric else PNEUMONIA
        assert definition.value(target, target) == pytest.approx(1.0), definition.metric


def test_six_of_seven_arabic_words_score_as_computed_by_hand():
    said = PNEUMONIA.rsplit(" ", 1)[0]

    assert ours.recall(said, PNEUMONIA) == pytest.approx(6 / 7)
    assert ours.precision(said, PNEUMONIA) == 1.0
    assert ours.bleu_1(said, PNEUMONIA) == pytest.approx(0.846, abs=5e-4)  # sacrebleu's 84.6 in the notes


def test_arabic_spelling_marks_and_digits_do_not_count_but_words_do():
    assert ours.exact_match("التهابٌ رِئويّ؟", "إلتهاب رئوي") == 1.0
    assert ours.exact_match("\u200fالرئة اليمنى، ٢", "الرئه اليمني 2") == 1.0
    assert ours.exact_match("الرئة اليمنى", "الرئة اليسرى") == 0.0
    assert llava_med.recall("رئوي؟", "رئوي") == 0.0  # the mark stays attached: why ours is the one for Arabic


@pytest.mark.parametrize(
    ("prediction", "target", "value"),
    [
        ("نعم، يوجد كسر", "نعم", 1.0),
        ("لا، لا يوجد كسر", "لا", 1.0),
        ("لا", "نعم", 0.0),
        ("Yes", "نعم", 1.0),  # the language is another metric's
        ("لا شك، نعم", "نعم", 1.0),  # no doubt, yes
        ("التهاب حاد", "لا", 0.0),  # "la" inside words is no "no"
        ("لابد من الفحص", "لا", 0.0),  # "must"
        ("نعم أو لا", "نعم", 0.0),
    ],
)
def test_arabic_polarity_is_of_whole_words(prediction, target, value):
    assert ours.closed(prediction, target) == value


def test_chrf_is_sacrebleus_with_two_word_orders():
    said, target = "mass in the left lung", "left lung mass"

    assert ours.chrf(said, target) == pytest.approx(CHRF(word_order=2).sentence_score(said, [target]).score / 100)
    assert ours.chrf("", target) == 0.0


def test_an_answer_without_words_matches_only_itself():
    assert ours.exact_match("+", "+") == ours.recall("+", "+") == 1.0
    assert ours.exact_match("-", "+") == ours.exact_match("", "+") == 0.0


# --- all -----------------------------------------------------------------------------------------------------------


def test_an_empty_answer_is_never_credited_by_any_definition():
    for definition in DEFINITIONS:
        for target in ("yes", "Yes", "no", "Left", "left lung", "A", "نعم", "+"):
            for empty in ("", " ", "\n"):
                assert not definition.value(empty, target), (definition.name, definition.metric, target)


def test_every_value_lies_between_0_and_1():
    texts = ("yes", "No.", "left lung lung", "the", r"\boxed{}", "<answer></answer>", "a " * 200, "نعم", "...", "?!")
    for definition in DEFINITIONS:
        for said in texts:
            for target in texts:
                value = definition.value(said, target)
                assert value is None or 0 <= value <= 1, (definition.name, said, target)


def test_a_metric_has_one_definition_of_a_name():
    named = [(definition.metric, definition.name) for definition in DEFINITIONS]

    assert len(set(named)) == len(named)
    assert all(definition.source for definition in DEFINITIONS)
