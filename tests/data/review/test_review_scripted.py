import pytest
from review_items import item

from bimedix2_core.data.review.agreement import agreement
from bimedix2_core.data.review.outcome import outcome
from bimedix2_core.data.review.reading import read_sheet
from bimedix2_core.data.review.sample import draw
from bimedix2_core.data.review.scripted import FAULTLESS, scripted_reviews
from bimedix2_core.data.review.settlement import conflicts, settle
from bimedix2_core.data.review.sheet import write_csv, write_xlsx
from bimedix2_core.errors import DataError

ITEMS = [item(index) for index in range(600)]
TRUTH = {one.id: ("none", "none", "none", "minor", "major")[index % 5] for index, one in enumerate(ITEMS)}
HASTY = {"none": {"none": 0.9, "minor": 0.1}, "minor": {"minor": 0.7, "none": 0.3}, "major": {"major": 1.0}}


def test_a_faultless_reviewer_says_the_truth():
    reviews = scripted_reviews(ITEMS, TRUTH, name="1", seed=0)

    assert {one.id: one.verdict for one in reviews} == TRUTH
    assert {one.reviewer for one in reviews} == {"scripted reviewer 1"}


def test_errors_come_at_the_given_rate_and_never_where_there_is_no_chance():
    said = {one.id: one.verdict for one in scripted_reviews(ITEMS, TRUTH, name="1", seed=0, confusion=HASTY)}

    of_minor = [said[id] for id, verdict in TRUTH.items() if verdict == "minor"]
    of_major = {said[id] for id, verdict in TRUTH.items() if verdict == "major"}
    assert of_minor.count("none") == pytest.approx(0.3 * 120, abs=3 * (120 * 0.3 * 0.7) ** 0.5)
    assert of_minor.count("major") == 0
    assert of_major == {"major"}


def test_what_is_said_of_an_item_depends_on_seed_and_name_and_not_on_the_other_items():
    def said(items, **settings):
        return {one.id: one.verdict for one in scripted_reviews(items, TRUTH, confusion=HASTY, **settings)}

    every = said(ITEMS, name="1", seed=0)

    assert said(ITEMS[::-7], name="1", seed=0).items() <= every.items()
    assert said(ITEMS, name="2", seed=0) != every
    assert said(ITEMS, name="1", seed=1) != every


def test_a_correction_is_given_where_something_is_wrong():
    right = {one.id: one.arabic + "!" for one in ITEMS[:5]}

    reviews = scripted_reviews(ITEMS[:5], TRUTH, name="1", seed=0, corrected=right)

    assert [one.corrected for one in reviews] == ["", "", "", right["3"], right["4"]]


@pytest.mark.parametrize(
    ("truth", "confusion", "expected"),
    [
        ({}, FAULTLESS, "the planted verdict of '0' is None"),
        ({"0": "bad"}, FAULTLESS, "the planted verdict of '0' is 'bad'"),
        ({"0": "none"}, {**FAULTLESS, "minor": {"minor": 0.9}}, "who sees minor says"),
        ({"0": "none"}, {**FAULTLESS, "minor": {"severe": 1.0}}, "who sees minor says"),
        ({"0": "none"}, {"none": {"none": 1.0}}, "who sees minor says"),
    ],
)
def test_a_script_that_is_not_whole_is_an_error(truth, confusion, expected):
    with pytest.raises(DataError, match=expected):
        scripted_reviews(ITEMS[:1], truth, name="1", seed=0, confusion=confusion)


def test_from_draw_to_rates_the_planted_truth_comes_out_right(tmp_path):
    drawn = draw(ITEMS, "bimedix2", n=150, seed=0)
    sheets = []
    for name, confusion, write, ending in (("1", FAULTLESS, write_xlsx, "xlsx"), ("2", HASTY, write_csv, "csv")):
        reviews = scripted_reviews(drawn.items, TRUTH, name=name, seed=0, confusion=confusion)
        file = write(tmp_path / f"{name}.{ending}", drawn.items, reviewer=reviews[0].reviewer, reviews=reviews)
        sheets.append(read_sheet(file, drawn.items))
    reviews = [review for sheet in sheets for review in sheet.reviews]
    disputed = [conflict.reviews[0] for conflict in conflicts(reviews)]
    ids = {one.id for one in disputed}
    rulings = scripted_reviews([one for one in drawn.items if one.id in ids], TRUTH, name="chair", seed=0)

    settled = settle(reviews, rulings)
    minor, major, _ = outcome(drawn, settled.decisions).rates

    assert all(sheet.reviewer.startswith("scripted reviewer") for sheet in sheets)
    assert 10 < len(disputed) < 30  # of 150: 90 x .1 + 30 x .3 = 18 expected
    assert settled.open == ()
    assert minor.sample.value == sum(TRUTH[one.id] == "minor" for one in drawn.items) / 150
    for rate in (minor, major):
        assert rate.whole.low < 0.2 < rate.whole.high
    (pair,) = agreement(reviews)
    assert pair.same.value == 1 - len(disputed) / 150
    assert 0.6 < pair.quadratic.low < pair.quadratic.value < 1
