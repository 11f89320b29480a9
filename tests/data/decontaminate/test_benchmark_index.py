import pytest

from bimedix2_core.data.decontaminate import KINDS, LEAKS, ImageHashes, Index, Settings
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

STEM = "A 60 year old man has had a dry cough and a fever since last week what is most likely"
"""20 words."""
SHORT = "Is there a fracture of the left lower rib"
"""9 words: too few for a run of 13, enough to count as a whole."""
GENERIC = "Is there a fracture?"
ARABIC = "رجل عمره ٦٠ سنة يعاني من سعال جاف وحمى منذ الأسبوع الماضي ما هو التشخيص الأكثر احتمالا"
"""16 words."""
CHOICES = ("Pneumonia", "Asthma", "Embolism")


def row(question: str, answer: str = "", *, images: tuple[str, ...] = (), row_id: str = "1", **more) -> Row:
    messages = [message("user", question, images=len(images))]
    if answer:
        messages.append(message("assistant", answer))
    return Row(row_id, more.pop("language", "en"), "qa", "train", messages, images=images, answer=answer, **more)


def kinds(item: Row, training: Row, **more) -> list[str]:
    return [match.kind for match in Index.build({"bench": [item]}, **more).check(training)]


# --- questions without image ---------------------------------------------------------------------------------------


def test_the_same_question_and_answer_is_a_leak():
    assert kinds(row(GENERIC, "Yes"), row("is there a FRACTURE", "yes.")) == ["question_answer"]


def test_the_same_generic_question_with_another_answer_is_the_weak_kind():
    assert kinds(row(GENERIC, "Yes"), row(GENERIC, "No")) == ["question"]
    assert "question" not in LEAKS


def test_options_in_another_order_are_the_same_options():
    item = row("Which is it?", choices=CHOICES)

    assert kinds(item, row("Which is it?", choices=CHOICES[::-1])) == ["question_answer"]
    assert kinds(item, row("Which is it?", choices=(*CHOICES[:2], "Fibrosis"))) == ["question"]
    assert kinds(item, row("Which is it?", choices=CHOICES[:2])) == ["question"]


def test_the_same_letter_of_other_options_is_no_common_answer():
    item = row("Which is it?", "A", choices=CHOICES)

    assert kinds(item, row("Which is it?", "A", choices=CHOICES[::-1])) == ["question_answer"]  # by the options
    assert kinds(item, row("Which is it?", "A", choices=("Fibrosis", "Asthma"))) == ["question"]
    assert kinds(item, row("Which is it?", "B", choices=("Fibrosis", "Pneumonia"))) == ["question_answer"]
    assert kinds(item, row("Which is it?", "A")) == ["question"]
    assert kinds(item, row("Which is it?", "A. Pneumonia\n\nIt is common.")) == ["question_answer"]


def test_a_common_question_about_another_case_is_the_weak_kind_whatever_the_answer():
    item = row("A woman of 30 wheezes.\n\nWhat is the diagnosis?", "Asthma")

    assert kinds(item, row("A woman of 30 wheezes!\n\nWhat is the diagnosis?", "Not known")) == ["question_answer"]
    assert kinds(item, row("A man of 50 wheezes.\n\nWhat is the diagnosis?", "Asthma")) == ["question"]


@pytest.mark.parametrize(("question", "language"), [(STEM, "en"), (ARABIC, "ar")])
def test_a_run_of_13_words_is_a_leak_and_12_are_not(question, language):
    item, said = row(question, language=language), question.split()

    assert kinds(item, row("x " + " ".join(said[2:15]) + " y")) == ["ngram"]
    assert kinds(item, row("x " + " ".join(said[2:14]) + " y")) == []


def test_one_changed_word_in_the_only_run_of_13_is_no_match():
    said = STEM.split()[:13]

    assert kinds(row(" ".join(said)), row("x " + " ".join(said))) == ["ngram"]
    for place in range(13):
        changed = [*said[:place], "other", *said[place + 1 :]]
        assert kinds(row(" ".join(said)), row("x " + " ".join(changed))) == []


def test_arabic_is_found_with_harakat_other_digits_other_letters_and_tatweel():
    said = "رَجُلٌ عمره 60 سنه يعانى من ســعال جاف وحُمّى منذ الاسبوع الماضي، ما هو التشخيص؟"

    assert kinds(row(ARABIC, language="ar"), row(said, language="ar")) == ["ngram"]
    assert kinds(row(ARABIC, language="ar"), row(said.replace("60", "61").replace("منذ", "قبل"))) == []


def test_a_question_of_8_to_12_words_counts_as_a_whole_and_a_shorter_one_never():
    assert kinds(row(SHORT, "Yes"), row(f"Tell me: {SHORT.lower()}, doctor?", "No")) == ["ngram"]
    assert kinds(row(SHORT, "Yes"), row("Tell me: " + SHORT.replace("left", "right"), "Yes")) == []
    assert kinds(row("Is there a fracture of a rib"), row("Tell me: Is there a fracture of a rib")) == []


def test_the_answer_of_a_row_is_searched_too_and_its_turns_are_not_joined():
    first, second = " ".join(STEM.split()[:10]), " ".join(STEM.split()[10:])

    assert kinds(row(STEM), row("Write a question.", STEM)) == ["ngram"]
    assert kinds(row(STEM), row(first, second)) == []


def test_an_abstract_in_a_row_is_a_context_match():
    item = row(f"{STEM}.\n\nDid it help?", "Yes")

    assert kinds(item, row("Sum up.", f"The case: {STEM}")) == ["context"]
    assert kinds(item, row("Did it help?", "Yes")) == ["question_answer"]


def test_a_longer_run_and_a_shorter_whole_can_be_set():
    said = STEM.split()

    assert kinds(row(STEM), row("x " + " ".join(said[:8])), settings=Settings(n=8)) == ["ngram"]
    assert kinds(row(GENERIC), row(f"Say: {GENERIC}"), settings=Settings(shortest=4)) == ["ngram"]


def test_boilerplate_of_many_questions_is_no_leak():
    stem = "Which of the following is the most appropriate next step in the management of this patient"
    items = [row(f"{stem} {number}", row_id=str(number)) for number in range(11)]
    training = row(f"Now then: {stem}?")

    assert len(Index.build({"bench": items[:10]}).check(training)) == 10
    assert Index.build({"bench": items}).check(training) == []
    assert Index.build({"bench": items}).summary()["runs_left_out_as_common"] == 4


def test_copies_of_one_question_are_no_boilerplate():
    items = [row(STEM, row_id=str(number)) for number in range(20)]

    assert len(Index.build({"bench": items}).check(row(f"x {STEM}"))) == 20


# --- questions about images ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "image", "expected"),
    [
        (GENERIC, "yes", "a", "image_question_answer"),
        (GENERIC, "no", "a", "image_question"),
        ("Which organ?", "yes", "a", "image"),
        (GENERIC, "yes", "b", "question"),
        (STEM, "yes", "b", ""),
    ],
)
def test_a_question_about_an_image_leaks_with_its_image_only(question, answer, image, expected):
    item = row(GENERIC, "Yes", images=("a",))

    assert kinds(item, row(question, answer, images=(image,))) == ([expected] if expected else [])


def test_a_long_question_about_an_image_says_little_without_it():
    item = row(STEM, "Yes", images=("a",))

    assert kinds(item, row(STEM, "Yes")) == ["question"]
    assert kinds(item, row(f"x {STEM}", "Yes")) == []


def test_the_caption_of_a_benchmark_figure_is_found_in_a_row():
    item = row("What is it?", images=("a",), facts={"fig_caption": STEM})

    assert kinds(item, row("Describe it.", STEM, images=("b",))) == ["context"]


def test_images_are_compared_by_name_where_no_store_has_them():
    def unstored(source: str, name: str) -> Row:
        messages = [message("user", "What is it?", images=1)]
        return Row("1", "en", "vqa", source, messages, facts={"image": name})

    assert kinds(unstored("Rad-VQA", "x.jpg"), unstored("Rad-VQA", "x.jpg")) == ["image_question"]
    assert kinds(unstored("Rad-VQA", "x.jpg"), unstored("SLAKE", "x.jpg")) == ["question"]
    assert kinds(
        unstored("Rad-VQA", "x.jpg"), unstored("SLAKE", "x.jpg"), image_ids=lambda row: (row.facts["image"],)
    ) == ["image_question"]


def test_an_image_that_looks_the_same_is_the_same_image():
    hashes = {"a": 0b0, "near": 0b1111, "far": 0b11111}
    index = Index.build({"bench": [row(GENERIC, images=("a",))]}, image_hashes=ImageHashes(hashes, frozenset()))

    (match,) = index.check(row("Which organ?", images=("near",)))

    assert (match.kind, match.detail) == ("image", "image a, 4 of 64 bits differ")
    assert index.check(row("Which organ?", images=("far",))) == []
    assert index.check(row("Which organ?", images=("unknown",))) == []


def test_a_flat_image_matches_nothing_not_even_itself_and_is_counted():
    hashes = ImageHashes({}, frozenset({"black"}))
    index = Index.build({"bench": [row(GENERIC, images=("black",))]}, image_hashes=hashes)

    assert index.check(row("Which organ?", images=("black",))) == []
    assert index.summary()["flat_images_left_out"] == 1


def test_one_of_several_images_is_enough():
    assert kinds(row(GENERIC, images=("a", "b")), row("Compare.", images=("c", "b"))) == ["image"]


# --- all together --------------------------------------------------------------------------------------------------


def test_a_pair_has_one_match_of_the_strongest_kind_and_rows_touch_several_benchmarks():
    items = {"one": [row(STEM, "Asthma")], "two": [row(STEM, "Other"), row(STEM, "Asthma", row_id="2", images=("a",))]}

    found = Index.build(items).check(row(STEM, "Asthma", images=("a",)))

    assert [(match.benchmark, match.benchmark_id, match.kind) for match in found] == [
        ("one", "1", "question_answer"),
        ("two", "1", "ngram"),
        ("two", "2", "image_question_answer"),
    ]


def test_a_later_turn_of_a_conversation_is_found():
    messages = [
        message("user", "What is it?", images=1),
        message("assistant", "A film."),
        message("user", GENERIC),
        message("assistant", "Yes"),
    ]
    training = Row("1", "en", "vqa", "train", messages, images=("a",))

    assert kinds(row(GENERIC, "Yes", images=("a",)), training) == ["image_question_answer"]


def test_a_benchmark_matches_itself_and_a_text_of_other_words_nothing():
    items = [row(f"{STEM} {number}", row_id=str(number)) for number in range(30)]
    items += [row(GENERIC, "Yes", images=(f"image {number}",), row_id=f"i{number}") for number in range(5)]
    items += [row(ARABIC, language="ar"), row("Why?", choices=CHOICES, row_id="c")]
    index = Index.build({"bench": items})

    for item in items:
        matches = index.check(item)
        (own,) = [match for match in matches if (match.benchmark_id, match.language) == (item.id, item.language)]
        assert own.kind in ("ngram", "image_question_answer", "question_answer", "image_question")
        assert not index.is_clean(matches)
    assert index.check(row("zygote quokka " * 30, "qwerty " * 30)) == []


def test_what_is_blank_matches_nothing():
    assert kinds(row("?", "Yes"), row("!", "Yes")) == []


def test_what_counts_as_a_leak_can_be_set():
    item, training = row(GENERIC, "Yes"), row(GENERIC, "No")

    strict = Index.build({"bench": [item]}, settings=Settings(leaks=KINDS))
    default = Index.build({"bench": [item]})

    assert not strict.is_clean(strict.check(training))
    assert default.is_clean(default.check(training))


@pytest.mark.parametrize(
    ("broken", "message_part"),
    [
        ([row(GENERIC), row(STEM)], "two items with id '1' and language 'en'"),
        ([Row("7", "en", "qa", "s", [message("assistant", "x")])], "item '7' has no user turn"),
    ],
)
def test_a_benchmark_that_cannot_be_indexed_is_an_error(broken, message_part):
    with pytest.raises(DataError, match=message_part):
        Index.build({"bench": broken})


def test_twins_may_share_an_id():
    index = Index.build({"bench": [row(STEM), row(ARABIC, language="ar")]})

    assert [match.language for match in index.check(row(ARABIC))] == ["ar"]


@pytest.mark.parametrize(
    ("wrong", "message_part"),
    [
        ({"leaks": ("images",)}, "leaks names images"),
        ({"n": 7}, "shortest is 8 and n is 7"),
        ({"shortest": 0}, "shortest"),
    ],
)
def test_settings_that_make_no_sense_are_an_error(wrong, message_part):
    with pytest.raises(DataError, match=message_part):
        Settings(**wrong)
