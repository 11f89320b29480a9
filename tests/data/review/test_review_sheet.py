import csv
import shutil
import subprocess
import zipfile

import pytest
from openpyxl import load_workbook
from review_items import item, review

from bimedix2_core.data.review.reading import read_sheet
from bimedix2_core.data.review.sheet import write_csv, write_xlsx
from bimedix2_core.errors import DataError

ITEMS = [item(7, score=61.5), item("=cmd|'/c calc'!A1"), item("2026-01-05", english="=1+1", arabic="-5 ملغ")]


@pytest.fixture
def sheet(tmp_path):
    return load_workbook(write_xlsx(tmp_path / "a.xlsx", ITEMS, reviewer="Dr A"))["Review"]


def heading(sheet):
    return {cell.value: cell.column_letter for cell in sheet[2]}


def test_the_columns_stand_in_reading_order_and_scores_are_hidden_unless_asked_for(tmp_path, sheet):
    names = ["id", "source", "modality", "English", "Arabic", "verdict", "category", "corrected Arabic", "comment"]
    scored = load_workbook(write_xlsx(tmp_path / "b.xlsx", ITEMS, with_scores=True))["Review"]

    assert list(heading(sheet)) == names
    assert list(heading(scored)) == [*names[:5], "score", *names[5:]]
    assert [scored[f"F{row}"].value for row in (3, 4, 5)] == ["61.5", None, None]


def test_header_and_id_are_frozen_and_rows_can_be_filtered(sheet):
    assert sheet.freeze_panes == "B3"
    assert sheet.auto_filter.ref == "A2:I5"
    assert sheet.protection.autoFilter is False  # False means allowed


def test_only_the_reviewers_cells_are_open_and_no_password_is_set(sheet):
    open_cells = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}

    assert sheet.protection.sheet
    assert sheet.protection.password is None
    assert open_cells == {"B1", "C1", "E1"} | {f"{column}{row}" for column in "FGHI" for row in (3, 4, 5)}


def test_arabic_runs_from_right_to_left_wrapped_in_wide_columns(sheet):
    for name in ("Arabic", "corrected Arabic"):
        aligned = sheet[f"{heading(sheet)[name]}3"].alignment
        assert (aligned.readingOrder, aligned.horizontal, aligned.wrap_text) == (2, "right", True)
        assert sheet.column_dimensions[heading(sheet)[name]].width == 60
    assert sheet["D3"].alignment.readingOrder == 1
    assert sheet[f"{heading(sheet)['comment']}3"].alignment.readingOrder == 0  # by its first letter


def test_verdict_and_category_are_drop_downs_that_refuse_other_words(sheet):
    lists = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation if rule.type == "list"}

    assert lists["F3:F5"].formula1 == '"none,minor,major"'
    assert lists["G3:G5"].formula1 == (
        '"terminology,misreading,omission,addition,number/unit,laterality,wording,format,other"'
    )
    assert all(rule.showErrorMessage and not rule.showDropDown for rule in lists.values())  # True would hide the arrow


def test_excels_limits_on_hints_and_lists_are_kept(sheet):
    for rule in sheet.data_validations.dataValidation:
        assert len(rule.prompt) <= 255
        assert len(rule.promptTitle) <= 32
        assert len(rule.formula1 or "") <= 257


def test_the_corrected_column_begins_as_a_copy_and_the_verdict_is_empty(sheet):
    assert sheet["H3"].value == sheet["E3"].value == ITEMS[0].arabic
    assert [sheet[f"F{row}"].value for row in (3, 4, 5)] == [None] * 3


def test_a_text_that_looks_like_a_formula_is_stored_as_text_and_comes_back_byte_equal(tmp_path, sheet):
    for address, expected in (("A4", ITEMS[1].id), ("D5", "=1+1"), ("E5", "-5 ملغ"), ("A5", "2026-01-05")):
        cell = sheet[address]
        assert (cell.value, cell.data_type, cell.quotePrefix, cell.number_format) == (expected, "s", True, "@")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert not [name for name in book.namelist() if b"<f>" in book.read(name)]


def test_the_guidance_is_bilingual_and_says_what_minor_and_major_mean(tmp_path):
    book = load_workbook(write_xlsx(tmp_path / "a.xlsx", ITEMS))
    english, arabic = ([cell.value for cell in book["Guidance"][column]] for column in "AB")

    assert book.sheetnames == ["Guidance", "Review"]
    assert len(english) == len(arabic)
    assert "minor: wording, format or style needs a change; the medical meaning is right." in english
    assert "major: a clinical term is wrong, or the text was misread; the medical meaning is not right." in english
    assert any("research only" in line for line in english)
    assert any("لأغراض البحث العلمي فقط" in line for line in arabic)
    assert book["Guidance"]["B1"].alignment.readingOrder == 2


def test_the_name_of_the_reviewer_has_its_cell(sheet):
    assert (sheet["A1"].value, sheet["B1"].value) == ("Reviewer", "Dr A")
    assert sheet["D1"].value == "Date (YYYY-MM-DD)"


def test_a_csv_begins_with_a_bom_and_no_field_of_it_is_a_formula(tmp_path):
    content = write_csv(tmp_path / "a.csv", ITEMS, reviewer="Dr A").read_bytes()

    rows = list(csv.reader(content.decode("utf-8-sig").splitlines(keepends=True)))

    assert content.startswith(b"\xef\xbb\xbf")
    assert rows[0][-2:] == ["reviewer", "date"]
    assert rows[3][3:5] == ["'=1+1", "'-5 ملغ"]
    assert not [field for row in rows for field in row if field.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(("write", "name"), [(write_xlsx, "a.xlsx"), (write_csv, "a.csv")])
def test_what_is_filled_in_comes_back(tmp_path, write, name):
    corrected = ITEMS[0].arabic.replace("اليسار", "اليمين")
    said = [
        review(ITEMS[0], "major", category="laterality", corrected=corrected, comment="=left?", date="2026-01-05"),
        review(ITEMS[1], "none", date="2026-01-05"),
    ]

    sheet = read_sheet(write(tmp_path / name, ITEMS, reviewer="Dr A", date="2026-01-05", reviews=said), ITEMS)

    assert sheet.reviews == tuple(said)
    assert sheet.not_reviewed == ("2026-01-05",)


@pytest.mark.parametrize("write", [write_xlsx, write_csv])
def test_what_no_sheet_can_hold_is_refused_before_anything_is_written(tmp_path, write):
    items = [item("a"), item("a"), item(" b"), item("c", arabic="س" * 32_768), item("d", english="\udc00")]

    with pytest.raises(DataError) as refused:
        write(tmp_path / "a", items, reviews=[review(item("x"), "none")])

    for expected in (
        "id 'a' is there twice",
        "id ' b' is empty or has white space",
        "Arabic of 'c' has 32768 UTF-16 units",
        "English of 'd' holds half a character",
        "a review of 'x', which is no item",
    ):
        assert expected in str(refused.value)
    assert not list(tmp_path.glob("a*"))
    with pytest.raises(DataError, match="a review sheet of no item"):
        write(tmp_path / "a", [])


OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed, so no other program opens the workbook here")
def test_libreoffice_saves_a_workbook_that_is_read_back_alike(tmp_path):
    said = [review(ITEMS[0], "minor", category="number/unit", corrected=ITEMS[0].arabic + "!")]
    (tmp_path / "in").mkdir()
    write_xlsx(tmp_path / "in" / "a.xlsx", ITEMS, reviewer="Dr A", reviews=said)
    command = [OFFICE, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", "xlsx"]

    subprocess.run([*command, "--outdir", tmp_path, tmp_path / "in" / "a.xlsx"], check=True, capture_output=True)

    assert read_sheet(tmp_path / "a.xlsx", ITEMS).reviews == tuple(said)
