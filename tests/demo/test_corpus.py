"""The bilingual corpus: twins agree, say the truth, and keep the held-out templates out of training."""

import random
import re
from collections import Counter

import pytest
from every_twin import twins_of
from PIL import Image

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import FINDINGS, Truth, all_truths
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES

TRUTHS = all_truths()
EFFUSION = Truth("cxr", "pleural_effusion", "left", "small")
NODULE = Truth("cxr", "lung_nodule", "right", "large")
LATIN = re.compile(r"[A-Za-z]")
ARABIC = re.compile(r"[\u0600-\u06ff]")
OPTION = re.compile(r"^[A-D]\. ", re.MULTILINE)


def texts(twin: Twin, language: str) -> list[str]:
    return [text for turn in twin.turns[language] for text in turn]


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
@pytest.mark.parametrize("held_out", [False, True])
def test_every_function_renders_every_truth_without_gaps_and_in_its_script(truth, held_out):
    for twin in [twin for seed in range(8) for twin in twins_of(truth, seed, held_out=held_out)]:
        assert set(twin.turns) == set(LANGUAGES)
        assert len(twin.turns["en"]) == len(twin.turns["ar"])
        for language in LANGUAGES:
            for text in texts(twin, language):
                assert text.strip() == text, repr(text)
                assert text, twin
                assert not re.search(r"[{}]|  | [.,،؛؟?]|\.\.", text), repr(text)
        if twin.task != "parallel_sentence":
            assert not any(ARABIC.search(text) for text in texts(twin, "en"))
            for text in texts(twin, "ar"):
                assert not LATIN.search(OPTION.sub("", re.sub(r"^[A-D]$", "", text))), repr(text)
                assert not re.search(r"[?,;]", text), repr(text)


def test_the_samples_of_a_twin_share_their_id_and_carry_the_image_in_its_turn():
    twin = corpus.chat(EFFUSION, random.Random(0), held_out=False)
    english, arabic = corpus.samples(twin, "chat-0", Image.new("RGB", (8, 8)))
    assert (english.id, arabic.id) == ("chat-0", "chat-0")
    assert (english.language, arabic.language) == ("en", "ar")
    for sample in (english, arabic):
        with_image = [i for i, turn in enumerate(sample.messages) if turn["content"][0]["type"] == "image"]
        assert with_image == [2]
        assert len(sample.images) == 1
    assert english.target == twin.turns["en"][-1][1]
    assert arabic.prompt == arabic.messages[:-1]


def test_an_image_that_a_twin_does_not_speak_of_is_an_error():
    with pytest.raises(DataError, match="an image"):
        corpus.samples(corpus.fact(random.Random(0), held_out=False), "fact-0", Image.new("RGB", (8, 8)))
    with pytest.raises(DataError, match="no image"):
        corpus.samples(corpus.caption(EFFUSION, random.Random(0), held_out=False), "caption-0")


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
def test_held_out_templates_never_appear_in_training(truth):
    """No question of a held-out draw is ever asked about the same truth in training, whatever the options are."""

    def asked(kind: str, answer: str | None, *, held_out: bool) -> set[str]:
        rng = random.Random(1)
        draws = []
        for _ in range(150):
            if answer is None:
                draws.append(corpus.open_question(truth, kind, rng, held_out=held_out))
            else:
                draws.append(corpus.closed_question(truth, kind, answer, rng, held_out=held_out))
        return {f"{language}: {twin.turns[language][0][0]}" for twin in draws for language in LANGUAGES}

    cases = [(kind, None) for kind in corpus.kinds("open_question", truth) if kind not in ("modality", "region")]
    cases += [(kind, a) for kind in corpus.kinds("closed_question", truth) for a in corpus.closed_answers(truth, kind)]
    for kind, answer in cases:
        assert asked(kind, answer, held_out=True).isdisjoint(asked(kind, answer, held_out=False)), kind


@pytest.mark.parametrize("kind", ["modality", "region"])
def test_a_question_that_names_nothing_is_asked_in_the_same_words_of_held_out_images(kind):
    """Kept back, a wording would never be heard in training; kept back by modality, it would tell the answer."""
    rng = random.Random(1)

    def asked(truth, *, held_out):
        return {corpus.open_question(truth, kind, rng, held_out=held_out).turns["ar"][0][0] for _ in range(100)}

    for truth in (EFFUSION, NODULE, Truth("mri", "normal")):
        assert len(asked(truth, held_out=False)) == 4
        assert asked(truth, held_out=True) == asked(EFFUSION, held_out=False)


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
def test_the_held_out_caption_is_one_sentence_training_never_says(truth):
    rng = random.Random(2)
    kept = {corpus.caption(truth, rng, held_out=True).turns["ar"] for _ in range(20)}
    seen = {corpus.caption(truth, rng, held_out=False).turns["ar"] for _ in range(300)}
    assert len(kept) == 1
    assert len(seen) >= 5
    assert kept.isdisjoint(seen)


def test_the_wording_of_a_question_is_the_same_for_left_and_right():
    """Were a template reserved for the left only, its wording in training would mean right."""
    for held_out in (False, True):
        asked = []
        for side in ("left", "right"):
            truth, rng = Truth("mri", "infarct", side), random.Random(3)
            draws = [corpus.closed_question(truth, "side", side, rng, held_out=held_out) for _ in range(300)]
            asked.append({twin.turns["en"][0][0] for twin in draws})
        assert asked[0] == asked[1]


def test_the_right_letter_is_uniform_and_names_the_truth():
    rng = random.Random(4)
    letters = Counter()
    for _ in range(4000):
        twin = corpus.multiple_choice(EFFUSION, "side_size", rng, held_out=False)
        letters[twin.answer] += 1
        at = "ABCD".index(twin.answer)
        assert twin.choices["en"][at] == "A small left pleural effusion"
        assert twin.choices["ar"][at] == "انصباب جنبي أيسر صغير"
        assert len(set(twin.choices["en"])) == len(set(twin.choices["ar"])) == 4
        assert twin.turns["ar"][0][1] == twin.answer
    assert set(letters) == set("ABCD")
    assert all(abs(count - 1000) < 110 for count in letters.values())  # 4 standard deviations


@pytest.mark.parametrize("kind", ["modality", "finding", "organ", "side", "side_size"])
def test_the_options_alone_do_not_tell_the_right_one(kind):
    """Over evenly drawn truths each option of a set is right about as often as the others."""
    rng = random.Random(5)
    right: dict[frozenset, Counter] = {}
    while sum(sum(counter.values()) for counter in right.values()) < 6000:
        truth = corpus.even_truth(rng)
        if kind in corpus.kinds("multiple_choice", truth):
            twin = corpus.multiple_choice(truth, kind, rng, held_out=False)
            choices = twin.choices["en"]
            right.setdefault(frozenset(choices), Counter())[choices["ABCD".index(twin.answer)]] += 1
    best = sum(max(counter.values()) for counter in right.values())
    assert best / 6000 < 0.29


def test_yes_and_no_follow_the_truth():
    rng = random.Random(6)
    for truth in TRUTHS:
        abnormal = truth.finding != "normal"
        assert corpus.closed_answers(truth, "abnormal") == (("yes",) if abnormal else ("no",))
        assert corpus.closed_answers(truth, "normal") == (("no",) if abnormal else ("yes",))
        for asked in FINDINGS[truth.modality]:
            if asked == "normal":
                continue
            right, wrong = ("yes", "no") if asked == truth.finding else ("no", "yes")
            twin = corpus.closed_question(truth, "finding", right, rng, held_out=False, asked=asked)
            assert twin.turns["en"][0][1] == {"yes": "Yes.", "no": "No."}[right]
            assert twin.turns["ar"][0][1] == {"yes": "نعم.", "no": "لا."}[right]
            with pytest.raises(DataError):
                corpus.closed_question(truth, "finding", wrong, rng, held_out=False, asked=asked)


def test_yes_means_the_side_asked_about_is_the_side():
    rng = random.Random(7)
    for answer, side, arabic in (
        ("yes", "right", ("اليمين", "الأيمن", "اليمنى", "يمنى")),
        ("no", "left", ("اليسار", "الأيسر", "اليسرى", "يسرى")),
    ):
        for _ in range(50):
            twin = corpus.closed_question(NODULE, "side_yes_no", answer, rng, held_out=False)
            assert f" {side} " in twin.turns["en"][0][0].replace("?", " ")
            assert any(word in twin.turns["ar"][0][0] for word in arabic)


@pytest.mark.parametrize(
    ("kind", "answer"), [("abnormal", "no"), ("normal", "yes"), ("side", "right"), ("size", "large"), ("side", "yes")]
)
def test_an_answer_that_contradicts_the_truth_is_an_error(kind, answer):
    with pytest.raises(DataError, match="contradicts"):
        corpus.closed_question(EFFUSION, kind, answer, random.Random(0), held_out=False)


def test_a_kind_that_does_not_fit_the_truth_is_an_error_that_lists_those_that_do():
    with pytest.raises(DataError, match="modality, finding"):
        corpus.open_question(Truth("histology", "inflammation"), "side", random.Random(0), held_out=False)


def test_the_reply_of_a_follow_up_asks_exactly_when_something_is_missing():
    rng = random.Random(8)
    for number in range(2000):
        complete = number % 2 == 0
        twin = corpus.follow_up(rng, complete=complete, held_out=number % 3 == 0)
        assert (twin.answer == "complete") is complete
        assert twin.turns["en"][0][1].endswith("?") is not complete
        assert twin.turns["ar"][0][1].endswith("؟") is not complete
        assert ("doctor" in twin.turns["en"][0][1]) is complete
        assert ("الطبيب" in twin.turns["ar"][0][1]) is complete


def test_there_are_forty_facts_and_each_has_an_answer_in_both_languages():
    rng = random.Random(9)
    answers = {}
    for _ in range(3000):
        twin = corpus.fact(rng, held_out=False)
        answers.setdefault(twin.kind, set()).add((twin.turns["en"][0][1], twin.turns["ar"][0][1]))
    assert len(answers) >= 40
    assert all(len(pairs) == 1 for pairs in answers.values())


def test_both_turns_of_a_translation_have_one_source_and_one_target():
    rng = random.Random(10)
    for direction in corpus.DIRECTIONS:
        for _ in range(50):
            turns = corpus.parallel_sentence(NODULE, direction, rng, held_out=False).turns
            assert turns["en"][0][1] == turns["ar"][0][1]
            assert bool(ARABIC.search(turns["en"][0][1])) is (direction == "en-ar")


def test_the_same_seed_says_the_same():
    first, second = (list(twins_of(NODULE, 11, held_out=False)) for _ in range(2))
    assert first == second


def drawn(function: str, truth: Truth, *arguments: str) -> dict[str, set]:
    """All turns that training and test draw, by language."""
    rng = random.Random(12)
    twins = [
        getattr(corpus, function)(truth, *arguments, rng, held_out=held_out)
        for held_out in (False, True)
        for _ in range(200)
    ]
    return {language: {twin.turns[language][0] for twin in twins} for language in LANGUAGES}


CAPTIONS = [
    (
        EFFUSION,
        "The chest X-ray shows a small pleural effusion on the left.",
        "تُظهر صورة الأشعة السينية للصدر انصبابًا جنبيًا صغيرًا على اليسار.",
    ),
    (
        EFFUSION,
        "The chest X-ray reveals a pleural effusion on the left, small in size.",
        "تكشف صورة الأشعة السينية للصدر عن انصباب جنبي صغير الحجم على اليسار.",
    ),
    (NODULE, "A chest X-ray showing a large right lung nodule.", "صورة أشعة سينية للصدر تُظهر عقيدة رئوية يمنى كبيرة."),
    (
        NODULE,
        "On this chest X-ray, there is a large nodule in the right lung.",
        "توجد في صورة الأشعة السينية للصدر عقيدة كبيرة في الرئة اليمنى.",
    ),
    (
        Truth("mri", "brain_tumour", "right", "large"),
        "The brain MRI scan shows a large tumour in the right cerebral hemisphere.",
        "تُظهر صورة الرنين المغناطيسي للدماغ ورمًا كبيرًا في نصف الكرة المخية الأيمن.",
    ),
    (
        Truth("mri", "infarct", "left"),
        "The brain MRI scan shows an infarct in the left cerebral hemisphere.",
        "تُظهر صورة الرنين المغناطيسي للدماغ احتشاءً في نصف الكرة المخية الأيسر.",
    ),
    (
        Truth("mri", "white_matter_lesions"),
        "White matter lesions are seen on the brain MRI scan.",
        "تظهر آفات في المادة البيضاء في صورة الرنين المغناطيسي للدماغ.",
    ),
    (
        Truth("ct", "kidney_stone", "left"),
        "A left kidney stone on an abdominal CT scan.",
        "حصاة كلوية يسرى في صورة مقطعية محوسبة للبطن.",
    ),
    (
        Truth("ct", "ascites"),
        "The abdominal CT scan shows ascites.",
        "تُظهر الصورة المقطعية المحوسبة للبطن استسقاءً بطنيًا.",
    ),
    (
        Truth("gross", "cyst", "", "small"),
        "A gross specimen photograph with a small cyst.",
        "صورة عيانية لعينة جراحية فيها كيسة صغيرة.",
    ),
    (
        Truth("histology", "normal"),
        "The histology image shows no abnormality.",
        "لا تُظهر الصورة النسيجية المجهرية أي تغيرات مرضية.",
    ),
]


@pytest.mark.parametrize(("truth", "english", "arabic"), CAPTIONS)
def test_captions_read_as_written_by_hand(truth, english, arabic):
    said = drawn("caption", truth)
    assert english in {turn[1] for turn in said["en"]}
    assert arabic in {turn[1] for turn in said["ar"]}


QUESTIONS = [
    (
        "closed_question",
        NODULE,
        ("side", "right"),
        ("Side of the lung nodule: left or right?", "Right."),
        ("جهة العقيدة الرئوية: اليسار أم اليمين؟", "اليمين."),
    ),
    (
        "closed_question",
        EFFUSION,
        ("size", "small"),
        ("Is the pleural effusion small or large?", "Small."),
        ("هل الانصباب الجنبي صغير أم كبير؟", "صغير."),
    ),
    (
        "closed_question",
        NODULE,
        ("size", "large"),
        ("Is the lung nodule small or large?", "Large."),
        ("هل العقيدة الرئوية صغيرة أم كبيرة؟", "كبيرة."),
    ),
    (
        "closed_question",
        NODULE,
        ("size_yes_no", "yes"),
        ("Is this a large lung nodule?", "Yes."),
        ("هل هذه عقيدة رئوية كبيرة؟", "نعم."),
    ),
    (
        "open_question",
        EFFUSION,
        ("side",),
        ("Where is the pleural effusion?", "In the left pleural cavity."),
        ("أين يقع الانصباب الجنبي؟", "في التجويف الجنبي الأيسر."),
    ),
    (
        "open_question",
        NODULE,
        ("side",),
        ("Where is the lung nodule?", "In the right lung."),
        ("أين تقع العقيدة الرئوية؟", "في الرئة اليمنى."),
    ),
    (
        "laterality",
        NODULE,
        ("not_there",),
        ("The lung nodule is not on the left. Which side is it on?", "Right."),
        ("العقيدة الرئوية ليست على اليسار. في أي جهة هي؟", "اليمين."),
    ),
]


@pytest.mark.parametrize(("function", "truth", "arguments", "english", "arabic"), QUESTIONS)
def test_questions_read_as_written_by_hand(function, truth, arguments, english, arabic):
    said = drawn(function, truth, *arguments)
    assert english in said["en"]
    assert arabic in said["ar"]


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
def test_captions_are_short(truth):
    said = drawn("caption", truth)
    assert max(len(turn[1].split()) for language in LANGUAGES for turn in said[language]) <= 16


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
def test_a_story_names_side_and_size_and_no_other_side_in_both_languages(truth):
    rng = random.Random(13)
    sides = {"left": r"يسار|أيسر|يسرى", "right": r"يمين|أيمن|يمنى"}
    sizes = {"small": r"صغير", "large": r"كبير"}
    for held_out in (False, True):
        for _ in range(60):
            told = corpus.story(truth, rng, held_out=held_out)
            assert all(word in told["en"].lower() for word in (truth.side, truth.size))
            assert not truth.side or re.search(sides[truth.side], told["ar"].replace("الأ", "أ"))
            assert not truth.size or re.search(sizes[truth.size], told["ar"])
            other = corpus.OPPOSITE.get(truth.side)
            assert not other or (other not in told["en"].lower() and not re.search(sides[other], told["ar"]))


def test_in_few_wordings_a_truth_is_captioned_in_one_way_and_the_reserved_one_stays_reserved():
    truth = next(truth for truth in all_truths() if truth.side and truth.size)

    def captions(held_out):
        return {corpus.caption(truth, random.Random(seed), held_out=held_out).turns["ar"] for seed in range(20)}

    with corpus.few_wordings():
        few, kept = captions(False), captions(True)

    assert len(few) == 1
    assert len(captions(False)) > 1
    assert kept == captions(True)
    assert not few & kept


def test_a_block_of_few_wordings_ends_with_an_error_too():
    truth = all_truths()[0]
    with pytest.raises(KeyError), corpus.few_wordings():
        raise KeyError
    assert len({corpus.caption(truth, random.Random(seed), held_out=False).turns["en"] for seed in range(20)}) > 1


def test_an_interview_asks_about_one_image_in_as_many_turns_as_wanted():
    truth = next(truth for truth in all_truths() if truth.side)
    twin = corpus.interview(truth, random.Random(3), n_questions=6)

    assert twin.image_turn == 0
    assert {len(turns) for turns in twin.turns.values()} == {6}


def test_an_interview_asks_more_often_for_what_must_be_compared():
    rng, n = random.Random(2), 1500
    asked = [corpus.interview(NODULE, rng, n_questions=1).turns["en"][0] for _ in range(n)]
    compared = [q for q, reply in asked if reply in ("Yes.", "No.") and ("left" in q or "right" in q)]

    # 7 of 12 questions are closed, 2 of their weight of 8 is left or right with yes or no: .146, with sd .009
    assert 0.11 < len(compared) / n < 0.18


def test_a_case_file_mixes_the_languages_and_ends_in_the_language_of_its_sample():
    arabic_letter = re.compile("[\u0621-\u064a]")
    latin_start = 0
    for seed, truth in enumerate(all_truths()):
        twin = corpus.case_file(truth, random.Random(seed), held_out=False)
        lines = {language: twin.turns[language][0][0].split("\n") for language in LANGUAGES}

        assert {language: len(told) for language, told in lines.items()} == {"en": 3, "ar": 3}
        assert arabic_letter.search(twin.turns["ar"][0][1])
        assert not arabic_letter.search(twin.turns["en"][0][1])
        for english, arabic in zip(lines["en"], lines["ar"], strict=True):
            assert bool(arabic_letter.search(english)) != bool(arabic_letter.search(arabic))
            latin_start += not arabic_letter.search(english)
    assert 0.3 < latin_start / (3 * len(all_truths())) < 0.7
