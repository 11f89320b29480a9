import csv

import pytest
from blind_items_made import item, items
from openpyxl import load_workbook

from bimedix2_core.bench.blind_comparison.form import make_form
from bimedix2_core.bench.blind_comparison.reading import read_form
from bimedix2_core.bench.blind_comparison.sheet import write_form
from bimedix2_core.errors import DataError

# Columns of a form of three models: A no., B question, C reference, D-F answers, G choice, H comment; rows from 3.


@pytest.fixture
def form():
    return make_form(items(4), reviewer="R1", seed=0)


def returned(folder, form, cells=None, *, delete=0):
    """The workbook as a reviewer returns it: some cells written, a row deleted."""
    file = write_form(folder / "form.xlsx", form)
    book = load_workbook(file)
    for address, value in (cells or {}).items():
        book["Review"][address] = value
    if delete:
        book["Review"].delete_rows(delete)
    book.save(file)
    return file


def problems_of(file, form) -> list[str]:
    with pytest.raises(DataError) as error:
        read_form(file, form)
    return str(error.value).splitlines()


def test_a_letter_becomes_the_model_whose_answer_stood_under_it_in_that_row(tmp_path, form):
    choices = read_form(returned(tmp_path, form, {"G3": "B", "G4": "A", "G5": "C", "G6": "A"}), form)

    assert [choice.model for choice in choices] == [
        form.rows[0].models[1], form.rows[1].models[0], form.rows[2].models[2], form.rows[3].models[0],
    ]  # fmt: skip
    assert [(choice.item_id, choice.cluster) for choice in choices] == [(row.id, row.cluster) for row in form.rows]
    assert {(choice.outcome, choice.reviewer, choice.language) for choice in choices} == {("chosen", "R1", "en")}


def test_a_form_filled_in_part_is_read_and_the_rest_is_open_with_its_comments(tmp_path, form):
    choices = read_form(returned(tmp_path, form, {"G4": "B", "H5": "All wrong.\nSorry."}), form)

    assert [choice.outcome for choice in choices] == ["open", "chosen", "open", "open"]
    assert [choice.model for choice in choices] == ["", form.rows[1].models[1], "", ""]
    assert [choice.comment for choice in choices] == ["", "", "All wrong.\nSorry.", ""]


def test_a_file_that_is_not_there_or_is_of_another_kind_is_spoken_of_as_a_blind_form(tmp_path, form):
    (tmp_path / "form.ods").write_bytes(b"")

    assert problems_of(tmp_path / "form.xlsx", form) == [f"{tmp_path / 'form.xlsx'}: no such blind form"]
    [problem] = problems_of(tmp_path / "form.ods", form)
    assert problem == "form.ods: a blind form ends in .xlsx or .csv; save it as one of them"


@pytest.mark.parametrize("written", [" b ", "b", "B\n", "B"])
def test_case_and_spaces_of_a_choice_do_not_matter(tmp_path, form, written):
    assert read_form(returned(tmp_path, form, {"G3": written}), form)[0].letter == "B"


@pytest.mark.parametrize("written", ["tie", " TIE", "تعادل"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_tie_is_one_in_either_language_and_prefers_nobody(tmp_path, language, written):
    form = make_form(items(2, language=language), reviewer="R1", seed=0)

    first = read_form(returned(tmp_path, form, {"G3": written}), form)[0]

    assert (first.outcome, first.model, first.letter, first.language) == ("tie", "", "", language)


def test_choosing_an_answer_that_two_models_gave_prefers_neither_and_the_third_still_can_be(tmp_path):
    form = make_form([item(0, alphamed="Yes.", betamed="Yes.", gammamed="No.")], reviewer="R1", seed=0)
    letters = dict(zip(form.rows[0].models, "ABC", strict=True))

    same = read_form(returned(tmp_path, form, {"G3": letters["alphamed"]}), form)[0]
    other = read_form(returned(tmp_path, form, {"G3": letters["gammamed"]}), form)[0]

    assert (same.outcome, same.model, same.letter) == ("tie", "", letters["alphamed"])
    assert (other.outcome, other.model) == ("chosen", "gammamed")


@pytest.mark.parametrize("written", ["D", "AB", "A or B", "A.", "alphamed", "1", 1, "yes", "أ", "?"])
def test_what_is_no_letter_of_the_form_is_refused_with_its_cell(tmp_path, form, written):
    lines = problems_of(returned(tmp_path, form, {"G4": written}), form)

    assert lines[0] == "form.xlsx: 1 problem, nothing was taken from it; mend the form and read it again:"
    assert lines[1:] == [f"  G4: the choice {str(written)!r} is not one of A, B, C, tie"]


@pytest.mark.parametrize("address", ["G3", "H3"])
def test_a_formula_where_something_was_to_be_written_is_refused(tmp_path, form, address):
    [_, problem] = problems_of(returned(tmp_path, form, {address: "=A3"}), form)

    assert problem == f"  {address}: '=A3' is a formula or an error value; write it as text"


def test_a_comment_that_only_looks_like_a_formula_stays_text(tmp_path, form):
    file = returned(tmp_path, form)
    book = load_workbook(file)
    book["Review"]["H3"].value, book["Review"]["H3"].data_type = "=A is best", "s"
    book.save(file)

    assert read_form(file, form)[0].comment == "=A is best"


def test_a_missing_row_is_refused_and_told_by_its_number(tmp_path, form):
    [_, problem] = problems_of(returned(tmp_path, form, delete=4), form)

    assert problem == "  1 of 4 rows are missing: Q2; leave the choice empty instead"


def test_a_row_that_stands_there_twice_is_refused_and_so_is_an_unknown_one(tmp_path, form):
    lines = problems_of(returned(tmp_path, form, {"A4": "Q1", "A6": "Q9"}), form)

    assert lines[1:] == [
        "  A4: row 'Q1' is there twice, first in A3; keep one",
        "  A6: unknown row 'Q9'; write its number as it was handed out",
        "  2 of 4 rows are missing: Q2, Q4; leave the choice empty instead",
    ]


@pytest.mark.parametrize(
    ("address", "name"), [("B5", "question"), ("C5", "reference text"), ("D5", "answer a"), ("F5", "answer c")]
)
def test_a_changed_text_is_refused_with_the_place_of_the_change(tmp_path, form, address, name):
    shown = dict(zip("BCDEF", form.rows[2].shown, strict=True))[address[0]]

    [_, problem] = problems_of(returned(tmp_path, form, {address: f"{shown[:-1]}!"}), form)

    assert problem == (
        f"  {address}: the text of {name!r} was changed at character {len(shown)}: found '!', expected "
        f"{shown[-1]!r}; remarks go into the comment"
    )


def test_two_answers_that_changed_places_are_seen(tmp_path, form):
    first, second = form.rows[0].answers[:2]

    lines = problems_of(returned(tmp_path, form, {"D3": second, "E3": first}), form)

    assert len(lines) == 3


def test_line_ends_and_white_space_around_a_text_may_change(tmp_path):
    form = make_form([item(0, alphamed="Yes.\nNo.")], reviewer="R1", seed=0)
    column = "DEF"[form.rows[0].models.index("alphamed")]

    assert read_form(returned(tmp_path, form, {f"{column}3": "Yes.\r\nNo. ", "G3": "A"}), form)[0].outcome == "chosen"


def test_the_form_of_another_reviewer_is_refused_by_its_id(tmp_path, form):
    other = make_form(items(4), reviewer="R2", seed=0)

    [line] = problems_of(returned(tmp_path, other), form)

    assert line == (
        f"form.xlsx: the form's id is {other.id!r}; expected {form.id!r}, the form of 'R1' (en); read it with its own "
        "key, or give it its first row back"
    )


def test_a_form_that_lost_its_first_row_or_its_headings_is_refused(tmp_path, form):
    [without_id] = problems_of(returned(tmp_path, form, delete=1), form)
    [without_headings] = problems_of(returned(tmp_path, form, delete=2), form)

    assert "the form's id is none; expected" in without_id
    assert "no line has the headings 'no.' and 'best answer'" in without_headings


def test_an_arabic_form_is_not_read_with_the_key_of_the_english_one(tmp_path, form):
    arabic = make_form(items(4, language="ar"), reviewer="R1", seed=0)

    [line] = problems_of(returned(tmp_path, arabic), form)

    assert "read it with the key of its language" in line


def test_a_column_that_is_missing_and_one_that_is_too_many_are_refused(tmp_path, form):
    lines = problems_of(returned(tmp_path, form, {"H2": "Remarks", "H3": "good"}), form)

    assert lines[1:] == [
        "  the column 'comment (optional)' is missing; return the form with all its columns",
        "  H3: outside the columns of the form; move what it says into the comment",
    ]


def test_every_problem_is_told_at_once_and_nothing_is_taken(tmp_path, form):
    lines = problems_of(returned(tmp_path, form, {"G3": "X", "B4": "Other?", "G5": "Y", "G6": "A"}), form)

    assert lines[0].startswith("form.xlsx: 3 problems, nothing was taken from it")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["G3", "B4", "G5"]


def test_a_form_saved_as_csv_with_semicolons_is_read_too(tmp_path, form):
    rows = load_workbook(returned(tmp_path, form, {"G3": "C"}))["Review"].iter_rows(values_only=True)
    with (tmp_path / "form.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)

    assert read_form(tmp_path / "form.csv", form)[0].model == form.rows[0].models[2]


def test_columns_may_be_moved_and_empty_rows_put_in(tmp_path, form):
    file = returned(tmp_path, form, {"G3": "B"})
    book = load_workbook(file)
    book["Review"].insert_rows(4)
    book["Review"].insert_cols(1)
    book.save(file)

    assert read_form(file, form)[0].model == form.rows[0].models[1]


def test_what_is_no_workbook_is_refused(tmp_path, form):
    (tmp_path / "form.xlsx").write_bytes(b"PK\x03\x04 cut")

    with pytest.raises(DataError, match=r"form\.xlsx is no workbook that can be read"):
        read_form(tmp_path / "form.xlsx", form)
