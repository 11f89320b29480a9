"""Translate, answer, translate back: any backend, nothing lost on the way, nothing made of nothing."""

import pytest
from mbench_files import figures, files

from bimedix2_core.bench.mbench import read, translate_then_answer
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "store")


@pytest.fixture
def arabic(tmp_path, store):
    folder = figures(tmp_path / "figures")
    return read({"ar": files(tmp_path)["ar"]}, images=store, image_folder=folder).rows[:4]


def english_of(texts):
    return [f"EN({text})" for text in texts]


def arabic_of(texts):
    return [f"AR({text})" for text in texts]


def said(queries):
    return [f"to {text_of(one.prompt[0])}" for one in queries]


def run(rows, store, **steps):
    given = {"to_english": english_of, "answer": said, "to_arabic": arabic_of} | steps
    return translate_then_answer(rows, store.open, **given)


def test_the_question_goes_there_and_the_answer_comes_back_and_all_that_was_said_is_kept(arabic, store):
    found = run(arabic, store)
    question = text_of(arabic[1].messages[0])

    assert [one.id for one in found] == ["0", "1", "2", "3"]
    assert (found[1].question, found[1].english_question) == (question, f"EN({question})")
    assert (found[1].english_answer, found[1].answer) == (f"to EN({question})", f"AR(to EN({question}))")
    assert not any(one.problem for one in found)


def test_the_model_is_asked_in_english_with_the_figure(arabic, store):
    asked = []

    def remember(queries):
        asked.extend(queries)
        return said(queries)

    run(arabic, store, answer=remember)

    assert {one.language for one in asked} == {"en"}
    assert [part["type"] for part in asked[0].prompt[0]["content"]] == ["image", "text"]
    assert asked[0].images[0].tobytes() == store.open(arabic[0].images[0]).tobytes()
    assert "جواب" not in str(asked[0].prompt)  # the reference


@pytest.mark.parametrize("nothing", [None, "", " \n"])
@pytest.mark.parametrize(
    ("step", "problem", "reached"),
    [
        ("to_english", "no translation into English", ("", "", "")),
        ("answer", "the model gave no answer", ("english_question", "", "")),
        ("to_arabic", "no translation into Arabic", ("english_question", "english_answer", "")),
    ],
)
def test_a_step_that_gives_nothing_leaves_an_empty_answer_with_the_reason(
    arabic, store, step, problem, reached, nothing
):
    steps = {"to_english": english_of, "answer": said, "to_arabic": arabic_of}

    def fails_on_the_third(given):
        return [nothing if n == 2 else text for n, text in enumerate(steps[step](given))]

    found = run(arabic, store, **{step: fails_on_the_third})

    assert (found[2].answer, found[2].problem) == ("", problem)
    for name in ("english_question", "english_answer"):
        assert bool(getattr(found[2], name)) == (name in reached)
    assert all(one.answer.startswith("AR(to EN(") and not one.problem for one in (found[0], found[1], found[3]))


def test_a_later_step_is_given_only_what_the_earlier_ones_brought(arabic, store):
    given = {}

    def counting(name, step):
        def counted(texts):
            given[name] = len(texts)
            return step(texts)

        return counted

    run(
        arabic,
        store,
        to_english=counting("to_english", lambda texts: ["x", None, "y", "z"]),
        answer=counting("answer", lambda queries: ["", "b", "c"]),
        to_arabic=counting("to_arabic", arabic_of),
    )

    assert given == {"to_english": 4, "answer": 3, "to_arabic": 2}


def test_a_step_is_not_called_for_nothing(arabic, store):
    def never(texts):
        raise LookupError(texts)

    found = run(arabic, store, to_english=lambda texts: [None] * 4, answer=never, to_arabic=never)

    assert {one.problem for one in found} == {"no translation into English"}


def test_a_step_that_loses_a_text_is_an_error(arabic, store):
    with pytest.raises(DataError, match="the translation into Arabic gave 3 texts for 4; expected one for each"):
        run(arabic, store, to_arabic=lambda texts: arabic_of(texts[1:]))


def test_english_questions_and_questions_without_a_figure_are_refused(arabic, store, tmp_path):
    english = read({"en": files(tmp_path)["en"]}).rows

    with pytest.raises(DataError, match="1 of 2 questions are not Arabic, first '0'"):
        run([arabic[0], english[0]], store)
    with pytest.raises(DataError, match="has no figure"):
        run(read({"ar": files(tmp_path)["ar"]}).rows[:1], store)
    with pytest.raises(DataError, match="2 questions with 1 ids"):
        run([arabic[0], arabic[0]], store)
