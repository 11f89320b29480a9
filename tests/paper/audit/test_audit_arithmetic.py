"""Arithmetic of the audit: values by hand, and the nearest case that must come out the other way."""

from decimal import Decimal

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.arithmetic import (
    agrees,
    best_other,
    correct_answers,
    counts_behind,
    last_digit,
    leaders,
    leads_alone,
    mean,
    missing_part,
    nearest_count,
    ranking,
    rises,
    weighted_mean,
)


def numbers(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_a_mean_is_exact():
    assert mean(numbers("0.1", "0.2", "0.3")) == Decimal("0.2")
    assert mean(numbers("0.1", "0.2", "0.3")) != (0.1 + 0.2 + 0.3) / 3


def test_a_mean_of_nothing_is_an_error():
    with pytest.raises(DataError, match="a mean of 0 values with 0 weights"):
        mean([])


def test_a_weighted_mean_counts_each_item():
    assert weighted_mean(numbers("10", "20"), [3, 1]) == Decimal("12.5")
    assert weighted_mean(numbers("10", "20"), [1, 3]) == Decimal("17.5")


def test_weights_that_do_not_pair_up_are_an_error():
    with pytest.raises(DataError, match=r"2 values with 1 weights; expected .* one weight for each"):
        weighted_mean(numbers("10", "20"), [3])


def test_the_missing_part_makes_the_whole():
    missing = missing_part(Decimal("12.5"), Decimal("10"), 3, 1)

    assert missing == 20
    assert weighted_mean([Decimal("10"), missing], [3, 1]) == Decimal("12.5")


@pytest.mark.parametrize(("written", "unit"), [("61.7", "0.1"), ("0.110", "0.001"), ("386", "1"), ("-4.20", "0.01")])
def test_the_last_digit_is_the_one_written(written, unit):
    assert last_digit(Decimal(written)) == Decimal(unit)


@pytest.mark.parametrize(
    ("value", "written", "expected"),
    [
        ("61.74", "61.7", True),
        ("84.55", "84.6", True),  # exactly half a digit, both ways
        ("84.65", "84.6", True),
        ("84.549", "84.6", False),
        ("84.651", "84.6", False),
        ("61.74", "61.70", False),  # a written zero is a digit
        ("386", "386", True),
        ("387", "386", False),
        ("-100", "-100", True),
    ],
)
def test_values_agree_up_to_half_the_last_written_digit(value, written, expected):
    assert agrees(Decimal(value), Decimal(written)) is expected


@pytest.mark.parametrize(
    ("printed", "n", "right"),
    [
        ("92.3", 325, 300),  # 300/325 = 92.308
        ("92.0", 325, 299),  # 299/325 = 92.0 exactly
        ("83.8", 325, None),  # between 272/325 = 83.69 and 273/325 = 84.0
        ("83.7", 325, 272),
        ("46.1", 325, None),  # 150/325 = 46.154: cut, it would be 46.1
        ("46.2", 325, 150),
        ("94.0", 100, 94),
        ("94.1", 100, None),
    ],
)
def test_a_percentage_of_so_many_questions_is_a_whole_number_or_not(printed, n, right):
    assert correct_answers(Decimal(printed), n) == right


def test_shares_from_0_to_1_are_counted_too():
    assert correct_answers(Decimal("0.725"), 251, scale=1) == 182  # 182/251 = 0.72510
    assert correct_answers(Decimal("0.577"), 251, scale=1) is None  # 144/251 = 0.5737, 145/251 = 0.5777
    assert nearest_count(Decimal("0.577"), 251, scale=1) == 145


def test_whole_numbers_behind_several_shares_add_up():
    shares = numbers("76.9", "15.4", "7.7")

    assert counts_behind(shares, 13) == (10, 2, 1)
    assert counts_behind(shares, 26) == (20, 4, 2)
    assert counts_behind(shares, 14) is None  # 11/14 = 78.6
    assert counts_behind(numbers("33.3", "33.3", "33.4"), 3) is None  # 33.4 is no third
    assert counts_behind(numbers("50.0", "25.0"), 4) is None  # whole numbers, but one of four is missing


def test_who_leads_alone_and_who_shares():
    shared = {"a": Decimal("95.1"), "b": Decimal("95.1"), "c": Decimal("90.0")}

    assert leaders(shared) == ("a", "b")
    assert not leads_alone("a", shared)
    assert leads_alone("a", {**shared, "b": Decimal("95.0")})
    assert best_other("a", shared) == "b"
    assert best_other("c", shared) == "a"


def test_the_largest_of_nothing_is_an_error():
    with pytest.raises(DataError, match="largest of no values"):
        leaders({})


def test_ranking_and_rising():
    assert ranking({"a": Decimal(1), "b": Decimal(3), "c": Decimal(2)}) == ("b", "c", "a")
    assert rises(numbers("1", "2", "3"))
    assert not rises(numbers("1", "2", "2"))
