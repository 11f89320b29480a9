import csv
import datetime
import io
import re
import zipfile

import pytest
from openpyxl import Workbook, load_workbook
from review_items import item, review

from bimedix2_core.data.review.items import text_key
from bimedix2_core.data.review.reading import read_sheet
from bimedix2_core.data.review.sheet import write_csv, write_xlsx
from bimedix2_core.errors import DataError

ITEMS = [item(7), item("07a"), item("c", arabic="[المستخدم]\r\nسطر\r\n[المساعد]\r\n“نعم” ٥ ملغ", english="=x ")]
CORRECTED = ITEMS[0].arabic.replace("اليسار", "اليمين")


@pytest.fixture
def file(tmp_path):
    return write_xlsx(tmp_path / "a.xlsx", ITEMS, reviewer="Dr A")


def edited(file, changes):
    """The workbook with these cells changed, by address."""
    book = load_workbook(file)
    for address, value in changes.items():
        book["Review"][address] = value
    book.save(file)
    return file


def problems(file, items=ITEMS):
    with pytest.raises(DataError) as refused:
        read_sheet(file, items)
    return str(refused.value).splitlines()


# --- what is read --------------------------------------------------------------------------------------------------


def test_a_filled_row_is_a_review_and_an_empty_one_is_not_reviewed_yet(file):
    sheet = read_sheet(edited(file, {"F3": "minor", "G3": "wording", "H3": CORRECTED, "I3": "see\nhere"}), ITEMS)

    assert sheet.reviews == (review(ITEMS[0], "minor", category="wording", corrected=CORRECTED, comment="see\nhere"),)
    assert sheet.not_reviewed == ("07a", "c")


def test_an_untouched_sheet_has_no_review_at_all(file):
    sheet = read_sheet(file, ITEMS)

    assert (sheet.reviewer, sheet.reviews, len(sheet.not_reviewed)) == ("Dr A", (), 3)


def test_an_untouched_or_deleted_copy_is_no_correction(file):
    sheet = read_sheet(edited(file, {"F3": "minor", "F4": "major", "H4": None, "F5": "none"}), ITEMS)

    assert [one.corrected for one in sheet.reviews] == ["", "", ""]


def test_the_date_is_kept_as_a_day_or_as_it_was_written(file):
    as_date = read_sheet(edited(file, {"E1": datetime.datetime(2026, 1, 5, 9, 30)}), ITEMS)
    as_text = read_sheet(edited(file, {"E1": "5 يناير"}), ITEMS)

    assert (as_date.date, as_text.date) == ("2026-01-05", "5 يناير")


# --- what is tolerated ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "verdict"), [("Minor", "minor"), (" MAJOR ", "major"), ("none\xa0", "none"), ("mInOr\r\n", "minor")]
)
def test_case_and_space_of_a_verdict_do_not_matter(file, written, verdict):
    assert read_sheet(edited(file, {"F3": written}), ITEMS).reviews[0].verdict == verdict


@pytest.mark.parametrize("written", ["Number/Unit", " number / unit "])
def test_case_and_space_of_a_category_do_not_matter(file, written):
    assert read_sheet(edited(file, {"F3": "minor", "G3": written}), ITEMS).reviews[0].category == "number/unit"


def test_moved_columns_empty_rows_and_another_case_in_the_header_do_not_matter(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.title = "review "
    sheet.append(["REVIEWER:", "Dr  A"])
    sheet.append([])
    sheet.append(["Comment", "VERDICT", " arabic", "Corrected  Arabic", "ID", "english", "Category", None])
    for one in reversed(ITEMS):
        sheet.append([None, "none", one.arabic, " ", one.id, None, None])
        sheet.cell(sheet.max_row, 6, one.english.strip()).data_type = "s"
        sheet.append(["", " "])
    sheet.cell(5000, 3).number_format = "@"
    book.save(tmp_path / "a.xlsx")

    read = read_sheet(tmp_path / "a.xlsx", ITEMS)

    assert read.reviewer == "Dr A"
    assert [(one.id, one.verdict) for one in read.reviews] == [("7", "none"), ("07a", "none"), ("c", "none")]


def as_excel_saves(file):
    """The workbook as Excel writes it: strings in the shared table, carriage returns as ``_x000D_``, no dimension."""
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    strings = []

    def share(found):
        strings.append(found.group(2))
        return f'{found.group(1)} t="s"><v>{len(strings) - 1}</v></c>'

    inline = re.compile(r'(<c [^>]*?) t="inlineStr"[^>]*><is><t[^>]*>(.*?)</t></is></c>', re.DOTALL)
    for name in [name for name in parts if name.startswith("xl/worksheets/")]:
        parts[name] = re.sub(r"<dimension[^>]*>", '<dimension ref="A1:B2"/>', inline.sub(share, parts[name]))
    table = "".join(
        f'<si><t xml:space="preserve">{text.replace(chr(10), "_x000D_" + chr(10))}</t></si>' for text in strings
    )
    parts["xl/sharedStrings.xml"] = (
        f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{table}</sst>'
    )
    shared_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{shared_type}"/></Types>'
    )
    with zipfile.ZipFile(file, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return file


def test_a_workbook_as_excel_saves_it_reads_like_the_one_handed_out(tmp_path):
    items = [*ITEMS, item("v", arabic="[المستخدم]\nx_x0041_y \x0b", english="-1")]
    said = [review(items[0], "minor", corrected=CORRECTED, comment="a\nb"), review(items[3], "none")]
    file = write_xlsx(tmp_path / "a.xlsx", items, reviewer="Dr A", reviews=said)

    saved = as_excel_saves(file)

    assert "inlineStr" not in zipfile.ZipFile(saved).read("xl/worksheets/sheet2.xml").decode()
    assert read_sheet(saved, items).reviews == tuple(said)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_is_read_in_every_form_that_excel_writes(tmp_path, delimiter, encoding, line_end):
    said = [review(ITEMS[0], "major", corrected=CORRECTED, comment='a; b, "c"')]
    file = write_csv(tmp_path / "a.csv", ITEMS, reviewer="Dr A", reviews=said)
    rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=line_end).writerows([*rows, [""] * 11])
    file.write_bytes(stream.getvalue().encode(encoding))

    assert read_sheet(file, ITEMS).reviews == tuple(said)


def test_the_line_that_names_the_delimiter_is_no_header(tmp_path):
    file = write_csv(tmp_path / "a.csv", ITEMS, reviewer="Dr A")
    file.write_text("sep=,\r\n" + file.read_text(encoding="utf-8-sig"), encoding="utf-8")

    assert read_sheet(file, ITEMS).reviewer == "Dr A"


def test_smart_quotes_and_arabic_digits_of_a_correction_are_kept(file):
    corrected = ITEMS[2].arabic.replace("نعم", "لا").replace("\r\n", "\n")

    read = read_sheet(edited(file, {"F5": "minor", "H5": corrected}), ITEMS)

    assert read.reviews[0].corrected == corrected
    assert "“لا” ٥ ملغ" in corrected


@pytest.mark.parametrize("became", [7, 7.0, "7", "7.0", "7,0", " 7 "])
def test_an_id_that_became_a_number_is_mapped_where_only_one_can_be_meant(file, became):
    assert read_sheet(edited(file, {"A3": became, "F3": "none"}), ITEMS).reviews[0].id == "7"


def test_zeros_before_an_id_that_excel_took_away_are_given_back(tmp_path):
    items = [item("007"), item("1e3")]
    file = write_csv(tmp_path / "a.csv", items, reviewer="Dr A", reviews=[review(one, "none") for one in items])
    file.write_text(file.read_text("utf-8-sig").replace('"007"', '"7"').replace('"1e3"', '"1.00E+03"'), "utf-8")

    assert [one.id for one in read_sheet(file, items).reviews] == ["007", "1e3"]


# --- what is refused -----------------------------------------------------------------------------------------------


def test_an_id_that_may_be_two_a_date_or_too_long_a_number_is_refused(tmp_path):
    items = [item("7"), item("07"), item("2026-01-05"), item("12345678901234600")]
    file = edited(
        write_xlsx(tmp_path / "a.xlsx", items, reviewer="Dr A"),
        {"A3": 7, "A5": datetime.datetime(2026, 1, 5), "A6": 12345678901234600},
    )

    assert problems(file, items)[1:] == [
        "  A3: the id became the number 7, which may be '7' or '07'; write it as text",
        "  A5: the id became the date 2026-01-05; write it again as text",
        "  A6: unknown id '1.23456789012346e+16'; write it as it was handed out",
        "  no row for 3 of 4 ids: '7', '2026-01-05', '12345678901234600'",
    ]


def test_all_problems_are_told_at_once_with_their_cells(file):
    edited(
        file,
        {
            "B1": None,
            "A3": "9",
            "F4": "severe",
            "G4": "spelling",
            "E4": ITEMS[1].arabic.replace("نعم", "لا"),
            "A6": "c",
            "H5": "كيسة",
            "K5": "also",
        },
    )

    assert problems(file) == [
        "a.xlsx: 10 problems, nothing was taken from it; mend the sheet and read it again:",
        "  K5: outside the columns of the sheet; move what it says into the comment",
        "  no reviewer is named; write the name into the cell (in CSV: the column) for it",
        "  A3: unknown id '9'; write it as it was handed out",
        "  A6: id 'c' is there twice, first in A5; keep one",
        "  no row for 1 of 3 ids: '7'",
        "  E4: the Arabic text was changed at character 40: found 'لا، 07a.', expected 'نعم، 07a.'; corrections go "
        "into the column corrected Arabic",
        "  F4: 'severe' is not one of none, minor, major",
        "  G4: 'spelling' is not one of terminology, misreading, omission, addition, number/unit, laterality, "
        "wording, format, other",
        "  H5: the lines in brackets that say who speaks are not as in the Arabic text",
        "  H5: its row has no verdict; choose one of none, minor, major",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"D3": "other"}, "D3: the English text was changed at character 1: found 'other'"),
        ({"D3": None}, "the English text was changed at character 1: found ''"),
        ({"G3": "wording"}, "G3: its row has no verdict; choose one of none, minor, major"),
        ({"H3": CORRECTED}, "H3: its row has no verdict"),
        ({"I3": "unsure"}, "I3: its row has no verdict"),
        ({"F3": "none", "G3": "wording"}, "G3: the verdict of its row is none; choose minor or major"),
        ({"F3": "none", "H3": CORRECTED}, "H3: the verdict of its row is none"),
        ({"F3": "=A1"}, "F3: '=A1' is a formula or an error value"),
        ({"F3": "minor", "I3": "#NAME?"}, "I3: '#NAME?' is a formula or an error value"),
        ({"A3": None}, "row 3: no id, but the row says something"),
        ({"F3": 1}, "F3: '1' is not one of none, minor, major"),
        ({"F2": "opinion"}, "no line has the headings id and verdict"),
        ({"I2": "remark"}, "the column 'comment' is missing"),
        ({"I2": "verdict"}, "I2: a second column 'verdict'; keep one"),
    ],
)
def test_what_is_not_as_handed_out_is_refused_with_its_cell(file, changes, expected):
    assert expected in "\n".join(problems(edited(file, changes)))


def test_a_comment_that_speaks_of_an_unfilled_row_is_never_taken_for_none(file):
    edited(file, {"I3": "see Dr B"})

    assert len(problems(file)) == 2


def test_two_names_in_one_csv_are_refused(tmp_path):
    file = write_csv(tmp_path / "a.csv", ITEMS, reviewer="Dr A")
    file.write_text(file.read_text("utf-8-sig").replace("Dr A", "Dr B", 1), "utf-8")

    assert problems(file)[1:] == ["  more than one reviewer: 'Dr A', 'Dr B'; a sheet has one"]


def test_a_csv_that_lost_its_arabic_is_refused(tmp_path):
    file = write_csv(tmp_path / "a.csv", ITEMS[:2], reviewer="Dr A")
    text = file.read_text("utf-8-sig")
    file.write_bytes(text.encode("cp1252", "replace"))  # Western Excel: question marks
    assert "the Arabic text was changed at character 2: found '????????]" in "\n".join(problems(file, ITEMS[:2]))

    file.write_bytes(text.encode("cp1256", "replace"))  # Arabic Excel
    assert "neither UTF-8 nor UTF-16" in problems(file, ITEMS[:2])[0]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.xlsx", b"no zip", "a.xlsx is no workbook that can be read"),
        ("a.ods", b"", "ends in .xlsx or .csv"),
        ("a.csv", b"", "no line has the headings id and verdict"),
        ("b.xlsx", None, "no such review sheet"),
    ],
)
def test_a_file_that_is_no_sheet_is_one_clear_error(tmp_path, name, content, expected):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    assert expected in problems(tmp_path / name)[0]


def test_a_workbook_without_the_sheet_names_what_it_has(tmp_path):
    Workbook().save(tmp_path / "a.xlsx")

    assert "a.xlsx has no sheet 'Review', only 'Sheet'" in problems(tmp_path / "a.xlsx")[0]


def test_a_review_remembers_which_arabic_text_was_judged(file):
    read = read_sheet(edited(file, {"F3": "none"}), ITEMS)

    assert read.reviews[0].arabic_key == text_key(ITEMS[0].arabic)
