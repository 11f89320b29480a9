from collections import Counter

import pytest
from blind_items_made import MODELS, items

from bimedix2_core.bench.blind_comparison.form import make_form
from bimedix2_core.bench.blind_comparison.reading import read_form
from bimedix2_core.bench.blind_comparison.scripted import scripted_choices, scripted_reviewer
from bimedix2_core.bench.blind_comparison.shares import letter_shares, preference_shares
from bimedix2_core.bench.blind_comparison.sheet import write_form
from bimedix2_core.errors import DataError

N = 60
SCORES = {
    f"id-{number}": dict(zip(MODELS, (3.0, 2.0, 1.0) if number % 3 else (1.0, 2.0, 3.0), strict=True))
    for number in range(N)
}


def form(n=N, language="en", name="a"):
    return make_form(items(n, language=language), reviewer=scripted_reviewer(name), seed=0)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_scripted_reviewer_prefers_what_scores_best_through_form_and_key(tmp_path, language):
    asked = form(language=language)
    filled = write_form(tmp_path / "form.xlsx", asked, choices=scripted_choices(asked, SCORES))

    choices = read_form(filled, asked)

    [found] = preference_shares(choices, MODELS)
    assert [share.n_chosen for share in found.shares] == [40, 0, 20]  # by SCORES
    assert {choice.reviewer for choice in choices} == {"scripted reviewer a"}
    assert max(abs(share.alone.value - 1 / 3) for share in letter_shares(choices, "ABC")) < 0.2  # the order is random


def test_equal_best_scores_are_a_tie_and_equal_others_are_none(tmp_path):
    asked = form(2)
    scores = {"id-0": dict(zip(MODELS, (5, 5, 1), strict=True)), "id-1": dict(zip(MODELS, (1, 5, 1), strict=True))}

    said = scripted_choices(asked, scores)

    by_id = {row.id: said[row.label] for row in asked.rows}
    second = next(row for row in asked.rows if row.id == "id-1")
    assert by_id == {"id-0": "tie", "id-1": "ABC"[second.models.index("betamed")]}


def test_slips_come_at_their_rate_and_differ_between_two_reviewers():
    asked, other = form(name="a"), form(name="b")
    faultless, always = scripted_choices(asked, SCORES), scripted_choices(asked, SCORES, slip=1.0)

    assert scripted_choices(asked, SCORES, slip=0.0) == faultless
    assert set(Counter(always.values())) == set("ABC")
    assert sum(always[label] != faultless[label] for label in always) / N == pytest.approx(2 / 3, abs=0.2)
    slipped = []
    for one in (asked, other):
        right, said = (scripted_choices(one, SCORES, slip=slip) for slip in (0.0, 0.5))
        slipped.append({row.id for row in one.rows if said[row.label] != right[row.label]})
    assert slipped[0] != slipped[1]


def test_a_script_never_fills_the_form_of_an_expert():
    with pytest.raises(DataError, match="is for 'R1'; only a 'scripted reviewer' may fill one by script"):
        scripted_choices(make_form(items(2), reviewer="R1", seed=0), SCORES)


def test_a_score_that_is_missing_is_an_error():
    with pytest.raises(DataError, match="question 'id-0' has no score for betamed, gammamed"):
        scripted_choices(form(1), {"id-0": {"alphamed": 1.0}})
