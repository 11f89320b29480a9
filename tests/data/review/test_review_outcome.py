import random

import pytest
from review_items import item, review
from scipy import stats

from bimedix2_core.data.review.estimates import Count, share_of_all
from bimedix2_core.data.review.outcome import outcome
from bimedix2_core.data.review.sample import draw
from bimedix2_core.data.review.settlement import settle
from bimedix2_core.errors import DataError


def wilson(k, n):
    found = stats.binomtest(k, n).proportion_ci(method="wilson")
    return found.low, found.high


def test_a_stratum_seen_whole_adds_its_hits_without_sampling_error():
    # 20 items seen whole, 8 hits; of 80 items 8 seen, 2 hits: (8 + 80 x .25) / 100
    found = share_of_all([Count(20, 20, 8), Count(80, 8, 2)])

    low, high = wilson(2, 8)
    assert found.value == pytest.approx(0.28)
    assert (found.low, found.high) == pytest.approx(((8 + 80 * low) / 100, (8 + 80 * high) / 100))
    assert found.n == 28


def test_unequal_weights_cost_items():
    # weights 10 (9 items, 3 hits) and 2 (5 items, none): 90 x 1/3 of 100; n = 100^2 / (9 x 10^2 + 5 x 2^2) = 10.87
    found = share_of_all([Count(90, 9, 3), Count(10, 5, 0)])
    z, n, p = stats.norm.ppf(0.975), 10_000 / 920, 0.3
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5 / (1 + z**2 / n)

    assert found.value == pytest.approx(p)
    assert found.high - found.low == pytest.approx(2 * half)


def test_where_everything_was_seen_the_share_is_certain():
    found = share_of_all([Count(3, 3, 1), Count(5, 5, 3)])

    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_strata_of_which_nothing_was_seen_are_left_out():
    assert share_of_all([Count(80, 8, 2), Count(900, 0, 0)]) == share_of_all([Count(80, 8, 2)])


def test_a_rate_over_nothing_is_an_error():
    with pytest.raises(DataError, match="a rate over no reviewed item"):
        share_of_all([Count(5, 0, 0)])


def decisions(items, truth):
    return settle(review(one, truth[one.id]) for one in items).decisions


def test_the_outcome_counts_each_stratum_and_weighs_what_it_stands_for():
    # 20 low scores, all seen: 10 major; of 80 high ones 8 are drawn, the first of them minor
    drawn = draw([item(i, score=float(i)) for i in range(100)], "bimedix1", n=8, seed=0, threshold=20.0)
    high = [one.id for one in drawn.items if one.score >= 20]
    truth = {one.id: "major" if one.score < 10 else "none" for one in drawn.items} | {high[0]: "minor"}

    found = outcome(drawn, decisions(drawn.items, truth))

    assert (found.n_items, found.n_covered, found.n_drawn, found.n_reviewed) == (100, 100, 28, 28)
    assert [(one.part, one.n_items, one.n_reviewed, one.n_none, one.n_minor, one.n_major) for one in found.strata] == [
        ("high", 80, 8, 7, 1, 0),
        ("low", 20, 20, 10, 0, 10),
    ]
    rates = {rate.name: rate for rate in found.rates}
    assert [rates[name].sample.value for name in ("minor", "major", "minor or major")] == [1 / 28, 10 / 28, 11 / 28]
    # minor: one of eight of 80 = 10 of 100; major: 10 of 100
    assert [rates[name].whole.value for name in ("minor", "major", "minor or major")] == pytest.approx([0.1, 0.1, 0.2])


def test_what_is_not_reviewed_yet_is_no_none_and_its_stratum_is_not_covered():
    items = [item(i, source="a") for i in range(10)] + [item(i, source="b") for i in range(10, 40)]
    drawn = draw(items, "bimedix2", n=8, seed=0)
    seen = [one for one in drawn.items if one.source == "a"]

    found = outcome(drawn, decisions(seen, {one.id: "minor" for one in seen}))

    assert (found.n_drawn, found.n_reviewed, found.n_items, found.n_covered) == (8, 2, 40, 10)
    assert found.rates[0].sample.value == found.rates[0].whole.value == 1.0
    assert [(one.n_drawn, one.n_reviewed, one.n_none) for one in found.strata] == [(2, 2, 0), (6, 0, 0)]


def test_half_reviewed_strata_taken_whole_are_no_longer_certain():
    drawn = draw([item(i, score=0.0) for i in range(10)], "bimedix1", n=0, seed=0, threshold=20.0)

    found = outcome(drawn, decisions(drawn.items[:5], {one.id: "minor" for one in drawn.items}))

    assert found.rates[0].whole.low == pytest.approx(wilson(5, 5)[0])


def test_categories_are_counted_most_frequent_first():
    drawn = draw([item(i) for i in range(3)], "bimedix2", n=3, seed=0)
    reviews = [
        review(one, "minor", category=category)
        for one, category in zip(drawn.items, ("wording", "format", "wording"), strict=True)
    ]

    assert list(outcome(drawn, settle(reviews).decisions).categories.items()) == [("wording", 2), ("format", 1)]


def test_before_the_first_decision_there_is_no_rate():
    with pytest.raises(DataError, match="over no reviewed item was asked for; review at least one"):
        outcome(draw([item("a")], "bimedix2", n=1, seed=0), {})


def test_a_decision_on_an_item_that_was_not_drawn_is_an_error():
    drawn = draw([item("a")], "bimedix2", n=1, seed=0)

    with pytest.raises(DataError, match="not drawn: 'b'"):
        outcome(drawn, decisions([item("b")], {"b": "none"}))


def planted():
    """1,000 items of three sources; low scores have most errors. The truth by id."""
    rng, items, truth = random.Random(0), [], {}
    for index in range(1000):
        score = float(rng.randint(0, 100))
        chances = (0.3, 0.5, 0.2) if score < 10 else (0.78, 0.19, 0.03)
        truth[str(index)] = rng.choices(("none", "minor", "major"), weights=chances)[0]
        items.append(item(index, source=rng.choice(("a", "a", "b", "c")), score=score))
    return items, truth


@pytest.mark.parametrize("protocol", ["bimedix2", "bimedix1", "ours"])
def test_the_intervals_cover_the_planted_rates_about_as_often_as_they_say(protocol):
    items, truth = planted()
    shares = [sum(verdict == name for verdict in truth.values()) / 1000 for name in ("minor", "major")]
    covered = [0, 0]
    for seed in range(100):
        drawn = draw(items, protocol, n=100, seed=seed, threshold=10.0)
        rates = outcome(drawn, decisions(drawn.items, truth)).rates
        for index, rate in enumerate(rates[:2]):
            covered[index] += rate.whole.low <= shares[index] <= rate.whole.high

    assert min(covered) >= 91  # 95 expected, standard deviation 2.2


def test_the_plain_rate_of_a_sample_of_doubtful_items_is_too_high_and_the_weighted_one_is_not():
    items, truth = planted()
    share_of_major = sum(verdict == "major" for verdict in truth.values()) / 1000
    drawn = draw(items, "ours", n=100, seed=0, threshold=10.0)

    rate = outcome(drawn, decisions(drawn.items, truth)).rates[1]

    assert rate.sample.low > share_of_major
    assert rate.whole.low <= share_of_major <= rate.whole.high
