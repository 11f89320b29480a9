import pytest
from PIL import Image
from shared_data import real

from bimedix2_core.bench.medical_vqa import PROTOCOLS, prompt_key, protocol_named, query_of, text_only
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

HINT = "Answer the following question with yes or no. "


def question(answer, *, language="en", images=("key",)):
    turns = [message("user", "Is it enlarged?", images=1), message("assistant", answer)]
    return Row("7", language, "vqa", "rad_vqa", turns, images=images, kind="closed", answer=answer)


def picture(key):
    return Image.new("L", (2, 2), color=len(key))


def asked(row, name):
    return query_of(row, PROTOCOLS[name], picture)


def test_plain_asks_the_question_alone_and_never_shows_the_answer():
    query = asked(question("yes"), "plain")

    assert query.prompt == [message("user", "Is it enlarged?", images=1)]
    assert (query.id, query.language, query.options) == ("7", "en", ())
    assert [image.getpixel((0, 0)) for image in query.images] == [3]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("yes", f"{HINT}Is it enlarged?"),
        ("no", f"{HINT}Is it enlarged?"),
        ("Yes", "Is it enlarged?"),  # SLAKE's capitals never get the hint
        ("yes.", "Is it enlarged?"),
        ("normal", "Is it enlarged?"),
    ],
)
def test_multimedevals_hint_depends_on_the_published_answer_and_says_so(answer, text):
    [turn] = asked(question(answer), "multimedeval").prompt

    assert text_of(turn) == text
    assert "answer type" in PROTOCOLS["multimedeval"].leaks


def test_multimedevals_hint_stands_before_the_image():
    [turn] = asked(question("yes"), "multimedeval").prompt

    assert [part["type"] for part in turn["content"]] == ["text", "image", "text"]


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("name", [name for name, protocol in PROTOCOLS.items() if not protocol.leaks])
def test_a_protocol_that_claims_no_leak_asks_the_same_whatever_the_answer(name, language):
    prompts = [asked(question(answer, language=language), name).prompt for answer in ("yes", "No", "left", "نعم")]

    assert all(prompt == prompts[0] for prompt in prompts)


def test_the_short_answer_hint_is_in_the_language_of_the_question():
    english, arabic = (
        text_of(asked(question("x", language=language), "short_answer").prompt[0]) for language in ("en", "ar")
    )

    assert english.startswith("Is it enlarged?\nAnswer with yes or no if")
    assert arabic.startswith("Is it enlarged?\nأجب بنعم أو لا")


def test_multimedeval_has_no_words_for_arabic():
    with pytest.raises(DataError, match="'ar', but protocol 'multimedeval' has words in en only"):
        asked(question("نعم", language="ar"), "multimedeval")


def test_an_image_part_without_a_key_is_refused_and_a_text_only_control_is_not():
    with pytest.raises(DataError, match="1 image parts but 0 images; read the set with an image store"):
        asked(question("yes", images=()), "plain")

    query = asked(text_only([question("yes")])[0], "plain")

    assert query.images == []
    assert query.prompt == [message("user", "Is it enlarged?")]


def test_each_protocol_has_a_key_of_its_own_that_hangs_on_its_words():
    keys = {name: prompt_key(protocol) for name, protocol in PROTOCOLS.items()}

    assert len(set(keys.values())) == len(PROTOCOLS)
    assert keys == {name: prompt_key(protocol) for name, protocol in PROTOCOLS.items()}


def test_an_unknown_protocol_is_named_with_the_known_ones():
    with pytest.raises(DataError, match="no protocol 'leaky'; known: plain, short_answer, multimedeval"):
        protocol_named("leaky")


def test_slake_never_gets_the_hint_that_rad_vqas_small_letters_get():
    slake = list(read_source("slake_vqa", real("slake/test.json"), bad_rows=BadRows(0)))
    rad = list(read_source("rad_vqa", real("vqa_rad/testset.json"), bad_rows=BadRows(0)))

    hinted = [
        sum(text_of(query_of(row, PROTOCOLS["multimedeval"], picture).prompt[0]).startswith(HINT) for row in rows)
        for rows in (text_only(slake), text_only(rad))
    ]

    assert hinted == [0, sum(row.answer in ("yes", "no") for row in rad)]
    assert hinted[1] > 0
