import pytest

from bimedix2_core.data.decontaminate.text import key_of, n_grams, questions_of, text_key
from bimedix2_core.records import Row, message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("X-ray of the chest", "xray of the chest"),
        ("Is there a fracture?", "is there a FRACTURE"),
        ("T2 - weighted", "T2-weighted"),
    ],
)
def test_white_space_and_hyphens_do_not_count_in_a_key(one, other):
    assert text_key(one) == text_key(other) != ""


def test_different_texts_have_different_keys():
    assert text_key("1.5 mg") != text_key("15 mg")
    assert text_key("left") != text_key("right")


def test_runs_of_words_are_counted_by_hand():
    assert list(n_grams(["a", "b", "c", "d"], 3)) == ["a b c", "b c d"]
    assert list(n_grams(["a", "b"], 3)) == []


def multiple_choice(text: str, target: str, **more) -> Row:
    messages = [message("user", text), message("assistant", target)]
    return Row("1", "en", "mcq", "s", messages, choices=("Liver", "Left lung"), **more)


@pytest.mark.parametrize(
    "text",
    [
        "Which organ?\nA. Liver\nB. Left lung",
        "Which organ?\n(A) Liver\n(B) Left lung\n",
        "Which organ?\nLiver\nLeft lung",
        "Which organ?\na) LIVER\nb) left lung.",
    ],
)
@pytest.mark.parametrize("target", ["B", "B. Left lung", "Left lung", "B. Left lung\n\nThe heart lies on it."])
def test_a_question_is_found_apart_from_its_options_and_its_answer_by_its_letter(text, target):
    (asked,) = questions_of(multiple_choice(text, target, answer="B"), ())

    assert asked.question == ("which", "organ")
    assert asked.options == {"liver", "leftlung"}
    assert "leftlung" in asked.answers
    assert "b" not in asked.answers
    assert "liver" not in asked.answers
    assert asked.context == ()


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("Which organ?\nA. Liver\nB. Left lung", "whichorgan", {"liver", "leftlung"}),
        ("Which organ?\n(a) Liver\n(b) Left lung", "whichorgan", {"liver", "leftlung"}),
        ("أي عضو؟\nأ. الكبد\nب. الرئة", "ايعضو", {"الكبد", "الريه"}),
        ("Which organ?\nA. Liver", "whichorganaliver", set()),
        ("Which organ?\nB. Liver\nA. Left lung", "whichorganbliveraleftlung", set()),
        ("Which?\nء. x\nـ. y", "whichxy", set()),
    ],
)
def test_options_that_only_the_wording_shows_are_told_by_letters_in_order(text, question, options):
    (asked,) = questions_of(Row("1", "en", "mcq", "s", [message("user", text), message("assistant", "B")]), ())

    assert key_of(asked.question) == question
    assert asked.options == options
    assert asked.answers == ({text_key(text.split("\n")[-1][3:])} if options else set())


def test_a_letter_that_names_no_option_is_no_answer():
    row = Row("1", "en", "vqa", "s", [message("user", "Which organ?"), message("assistant", "B")], answer="B")

    assert questions_of(row, ())[0].answers == frozenset()


def test_a_digit_is_an_answer():
    row = Row("1", "en", "vqa", "s", [message("user", "How many?"), message("assistant", "٣")], answer="3")

    assert questions_of(row, ())[0].answers == {"3"}


def test_earlier_paragraphs_and_named_facts_are_the_context_of_a_question():
    messages = [message("user", "A man of 50.\n\nHe coughs.\n\nWhy?\nA. Liver\nB. Left lung")]
    row = Row(
        "1", "en", "mcq", "s", messages, choices=("Liver", "Left lung"), facts={"fig_caption": "A film", "type": "x"}
    )

    (asked,) = questions_of(row, ("fig_caption",))

    assert asked.question == ("why",)
    assert asked.context == ("a", "man", "of", "50", "he", "coughs", "a", "film")


def test_each_turn_asks_and_the_short_answer_belongs_to_the_last():
    messages = [
        message("user", "What is it?", images=1),
        message("assistant", "A film."),
        message("user", "Where?"),
        message("assistant", "It is on the left."),
    ]

    first, last = questions_of(Row("1", "en", "vqa", "s", messages, answer="left"), ())

    assert (key_of(first.question), first.answers) == ("whatisit", {"afilm"})
    assert (key_of(last.question), last.answers) == ("where", {"itisontheleft", "left"})
