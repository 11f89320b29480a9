"""One set of answers under every definition: on questions scored by hand, and on the real Rad-VQA and SLAKE."""

import random
from dataclasses import replace

import pytest
from sacrebleu.metrics import BLEU
from shared_data import real

from bimedix2_core.bench import medical_vqa
from bimedix2_core.bench.medical_vqa import LEFT_OUT, group_sizes, results, spread, table5
from bimedix2_core.bench.medical_vqa.definitions import CLOSED, llava_med, medevalkit, ours
from bimedix2_core.bench.medical_vqa.metrics import CORPUS
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.records import Row, message

few = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


def question(number, answer, *, kind="closed", image=None, language="en", source="rad_vqa"):
    turns = [message("user", f"Question {number}?", images=1), message("assistant", answer)]
    facts = {"image": image or f"{number}.jpg"}
    return Row(str(number), language, "vqa", source, turns, kind=kind, answer=answer, facts=facts)


def rad_vqa():
    return list(read_source("rad_vqa", real("vqa_rad/testset.json"), bad_rows=BadRows(0)))


def slake():
    return list(read_source("slake_vqa", real("slake/test.json"), bad_rows=BadRows(0)))


def one(found, metric, definition, kind):
    [result] = [r for r in found if (r.metric, r.definition, r.kind) == (metric, definition, kind)]
    return result


# --- by hand -------------------------------------------------------------------------------------------------------

FOUR = [
    (question(1, "yes"), "Yes, it is."),
    (question(2, "no"), "Yes."),
    (question(3, "yes"), "It looks enlarged."),
    (question(4, "Left"), "Left."),
]
"""Four questions closed by label, three by answer."""


@few
def test_a_wrong_yes_or_no_leaves_the_denominator_only_before_llava_meds_fix():
    found = results(*zip(*FOUR, strict=True))

    before = one(found, CLOSED, llava_med.BEFORE, "closed by label")
    after = one(found, CLOSED, llava_med.AFTER, "closed by label")
    dropped = one(found, LEFT_OUT, llava_med.BEFORE, "closed by label")
    assert (before.estimate.value, before.estimate.n, before.n_unscored) == (pytest.approx(1 / 3), 3, 1)
    assert (after.estimate.value, after.estimate.n, after.n_unscored) == (1 / 4, 4, 0)
    assert (dropped.estimate.value, dropped.estimate.n) == (1 / 4, 4)


@few
def test_ours_keeps_an_abstention_in_the_denominator_and_shows_the_rate():
    found = results(*zip(*FOUR, strict=True))

    kept = one(found, CLOSED, ours.NAME, "closed by answer").estimate
    by_label = one(found, CLOSED, ours.NAME, "closed by label").estimate
    read = one(found, CLOSED, ours.READ, "closed by answer")
    assert (kept.value, kept.n) == (pytest.approx(1 / 3), 3)
    assert (by_label.value, by_label.n) == (2 / 4, 4)  # "Left." counts too
    assert (read.estimate.value, read.estimate.n, read.n_unscored) == (1 / 2, 2, 1)
    assert one(found, LEFT_OUT, ours.READ, "closed by answer").estimate.value == pytest.approx(1 / 3)


@few
def test_a_definition_that_leaves_every_answer_out_has_no_number_but_a_rate():
    found = results([question(1, "yes"), question(2, "yes")], ["It may be.", ""])

    assert [r.metric for r in found if r.definition == ours.READ] == [LEFT_OUT]
    assert one(found, LEFT_OUT, ours.READ, "closed by answer").estimate.value == 1.0
    assert one(found, CLOSED, ours.NAME, "closed by answer").estimate.value == 0.0


@few
def test_the_spread_says_how_far_definitions_lie_apart():
    found = results(*zip(*FOUR, strict=True))

    [closed] = spread(found, [CLOSED])

    assert str(closed) == (
        "the same answers, closed accuracy from 0.000 (exact match, closed by answer, n = 3) to 0.500 "
        "(ours, closed by label, n = 4), 9 definitions"
    )


@few
def test_table_5_is_what_multimedeval_would_print():
    rows = [question(1, "yes"), question(2, "No"), question(3, "right lung", kind="open"),
            question(4, "upper left lung lobe", kind="open")]  # fmt: skip
    texts = ["Yes.", "It is not.", "lung lung", "The upper lung lobe"]

    found = table5(rows, texts)

    # recall 1, 0, 1/2, 3/4; F1 1, 0, 2/3 (precision 1: a set), 6/7; BLEU-1 1, 0, 1/2 (clipped), exp(1 - 4/3)
    expected = {
        "bleu_1": (1 + 0 + 1 / 2 + 0.716531) / 4,
        "closed_q_accuracy": 1.0,  # "not" is enough for no
        "open_q_recall": (1 / 2 + 3 / 4) / 2,
        "recall": (1 + 0 + 1 / 2 + 3 / 4) / 4,
        "open_q_accuracy": 1 / 2,
        "f1": (1 + 0 + 2 / 3 + 6 / 7) / 4,
    }
    assert {column: result.estimate.value for column, result in found.items()} == pytest.approx(expected, abs=1e-6)
    assert [result.estimate.n for result in found.values()] == [4, 2, 2, 4, 2, 4]


@few
def test_the_columns_of_table_5_are_those_of_the_exhibit():
    columns = [column.id for column in exhibit("table05").columns]
    found = table5([question(1, "yes"), question(2, "lung", kind="open")], ["yes", "lung"])

    for name in ("rad_vqa", "slake_vqa", "path_vqa"):
        assert [column for column in columns if column.startswith(name)] == [f"{name}__{column}" for column in found]


@few
def test_medevalkit_prints_ten_of_ten_open_answers_as_a_tenth():
    rows = [question(number, "lung", kind="open") for number in range(10)]

    found = results(rows, ["lung"] * 10)

    assert one(found, "open accuracy", f"{medevalkit.NAME}, as printed", "open by answer").estimate.value == 0.1
    assert one(found, "open accuracy", ours.NAME, "open by answer").estimate.value == 1.0


@few
def test_slakes_strict_closed_definition_is_of_slake_alone():
    texts = ["Yes.", "Yes, it is"]

    slakes = results([question(n, "Yes", source="slake_vqa") for n in range(2)], texts)
    rads = results([question(n, "Yes") for n in range(2)], texts)

    assert one(slakes, CLOSED, medevalkit.SLAKE, "closed by label").estimate.value == 0.5
    assert one(slakes, CLOSED, medevalkit.NAME, "closed by answer").estimate.value == 1.0
    assert medevalkit.SLAKE not in {r.definition for r in rads}


@few
def test_arabic_answers_have_our_numbers_only_and_each_language_its_own():
    rows = [
        question(1, "نعم", language="ar"),
        question(1, "yes"),
        question(2, "الرئة اليمنى", kind="open", language="ar"),
    ]

    found = results(rows, ["نعم، بالتأكيد", "no", "الرئة"])

    arabic = [r for r in found if r.language == "ar"]
    assert {r.definition for r in arabic} == {ours.NAME, ours.READ, ours.MEAN, CORPUS}
    assert one(arabic, CLOSED, ours.NAME, "closed by answer").estimate.value == 1.0
    assert one(arabic, "open recall", ours.NAME, "open by answer").estimate.value == 0.5
    assert {r.estimate.value for r in found if (r.language, r.metric) == ("en", CLOSED)} == {0.0}


@pytest.mark.parametrize(
    "texts",
    [
        ["the lower lobe", "lobe lobe", "", "right"],  # shorter than the targets: brevity counts
        ["there is a large mass in the right lower lobe of the lung", "mass", "no mass", "a mass"],  # longer
    ],
)
def test_bleu_1_over_the_whole_set_is_sacrebleus_on_our_words(texts):
    answers = ["right lower lobe", "mass"] * 20
    rows = [question(number, answer, kind="open") for number, answer in enumerate(answers)]

    found = one(results(rows, texts * 10), "BLEU-1", CORPUS, "all").estimate

    theirs = BLEU(max_ngram_order=1, tokenize="none").corpus_score(texts * 10, [answers])
    assert found.value == pytest.approx(theirs.score / 100)
    assert found.low < found.value < found.high


def test_questions_about_one_image_are_not_independent():
    texts = [("yes", "no")[(number // 4) % 2] for number in range(400)]  # right or wrong image by image
    apart = results([question(n, "yes") for n in range(400)], texts)
    together = results([question(n, "yes", image=f"{n // 4}.jpg") for n in range(400)], texts)

    alone = one(apart, CLOSED, ours.NAME, "closed by answer").estimate
    clustered = one(together, CLOSED, ours.NAME, "closed by answer").estimate
    assert (alone.n_clusters, clustered.n_clusters) == (None, 100)
    assert clustered.high - clustered.low > 1.8 * (alone.high - alone.low)


@few
def test_content_keys_go_before_published_names_and_a_nameless_image_stands_for_itself():
    named, keyed = question(1, "yes", image="a.jpg"), replace(question(2, "yes", image="a.jpg"), images=("ff",))
    nameless = replace(question(3, "yes"), facts={})

    assert [medical_vqa.image_of(row) for row in (named, keyed, nameless)] == ["rad_vqa/a.jpg", "ff", "question 3"]


def test_one_warning_says_how_many_numbers_rest_on_few_images():
    with pytest.warns(FewClustersWarning, match=r"^\d+ of \d+ numbers of medical VQA rest on few images") as caught:
        results([question(n, "yes", image="a.jpg" if n < 2 else None) for n in range(5)], ["yes"] * 5)

    assert len(caught) == 1


# --- bad input -----------------------------------------------------------------------------------------------------


@few
@pytest.mark.parametrize(
    ("rows", "texts", "said"),
    [
        ([], [], "no question"),
        ([question(1, "yes")], [], "1 questions but 0 answers"),
        ([replace(question(1, "yes"), kind="")], ["yes"], "kind ''; expected open or closed"),
        ([question(1, "yes"), question(1, "no")], ["yes", "no"], "scored more than once"),
    ],
)
def test_bad_input_is_refused(rows, texts, said):
    with pytest.raises(DataError, match=said):
        results(rows, texts)


@few
def test_table_5_is_of_whole_english_sets():
    with pytest.raises(DataError, match="open_q_recall, open_q_accuracy among 1"):
        table5([question(1, "yes")], ["yes"])
    with pytest.raises(DataError, match="questions in ar; MultiMedEval knows English only"):
        table5([question(1, "نعم", language="ar")], ["نعم"])


# --- the real sets -------------------------------------------------------------------------------------------------


def test_closed_by_label_and_by_answer_are_counted_in_the_real_files():
    assert group_sizes(rad_vqa()) == {
        "all": 451, "closed by label": 272, "open by label": 179, "closed by answer": 251, "open by answer": 200,
    }  # fmt: skip
    assert group_sizes(slake()) == {
        "all": 1061, "closed by label": 416, "open by label": 645, "closed by answer": 355, "open by answer": 706,
    }  # fmt: skip


@pytest.mark.parametrize("read", [rad_vqa, slake])
def test_the_published_answers_score_1_under_ours_and_show_the_defects_of_others(read):
    rows = read()

    found = results(rows, [row.answer for row in rows])

    assert {r.definition for r in found} >= {definition.name for definition in ours.DEFINITIONS}
    for r in found:
        if r.definition.startswith("ours") and r.metric != LEFT_OUT:
            assert r.estimate.value == pytest.approx(1.0), r
    after = one(found, CLOSED, llava_med.AFTER, "closed by label").estimate
    n_other = len(rows) - len([row for row in rows if row.kind == "open"]) - group_sizes(rows)["closed by answer"]
    credited = sum("no" in row.answer.lower() for row in rows if row.kind == "closed" and row.answer.lower() != "no")
    assert round(after.value * after.n) == after.n - n_other + credited  # "Left" has neither yes nor no


def test_shuffled_answers_score_what_chance_does():
    rows = [row for row in rad_vqa() if row.answer.lower() in ("yes", "no")]
    texts = [row.answer for row in rows]
    random.Random(0).shuffle(texts)

    closed = one(results(rows, texts), CLOSED, ours.NAME, "closed by answer").estimate

    chance = (133**2 + 118**2) / 251**2
    assert closed.low < chance < closed.high
    assert closed.n == 251


def test_empty_answers_score_0_everywhere_on_the_real_set():
    found = results(rad_vqa(), [""] * 451)

    assert {r.estimate.value for r in found if r.metric != LEFT_OUT} == {0.0}
    assert {r.definition: r.estimate.value for r in found if r.metric == LEFT_OUT} == {
        ours.READ: 1.0,
        llava_med.BEFORE: 0.0,
    }


def test_every_number_is_a_share_and_closed_and_open_add_up():
    rows = rad_vqa()
    texts = [("Yes, no doubt", "It is normal", row.answer, "")[index % 4] for index, row in enumerate(rows)]

    found = results(rows, texts)

    assert all(0 <= r.estimate.low <= r.estimate.value <= r.estimate.high <= 1 for r in found)
    for way in ("label", "answer"):
        closed, opened = (one(found, m, ours.NAME, f"{m.split()[0]} by {way}") for m in (CLOSED, "open accuracy"))
        assert closed.estimate.n + opened.estimate.n == 451
    assert all(r.estimate.n + r.n_unscored == group_sizes(rows)[r.kind] for r in found)
    assert len({(r.metric, r.definition, r.kind) for r in found}) == len(found)


def test_the_order_of_the_questions_changes_no_number():
    rows = rad_vqa()
    pairs = [(row, ("Yes.", "no", row.answer)[index % 3]) for index, row in enumerate(rows)]
    mixed = random.Random(1).sample(pairs, len(pairs))

    found, again = (
        {(r.metric, r.definition, r.kind): r.estimate.value for r in results(*zip(*each, strict=True))}
        for each in (pairs, mixed)
    )

    assert found == pytest.approx(again)


def test_terse_answers_hardly_spread_and_chatty_ones_do():
    rows = rad_vqa()
    terse = [row.answer for row in rows]
    chatty = [f"{row.answer}, there is no doubt that the image is not normal." for row in rows]

    apart = []
    for texts in (terse, chatty):
        by_answer = [r for r in results(rows, texts) if r.kind == "closed by answer"]
        [closed] = spread(by_answer, [CLOSED])
        apart.append(closed.highest.estimate.value - closed.lowest.estimate.value)

    assert apart[0] == 0.0
    assert apart[1] == 1.0  # exact match sees no right answer, MultiMedEval no wrong one
