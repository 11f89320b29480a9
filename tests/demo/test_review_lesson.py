from bimedix2_core.data.review.outcome import outcome
from bimedix2_core.data.review.settlement import conflicts, settle
from bimedix2_core.demo import review_lesson as lesson
from bimedix2_core.demo.translations import parallel_rows


def test_a_rehearsed_review_comes_out_as_planted(tmp_path):
    rehearsal = lesson.rehearse(parallel_rows(200, seed=0), tmp_path, n=200, seed=0)
    disputed = conflicts(rehearsal.reviews)
    settled = settle(rehearsal.reviews, rehearsal.third_opinion(disputed))
    found = outcome(rehearsal.drawn, settled.decisions)

    assert len(rehearsal.reviews) == 400
    assert 0 < len(disputed) < 60
    planted = list(rehearsal.truth.values())
    for rate in found.rates[:2]:
        assert rate.sample.low <= planted.count(rate.name) / 200 <= rate.sample.high
    table = lesson.rate_table(found, rehearsal.truth)
    assert [row[0] for row in table.rows] == ["minor", "major", "minor or major"]
    assert [row[3] for row in table.rows] == [
        f"{planted.count('minor') / 2:.1f}",
        f"{planted.count('major') / 2:.1f}",
        f"{(planted.count('minor') + planted.count('major')) / 2:.1f}",
    ]
    assert [row[4] for row in table.rows] == [22, 5, None]


def test_as_long_as_no_sheet_came_back_the_table_says_so(tmp_path):
    assert lesson.returned_sheets(tmp_path / "returned", []) == []
    table = lesson.returned_table(None, {})

    assert table.rows == ()
    assert "No sheet has come back" in table.caption
