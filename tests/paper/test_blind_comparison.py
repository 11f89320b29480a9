from decimal import Decimal

import pytest

from bimedix2_core.bench.blind_comparison.agreement import agreement
from bimedix2_core.bench.blind_comparison.reading import Choice
from bimedix2_core.bench.blind_comparison.shares import preference_shares
from bimedix2_core.paper.audit.claims import all_claims
from bimedix2_core.paper.blind_comparison import (
    agreement_table,
    count_table,
    preference_marks,
    preference_table,
    printed,
    remark,
)


def choice(number: int, model: str, *, reviewer: str = "R1") -> Choice:
    outcome = "chosen" if model else "open"
    return Choice(str(number), "en", reviewer, f"image {number}", outcome, model, "A")


CHOICES = [choice(number, "ours" if number < 6 else "theirs") for number in range(8)] + [choice(8, "")]
MEASURED = preference_shares(CHOICES, ("ours", "theirs"))


def test_the_printed_shares_and_the_counts_behind_them_are_those_of_the_claim():
    [claim] = [claim for claim in all_claims() if claim.id == "C21_human_preference"]
    found = printed()

    assert [share.n_chosen for share in found.shares] == [int(n) for n in claim.value["fractions_of_13"]]
    assert " / ".join(map(str, found.percent.values())) in claim.statement
    assert f"{found.n}" in claim.value["possible_n"]


def test_the_counts_round_to_what_is_printed():
    for share, percent in zip(printed().shares, printed().percent.values(), strict=True):
        assert round(Decimal(share.n_chosen) / printed().n * 100, 1) == percent


def test_the_remark_is_marked_as_inferred_and_tells_how_little_thirteen_choices_say():
    assert remark() == (
        "[inferred] The printed shares are exactly 10, 2 and 1 of 13, or of a multiple of 13; the number of cases and "
        "raters is not stated. With 13 independent choices the 95% interval of BiMediX2's 76.9 is 49.7 to 91.8, 42.1 "
        "points wide."
    )  # Wilson's interval of 10 of 13 by hand: 0.4974 to 0.9182


def test_the_papers_rows_stand_before_the_measured_ones_and_say_whose_they_are():
    table = preference_table(MEASURED, name="demo, scripted reviewers")

    whose = [row[0] for row in table.rows]
    assert whose == ["paper, A.5.1"] * 3 + ["demo, scripted reviewers"] * 2
    assert [str(row[3]) for row in table.rows] == ["76.9", "15.4", "7.7", "75.0", "25.0"]
    assert table.rows[0][2:6] == ("BiMediX2", Decimal("76.9"), Decimal("49.7"), Decimal("91.8"))
    assert table.rows[3][-2:] == (6, 8)
    assert "inferred" in table.caption


def test_a_joint_interval_is_the_wider_one_in_every_row():
    for row in preference_table(MEASURED, name="x").rows:
        low, high, joint_low, joint_high = row[4:8]
        assert joint_low <= low <= row[3] <= high <= joint_high
        assert joint_high - joint_low > high - low


def test_what_the_shares_rest_on_is_counted():
    [row] = count_table(MEASURED).rows

    assert row == ("all", 8, 0, 1, 9, 1)


def test_agreement_without_a_kappa_has_empty_cells():
    same = [choice(n, "ours", reviewer=reviewer) for n in range(4) for reviewer in ("R1", "R2")]

    [row] = agreement_table(agreement(same)).rows

    assert row[:3] == ("R1 and R2", 4, 1.0)
    assert row[5:] == (None, None, None)


def test_marks_have_the_joint_intervals_in_a_band_for_the_paper_and_one_for_ours():
    marks = preference_marks(MEASURED[0], name="demo")

    assert [mark.group for mark in marks] == ["paper, A.5.1"] * 3 + ["demo"] * 2
    assert marks[0].estimate.value == pytest.approx(10 / 13)
    assert marks[0].estimate == printed().shares[0].jointly
