"""The rubric: grades that can be computed by hand, in both languages, and what must not fool it."""

import random

import pytest

from bimedix2_core.bench.mbench.facts import reference_of
from bimedix2_core.bench.mbench.items import items_of
from bimedix2_core.bench.mbench.judged import Judged
from bimedix2_core.bench.mbench.verdict import strict_scores
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.demo import corpus
from bimedix2_core.demo.mbench_set import read_truths, write_mbench
from bimedix2_core.demo.phantoms import Truth, all_truths
from bimedix2_core.demo.rubric import grade, judge_name, judged_by_rubric, marks, points_table, verdict_text
from bimedix2_core.demo.rubric_words import mentions_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Row, message

EFFUSION = Truth("cxr", "pleural_effusion", "left", "large")
STONE = Truth("ct", "kidney_stone", "right")
NORMAL = Truth("mri", "normal")


def asked(question, reference, language="en", image="demo0000_F1.png"):
    messages = [message("user", question, images=1), message("assistant", reference)]
    return Row("0", language, "judge", "bimed_mbench", messages, facts={"image": image})


DESCRIPTION = asked(
    "Describe the image.", "A chest X-ray showing a large left pleural effusion. No pneumothorax is seen."
)
DESCRIPTION_AR = asked("صف الصورة.", "صورة أشعة سينية للصدر تُظهر انصبابًا جنبيًا أيسر كبيرًا.", "ar")
FINDING = asked("What is the main finding?", "Pleural effusion.")
FINDING_AR = asked("ما أبرز الموجودات؟", "انصباب جنبي.", "ar")
NOTHING = asked("What is the main finding?", "No abnormality.")
NOTHING_AR = asked("ما أبرز الموجودات؟", "لا توجد تغيرات مرضية.", "ar")
SIDE = asked("Which side is affected?", "The left side.")
SIDE_AR = asked("ما الجانب المصاب؟", "الجانب الأيسر.", "ar")
YES = asked("Do you see a pleural effusion?", "Yes.")
YES_AR = asked("هل ترى انصبابًا جنبيًا؟", "نعم.", "ar")


# --- grades computed by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # finding 4, modality 2, side 2, size 2 of 10 points: 1 + 9 x share, rounded
        ("A chest X-ray with a large left pleural effusion.", 10),
        ("A large left pleural effusion.", 8),  # 8 of 10: 8.2
        ("There is a pleural effusion on the X-ray.", 6),  # 6 of 10: 6.4
        ("Effusion.", 5),  # 4 of 10: 4.6
        ("A radiograph.", 3),  # 2 of 10: 2.8
        ("A chest X-ray with a large right pleural effusion.", 6),  # 8 of 10, and 2 for the wrong side
        ("A chest X-ray with a small right pleural effusion.", 2),  # 6 of 10, and 2 for each
        ("A chest X-ray with a large left pleural effusion and a lung nodule.", 7),  # 3 for the nodule
        ("A chest X-ray with a large left lung nodule.", 3),  # 6 of 10, and 3
        ("A chest X-ray. No abnormality.", 1),  # 2 of 10, and 2
        ("An abdominal CT scan with a large left pleural effusion.", 6),  # 8 of 10, and 2
        ("I cannot help with that.", 1),
        ("", 1),
        ("...", 1),
    ],
)
def test_a_description_is_graded_by_its_parts(answer, expected):
    assert grade(EFFUSION, DESCRIPTION, answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("صورة أشعة سينية للصدر فيها انصباب جنبي أيسر كبير.", 10),
        ("يوجد انصباب جنبي كبير على اليسار.", 8),
        ("الانصباب الجنبي كبير.", 6),  # 6 of 10: 6.4
        ("صورة أشعة سينية للصدر فيها انصباب جنبي أيمن كبير.", 6),
        ("صورة أشعة سينية للصدر تُظهر انصبابًا جنبيًا أيسر كبيرًا وعقيدة رئوية.", 7),
        ("صورة أشعة سينية للصدر. لا توجد تغيرات مرضية.", 1),
        ("A chest X-ray showing a large left pleural effusion.", 6),  # all right, and 4 for the language
        ("صورة أشعة سينية للصدر: pleural effusion أيسر كبير.", 8),  # all right, and 2 for the mixed script
        ("", 1),
    ],
)
def test_an_arabic_description_is_graded_by_its_parts(answer, expected):
    assert grade(EFFUSION, DESCRIPTION_AR, answer) == expected


@pytest.mark.parametrize(
    ("truth", "row", "answer", "expected"),
    [
        (EFFUSION, FINDING, "A pleural effusion.", 10),
        (EFFUSION, FINDING, "A left pleural effusion.", 10),
        (EFFUSION, FINDING, "A right pleural effusion.", 8),  # a wrong side that nobody asked for
        (EFFUSION, FINDING, "Pneumothorax.", 1),
        (EFFUSION, FINDING, "An effusion and a brain tumour; the tumour is large.", 7),  # one tumour, invented once
        (EFFUSION, FINDING, "Pleural effusion, pneumothorax, cardiomegaly and a lung nodule.", 1),  # three invented
        (EFFUSION, FINDING, "No abnormality.", 1),
        (EFFUSION, FINDING_AR, "الانصباب الجنبي.", 10),
        (EFFUSION, FINDING_AR, "استرواح صدري.", 1),
        (NORMAL, NOTHING, "The image is normal.", 10),
        (NORMAL, NOTHING, "Nothing is wrong.", 10),
        (NORMAL, NOTHING, "A brain tumour.", 1),
        (NORMAL, NOTHING, "The image is abnormal.", 1),
        (NORMAL, NOTHING, "The image is normal and shows a brain tumour.", 1),  # both cannot be
        (NORMAL, NOTHING, "No brain tumour is seen.", 1),  # that is not to say that there is nothing
        (NORMAL, NOTHING_AR, "الصورة طبيعية.", 10),
        (NORMAL, NOTHING_AR, "ورم دماغي.", 1),
        (EFFUSION, SIDE, "On the left.", 10),
        (EFFUSION, SIDE, "Right.", 1),
        (EFFUSION, SIDE, "Left or right.", 1),
        (EFFUSION, SIDE, "Bilateral.", 1),
        (EFFUSION, SIDE, "Not the right but the left side.", 10),
        (EFFUSION, SIDE_AR, "اليسار.", 10),
        (EFFUSION, SIDE_AR, "في الرئة اليسرى.", 10),
        (EFFUSION, SIDE_AR, "الأيمن.", 1),
        (EFFUSION, SIDE_AR, "Left.", 6),
        (EFFUSION, YES, "Yes.", 10),
        (EFFUSION, YES, "No.", 1),
        (EFFUSION, YES, "There is a pleural effusion.", 10),
        (EFFUSION, YES, "There is a pneumothorax.", 1),
        (EFFUSION, YES, "Yes, and a lung nodule.", 7),
        (EFFUSION, YES, "Perhaps.", 1),
        (EFFUSION, YES_AR, "نعم.", 10),
        (EFFUSION, YES_AR, "لا.", 1),
        (EFFUSION, YES_AR, "Yes.", 6),
    ],
)
def test_short_answers_are_graded_by_what_is_asked(truth, row, answer, expected):
    assert grade(truth, row, answer) == expected


def test_marks_say_where_the_points_went():
    found = marks(EFFUSION, DESCRIPTION, "A chest X-ray with a large right pleural effusion and a kidney stone.")

    assert (found.right, found.missing) == (("finding", "modality", "size"), ("side",))
    assert found.costs == ("wrong", "invented")
    assert found.grade == 3  # 8 of 10 points are 8, less 2 and 3


def test_the_table_of_points_is_what_the_grades_are_made_of():
    assert points_table().rows == (
        ("finding", "+4"), ("modality", "+2"), ("side", "+2"), ("size", "+2"), ("answer", "+4"),
        ("invented", "-3"), ("wrong", "-2"), ("other language", "-4"), ("mixed script", "-2"),
    )  # fmt: skip


# --- what is read -----------------------------------------------------------------------------------------------------


def read(text):
    """Values said, those denied with a minus."""
    return [f"{'-' * one.is_denied}{'/'.join(sorted(one.values))}" for one in mentions_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No pneumothorax, effusion or nodule.", ["-pneumothorax", "-pleural_effusion", "-lung_nodule"]),
        ("No pneumothorax, but a small effusion.", ["-pneumothorax", "small", "pleural_effusion"]),
        ("No pneumothorax. An effusion.", ["-pneumothorax", "pleural_effusion"]),
        ("An effusion is seen, a pneumothorax is not seen.", ["pleural_effusion", "-pneumothorax"]),
        ("No, it is small.", ["small"]),
        ("Not sure, there is an effusion.", ["pleural_effusion"]),
        ("There is an effusion. No other abnormality.", ["pleural_effusion"]),
        ("This is not an MRI, it is a chest X-ray.", ["-mri", "cxr"]),
        ("No abnormality on the X-ray.", ["normal", "cxr"]),
        ("The image is not normal.", ["abnormal"]),
        ("A brain tumor.", ["brain_tumour"]),
        ("A tumour.", ["brain_tumour/tumour"]),
        ("LUNG NODULE", ["lung_nodule"]),
        ("The heart is of normal size; the spleen is normal.", []),
        ("A nodule in the left lung; the right lung is clear.", ["lung_nodule", "left"]),
        ("brighter, enlarged, inflammations, cystic, acting", []),
        ("لا يوجد انصباب جنبي، لكن توجد عقيدة صغيرة.", ["-pleural_effusion", "lung_nodule", "small"]),
        ("يوجد انصباب ولا يوجد استرواح صدري.", ["pleural_effusion", "-pneumothorax"]),
        ("لا، هو صغير.", ["small"]),
        ("لا، الجانب الأيمن فقط.", ["right"]),
        ("كلا الجانبين", ["both"]),
        ("للانصباب الجنبي", ["pleural_effusion"]),
        ("صورة أشعة سينية للصدر بدون تغيرات مرضية", ["cxr", "normal"]),
        ("هذه ليست صورة رنين مغناطيسي بل صورة مقطعية", ["-mri", "ct"]),
        ("والورم كبير، وبالتهاب", ["brain_tumour/tumour", "large", "inflammation"]),
        ("حَصَاةٌ كُلْوِيَّة يُمنى", ["kidney_stone", "right"]),
        ("مستدير ورمي", []),
    ],
)
def test_words_are_read_whole_longest_first_and_with_what_is_denied(text, expected):
    assert read(text) == expected


def test_every_form_of_side_and_size_is_known():
    lexicon = corpus._grammar()["lexicon"]
    for part in ("sides", "sizes"):
        for value, forms in lexicon[part]["ar"].items():
            assert all(read(form) == [value] for form in forms.values()), value


# --- invariants -------------------------------------------------------------------------------------------------------


def twins_of(truth, rng, *, held_out):
    yield corpus.caption(truth, rng, held_out=held_out)
    yield corpus.description(truth, rng, held_out=held_out)
    for kind in set(corpus.kinds("open_question", truth)) & {"finding", "modality", "side", "size"}:
        yield corpus.open_question(truth, kind, rng, held_out=held_out)
    for kind in corpus.kinds("closed_question", truth):
        answer = rng.choice(corpus.closed_answers(truth, kind))
        yield corpus.closed_question(truth, kind, answer, rng, held_out=held_out)


@pytest.mark.parametrize("truth", all_truths(), ids=lambda truth: f"{truth.finding}-{truth.side}-{truth.size}")
def test_whatever_the_grammar_says_of_a_truth_has_full_marks_and_nothing_has_the_lowest(truth):
    for held_out in (True, False):
        for twin in twins_of(truth, random.Random(7), held_out=held_out):
            for language in LANGUAGES:
                question, answer = twin.turns[language][0]
                row = asked(question, answer, language)
                assert marks(truth, row, answer).grade == 10, (question, answer)
                assert grade(truth, row, "") == 1


def test_an_answer_about_another_image_of_the_modality_never_has_full_marks_for_its_description():
    for truth in all_truths():
        own = asked("?", corpus.description(truth, random.Random(1), held_out=True).turns["en"][0][1])
        for other in all_truths():
            if other.modality == truth.modality and other != truth:
                said = corpus.description(other, random.Random(1), held_out=True).turns["en"][0][1]
                assert grade(truth, own, said) < 10, (truth, other)


def test_english_and_arabic_twins_of_an_answer_have_the_same_grade():
    """Right or wrong, of this image or of another."""
    rng = random.Random(5)
    for truth in all_truths():
        for other in rng.sample(all_truths(), 6):
            own, said = (corpus.caption(one, rng, held_out=True).turns for one in (truth, other))
            grades = {
                language: grade(truth, asked(*own[language][0], language), said[language][0][1])
                for language in LANGUAGES
            }
            assert grades["en"] == grades["ar"], (truth, other)


# --- over a set -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    files = write_mbench(tmp_path_factory.mktemp("rubric"), n_images=24, seed=1)
    rows = [
        row
        for source, file in (("bimed_mbench", files.english), ("bimed_mbench_ar", files.arabic))
        for row in read_source(source, file, bad_rows=BadRows(0))
    ]
    return rows, read_truths(files.truths)


def test_the_reference_as_answer_has_the_ratio_one_and_that_of_another_image_clearly_less(drawn):
    rows, truths = drawn
    references = [reference_of(row) for row in rows]

    own = judged_by_rubric(rows, references, truths)
    shuffled = judged_by_rubric(rows, _of_other_images(rows), truths)

    assert {one.reference_score for one in own + shuffled} == {10.0}
    assert {one.answer_score for one in own} == {10.0}
    assert [item.ratio for item in items_of(own)] == [1.0] * len(rows)
    for language in LANGUAGES:
        ratios = [item.ratio for item in items_of(shuffled) if item.row.language == language]
        assert sum(ratios) / len(ratios) < 0.6


def _of_other_images(rows):
    """For each question the reference to one of the same form and language about another image."""
    answers = []
    for row in rows:
        like = [
            one for one in rows
            if (one.language, one.kind) == (row.language, row.kind) and one.facts["image"] != row.facts["image"]
        ]  # fmt: skip
        answers.append(reference_of(random.Random(row.id).choice(like)))
    return answers


def test_an_answer_in_the_other_language_scores_less_than_its_twin(drawn):
    rows, truths = drawn
    twins = {(row.language, row.id): reference_of(row) for row in rows}
    turned = [twins["ar" if row.language == "en" else "en", row.id] for row in rows]

    judged = judged_by_rubric(rows, turned, truths)

    spoken = [one for one in judged if language_of(one.answer)]
    assert {one.answer_score for one in spoken} == {6.0}


def test_a_verdict_names_the_rubric_and_its_version_and_reads_back(drawn):
    rows, truths = drawn
    judged = judged_by_rubric(rows[:3], ["Pneumothorax on the left.", "", reference_of(rows[2])], truths)

    assert {(one.judge, one.order, one.repeat, one.problem) for one in judged} == {
        (judge_name(), "reference_first", 0, "")
    }
    assert judge_name().startswith("rubric, version ")
    for one in judged:
        scores = strict_scores(verdict_text(one))
        assert (scores.first, scores.second) == (one.reference_score, one.answer_score)
    assert verdict_text(judged[0]).splitlines()[2] == "Assistant 2 names finding pneumothorax; side left."
    assert verdict_text(judged[1]).splitlines()[2] == "Assistant 2 names none of what is graded."


def test_a_verdict_has_the_scores_in_the_order_of_the_texts():
    row = asked("Which side is affected?", "The left side.")

    text = verdict_text(Judged(row, "Right.", "rubric", 10.0, 1.0, order="answer_first"))

    assert text == "1 10\nAssistant 1 names side right.\nAssistant 2 names side left."


def test_what_cannot_be_graded_is_refused(drawn):
    rows, truths = drawn
    with pytest.raises(DataError, match=r"1 questions but 2 answers; they must pair up one to one"):
        judged_by_rubric(rows[:1], ["Yes.", "No."], truths)
    with pytest.raises(DataError, match=r"no truth of figure\.jpg \(1 images\).*phantoms only"):
        judged_by_rubric([asked("?", "Yes.", image="figure.jpg")], ["Yes."], truths)
    with pytest.raises(DataError, match=r"the reference 'A fine picture\.' names no finding"):
        grade(EFFUSION, asked("?", "A fine picture."), "Yes.")
    with pytest.raises(DataError, match="question '0' has no scores to write a verdict of: not asked"):
        verdict_text(Judged(FINDING, "Yes.", "another", None, None, problem="not asked"))
