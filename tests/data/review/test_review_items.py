import pytest

from bimedix2_core.data.review.items import ReviewItem, joined, plain, review_item, text_key, turns
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

ENGLISH = Row(
    "7", "en", "vqa", "slake", [message("user", "What is it?", images=1), message("assistant", "A cyst.")], ("k",)
)
ARABIC = Row("7", "ar", "vqa", "slake", [message("user", "ما هذا؟", images=1), message("assistant", "كيسة.")], ("k",))


def test_an_item_shows_both_texts_with_role_labels_in_their_language():
    assert review_item(ENGLISH, ARABIC, score=80.0, flags=["digits"]) == ReviewItem(
        id="7",
        source="slake",
        modality="image_text",
        english="[User]\nWhat is it?\n\n[Assistant]\nA cyst.",
        arabic="[المستخدم]\nما هذا؟\n\n[المساعد]\nكيسة.",
        score=80.0,
        flags=("digits",),
    )


@pytest.mark.parametrize(("english", "arabic"), [(ARABIC, ENGLISH), (ENGLISH, ENGLISH)])
def test_rows_that_are_no_twins_are_an_error(english, arabic):
    with pytest.raises(DataError, match="are no twins"):
        review_item(english, arabic)


def test_turns_are_what_was_joined():
    assert turns(joined(ARABIC)) == [("user", "ما هذا؟"), ("assistant", "كيسة.")]


def test_a_label_counts_only_on_a_line_of_its_own():
    assert turns("[User]\nsays [Assistant] here\n[Assistant]  \n") == [
        ("user", "says [Assistant] here"),
        ("assistant", ""),
    ]
    assert turns("before\n[User]\nx") == [("", "before"), ("user", "x")]


def test_line_ends_and_outer_space_do_not_change_a_text_but_a_letter_does():
    assert plain(" a\r\nb\rc_x000D_\nd ") == "a\nb\nc\nd"
    assert text_key("a\r\nb ") == text_key("a\nb")
    assert text_key("هل") != text_key("هلا")
