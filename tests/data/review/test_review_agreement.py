import numpy as np
import pytest
from review_items import item, review

from bimedix2_core.data.review.agreement import agreement, kappa, kappa_interval
from bimedix2_core.errors import DataError

TABLE = [[20, 5, 0], [4, 10, 2], [1, 3, 5]]
"""50 items; rows add up to 25, 16, 9 and columns to 25, 18, 7."""


def test_kappa_equals_the_value_computed_by_hand():
    # found: 14 items one step apart, 1 two steps apart
    # expected x 50, one step: 25*18 + 16*25 + 16*7 + 9*18 = 1124; two steps: 25*7 + 9*25 = 400
    assert kappa(TABLE, "linear") == pytest.approx(1 - (14 + 2 * 1) * 50 / (1124 + 2 * 400))  # 281 / 481
    assert kappa(TABLE, "quadratic") == pytest.approx(1 - (14 + 4 * 1) * 50 / (1124 + 4 * 400))  # 152 / 227
    assert kappa(TABLE, "linear") == pytest.approx(281 / 481)
    assert kappa(TABLE, "quadratic") == pytest.approx(152 / 227)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_of_two_verdicts_both_weights_give_cohens_kappa(weights):
    # same 35 of 50 = .7; by chance .5 x .6 + .5 x .4 = .5; (.7 - .5) / (1 - .5)
    assert kappa([[20, 5], [10, 15]], weights) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[3, 0, 0], [0, 4, 0], [0, 0, 5]], 1.0),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 0.0),  # independent
        ([[0, 0, 5], [0, 0, 0], [5, 0, 0]], -1.0),  # always opposite
    ],
)
def test_kappa_is_one_zero_and_minus_one_where_it_should_be(table, expected):
    assert kappa(table, "quadratic") == pytest.approx(expected)


def test_kappa_does_not_care_who_is_first():
    assert kappa(np.transpose(TABLE), "linear") == pytest.approx(kappa(TABLE, "linear"))


def test_kappa_of_reviewers_who_only_ever_said_one_thing_is_not_a_number():
    found = kappa_interval([[9, 0, 0], [0, 0, 0], [0, 0, 0]], "linear")

    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == 9


def test_the_interval_is_that_of_resampled_items():
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(TABLE[i][j])]
    rng = np.random.default_rng(1)
    values = []
    for _ in range(1000):
        table = np.zeros((3, 3))
        for index in rng.integers(len(pairs), size=len(pairs)):
            table[pairs[index]] += 1
        values.append(kappa(table, "quadratic"))

    found = kappa_interval(TABLE, "quadratic")

    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.03)
    assert found.low < found.value < found.high
    assert found == kappa_interval(TABLE, "quadratic")


def test_a_quarter_of_the_items_gives_a_wider_interval():
    small, large = (kappa_interval(np.array(TABLE) * factor, "linear") for factor in (1, 4))

    assert (large.high - large.low) < 0.65 * (small.high - small.low)  # by theory 0.5


def test_each_pair_is_compared_on_the_items_that_both_saw():
    a, b, c, d = (item(name) for name in "abcd")
    reviews = [
        *(review(one, verdict, by="Dr B") for one, verdict in ((a, "none"), (b, "minor"), (c, "major"))),
        *(review(one, verdict, by="Dr A") for one, verdict in ((a, "none"), (b, "major"), (d, "major"))),
        review(c, "major", by="Dr C"),
    ]

    first, second = agreement(reviews)

    assert (first.first, first.second, first.n) == ("Dr A", "Dr B", 2)
    assert first.table == ((1, 0, 0), (0, 0, 0), (0, 1, 0))  # Dr A said major where Dr B said minor
    assert first.same.value == 0.5
    assert first.quadratic.value == pytest.approx(1 - 1 / ((0 + 1 + 4 + 1) / 2))  # expected: 0-0, 0-1, 2-0, 2-1 by 1/2
    assert (second.first, second.second, second.n, second.same.value) == ("Dr B", "Dr C", 1, 1.0)


def test_one_reviewer_alone_has_no_pair():
    assert agreement([review(item("a"), "none")]) == ()


def test_a_sheet_read_twice_is_an_error():
    with pytest.raises(DataError, match="'Dr A' judged item 'a' twice"):
        agreement([review(item("a"), "none"), review(item("a"), "none")])


def test_unknown_weights_and_an_empty_table_are_errors():
    with pytest.raises(DataError, match="unknown weights 'cubic' of kappa; known: linear, quadratic"):
        kappa(TABLE, "cubic")
    with pytest.raises(DataError, match="over no shared item"):
        kappa_interval(np.zeros((3, 3)), "linear")
