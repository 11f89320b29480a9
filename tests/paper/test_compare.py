from dataclasses import replace
from decimal import Decimal

import pytest
from cells import CARD, CELL, DEMO_CELL

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper.compare import compare, difference_interval, judged, reported_interval
from bimedix2_core.paper.exhibits import exhibit, exhibits
from bimedix2_core.paper.measured import Reproduced

CLOSED = "rad_vqa__closed_q_accuracy"
TABLE5 = exhibit("table05")


def cell(value: float, low: float | None, high: float | None, *, row: str = "bimedix2_8b", column: str = CLOSED):
    return Reproduced(row, column, value, low, high, 451, 0, CARD)


def row_of(comparison, row: str, column: str):
    return next(one for one in comparison.rows if (one.row, one.column.id) == (row, column))


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.725, 0.72, 0.73, "equal"),
        (0.7255, 0.72, 0.73, "equal"),  # half a unit: 0.7255 may be printed as 0.725
        (0.7256, 0.72, 0.73, "within noise"),
        (0.70, 0.65, 0.75, "within noise"),  # its interval holds 0.725
        (0.66, 0.62, 0.70, "within noise"),  # 0.725 is above it, but its own interval begins at 0.667
        (0.64, 0.60, 0.68, "differs"),  # two intervals may overlap and their difference still exclude 0
        (0.64, 0.63, 0.65, "differs"),
        (0.49, 0.44, 0.54, "differs"),
        (0.73, None, None, "differs"),  # a count has no noise
    ],
)
def test_a_verdict_follows_from_numbers_and_intervals(value, low, high, verdict):
    # reported: 0.725 for BiMediX2 8B
    assert row_of(compare(TABLE5, [cell(value, low, high)]), "bimedix2_8b", CLOSED).verdict.word == verdict


def test_the_interval_of_a_difference_joins_both_intervals_by_newcombe():
    column = TABLE5.column(CLOSED)

    own = reported_interval(column, Decimal("0.725"))
    interval = difference_interval(column, Decimal("0.725"), cell(0.64, 0.60, 0.68))

    # Wilson by hand, 182 of 251: centre (0.7251 + 1.9207/251) / (1 + 3.8415/251) = 0.7217, half width 0.0548
    assert (own.low, own.high) == (pytest.approx(0.6668, abs=1e-3), pytest.approx(0.7766, abs=1e-3))
    # by hand: the difference is -0.085; roots of 0.04^2 + 0.0516^2 and of 0.04^2 + 0.0582^2 are 0.0653 and 0.0706
    assert interval.low == pytest.approx(-0.1503, abs=2e-3)
    assert interval.high == pytest.approx(-0.0144, abs=2e-3)


def test_a_metric_that_is_no_share_brings_only_its_rounding():
    interval = reported_interval(TABLE5.column("rad_vqa__f1"), Decimal("0.569"))

    assert (interval.low, interval.high) == (pytest.approx(0.5685), pytest.approx(0.5695))


def test_a_row_of_the_comparison_has_both_numbers_and_their_difference():
    row = row_of(compare(TABLE5, [replace(CELL, value=0.70)]), "bimedix2_8b", CLOSED)

    assert (row.name, row.reported, row.difference) == ("BiMediX2 8B", Decimal("0.725"), Decimal("-0.025"))
    assert row.reproduced.n == 440
    assert row.reproduced.n_unscored == 11
    assert row.difference_interval.low < -0.025 < row.difference_interval.high


def test_a_demo_number_has_no_difference_and_stands_under_a_heading_of_its_own():
    comparison = compare(TABLE5, [DEMO_CELL])
    row = row_of(comparison, "bimedix2_8b", CLOSED)

    assert str(row.verdict) == "demo"
    assert (row.reproduced, row.difference, row.difference_interval) == (None, None, None)
    assert "demo (no result of the paper)" in comparison.table().columns
    assert "measured" not in comparison.table().columns
    assert "measured" in compare(TABLE5, [CELL]).table().columns


def test_starred_columns_are_not_comparable_whether_or_not_they_were_run():
    table6 = exhibit("table06")
    starred = cell(0.4, 0.3, 0.5, column="bleu_4_rescaled")

    for cells in ([], [starred]):
        row = row_of(compare(table6, cells), "bimedix2_8b", "bleu_4_rescaled")
        assert str(row.verdict) == "not comparable: re-scaled in the paper by a formula that is not published"
        assert row.difference is None


def test_what_the_paper_does_not_print_is_not_reported():
    comparison = compare(exhibit("table06"), [cell(0.4, 0.3, 0.5, row="my_model", column="meteor")])

    assert str(row_of(comparison, "med_palm_m", "meteor").verdict) == "not reported"
    own = row_of(comparison, "my_model", "meteor")
    assert (str(own.verdict), own.reported, own.name, own.difference) == ("not reported", None, "my_model", None)
    assert comparison.rows[-1].row == "my_model"


def test_what_was_not_run_says_what_it_needs():
    assert "not run: notebook not written yet" in {str(row.verdict) for row in compare(exhibit("table13"), []).rows}
    assert {str(row.verdict) for row in compare(TABLE5, []).rows} == {f"not run: {TABLE5.needs}"}
    assert "VQA-RAD" in str(TABLE5.needs)


def test_other_rows_of_a_run_are_not_part_of_it():
    comparison = compare(TABLE5, [CELL])

    assert str(row_of(comparison, "radfm", CLOSED).verdict) == "not run: not part of the run of released_8b"


def test_every_cell_of_every_exhibit_gets_a_verdict_and_a_line():
    for one in exhibits():
        comparison = compare(one, [])
        assert len(comparison.rows) == len(one.rows()) * len(one.numbers)
        assert len(comparison.table().rows) == len(comparison.rows)
        assert {row.verdict.word for row in comparison.rows} <= {"not run", "not comparable", "not reported"}
        assert one.label in repr(comparison)


def test_an_exhibit_without_numbers_has_a_summary():
    assert compare(exhibit("fig03"), []).summary == "not reported: no number to compare"


def test_the_summary_counts_verdicts_and_gives_a_reason_all_share():
    cells = [cell(0.725, 0.7, 0.75), cell(0.1, 0.05, 0.15, column="rad_vqa__f1")]

    assert compare(TABLE5, cells).summary == (
        "131 of 133 not run: not part of the run of released_8b; 1 of 133 equal; 1 of 133 differs"
    )


def test_the_table_shows_each_number_with_the_decimals_of_its_column():
    table = compare(TABLE5, [cell(0.7, 0.65, 0.75)]).table()
    line = next(row for row in table.rows if row[-1] == "within noise")

    assert line[:5] == ("BiMediX2 8B", "Rad-VQA closed accuracy (0 to 1)", Decimal("0.725"), Decimal("0.700"),
                        "[0.650, 0.750]")  # fmt: skip
    assert line[5] == "-0.025"
    assert line[6].startswith("[-0.0")
    assert line[7:] == (451, 0, "within noise")


def test_a_difference_that_rounds_to_nothing_has_no_minus():
    table = compare(TABLE5, [cell(0.7249, 0.65, 0.75)]).table()

    assert next(row for row in table.rows if row[-1] == "equal")[5] == "+0.000"


def test_84_55_may_be_printed_as_84_6_and_as_84_5():
    column = exhibit("table02").column("average")
    measured = cell(84.55, 84.5, 84.6, column="average")

    assert str(judged(column, Decimal("84.6"), measured)) == "equal"
    assert str(judged(column, Decimal("84.5"), measured)) == "equal"
    assert str(judged(column, Decimal("84.7"), measured)) == "differs"


def test_cells_of_another_exhibit_are_refused():
    with pytest.raises(PaperError, match=f"table02 has no column '{CLOSED}'"):
        compare(exhibit("table02"), [CELL])
    with pytest.raises(DataError, match="are mixed"):
        compare(TABLE5, [CELL, replace(DEMO_CELL, row="other")])


def test_the_grid_has_the_papers_shape_and_more_lines_only_where_something_was_measured():
    grid = compare(TABLE5, [cell(0.70, 0.65, 0.75)]).grid()

    lines = [row for row in grid.rows if row[0] == "BiMediX2 8B"]
    place = grid.columns.index("Rad-VQA closed accuracy")
    assert [line[1] for line in lines] == ["reported", "measured", "95% interval", "n", "difference", "verdict"]
    assert [line[place] for line in lines] == [
        Decimal("0.725"), Decimal("0.700"), "[0.650, 0.750]", 451, "-0.025", "within noise"
    ]  # fmt: skip
    assert {row[1] for row in grid.rows if row[0] != "BiMediX2 8B"} == {"reported"}
    assert len(grid.rows) == len(TABLE5.rows()) + 5


def test_the_grid_of_a_demo_says_so_and_compares_nothing():
    grid = compare(TABLE5, [DEMO_CELL]).grid()

    assert "demo (no result of the paper)" in grid.caption
    assert "difference" not in {row[1] for row in grid.rows}
