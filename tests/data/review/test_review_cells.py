import pytest

from bimedix2_core.data.review.cells import from_csv, from_xlsx, problem_of, to_csv, to_xlsx

TRICKY = [
    "=1+1",
    "+5 ملغ",
    "-3",
    "@x",
    "'quoted",
    "'=1",
    "''",
    "a'b",
    "\tx",
    "＝1",
    "plain",
    "",
    "_x000D_",
    "_x0041_",
    "\x0b",
]


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_comes_back_from_csv_and_from_xlsx_as_it_was(text):
    assert from_csv(to_csv(text)) == text
    assert from_xlsx(to_xlsx(text)) == text


@pytest.mark.parametrize("text", [text for text in TRICKY if text[:1] in ("=", "+", "-", "@", "\t", "＝")])
def test_no_text_in_a_csv_begins_like_a_formula(text):
    assert to_csv(text) == "'" + text


def test_an_apostrophe_of_the_text_itself_stays():
    assert from_csv("'tis") == "'tis"


def test_control_characters_are_written_as_excel_writes_them_and_line_feeds_stay():
    assert to_xlsx("a\x0bb\r\nc") == "a_x000B_b_x000D_\nc"
    assert to_xlsx("_x0041_") == "_x005F_x0041_"  # else Excel would show A


def test_only_control_characters_are_unescaped():
    assert from_xlsx("_x000d_") == "\r"
    assert from_xlsx("_x0041_") == "_x0041_"


def test_a_text_one_unit_too_long_or_with_half_a_character_has_no_cell():
    assert problem_of("x" * 32_767) == ""
    assert "has 32768 UTF-16 units" in problem_of("x" * 32_766 + "😀")
    assert "lone surrogate" in problem_of("\ud83d")
