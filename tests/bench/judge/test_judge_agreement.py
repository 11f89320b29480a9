"""Agreement of raters: hand-computed, joined by id, clustered; scores of experts read with clear errors."""

import numpy as np
import pytest
from scipy import stats

from bimedix2_core.bench.judge import agreement, agreements, read_scores
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.errors import DataError

few = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

FIRST = {"a": 8, "b": 6, "c": 9, "d": 6}
SECOND = {"a": 8, "b": 8, "c": 9, "d": 9}


def drawn(n: int, *, seed: int = 0) -> tuple[dict, dict]:
    """Two raters with scores of 1 to 10 who often differ by one."""
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 11, n)
    second = np.clip(first + rng.integers(-2, 3, n), 1, 10)
    ids = [f"q{number}" for number in range(n)]
    return dict(zip(ids, first.tolist(), strict=True)), dict(zip(ids, second.tolist(), strict=True))


def test_the_measures_equal_those_computed_by_hand():
    found = agreement(FIRST, SECOND)

    # 8-8, 6-8, 9-9, 6-9: differences 0, -2, 0, -3
    assert found.same.value == 0.5
    assert found.bias.value == -1.25
    # by chance, distances of 8, 6, 9, 6 to 8, 8, 9, 9: (0+0+1+1) + (2+2+3+3) twice + (1+1+0+0) = 24 over 16 pairs
    assert found.linear.value == pytest.approx(1 - (5 / 4) / (24 / 16))
    # squares: (0+0+1+1) + (4+4+9+9) twice + (1+1+0+0) = 56
    assert found.quadratic.value == pytest.approx(1 - (13 / 4) / (56 / 16))
    # deviations .75, -1.25, 1.75, -1.25 and -.5, -.5, .5, .5: products add up to .5; squares to 6.75 and 1
    assert found.pearson.value == pytest.approx(0.5 / 6.75**0.5)
    # ranks 3, 1.5, 4, 1.5 and 1.5, 1.5, 3.5, 3.5
    assert found.spearman.value == pytest.approx((0.5 * -1 + -1 * -1 + 1.5 * 1 + -1 * 1) / (4.5 * 4) ** 0.5)
    assert found.n == 4


def test_the_correlations_are_those_of_scipy():
    first, second = drawn(200)
    found = agreement(first, second)

    a, b = list(first.values()), list(second.values())
    assert found.pearson.value == pytest.approx(stats.pearsonr(a, b).statistic)
    assert found.spearman.value == pytest.approx(stats.spearmanr(a, b).statistic)


def test_a_rater_who_is_one_point_stricter_loses_kappa_but_no_correlation():
    first = {str(score): score for score in range(2, 11)}
    second = {id: score - 1 for id, score in first.items()}

    found = agreement(first, second)

    assert found.spearman.value == found.pearson.value == pytest.approx(1.0)
    assert (found.same.value, found.bias.value) == (0.0, 1.0)
    assert found.quadratic.value < 1 - 0.05


def test_half_points_count_by_their_distance_and_not_by_their_place():
    # scores seen are 1, 1.5 and 10: by place 1.5 would be half-way to 10
    first, second = {"a": 1.0, "b": 10.0, "c": 1.0}, {"a": 1.5, "b": 10.0, "c": 1.0}
    # differences .5, 0, 0; by chance: 1-1.5 .5, 1-10 9, 1-1 0 twice; 10-1.5 8.5, 10-10 0, 10-1 9: 36.5 over 9
    assert agreement(first, second).linear.value == pytest.approx(1 - (0.5 / 3) / (36.5 / 9))


def test_answers_are_joined_by_id_and_only_those_scored_by_both_count():
    first = {"a": 8, "b": None, "c": 3, "d": 5}
    second = {"d": 5, "c": 4, "a": None, "b": None, "e": 9, "f": 1}

    found = agreement(first, second, names=("judge", "Dr A"))

    assert (found.first, found.second, found.n) == ("judge", "Dr A", 2)
    assert found.bias.value == -0.5
    assert (found.n_first_only, found.n_second_only) == (1, 2)


def test_the_order_of_the_two_changes_the_sign_of_the_bias_and_nothing_else():
    first, second = drawn(60)
    one, other = agreement(first, second), agreement(second, first)

    assert one.bias.value == pytest.approx(-other.bias.value)
    for measure in ("same", "linear", "quadratic", "spearman", "pearson"):
        assert getattr(one, measure).value == pytest.approx(getattr(other, measure).value)


def test_intervals_hold_the_value_and_are_the_same_each_time():
    first, second = drawn(193)
    found = agreement(first, second)

    for one in (found.same, found.linear, found.quadratic, found.spearman, found.pearson, found.bias):
        assert one.low < one.value < one.high
    assert found == agreement(first, second)


def test_copies_of_an_answer_in_one_cluster_narrow_nothing():
    first, second = drawn(50)
    copies = [(id, number) for id in first for number in range(4)]
    four_times = [{f"{id} {number}": one[id] for id, number in copies} for one in (first, second)]
    images = {f"{id} {number}": id for id, number in copies}

    single = agreement(first, second)
    copied = agreement(*four_times, images)
    careless = agreement(*four_times)

    assert copied.quadratic.value == pytest.approx(single.quadratic.value)
    assert (copied.quadratic.n, copied.quadratic.n_clusters) == (200, 50)
    assert copied.quadratic.high - copied.quadratic.low == pytest.approx(
        single.quadratic.high - single.quadratic.low, rel=0.02
    )
    assert careless.quadratic.high - careless.quadratic.low < 0.7 * (copied.quadratic.high - copied.quadratic.low)


def test_raters_who_never_vary_have_no_kappa_and_no_correlation_but_a_share():
    same = dict.fromkeys("abcdef", 7.0)
    found = agreement(same, dict(same))

    assert found.same.value == 1.0
    assert np.isnan([found.linear.value, found.linear.low, found.spearman.value, found.pearson.high]).all()
    assert found.linear.method == "undefined: a score that never varies"


def test_one_rater_who_never_varies_agrees_by_chance_only():
    first, second = {"a": 7, "b": 7, "c": 7}, {"a": 7, "b": 5, "c": 9}
    found = agreement(first, second)

    assert found.quadratic.value == pytest.approx(0.0)
    assert np.isnan(found.spearman.value)


def test_resamples_without_a_kappa_are_counted():
    # the one answer on which they differ from 7 is not drawn in about a third of the resamples
    first = dict.fromkeys("abcdefgh", 7.0)
    found = agreement(first, first | {"h": 8.0})

    n_undefined = int(found.linear.method.split(", ")[2].split()[0])
    assert n_undefined == pytest.approx(2000 * (7 / 8) ** 8, rel=0.1)


def test_every_pair_of_judges_draws_and_experts_is_compared():
    raters = {"judge": FIRST, "judge, draw 1": SECOND, "Dr A": {"a": 8}, "Dr B": {"z": 3}}

    found = agreements(raters)

    assert [(one.first, one.second, one.n) for one in found] == [
        ("judge", "judge, draw 1", 4),
        ("judge", "Dr A", 1),
        ("judge, draw 1", "Dr A", 1),
    ]


@few
def test_labels_with_an_order_may_be_given_as_numbers():
    place = {"disagree": -1, "neutral": 0, "agree": 1}
    first = {"a": "agree", "b": "neutral", "c": "disagree"}
    second = {"a": "agree", "b": "agree", "c": "disagree"}

    found = agreement(
        {id: place[label] for id, label in first.items()},
        {id: place[label] for id, label in second.items()},
        {"a": 1, "b": 1, "c": 2},
        scale=(-1, 1),
    )

    # 1 step in 3; by chance (0+0+2) + (1+1+1) + (2+2+0) = 9 over 9
    assert found.linear.value == pytest.approx(1 - 1 / 3)


def test_few_clusters_are_warned_of():
    with pytest.warns(FewClustersWarning):
        agreement(FIRST, SECOND, {"a": 1, "b": 1, "c": 2, "d": 2})


@pytest.mark.parametrize(
    ("first", "second", "clusters", "message"),
    [
        ({"a": 8}, {"b": 8}, None, "'first' and 'second' scored no answer in common"),
        ({"a": None}, {"a": 8}, None, "scored no answer in common"),
        ({"a": 0, "b": 8}, {"a": 8}, None, r"'first' scored 'a' with 0; expected 1 to 10 \(1 of 2"),
        ({"a": 8}, {"a": float("nan")}, None, "'second' scored 'a' with nan"),
        ({"a": 8}, {"a": 8}, {"b": 1}, "1 of 1 answers have no cluster, first 'a'"),
    ],
)
def test_what_cannot_be_compared_is_an_error(first, second, clusters, message):
    with pytest.raises(DataError, match=message):
        agreement(first, second, clusters)


def test_scores_that_are_no_scale_are_an_error():
    many = {str(number): number / 20 for number in range(20, 200)}

    with pytest.raises(DataError, match="180 different scores; expected a scale with at most 100"):
        agreement(many, many)


# --- scores of experts ---------------------------------------------------------------------------------------------

IDS = ["q1", "q2", "q3"]


def written(folder, name: str, text: str):
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,score\nq1,8\nq3,7.5\n"),
        ("a.csv", '\ufeffid,note,score\r\nq1,"good, mostly",8\r\nq2,,\r\nq3,"two\nlines",7.5\r\n'),
        ("a.csv", "score,id\n 8 , q1 \n\u0667.\u0665,q3"),
        ("a.jsonl", '{"id": "q1", "score": 8}\n{"id": "q2", "score": null}\n\n{"id": "q3", "score": 7.5}'),
        ("a.jsonl", '{"id": "q1", "score": "8"}\n{"id": "q3", "score": 7.5, "note": "\u2028"}\n'),
    ],
)
def test_scores_are_read_by_id_and_what_is_empty_is_not_scored(tmp_path, name, text):
    assert read_scores(written(tmp_path, name, text), IDS) == {"q1": 8.0, "q3": 7.5}


def test_numbers_are_ids_too_and_columns_have_names(tmp_path):
    path = written(tmp_path, "a.jsonl", '{"question_id": 7, "Dr A": 3, "Dr B": 9}')

    assert read_scores(path, ["7"], id_field="question_id", score_field="Dr B") == {"7": 9.0}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,score\nq1,8\nq1,9\n", r"a\.csv, line 3: id 'q1' stands in line 2 already"),
        ("a.csv", "id,score\nq9,8\n", r"line 2: id 'q9' is none of the 3 answers', such as 'q1', 'q2'"),
        ("a.csv", "id,score\nq1,11\n", r"line 2, score of 'q1' is '11'; expected a number from 1 to 10"),
        ("a.csv", "id,score\nq1,8/10\n", "is '8/10'; expected a number"),
        ("a.csv", 'id,score\nq1,"7,5"\n', "is '7,5'; expected a number from 1 to 10 with a decimal point"),
        ("a.csv", "id,score\nq1,nan\n", "is 'nan'; expected a number"),
        ("a.csv", "id;score\nq1;8\n", "line 2: no 'id'; it has 'id;score'"),
        ("a.csv", "id,score\nq1,7,5\n", "line 2: not as many cells as the 2 of the header"),
        ("a.csv", "id,score\nq1\n", "line 2: not as many cells as the 2 of the header"),
        ("a.csv", "id,score\nq1,\n", "no score in column 'score'; expected at least one"),
        ("a.csv", "", "no score in column 'score'"),
        ("a.csv", 'id,score\nq1,"8\n', "no CSV"),
        ("a.jsonl", '{"id": "q1", "score": true}', "is True; expected a number"),
        ("a.jsonl", '{"id": "q1", "score": [8]}', r"is \[8\]; expected a number"),
        ("a.jsonl", '{"id": "q1"}', "line 1: no 'score'; it has 'id'"),
        ("a.jsonl", '{"id": "q1", "score": 8}\n{"id": "q2", "sc', r"a\.jsonl, line 2 is not JSON"),
        ("a.jsonl", "[1]", "line 1 is a list; expected an object"),
        ("a.xlsx", "", r"a\.xlsx: expected a file that ends in \.csv or \.jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        read_scores(written(tmp_path, name, text), IDS)


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv: cannot be read"):
        read_scores(tmp_path / "a.csv", IDS)
    (tmp_path / "b.csv").write_bytes(b"id,score\nq1,\xff\n")
    with pytest.raises(DataError, match=r"b\.csv: cannot be read .*expected UTF-8"):
        read_scores(tmp_path / "b.csv", IDS)
