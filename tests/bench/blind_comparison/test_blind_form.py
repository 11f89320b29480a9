import random
import zipfile
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from blind_items_made import MODELS, item, items
from openpyxl import load_workbook

from bimedix2_core.bench.blind_comparison.form import balanced_orders, make_form, read_key, write_key
from bimedix2_core.bench.blind_comparison.items import blind_items, sampled, wording
from bimedix2_core.bench.blind_comparison.sheet import write_form
from bimedix2_core.data.language import language_of
from bimedix2_core.data.review.items import ReviewItem
from bimedix2_core.data.review.sheet import write_xlsx
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Row, message


def row(number: int, *, kind: str = "conversation", language: str = "en", facts=None) -> Row:
    messages = [message("user", f"Question {number}?", images=1), message("assistant", "The truth.")]
    return Row(str(number), language, "judge", "bimed_mbench", messages, kind=kind, facts=facts or {})


def sheet_of(folder, form, **said):
    return load_workbook(write_form(folder / "form.xlsx", form, **said))["Review"]


def all_bytes(file) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return b"\n".join([name.encode() + archive.read(name) for name in archive.namelist()])


# --- order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_models", "n"), [(3, 6), (3, 7), (3, 8), (4, 50), (2, 1), (5, 3)])
@pytest.mark.parametrize("seed", range(5))
def test_every_model_stands_under_every_letter_equally_often_but_for_one(n_models, n, seed):
    models = [f"m{number}" for number in range(n_models)]

    orders = balanced_orders(models, n, random.Random(seed))

    counts = Counter((letter, model) for order in orders for letter, model in enumerate(order))
    cells = [counts[letter, model] for letter in range(n_models) for model in models]
    assert len(orders) == n
    assert all(sorted(order) == models for order in orders)
    assert max(cells) - min(cells) <= 1
    assert n % n_models or set(cells) == {n // n_models}


def test_all_six_orders_of_three_models_come_about_equally_often():
    orders = Counter(balanced_orders(MODELS, 6000, random.Random(1)))

    assert len(orders) == 6
    assert all(abs(count - 1000) < 150 for count in orders.values())  # 2,000 blocks, each of one of two Latin squares


def test_neighbouring_rows_tell_nothing_of_each_other():
    orders = balanced_orders(MODELS, 3000, random.Random(2))

    same = sum(first[0] == second[0] for first, second in pairwise(orders))
    assert same / 2999 == pytest.approx(1 / 3, abs=0.03)  # in unshuffled blocks it would be 1 / 9


def test_a_form_is_the_same_again_and_another_for_another_reviewer_seed_or_language():
    form = make_form(items(12), reviewer="R1", seed=0)
    other, later = make_form(items(12), reviewer="R2", seed=0), make_form(items(12), reviewer="R1", seed=1)

    assert make_form(items(12), reviewer="R1", seed=0) == form
    assert len({form.id, other.id, later.id}) == 3
    assert [row.models for row in other.rows] != [row.models for row in form.rows]
    assert [row.id for row in later.rows] != [row.id for row in form.rows]
    assert [row.label for row in form.rows] == [f"Q{number}" for number in range(1, 13)]


def test_each_answer_stands_under_the_letter_of_its_model_in_the_key():
    form = make_form(items(9), reviewer="R1", seed=3)

    for row in form.rows:
        number = row.id.removeprefix("id-")
        assert row.answers == tuple(f"{model[0]} says {number}." for model in row.models)


# --- blindness -----------------------------------------------------------------------------------------------------


def test_no_model_and_no_id_is_in_any_byte_of_the_workbook_not_even_in_its_properties(tmp_path):
    form = make_form([replace(one, id=f"secret-{one.id}") for one in items(10)], reviewer="R1", seed=0)

    content = all_bytes(write_form(tmp_path / "form.xlsx", form)).lower()

    assert b"q10" in content
    assert not [model for model in MODELS if model.encode() in content]
    assert b"secret-id" not in content


def test_the_id_of_a_form_tells_what_is_seen_and_not_who_wrote_it():
    names = {"alphamed": "m1", "betamed": "m2", "gammamed": "m3"}
    renamed = [replace(one, answers={names[model]: text for model, text in one.answers.items()}) for one in items(4)]

    form, other = (make_form(made, reviewer="R1", seed=0) for made in (items(4), renamed))

    assert other.id == form.id
    assert other.models == ("m1", "m2", "m3")


@pytest.mark.parametrize("text", ["I am AlphaMed, at your service.", "As alphamed: no.", "لا. ALPHAMED"])
def test_an_answer_that_names_a_model_is_refused(text):
    with pytest.raises(DataError, match="item 'id-1': an answer names the model 'alphamed'"):
        make_form([item(0), item(1, betamed=text)], reviewer="R1", seed=0)


def test_a_longer_word_that_holds_the_name_is_no_name():
    form = make_form([item(0, betamed="alphamedical terms")], reviewer="R1", seed=0)

    assert "alphamedical terms" in form.rows[0].answers


# --- texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "=cmd|'/c calc'!A1", "+49 30", "-5 mg", "@SUM(A1)", "#REF!", "12", "1/2"])
def test_what_looks_like_a_formula_or_a_number_is_written_as_text(tmp_path, text):
    form = make_form([item(0, alphamed=text)], reviewer="R1", seed=0)

    file = write_form(tmp_path / "form.xlsx", form)

    cells = [cell for row in load_workbook(file)["Review"].iter_rows() for cell in row if cell.value == text]
    assert [(cell.data_type, cell.quotePrefix, cell.number_format) for cell in cells] == [("s", True, "@")]
    assert b"<f>" not in all_bytes(file)


def test_an_arabic_form_runs_from_right_to_left_and_an_english_one_does_not(tmp_path):
    arabic = sheet_of(tmp_path, make_form(items(2, language="ar"), reviewer="R1", seed=0))
    english = sheet_of(tmp_path, make_form(items(2), reviewer="R1", seed=0))

    assert (arabic.sheet_view.rightToLeft, english.sheet_view.rightToLeft) == (True, False)
    assert (arabic["C3"].alignment.readingOrder, arabic["C3"].alignment.horizontal) == (2, "right")
    assert (english["C3"].alignment.readingOrder, english["C3"].alignment.horizontal) == (1, "left")
    assert all(language_of(cell.value.replace("A", "")) in ("ar", "") for cell in arabic[2])


def test_reference_and_question_stand_before_the_answers_and_only_choice_and_comment_are_open(tmp_path):
    sheet = sheet_of(tmp_path, make_form(items(2), reviewer="R1", seed=0))

    assert [cell.value for cell in sheet[2]] == [
        "No.", "Question", "Reference text", "Answer A", "Answer B", "Answer C", "Best answer", "Comment (optional)",
    ]  # fmt: skip
    assert sheet["C3"].value == "The truth."
    open_cells = {cell.coordinate for line in sheet.iter_rows() for cell in line if not cell.protection.locked}
    assert open_cells == {"G3", "H3", "G4", "H4"}
    assert sheet.protection.sheet
    assert sheet.protection.password is None


def test_what_the_reviewer_fills_has_the_colour_that_it_has_in_a_review_sheet(tmp_path):
    sheet = sheet_of(tmp_path, make_form(items(1, language="ar"), reviewer="R1", seed=0))
    colours = {cell.value: cell.fill.fgColor.rgb for cell in sheet[2]}
    item_of = load_workbook(write_xlsx(tmp_path / "r.xlsx", [ReviewItem("i", "s", "", "a", "b")]))["Review"]
    review = {cell.value: cell.fill.fgColor.rgb for cell in item_of[2]}

    assert list(colours.values())[-2:] == [review["verdict"]] * 2
    assert set(list(colours.values())[:-2]) == {review["id"]} != {review["verdict"]}
    assert {cell.alignment.horizontal for cell in sheet[2]} == {"right"}


@pytest.mark.parametrize(("language", "tie"), [("en", "tie"), ("ar", "تعادل")])
def test_the_choice_is_a_drop_down_of_the_letters_and_tie_within_excels_limits(tmp_path, language, tie):
    [rule] = sheet_of(
        tmp_path, make_form(items(3, language=language), reviewer="R1", seed=0)
    ).data_validations.dataValidation

    assert (str(rule.sqref), rule.formula1) == ("G3:G5", f'"A,B,C,{tie}"')
    assert rule.showErrorMessage
    assert len(rule.prompt) <= 255
    assert max(len(rule.promptTitle), len(rule.errorTitle)) <= 32


def test_the_instructions_explain_the_three_criteria_in_both_languages(tmp_path):
    guidance = load_workbook(write_form(tmp_path / "f.xlsx", make_form(items(1), reviewer="R1", seed=0)))["Guidance"]
    english, arabic = ([cell.value for cell in guidance[column]] for column in "AB")

    for language, texts, criteria in (
        ("en", english, ("Accuracy:", "Relevance:", "Clarity:")),
        ("ar", arabic, ("الدقة:", "الصلة بالسؤال:", "الوضوح:")),
    ):
        assert all(language_of(text) == language for text in texts)
        assert all(sum(text.startswith(criterion) for text in texts) == 1 for criterion in criteria)


def test_every_wording_is_there_in_both_languages():
    said = wording()

    assert set(said["headings"]["en"]) == set(said["headings"]["ar"])
    assert all(set(said[name]) == set(LANGUAGES) for name in ("tie", "no_answer", "choice_hint"))


def test_an_empty_answer_is_shown_as_one_and_white_space_betrays_nobody():
    form = make_form([item(0, alphamed=" \n", betamed=" Yes.\r\nNo.\n ")], reviewer="R1", seed=0)

    assert sorted(form.rows[0].answers) == ["(no answer)", "Yes.\nNo.", "g says 0."]


# --- wrong input ---------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_items_is_listed_all_at_once():
    wrong = [item(0), item(0), item(1, language="ar"), replace(item(2), answers={"alphamed": "x", "other": "y"})]

    with pytest.raises(DataError) as error:
        make_form(wrong, reviewer=" ", seed=0)

    for words in (
        "the reviewer has no code",
        "id 'id-0' stands there 2 times",
        "the items are in ar, en; make a form for each language",
        "item 'id-2' has answers of alphamed, other; expected alphamed, betamed, gammamed",
    ):
        assert words in str(error.value)


def test_a_form_of_nothing_is_an_error():
    with pytest.raises(DataError, match="it has no item"):
        make_form([], reviewer="R1", seed=0)


def test_a_text_that_no_cell_can_hold_is_refused_before_anything_is_written(tmp_path):
    form = make_form([item(0, alphamed="x" * 32_768)], reviewer="R1", seed=0)

    with pytest.raises(DataError, match="Q1: a text has 32768 UTF-16 units, a cell of Excel holds 32767"):
        write_form(tmp_path / "form.xlsx", form)
    assert not list(tmp_path.iterdir())


# --- key -----------------------------------------------------------------------------------------------------------


def test_a_key_is_read_back_as_it_was_written(tmp_path):
    form = make_form(items(5, language="ar"), reviewer="R1", seed=7)

    assert read_key(write_key(tmp_path / "key.json", form)) == form


@pytest.mark.parametrize("content", ["", "[]", '{"rows": []}', '{"id": "x", "rows": [{"label": "Q1"}]}'])
def test_what_is_no_key_is_refused(tmp_path, content):
    (tmp_path / "key.json").write_text(content)

    with pytest.raises(DataError, match=r"key\.json: no key of a blind form"):
        read_key(tmp_path / "key.json")


def test_a_key_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="the key cannot be opened"):
        read_key(tmp_path / "nowhere.json")


# --- items ---------------------------------------------------------------------------------------------------------


def test_the_same_questions_are_drawn_in_both_languages_and_kinds_keep_their_share():
    english = [row(number, kind="description" if number % 4 == 0 else "conversation") for number in range(40)]
    arabic = [replace(one, language="ar") for one in reversed(english)]

    drawn = sampled(english, n=8, seed=5)

    assert Counter(one.kind for one in drawn) == {"conversation": 6, "description": 2}
    assert [one.id for one in sampled(arabic, n=8, seed=5)] == [one.id for one in drawn]
    assert {one.id for one in sampled(english, n=8, seed=6)} != {one.id for one in drawn}
    assert len(sampled(english, n=1000, seed=0)) == 40


@pytest.mark.parametrize(("rows", "n", "words"), [
    ([], 3, "out of 0 questions"), ([row(1)], 0, "of 0 out of 1"), ([row(1), row(1)], 1, "'1' stands there twice"),
])  # fmt: skip
def test_a_sample_of_nothing_or_of_doubles_is_an_error(rows, n, words):
    with pytest.raises(DataError, match=words):
        sampled(rows, n=n, seed=0)


def test_answers_are_joined_by_id_and_questions_on_one_image_are_one_cluster():
    rows = [row(1, facts={"image": "a.jpg"}), row(2, facts={"image": "a.jpg"}), row(3)]
    answers = {"x": {"3": "x3", "1": "x1", "2": ""}, "y": {"1": "y1", "2": "y2", "3": "y3", "9": "another set"}}

    made = blind_items(rows, answers)

    assert [dict(one.answers) for one in made] == [
        {"x": "x1", "y": "y1"}, {"x": "", "y": "y2"}, {"x": "x3", "y": "y3"},
    ]  # fmt: skip
    assert [one.cluster for one in made] == ["a.jpg", "a.jpg", "3"]
    assert (made[0].question, made[0].reference) == ("Question 1?", "The truth.")


def test_missing_answers_are_listed_by_model():
    with pytest.raises(DataError, match=r"every model must answer each of them:\n  y: '2'$"):
        blind_items([row(1), row(2)], {"x": {"1": "", "2": ""}, "y": {"1": "a"}})
    with pytest.raises(DataError, match="of 1 models"):
        blind_items([row(1)], {"x": {"1": "a"}})


def test_a_question_without_reference_text_is_refused():
    bare = replace(row(1), messages=[message("user", "Why?")])

    with pytest.raises(DataError, match="question '1' has no reference text"):
        blind_items([bare], {"x": {"1": "a"}, "y": {"1": "b"}})
