"""What a figure draws: reported, measured in its place, or a demo alone."""

from decimal import Decimal

import pytest

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.readings import Reading, Readings, readings
from tests.paper.figures.drawing import demo, reproduced

FIG01, FIG04, FIG06 = (exhibit(name) for name in ("fig01", "fig04", "fig06"))
OVERALL = "uphill_overall_accuracy"


def test_as_reported_each_number_is_that_of_its_table_and_the_left_out_row_is_not_there():
    drawn = readings(FIG01)

    assert len(drawn.cells) == 60
    assert "maira_2" not in drawn.names
    assert drawn.cells["bimedix2_8b", "cxr"] == Reading(71.7, "71.7", "reported")
    assert drawn.cells["bimedix2_8b", "cxr_ar"].value == 61.4  # Table 4
    assert drawn.title == "Figure 1, as reported"


def test_a_measured_number_replaces_the_reported_one_and_no_other():
    drawn = readings(FIG04, [reproduced("bimedix2_8b", OVERALL, 52.14)])

    assert drawn.cells["bimedix2_8b", OVERALL] == Reading(52.14, "52.1", "measured", 48.14, 56.14)
    assert drawn.cells["gpt_4", OVERALL].source == "reported"
    assert drawn.name("bimedix2_8b") == "BiMediX2 8B (measured)"
    assert drawn.name("gpt_4") == "GPT-4"
    assert drawn.title == "Figure 4, measured here where it says so, otherwise as reported"


def test_a_row_says_how_much_of_it_was_measured():
    drawn = readings(FIG01, [reproduced("bimedix2_8b", column, 50.0) for column in ("ct", "mri")])

    assert drawn.name("bimedix2_8b") == "BiMediX2 8B (2 of 10 measured)"
    assert drawn.name("bimedix2_8b", ["cxr"]) == "BiMediX2 8B"


def test_a_demo_is_drawn_alone_and_says_so():
    drawn = readings(FIG04, [demo("tiny", OVERALL, 20.0)])

    assert list(drawn.names) == ["tiny"]
    assert drawn.is_demo
    assert drawn.title == "Figure 4, demo (no result of the paper)"


def test_a_demo_beside_a_reported_number_is_refused():
    cells = readings(FIG04).cells | {("tiny", OVERALL): Reading(20.0, "20.0", "demo")}

    with pytest.raises(DataError, match="a demo is no result of the paper: draw it alone"):
        Readings(FIG04, {"tiny": "tiny"}, cells)


def test_a_demo_beside_a_reproduction_is_refused():
    with pytest.raises(DataError, match="are mixed; expected one profile at a time"):
        readings(FIG04, [demo("tiny", OVERALL, 20.0), reproduced("bimedix2_8b", OVERALL, 50.0)])


def test_a_cell_of_another_exhibit_is_refused():
    with pytest.raises(PaperError, match="fig04 has no column 'cxr'"):
        readings(FIG04, [reproduced("bimedix2_8b", "cxr", 50.0)])


def test_nothing_to_draw_is_an_error():
    with pytest.raises(DataError, match="fig04: no number to draw"):
        Readings(FIG04, {}, {})


def test_the_mean_of_printed_numbers_is_exact_and_rounds_as_the_paper_does():
    ids = [column.id for column in FIG06.numbers if column.id != "average"]
    drawn = readings(FIG06)

    assert drawn.mean("bimedix2_70b", ids) == 84.55  # 845.5 / 10; the sum of the floats falls short of it
    assert {row: FIG06.column("average").rounded(drawn.mean(row, ids)) for row in drawn.names} == {
        row: FIG06.number(row, "average") for row in drawn.names
    }


def test_extremes_name_every_model_that_ties():
    assert readings(FIG06).extremes(["c_bio"]) == (
        "Highest: 95.1, GPT 4 and Llama 3.1 70B and BiMediX2 70B; lowest: 43.1, BioMedGPT-LM-7B."
    )


def test_the_table_says_of_each_row_where_it_comes_from():
    table = readings(FIG01, [reproduced("bimedix2_8b", "ct", 50.04)]).table()
    row = next(row for row in table.rows if row[0] == "BiMediX2 8B")

    assert row[1:3] == (Decimal("50.0"), Decimal("56.8"))
    assert row[-1] == "9 reported, 1 measured"
    assert table.rows[0][-1] == "reported"
