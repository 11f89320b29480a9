from dataclasses import replace

import pytest
import tiny

from bimedix2_core.bench import task
from bimedix2_core.bench.answers import asks, is_empty
from bimedix2_core.bench.follow_up import follow_up_rows
from bimedix2_core.bench.medical_vqa import by_kind
from bimedix2_core.bench.metrics import exact_match, token_f1
from bimedix2_core.data.language import language_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import OptionScores, text_of
from bimedix2_core.runs import JsonlStore


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        ("yes", "Yes.", 1.0),
        ("Yes, left", "Yes.", 0.0),
        ("not", "no", 0.0),
        ("اليسار", "اليَسار.", 1.0),  # a vowel mark does not change the word
        ("اليسرى", "اليسار", 0.0),
        ("", "No.", 0.0),
        ("1.5 mg", "1 5 mg", 0.0),
    ],
)
def test_an_exact_match_is_of_whole_words(prediction, target, expected):
    assert exact_match(prediction, target) == expected


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        ("left left lung", "the left lung", 2 / 3),  # two shared words of three and three: a repeated word costs
        ("a small nodule", "a large nodule", 2 / 3),
        ("الرئة اليسرى", "في الرئة اليسرى", 0.8),  # precision 2/2, recall 2/3
        ("", "", 1.0),
        ("left", "", 0.0),
    ],
)
def test_token_f1_counts_each_word_as_often_as_both_have_it(prediction, target, expected):
    assert token_f1(prediction, target) == pytest.approx(expected)


def test_words_are_compared_as_everywhere_else_whatever_their_spelling_and_digits():
    assert exact_match("نعم، الافه في الجهة اليسري 2", "نعم، الآفةُ في الجهة اليسرى ٢") == 1.0
    assert token_f1("1,200 mg", "1200 mg") == token_f1("ﬁbrosis", "Fibrosis") == 1.0
    assert token_f1("1.5 mg", "15 mg") == 0.5  # one number of two words


@pytest.mark.parametrize(("text", "language"), [("نعم", "ar"), ("Yes", "en"), ("42", ""), ("صورة MRI للدماغ", "ar")])
def test_the_language_of_a_text_is_the_script_of_most_letters(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "expected"), [("How long?", True), ("منذ متى؟ ", True), ("Why? Rest now.", False), ("", False)]
)
def test_a_reply_asks_when_it_ends_with_a_question_mark_of_either_script(text, expected):
    assert asks(text) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", True),
        (" \n...", True),
        ("؟!", True),
        ("-", True),
        ("2", False),
        ("٢", False),
        ("No.", False),
        ("لا", False),
    ],
)
def test_an_answer_is_empty_that_has_neither_letter_nor_digit(answer, expected):
    assert is_empty(answer) is expected


def test_a_majority_of_nothing_is_an_error():
    with pytest.raises(DataError, match="no sample"):
        task.majority_share([])


def answers_of(samples):
    return [sample.target for sample in samples]


def test_predictions_are_made_once_and_kept(tmp_path):
    samples = [tiny.sample(name=str(i), question=f"Question {i}?", answer=f"Answer {i}.") for i in range(5)]
    calls = []

    def generate(chunk):
        calls.append(len(chunk))
        return answers_of(chunk)

    for _ in range(2):
        store = JsonlStore(tmp_path / "predictions.jsonl")
        predictions = task.predict(samples, generate, store=store, model_key="m", decoding={})

    assert predictions == answers_of(samples)
    assert calls == [5]


def test_another_picture_of_the_same_size_is_another_prediction():
    dark, bright = (replace(tiny.sample(), images=[tiny.colour_image(level)]) for level in (10, 200))

    assert task.prediction_key(dark, model_key="m", decoding={}) != task.prediction_key(
        bright, model_key="m", decoding={}
    )


@pytest.mark.parametrize("change", ["model", "image", "question", "decoding"])
def test_a_changed_model_prompt_image_or_decoding_is_another_prediction(change):
    key = task.prediction_key(tiny.sample(), model_key="m", decoding={"temperature": 0})

    changed = {
        "model": lambda: task.prediction_key(tiny.sample(), model_key="n", decoding={"temperature": 0}),
        "image": lambda: task.prediction_key(tiny.sample(n_images=2), model_key="m", decoding={"temperature": 0}),
        "question": lambda: task.prediction_key(
            tiny.sample(question="Is it?"), model_key="m", decoding={"temperature": 0}
        ),
        "decoding": lambda: task.prediction_key(tiny.sample(), model_key="m", decoding={"temperature": 1}),
    }
    assert changed[change]() != key


def test_the_answer_is_no_part_of_a_predictions_key():
    one, other = (tiny.sample(answer=answer) for answer in ("Yes.", "No."))

    assert task.prediction_key(one, model_key="m", decoding={}) == task.prediction_key(
        other, model_key="m", decoding={}
    )


def test_predictions_and_samples_must_pair_up():
    with pytest.raises(DataError, match="2 samples but 1 predictions"):
        task.score(tiny.mixed_samples(2), ["x"], metric=exact_match)


def test_without_images_the_question_stays_word_for_word():
    sample = tiny.sample(n_images=2)

    bare = task.without_images([sample])[0]

    assert bare.images == []
    assert text_of(bare.messages[0]) == text_of(sample.messages[0])
    assert all(part["type"] == "text" for turn in bare.messages for part in turn["content"])


def test_a_wrong_image_is_never_the_samples_own():
    samples = [tiny.sample(name=str(index)) for index in range(9)]

    wrong = task.with_wrong_images(samples, seed=0)

    assert all(w.images[0] is not s.images[0] for w, s in zip(wrong, samples, strict=True))
    assert {id(w.images[0]) for w in wrong} == {id(s.images[0]) for s in samples}


def yes_no(n_yes, n_no):
    return [tiny.sample(name=f"y{i}", answer="Yes.") for i in range(n_yes)] + [
        tiny.sample(name=f"n{i}", answer="No.", language="ar") for i in range(n_no)
    ]


def test_closed_rows_are_by_kind_and_over_all_with_the_majority():
    rows = by_kind.closed_rows(yes_no(3, 2), ["yes", "yes", "no", "no", "yes"])

    found = {(row.kind, row.language): (row.estimate.value, row.estimate.n, row.majority) for row in rows}
    assert found["all", "en"] == (pytest.approx(2 / 3), 3, 1.0)
    assert found["side", "ar"] == (0.5, 2, 1.0)


def test_a_control_that_knows_the_answers_is_caught_and_one_that_guesses_is_not():
    samples = [
        tiny.sample(name=str(i), language=language, answer="Yes." if i % 2 else "No.")
        for i in range(100)
        for language in ("en", "ar")
    ]

    leaking = by_kind.holm_adjusted(by_kind.control_tests("no image", samples, answers_of(samples)))
    guessing = by_kind.holm_adjusted(by_kind.control_tests("no image", samples, ["Yes."] * 200))

    assert all(test.p_holm < 0.001 for test in leaking)
    assert all(test.p_holm == 1.0 for test in guessing)


def test_the_choice_is_the_likeliest_letter():
    scores = [OptionScores((-3.0, -1.0, -2.0), (1, 1, 1)), OptionScores((-0.1, -5.0), (1, 1))]

    assert by_kind.choice_predictions(scores) == ["B", "A"]


def test_follow_up_rows_tell_asking_too_little_from_asking_too_much():
    samples = [
        tiny.sample(name="1", language=language, n_images=0, answer=answer)
        for language, ask, tell in (("en", "Since when?", "Rest."), ("ar", "منذ متى؟", "استرح."))
        for answer in (ask, ask, tell, tell)
    ]

    rows = follow_up_rows(samples, ["Since when?", "Rest.", "Rest.", "Rest."] * 2)

    values = {(row.metric, row.language): row.estimate.value for row in rows}
    assert values["asks when something is missing", "en"] == 0.5
    assert values["answers when nothing is missing", "ar"] == 1.0
