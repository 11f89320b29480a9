"""English minus Arabic: paired by id, twins only, what is left out counted."""

import random

import pytest
from mbench_files import rows, scored

from bimedix2_core.bench.mbench import gaps, pairs
from bimedix2_core.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


@pytest.fixture
def twins():
    return pairs(rows())


def of(judged, kind="all", **how):
    return next(gap for gap in gaps(judged, **how) if gap.kind == kind)


def test_the_gap_is_the_difference_of_both_means_over_the_same_questions(twins):
    english = [scored(twins[n][0], *pair) for n, pair in enumerate([(10, 8), (5, 5)])]
    arabic = [scored(twins[n][1], *pair) for n, pair in enumerate([(8, 2), (10, 5)])]
    gap = of([*english, *arabic])

    assert gap.comparison.difference.value == pytest.approx((0.8 + 1) / 2 - (0.25 + 0.5) / 2)
    assert gap.ratio_of_means.value == pytest.approx(13 / 15 - 7 / 18)
    assert gap.definitions == ("mean of ratios; judge j", "ratio of means; judge j")


def test_twins_are_found_by_id_whatever_the_order(twins):
    rng = random.Random(0)
    judged = []
    for english, arabic in twins:  # hard and easy questions, the Arabic answer half a point or a point and a half worse
        answer = rng.randint(3, 10)
        judged += [scored(english, 10, answer), scored(arabic, 10, answer - rng.choice((0.5, 1.5)))]
    rng.shuffle(judged)
    difference = of(judged).comparison.difference

    assert difference.value == pytest.approx(0.1, abs=0.01)
    assert difference.high - difference.low < 0.03  # the answers themselves spread by 0.7
    assert (difference.n, difference.n_clusters) == (193, 50)


def test_unscored_and_excluded_questions_are_left_out_and_counted(twins):
    judged = [scored(row, 10, 5) for pair in twins for row in pair]
    judged[0] = scored(judged[0].row, None, None)  # question 0 in English
    found = of(judged, excluded=("7", "161", "0"))

    assert (found.comparison.n, found.n_left_out) == (190, 3)
    assert of(judged).n_left_out == 1


def test_there_is_a_gap_by_type_and_domain(twins):
    kinds = [gap.kind for gap in gaps([scored(row, 10, 5) for pair in twins for row in pair])]

    assert kinds == [
        "all", "conversation", "detailed_description", "chest_xray", "mri", "histology", "gross", "ct_scan",
    ]  # fmt: skip


def test_a_gap_without_twins_is_an_error(twins):
    with pytest.raises(DataError, match="no question was scored in English and in Arabic"):
        gaps([scored(twins[0][0], 10, 5), scored(twins[1][1], 10, 5)])
