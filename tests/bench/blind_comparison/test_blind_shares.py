import math

import numpy as np
import pytest

from bimedix2_core.bench.blind_comparison.agreement import agreement, kappa
from bimedix2_core.bench.blind_comparison.reading import Choice
from bimedix2_core.bench.blind_comparison.shares import letter_shares, preference_shares, shares_of
from bimedix2_core.errors import DataError

MODELS = ("x", "y", "z")


def choice(number, model="", *, outcome="chosen", reviewer="R1", language="en", cluster="", letter="A"):
    outcome = outcome if model else ("open" if outcome == "chosen" else outcome)
    return Choice(str(number), language, reviewer, cluster or f"image {number}", outcome, model, letter)


def many(model, n, *, first=0, **said):
    return [choice(first + number, model, **said) for number in range(n)]


def wilson(share, n, z):
    centre, half = (share + z * z / (2 * n)), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def test_shares_of_thirteen_choices_have_wilsons_interval_alone_and_goodmans_jointly():
    shares = shares_of(["x"] * 10 + ["y"] * 2 + ["z"], MODELS)

    assert [share.n_chosen for share in shares] == [10, 2, 1]
    for share, value in zip(shares, (10 / 13, 2 / 13, 1 / 13), strict=True):
        assert share.alone.value == share.jointly.value == pytest.approx(value)
        assert (share.alone.low, share.alone.high) == pytest.approx(wilson(value, 13, 1.959964))  # z of 0.975
        assert (share.jointly.low, share.jointly.high) == pytest.approx(
            wilson(value, 13, 2.393980), rel=1e-5
        )  # z of 1 - 0.05 / 6


def test_joint_intervals_hold_together_in_nineteen_of_twenty_drawn_comparisons():
    rng, truth, n_missed = np.random.default_rng(0), (0.5, 0.3, 0.2), 0
    for _ in range(200):
        drawn = rng.choice(MODELS, size=60, p=truth)
        joint = [share.jointly for share in shares_of(list(drawn), MODELS)]
        n_missed += any(not one.low <= p <= one.high for one, p in zip(joint, truth, strict=True))

    assert n_missed / 200 < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)


def test_a_model_nobody_chose_has_a_share_of_none_with_an_interval():
    z = shares_of(["x", "y", "x"], MODELS)[2]

    assert (z.n_chosen, z.alone.value, z.alone.low) == (0, 0.0, 0.0)
    assert z.jointly.high > z.alone.high > 0.5


def test_ties_and_open_rows_are_counted_and_stay_out_of_the_shares():
    choices = [*many("x", 3), choice(3, "y"), choice(4, outcome="tie"), choice(5, outcome="tie"), choice(6)]

    [found] = preference_shares(choices, MODELS)

    assert (found.n_chosen, found.n_ties, found.n_open, found.n_items, found.n_reviewers) == (4, 2, 1, 7, 1)
    assert found.n_chosen + found.n_ties + found.n_open == len(choices)
    assert [share.alone.value for share in found.shares] == [0.75, 0.25, 0.0]
    assert {share.alone.n for share in found.shares} == {4}


@pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")
def test_shares_come_over_all_by_language_and_by_reviewer_and_add_up():
    choices = [
        *many("x", 3, cluster="one image"), *many("y", 2, first=3),
        *many("y", 4, language="ar"), *many("z", 2, reviewer="R2"),
    ]  # fmt: skip

    groups = {found.group: found for found in preference_shares(choices, MODELS)}

    assert list(groups) == ["all", "language ar", "language en", "reviewer R1", "reviewer R2"]
    counts = {name: [share.n_chosen for share in found.shares] for name, found in groups.items()}
    assert counts == {
        "all": [3, 6, 2], "language ar": [0, 4, 0], "language en": [3, 2, 2],
        "reviewer R1": [3, 6, 0], "reviewer R2": [0, 0, 2],
    }  # fmt: skip
    assert all(sum(share.alone.value for share in found.shares) == pytest.approx(1) for found in groups.values())
    assert (groups["all"].n_items, groups["all"].n_reviewers) == (9, 2)  # five in English, four in Arabic


def test_choices_that_agree_within_an_image_count_for_fewer():
    apart = [choice(number, "x" if number % 2 else "y") for number in range(120)]
    together = [choice(n, "x" if n // 3 % 2 else "y", cluster=f"image {n // 3}") for n in range(120)]

    [loose], [tied] = preference_shares(apart, MODELS), preference_shares(together, MODELS)

    for one, other in zip(loose.shares[:2], tied.shares[:2], strict=True):
        assert other.alone.n_clusters == other.jointly.n_clusters == 40
        for kind in ("alone", "jointly"):
            widths = [getattr(share, kind).high - getattr(share, kind).low for share in (one, other)]
            assert widths[1] / widths[0] == pytest.approx(math.sqrt(3), rel=0.1)  # 40 images know what 40 choices would


def test_one_image_judged_by_three_reviewers_is_one_cluster():
    choices = [choice(n, "x" if n % 2 else "y", reviewer=f"R{r}") for n in range(40) for r in range(3)]

    everyone = preference_shares(choices, MODELS)[0]

    assert (everyone.shares[0].alone.n, everyone.shares[0].alone.n_clusters) == (120, 40)


def test_shares_of_nothing_are_an_error_that_names_whose():
    with pytest.raises(DataError, match="no clear choice in 'all'"):
        preference_shares([choice(0), choice(1, outcome="tie")], MODELS)
    with pytest.raises(DataError, match="no clear choice in 'reviewer R2'"):
        preference_shares([choice(0, "x"), choice(0, reviewer="R2")], MODELS)


def test_a_form_that_was_read_twice_and_a_model_that_was_not_compared_are_errors():
    with pytest.raises(DataError, match="'R1' judged question '0' \\(en\\) twice"):
        preference_shares([choice(0, "x"), choice(0, "y")], MODELS)
    with pytest.raises(DataError, match="'w' was chosen; expected one of 'x', 'y', 'z'"):
        preference_shares([choice(0, "w")], MODELS)


def test_a_reader_who_always_takes_the_first_answer_is_seen_by_letter():
    habit = [choice(number, MODELS[number % 3], letter="A") for number in range(30)]

    a, b, _ = letter_shares(habit, "ABC")

    assert (a.alone.value, b.n_chosen) == (1.0, 0)
    assert a.jointly.low > 1 / 3


# --- agreement -----------------------------------------------------------------------------------------------------


def test_kappa_is_what_the_formula_gives_by_hand():
    # same on 6 of 8; by chance: x 5/8 * 4/8 + y 3/8 * 3/8 + z 0 * 1/8 = 29/64; (48 - 29) / (64 - 29) = 19/35
    first = ["x", "x", "x", "x", "y", "y", "y", "x"]
    second = ["x", "x", "x", "x", "y", "y", "z", "y"]

    found = kappa(first, second, [str(number) for number in range(8)])

    assert found.value == pytest.approx(19 / 35)
    assert found.low < found.value < found.high <= 1


def test_kappa_of_two_who_always_say_one_and_the_same_is_undefined_and_of_full_agreement_one():
    assert kappa(["x", "x"], ["x", "x"], ["1", "2"]) is None
    assert kappa(["x", "y"] * 5, ["x", "y"] * 5, [str(number) for number in range(10)]).value == 1.0


def test_pairs_are_compared_on_what_both_answered_in_one_language_and_a_tie_is_an_answer():
    choices = [
        choice(0, "x"), choice(1, outcome="tie"), choice(2, "y"), choice(3, "x"),
        choice(0, "x", reviewer="R2"), choice(1, outcome="tie", reviewer="R2"), choice(2, "x", reviewer="R2"),
        choice(3, reviewer="R2"), choice(3, "x", reviewer="R2", language="ar"), choice(9, "x", reviewer="R3"),
    ]  # fmt: skip

    [pair] = agreement(choices)

    assert (pair.first, pair.second, pair.same.n) == ("R1", "R2", 3)
    assert pair.same.value == pytest.approx(2 / 3)
