"""Recomposition, sampling error and effect sizes, against values worked out by hand."""

from decimal import Decimal

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.effects import GAINS, effect_table, effects
from bimedix2_core.paper.audit.recomposition import all_averages, table_4
from bimedix2_core.paper.audit.sampling import (
    accuracies,
    accuracy_table,
    detectable_factor,
    difference,
    largest_spread,
)
from bimedix2_core.paper.audit.sources import CLINICAL, label_of

# ---- recomposition ----


def test_every_printed_average_is_recomputed():
    found = all_averages()

    # Rows with an average: Table 2 15, 3 and 4 7 each, 5 7, 6 4, 7 6; BiMediX 3, 3 and 5.
    assert len(found) == 15 + 7 + 7 + 7 + 4 + 6 + 3 + 3 + 5
    assert [(a.table, a.row) for a in found if not a.agrees] == [
        ("table07_report_generation", "biomedgpt"),
        ("bimedix1_arabic", "bimedix_v1_bilingual"),
    ]


def test_a_gap_is_counted_in_last_digits():
    (off,) = [average for average in all_averages() if average.row == "bimedix_v1_bilingual" and not average.agrees]

    # 516.1 / 9 = 57.344, printed 56.5
    assert round(off.recomputed, 3) == Decimal("57.344")
    assert round(off.gap, 3) == Decimal("0.844")
    assert round(off.gap_in_last_digits, 2) == Decimal("8.44")


def test_table_4_is_recomposed_both_ways():
    rows = {overall.row: overall for overall in table_4()}

    # (37 x 61.4 + 38 x 44.6 + 44 x 51.5 + 34 x 43.5 + 40 x 50.8) / 193 = 9743.6 / 193
    assert round(rows["bimedix2_8b"].by_domain, 3) == Decimal("50.485")
    # (143 x 54.3 + 50 x 36.2) / 193 = 9574.9 / 193
    assert round(rows["bimedix2_8b"].by_type, 3) == Decimal("49.611")
    assert len(rows) == 7


@pytest.mark.parametrize(
    ("name", "label"),
    [("table02_clinical_llm", "Table 2"), ("fig04_uphill_overall", "Fig 4"), ("bimedix1_arabic", "BiMediX Arabic")],
)
def test_tables_are_called_what_a_reader_calls_them(name, label):
    assert label_of(name) == label


# ---- intervals ----


def test_an_accuracy_has_wilsons_interval():
    (usmle,) = [a for a in accuracies() if (a.table, a.row, a.column) == (CLINICAL, "bimedix2_70b", "usmle")]

    # p = 0.9230769, z^2 = 3.841459: centre (p + z^2 / 650) / (1 + z^2 / 325) = 0.918134,
    # half width z sqrt(p (1 - p) / 325 + z^2 / 422500) / (1 + z^2 / 325) = 0.029222
    assert usmle.estimate.n == 325
    assert usmle.estimate.low == pytest.approx(0.888912, abs=2e-6)
    assert usmle.estimate.high == pytest.approx(0.947356, abs=2e-6)
    assert usmle.is_count


def test_every_accuracy_with_a_known_number_of_questions_has_an_interval():
    found = accuracies()

    # Table 2: 15 x 10, BiMediX English 5 x 9 and Arabic 3 x 9, Table 5: 7 x 4.
    assert len(found) == 150 + 45 + 27 + 28
    assert sum(a.table == CLINICAL and not a.is_count for a in found) == 8
    assert {a.estimate.n for a in found if a.table.startswith("table05")} == {251, 200, 355, 706}
    table = accuracy_table(found)
    assert len(table.rows) == len(found)
    assert (CLINICAL, "bimedix2_70b", "usmle", "92.3", "88.9 to 94.7", 325, "yes") in table.rows


def test_a_difference_of_two_accuracies_by_hand():
    found = difference([Decimal("92.3")], [Decimal("83.8")], [325])

    # variance (92.3 x 7.7 + 83.8 x 16.2) / 325 = 6.36389, its root 2.52267
    assert found.points == pytest.approx(8.5)
    assert found.low == pytest.approx(8.5 - 1.959964 * 2.52267, abs=1e-4)
    assert found.high == pytest.approx(8.5 + 1.959964 * 2.52267, abs=1e-4)
    assert found.detectable == pytest.approx(2.801585 * 2.52267, abs=1e-4)


def test_a_mean_of_two_equal_tests_is_one_test_of_twice_the_size():
    two = difference([Decimal("60.0"), Decimal("60.0")], [Decimal("50.0"), Decimal("50.0")], [100, 100])
    one = difference([Decimal("60.0")], [Decimal("50.0")], [200])

    assert two == one


def test_a_small_test_widens_an_unweighted_mean():
    even = difference([Decimal("60.0"), Decimal("60.0")], [Decimal("50.0"), Decimal("50.0")], [100, 100])
    uneven = difference([Decimal("60.0"), Decimal("60.0")], [Decimal("50.0"), Decimal("50.0")], [190, 10])

    assert uneven.points == even.points
    assert uneven.detectable > even.detectable


@pytest.mark.parametrize("sizes", [[], [100]])
def test_a_difference_without_a_test_for_each_accuracy_is_an_error(sizes):
    with pytest.raises(DataError, match="expected one of each for every test"):
        difference([Decimal("60.0")] * (2 * len(sizes)), [Decimal("50.0")] * len(sizes), sizes)


def test_the_factor_is_that_of_80_percent_power_at_5_percent():
    assert detectable_factor() == pytest.approx(1.959964 + 0.841621, abs=1e-5)


def test_the_largest_spread_is_the_one_at_which_the_gain_is_just_detectable():
    spread = largest_spread(9.5, 193)

    # 9.5 / (2.801585 x sqrt(2 / 193)) = 9.5 / 0.285194
    assert spread == pytest.approx(33.311, abs=1e-3)
    with pytest.raises(DataError, match="no questions"):
        largest_spread(9.5, 0)


# ---- effects ----


def test_every_gain_is_given_with_what_is_known_of_its_error():
    found = {(effect.claim_id.split("_")[0], effect.name): effect for effect in effects()}

    assert len(found) == len(GAINS) == 12
    usmle = found["C06", "BiMediX2 70B over GPT 4"]
    assert (usmle.metric, usmle.n, usmle.without_interval) == ("Table 2, USMLE", 325, "")
    assert usmle.detectable == pytest.approx(7.0675, abs=1e-3)
    uphill = found["C04", "BiMediX2 70B over GPT-4"]
    assert (uphill.n, uphill.low, uphill.detectable, uphill.largest_spread) == (None, None, None, None)
    assert uphill.without_interval == "number of queries not stated"
    judged = found["C01", "BiMediX2 8B over Dragonfly-Med"]
    assert (judged.n, judged.low) == (193, None)
    assert judged.largest_spread == pytest.approx(33.311, abs=1e-3)


def test_an_effect_of_averages_is_that_of_the_cells_not_of_the_rounded_averages():
    (jais,) = [effect for effect in effects() if effect.claim_id.startswith("B05")]

    # cells: (516.1 - 415.0) / 9; printed averages: 56.5 - 46.1 = 10.4
    assert jais.points == pytest.approx(11.2333, abs=1e-4)
    assert jais.n == 1089 + 4183 + 1273 + 500


def test_the_table_says_in_words_what_has_no_interval():
    rows = {(row[0], row[1]): row for row in effect_table(effects()).rows}

    assert rows["C04_uphill_gain", "BiMediX2 70B over GPT-4"][-4:] == ("", "", None, "number of queries not stated")
    assert rows["C06_usmle_gain", "BiMediX2 70B over GPT 4"][3:] == (
        "8", "+8.5", "+3.6 to +13.4", "7.1", 325, "zero lies outside the interval",
    )  # fmt: skip
    note = rows["C01_mbench_en_gain", "BiMediX2 8B over Dragonfly-Med"][-1]
    assert note.endswith("detectable if single scores have a standard deviation below 33 points")
