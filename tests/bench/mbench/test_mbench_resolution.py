"""What a judge's scores can show: variances by hand, the smallest difference, and how often it is seen."""

import math
import random

import numpy as np
import pytest
from mbench_files import rows, scored

from bimedix2_core.bench.mbench import Variances, detectable, resolved, variances
from bimedix2_core.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


@pytest.fixture
def english():
    return rows()[:193]


def test_the_variances_are_those_of_a_nested_analysis():
    # images a: 1, 3 and b: 5, 7; means 2 and 6, overall 4
    # within: (1 + 1 + 1 + 1) / 2 = 2; between: 2 * (4 + 4) / 1 = 16, of the image: (16 - 2) / 2 = 7
    assert variances([[1], [3], [5], [7]], ["a", "a", "b", "b"]) == Variances(7.0, 2.0, None)


def test_the_variance_of_the_draw_is_taken_out_of_that_of_the_question():
    # the same means; draws 0 and 2 about 1, and so on: variance 2, of a mean of two draws 1
    draws = [[0, 2], [2, 4], [4, 6], [6, 8]]

    assert variances(draws, ["a", "a", "b", "b"]) == Variances(7.0, 1.0, 2.0)


def test_a_negative_variance_is_0():
    assert variances([[1], [3], [1], [3]], ["a", "a", "b", "b"]).image == 0.0
    assert variances([[0, 4], [0, 4]], ["a", "a"]).question == 0.0


def test_the_variances_of_a_simulation_are_found_again():
    rng = np.random.default_rng(0)
    images = np.repeat(np.arange(2000), 4)
    levels = rng.normal(0, 0.3, 2000)[images] + rng.normal(0, 0.4, 8000)
    found = variances((levels[:, None] + rng.normal(0, 0.5, (8000, 3))).tolist(), images.tolist())

    assert found.image == pytest.approx(0.09, rel=0.1)
    assert found.question == pytest.approx(0.16, rel=0.1)
    assert found.draw == pytest.approx(0.25, rel=0.05)


def test_the_smallest_difference_that_shows():
    measured = Variances(0.01, 0.06, 0.04)
    k = 1.959964 + 0.841621

    assert detectable(193, 50, measured) == pytest.approx(k * math.sqrt(0.01 / 50 + 0.1 / 193), rel=1e-5)
    assert detectable(193, 50, measured, n_draws=4) == pytest.approx(k * math.sqrt(0.01 / 50 + 0.07 / 193), rel=1e-5)
    assert detectable(193, 193, measured) < detectable(193, 50, measured)
    # without any noise but the figures', more questions about them show nothing more
    assert detectable(1000, 50, Variances(0.01, 0, None)) == detectable(50, 50, Variances(0.01, 0, None))


@pytest.mark.parametrize(("n", "n_clusters", "n_draws"), [(0, 0, 1), (10, 11, 1), (10, 0, 1), (10, 5, 0)])
def test_an_impossible_benchmark_is_refused(n, n_clusters, n_draws):
    with pytest.raises(DataError, match="expected a question for each figure and a draw"):
        detectable(n, n_clusters, Variances(0.1, 0.1, 0.1), n_draws=n_draws)


def test_more_draws_promise_nothing_where_their_variance_was_not_measured():
    with pytest.raises(DataError, match="how draws differ was not measured; ask the judge twice or more"):
        detectable(193, 50, Variances(0.1, 0.1, None), n_draws=2)


def test_a_true_difference_of_that_size_is_seen_in_80_of_100_comparisons():
    from bimedix2_core.bench.statistics import compare

    rng = np.random.default_rng(3)
    images = np.repeat(np.arange(50), 4)
    size = detectable(200, 50, Variances(0.01, 0.04, None))
    seen = 0
    for _ in range(200):
        differences = size + rng.normal(0, 0.1, 50)[images] + rng.normal(0, 0.2, 200)
        low = compare((5 + differences).tolist(), [5.0] * 200, images.tolist(), bounds=(0, 10)).difference.low
        seen += low > 0
    assert 0.72 < seen / 200 < 0.88


def test_two_models_are_compared_by_type_and_domain_with_what_could_have_shown(english):
    rng = random.Random(0)
    first = [scored(row, 9, rng.randint(4, 9)) for row in english]
    second = [scored(row, 9, rng.randint(2, 7)) for row in english]
    second[0] = scored(english[0], None, None)
    found = {one.kind: one for one in resolved(first, second)}

    whole = found["all"]
    assert list(found)[:3] == ["all", "conversation", "detailed_description"]
    assert len(found) == 8
    assert (whole.comparison.n, whole.n_unscored) == (192, 1)
    assert whole.comparison.difference.value == pytest.approx(2 / 9, abs=0.05)
    planned = detectable(192, 50, whole.variances)
    assert planned == pytest.approx(whole.comparison.detectable, rel=0.25)
    assert found["gross"].comparison.detectable > 1.5 * whole.comparison.detectable
    assert whole.variances.draw is None


def test_repeats_show_how_much_of_it_is_the_judge(english):
    rng = random.Random(0)

    def draws(level):
        return [scored(row, 9, level + rng.randint(-2, 2), repeat=repeat) for row in english for repeat in range(3)]

    noise = next(one for one in resolved(draws(6), draws(4)) if one.kind == "all").variances

    assert noise.draw == pytest.approx(2 * 2 / 81, rel=0.2)  # each model's score varies by 2 points squared, over 9
    assert noise.question < 0.2 * noise.draw
    assert detectable(193, 50, noise, n_draws=3) < 0.7 * detectable(193, 50, noise)


def test_what_cannot_be_compared_is_refused(english):
    first = [scored(row, 9, 5) for row in english]

    with pytest.raises(DataError, match="two models judged by j and k; a difference needs one judge"):
        resolved(first, [scored(row, 9, 5, judge="k") for row in english])
    with pytest.raises(DataError, match=r"1 questions were asked of one model only, first '0' \(en\)"):
        resolved(first, first[1:])
    with pytest.raises(DataError, match="no question is scored for both models"):
        resolved(first, [scored(row, None, None) for row in english])
    with pytest.raises(DataError, match="judged more than once"):
        resolved([*first, first[0]], first)
