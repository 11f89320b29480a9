import json

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.tables import Table, language_name, save_table

TABLE = Table(("question", "n", "value"), (("What is it?", 1200, 0.98765), ("ما هذا؟", 3, None)), "A <small> table")


def test_an_arabic_cell_runs_from_right_to_left_and_a_number_stands_at_the_right():
    html = TABLE._repr_html_()

    assert "<td dir='rtl' lang='ar' style='text-align:right; vertical-align:top; max-width:32em'>ما هذا؟</td>" in html
    assert "<td style='text-align:right; vertical-align:top'>1,200</td>" in html
    assert ">0.988</td>" in html
    assert html.count("dir=") == 1
    assert "<thead>" in html


def test_markup_in_a_cell_is_text_and_a_line_end_is_a_new_line():
    html = Table(("a",), (("x < y\nz",),), "A <small> table")._repr_html_()

    assert "x &lt; y<br>z" in html
    assert "A &lt;small&gt; table" in html


def test_a_table_looks_the_same_each_time():
    assert TABLE._repr_html_() == Table(TABLE.columns, TABLE.rows, TABLE.caption)._repr_html_()
    assert repr(TABLE) == "Table: A <small> table (2 rows)"


def test_a_row_that_does_not_fit_its_columns_is_an_error():
    with pytest.raises(DataError, match=r"row 1: 1 cells, expected 2 \(a, b\)"):
        Table(("a", "b"), ((1, 2), (3,)))


def test_every_row_on_disk_says_what_kind_of_run_it_comes_from(tmp_path):
    csv_file, json_file = save_table(TABLE, tmp_path / "demo_x", kind="demo")

    assert csv_file.read_text(encoding="utf-8").splitlines() == [
        "run,question,n,value",
        "demo,What is it?,1200,0.98765",
        "demo,ما هذا؟,3,",
    ]
    record = json.loads(json_file.read_text(encoding="utf-8"))
    assert record["run"] == "demo"
    assert record["rows"][1] == {"run": "demo", "question": "ما هذا؟", "n": 3, "value": None}


def test_languages_are_written_out():
    assert [language_name(code) for code in ("en", "ar", "all")] == ["English", "Arabic", "all"]


def test_two_columns_of_one_name_cannot_be_saved(tmp_path):
    with pytest.raises(DataError, match="not told apart"):
        save_table(Table(("run", "n"), (("x", 1),)), tmp_path / "x", kind="demo")
