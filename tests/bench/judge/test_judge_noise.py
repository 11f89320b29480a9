"""Noise of a judge: variance components computed by hand, intervals that hold the truth, draws counted once."""

import math
import time

import numpy as np
import pytest

from bimedix2_core.bench.judge import judge_noise
from bimedix2_core.errors import DataError

few = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

QUICK = {"n_resamples": 500}


def draws(rng, *, n_clusters=40, per_cluster=3, n_draws=3, cluster=0.5, item=0.7, judge=1.0):
    """float[N, D] scores around 5 of N answers, and the cluster of each."""
    clusters = np.repeat(np.arange(n_clusters), per_cluster)
    truth = rng.normal(5, cluster, n_clusters)[clusters] + rng.normal(0, item, len(clusters))
    return truth[:, None] + rng.normal(0, judge, (len(clusters), n_draws)), clusters


def noise_of(scores, clusters=None, **options):
    n, d = scores.shape
    clusters = None if clusters is None else np.repeat(clusters, d).tolist()
    return judge_noise(scores.ravel().tolist(), np.repeat(np.arange(n), d).tolist(), clusters, **QUICK | options)


def test_the_components_equal_those_computed_by_hand():
    # means 2, 5, 8; within: 2 + 0 + 8 over 3 degrees = 10/3; the means vary by 9, of which 10/3 / 2 is the judge's
    found = noise_of(np.array([[1, 3], [5, 5], [6, 10]]))

    assert found.mean.value == 5.0
    assert found.between_draws == pytest.approx(10 / 3)
    assert found.between_items == pytest.approx(9 - 5 / 3)
    assert found.reliability == pytest.approx((22 / 3) / (32 / 3))
    # the mean's variance is 9 / 3; the judge's part of it 10/3 / 2 / 3 = 5/9
    assert found.judge_share == pytest.approx((5 / 9) / 3)
    # with m draws it is (10/9 / m) / (22/9 + 10/9 / m): 5% from m = 19 * 10 / 22 = 8.6 on
    assert found.n_enough == 9
    assert (found.mean.n, found.n_draws) == (3, 6)


def test_judging_again_has_the_interval_of_the_judges_part_alone():
    found = noise_of(np.array([[1, 3], [5, 5], [6, 10]]))

    half = 3.182446 * math.sqrt(5 / 9)  # Student's t of 3 degrees
    assert (found.judged_again.low, found.judged_again.high) == pytest.approx((5 - half, 5 + half), rel=1e-6)


def test_so_many_draws_as_are_said_to_be_enough_are_enough_and_one_less_is_not():
    rng = np.random.default_rng(3)
    scores, _ = draws(rng, n_clusters=300, per_cluster=1, n_draws=2, cluster=0, item=1, judge=0.8)
    found = noise_of(scores)

    def share(n_draws: int) -> float:
        judges = found.between_draws / n_draws
        return judges / (found.between_items + judges)

    assert share(found.n_enough) <= 0.05 < share(found.n_enough - 1)


def test_a_judge_who_never_varies_has_no_share_and_one_draw_is_enough():
    found = noise_of(np.repeat(np.arange(1.0, 9.0)[:, None], 3, axis=1))

    assert (found.between_draws, found.judge_share, found.n_enough) == (0.0, 0.0, 1)
    assert found.judged_again.low == found.judged_again.high == found.mean.value
    assert found.mean.low < found.mean.value < found.mean.high
    assert found.reliability == 1.0


def test_answers_that_do_not_differ_leave_all_to_the_judge():
    found = noise_of(np.array([[4.0, 6.0]] * 8))

    assert (found.between_items, found.judge_share, found.n_enough) == (0.0, 1.0, None)


def test_a_judge_who_always_says_the_same_of_everything_has_no_reliability():
    found = noise_of(np.full((4, 2), 7.0))

    assert math.isnan(found.reliability)
    assert (found.judge_share, found.n_enough) == (0.0, 1)


def test_more_noise_of_the_judge_widens_the_interval():
    quiet, loud = (noise_of(*draws(np.random.default_rng(5), judge=judge, n_draws=2)).mean for judge in (0.1, 4.0))

    # standard errors: sqrt(.25/40 + .49/120 [+ 16/240]) = .102 and .278
    assert (loud.high - loud.low) / (quiet.high - quiet.low) == pytest.approx(0.278 / 0.102, rel=0.25)


def test_what_an_order_does_to_all_answers_is_no_noise():
    rng = np.random.default_rng(1)
    scores, clusters = draws(rng, n_draws=4)
    orders = ["reference_first", "answer_first"] * 2 * len(scores)
    biased = scores + np.array([0.0, 3.0, 0.0, 3.0])

    plain, levelled = noise_of(scores, clusters, orders=orders), noise_of(biased, clusters, orders=orders)
    unnamed = noise_of(biased, clusters)

    assert levelled.between_draws == pytest.approx(plain.between_draws)
    assert levelled.mean.value == pytest.approx(plain.mean.value + 1.5)
    assert levelled.mean.high - levelled.mean.low == pytest.approx(plain.mean.high - plain.mean.low)
    assert unnamed.between_draws > plain.between_draws + 2  # 3 points between pairs of draws: a variance of 3 more


def test_both_orders_without_repeats_show_the_noise_too():
    # differences 2, 4, 6 between the orders, 4 on average: what is left varies by 4, twice a single draw's variance
    scores = np.array([[1, 3], [4, 8], [5, 11]])
    found = noise_of(scores, orders=["a", "b"] * 3)

    assert found.between_draws == pytest.approx(4 / 2)


def test_an_answer_judged_in_one_order_only_is_levelled_by_what_the_others_show():
    # b adds 2 to everything; the last answer was read in order b only and would be 1 too high
    values = [4, 6, 5, 7, 6, 8, 9]
    found = judge_noise(values, [0, 0, 1, 1, 2, 2, 3], orders=list("ababab" + "b"), **QUICK)

    assert found.mean.value == pytest.approx((5 + 6 + 7 + 8) / 4)
    assert found.between_draws == pytest.approx(0.0, abs=1e-20)


def test_answers_with_fewer_draws_weigh_the_same_in_the_mean():
    found = judge_noise([1, 3, 3, 5, 10], ["a", "a", "a", "a", "b"], **QUICK)

    assert found.mean.value == (3 + 10) / 2
    assert found.between_draws == pytest.approx(8 / 3)
    assert found.judge_share == pytest.approx(8 / 3 * (1 / 4 + 1) / 4 / (24.5 / 2))


def test_the_order_of_the_draws_changes_nothing():
    scores, clusters = draws(np.random.default_rng(2))
    n, d = scores.shape
    items, images = np.repeat(np.arange(n), d), np.repeat(clusters, d)
    one = judge_noise(scores.ravel(), items, images, **QUICK)
    turned = judge_noise(scores.T.ravel(), np.tile(np.arange(n), d), np.tile(clusters, d), **QUICK)

    assert (turned.mean.low, turned.mean.high) == pytest.approx((one.mean.low, one.mean.high))
    assert (turned.between_draws, turned.judge_share) == pytest.approx((one.between_draws, one.judge_share))


@pytest.mark.parametrize("judge", [0.2, 3.0])
def test_the_interval_of_the_mean_holds_the_truth_nineteen_times_in_twenty(judge):
    rng, n_times = np.random.default_rng(7), 300

    held = 0
    for _ in range(n_times):
        found = noise_of(*draws(rng, judge=judge), n_resamples=300).mean
        held += found.low <= 5 <= found.high

    assert 0.92 <= held / n_times <= 0.98


def test_judged_again_the_mean_lies_in_its_interval_nineteen_times_in_twenty():
    rng, n_times = np.random.default_rng(8), 400
    truth = rng.normal(5, 2, 60)  # the answers are the same every time

    held = 0
    for _ in range(n_times):
        found = noise_of(truth[:, None] + rng.normal(0, 1, (60, 3)), n_resamples=2).judged_again
        held += found.low <= truth.mean() <= found.high

    assert 0.92 <= held / n_times <= 0.98


def test_the_components_are_right_on_average():
    rng = np.random.default_rng(9)
    found = [noise_of(*draws(rng, cluster=0, item=0.7, judge=1.5), n_resamples=2) for _ in range(100)]

    assert np.mean([one.between_draws for one in found]) == pytest.approx(2.25, rel=0.05)
    assert np.mean([one.between_items for one in found]) == pytest.approx(0.49, rel=0.15)


def test_to_draw_the_draws_once_more_inside_a_drawn_answer_would_count_the_judge_twice():
    rng = np.random.default_rng(4)
    scores, _ = draws(rng, n_clusters=100, per_cluster=1, n_draws=4, cluster=0, item=0.3, judge=2.0)
    n, d = scores.shape
    rows = rng.integers(n, size=(2000, n))
    twice = scores[rows[..., None], rng.integers(d, size=(2000, n, d))].mean((1, 2))
    once = noise_of(scores, n_resamples=2000).mean

    true_error = math.sqrt((0.3**2 + 2.0**2 / d) / n)
    half = 1.984 * true_error  # Student's t of 99 degrees
    assert (once.high - once.low) / 2 == pytest.approx(half, rel=0.15)
    assert twice.std() > 1.2 * true_error  # sqrt((.09 + 1 + .75) / 1.09) = 1.3


@few
def test_a_few_images_are_warned_of_and_known_by_their_number():
    found = noise_of(np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 2]))

    assert (found.mean.n, found.mean.n_clusters) == (6, 3)


def test_386_answers_with_4_draws_take_about_a_second():
    scores, clusters = draws(np.random.default_rng(0), n_clusters=193, per_cluster=2, n_draws=4)
    started = time.perf_counter()
    found = noise_of(scores, clusters, orders=["a", "b"] * 772, n_resamples=9999)

    assert time.perf_counter() - started < 2.0  # 0.2 s on two cores that others use too
    assert found.mean.method == "bootstrap, 9999 resamples"


@pytest.mark.parametrize(
    ("values", "items", "clusters", "message"),
    [
        ([1, 2], ["a", "b"], None, "2 draws of 2 answers: no answer was judged twice"),
        ([1, 2], ["a", "a"], None, "the noise of a judge on one answer"),
        ([1, None, 2], ["a", "a", "b"], None, "1 of 3 draws have no number"),
        ([1, math.inf, 2], ["a", "a", "b"], None, "1 of 3 draws have no number"),
        ([1, 2, 3], ["a", "a", "b"], [1, 2, 3], "answer 'a' lies in the clusters 1 and 2; expected one"),
        ([1, 2, 3], ["a", "a"], None, "3 values but 2 clusters"),
        ([1, 2, 3], ["a", "a", "b"], [1, 1], "3 values but 2 clusters"),
        ([], [], None, "no sample"),
    ],
)
def test_draws_that_show_no_noise_are_an_error(values, items, clusters, message):
    with pytest.raises(DataError, match=message):
        judge_noise(values, items, clusters)


def test_both_orders_of_one_answer_are_not_enough():
    with pytest.raises(DataError, match="no answer was judged twice"):
        judge_noise([1, 2, 3], ["a", "a", "b"], orders=["x", "y", "x"])
