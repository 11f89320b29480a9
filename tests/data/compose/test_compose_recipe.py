"""Scaled counts: by the largest remainder, to the exact whole."""

from decimal import Decimal
from fractions import Fraction

import pytest

from bimedix2_core.data.compose.recipe import scaled
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported

TABLE_12 = reported.read("table12_bimed_v_composition").column("samples")


def test_the_whole_recipe_is_table_12_itself():
    assert scaled(TABLE_12) == {source: int(n) for source, n in TABLE_12.items()}
    assert sum(scaled(TABLE_12).values()) == 1_691_407  # the printed total


def test_missing_rows_go_to_the_largest_remainders():
    # a third of 10, 7, 6 and 1 is 3.33, 2.33, 2 and 0.33: 7 whole rows, and 8 are wanted (24 / 3);
    # three remainders are equal, so the largest count gets the row
    assert scaled({"a": 1, "b": 6, "c": 7, "d": 10}, Fraction(1, 3)) == {"a": 0, "b": 2, "c": 2, "d": 4}


def test_a_larger_remainder_wins_over_a_larger_count():
    # two fifths of 21, 9 and 5 are 8.4, 3.6 and 2: 13 whole rows of 14 (35 * 2 / 5)
    assert scaled({"large": 21, "small": 9, "exact": 5}, 0.4) == {"large": 8, "small": 4, "exact": 2}


def test_of_equal_remainders_and_counts_the_first_of_the_alphabet_wins_whatever_the_order():
    assert scaled({"b": 1, "a": 1, "c": 1}, Fraction(1, 3)) == {"a": 1, "b": 0, "c": 0}


def test_half_a_row_is_rounded_up():
    assert sum(scaled({"a": 1, "b": 2}, 0.5).values()) == 2  # 1.5


@pytest.mark.parametrize("share", [0.1, 0.0123, Fraction(1, 7), 1e-6])
def test_scaled_counts_add_up_and_are_off_by_less_than_a_row(share):
    counts = scaled(TABLE_12, share)

    exact = Fraction(str(share))
    assert sum(counts.values()) == int(1_691_407 * exact + Fraction(1, 2))
    assert all(abs(n - int(TABLE_12[source]) * exact) < 1 for source, n in counts.items())


def test_a_float_means_the_decimal_that_is_written():
    # 15 * 0.3 is 4.5, which is rounded up; as a binary fraction 0.3 is a little less, and would give 4
    assert scaled({"a": 15}, 0.3) == scaled({"a": 15}, Fraction(3, 10)) == {"a": 5}


@pytest.mark.parametrize("share", [0, -0.5, 1.01, 2])
def test_a_share_outside_the_whole_is_refused(share):
    with pytest.raises(DataError, match=f"share {share}; expected more than 0 and at most 1"):
        scaled({"a": 10}, share)


@pytest.mark.parametrize("count", [-1, Decimal("2.5")])
def test_a_count_that_is_no_number_of_rows_is_refused(count):
    with pytest.raises(DataError, match=f"{count} rows of 'a'; expected a whole number"):
        scaled({"a": count})
