import pytest
from review_items import item, review

from bimedix2_core.data.review.reading import read_sheet
from bimedix2_core.data.review.settlement import conflicts, opinions, settle
from bimedix2_core.data.review.sheet import write_xlsx
from bimedix2_core.errors import DataError

A, B, C = (item(name) for name in "abc")
FIRST, SECOND = (A.arabic.replace("اليسار", word) for word in ("اليمين", "الوسط"))


def test_another_verdict_or_another_correction_is_a_conflict_and_nothing_else():
    reviews = [
        review(A, "minor", corrected=FIRST),
        review(A, "minor", by="Dr B", corrected=SECOND),
        review(B, "none"),
        review(B, "major", by="Dr B"),
        review(C, "minor", category="wording"),
        review(C, "minor", by="Dr B", category="format", corrected=C.arabic + "!"),
    ]

    assert [(one.id, len(one.reviews)) for one in conflicts(reviews)] == [("a", 2), ("b", 2)]


def test_what_nobody_disputes_stands_and_the_rest_waits():
    reviews = [
        review(A, "minor", category="wording"),
        review(A, "minor", by="Dr B", category="format", corrected=FIRST),
        review(B, "none"),
        review(B, "major", by="Dr B"),
        review(C, "none"),
    ]

    settled = settle(reviews)

    assert list(settled.decisions) == ["a", "c"]
    assert [one.id for one in settled.open] == ["b"]
    decision = settled.decisions["a"]
    assert (decision.verdict, decision.categories, decision.corrected) == ("minor", ("format", "wording"), FIRST)
    assert ([one.reviewer for one in decision.reviews], decision.is_adjudicated) == (["Dr A", "Dr B"], False)


def test_the_adjudicated_verdict_wins_over_all_others():
    reviews = [review(A, "none"), review(A, "major", by="Dr B", corrected=FIRST, category="laterality")]
    ruling = review(A, "minor", by="Dr Z", category="wording", corrected=SECOND)

    settled = settle(reviews, [ruling])

    decision = settled.decisions["a"]
    assert settled.open == ()
    assert (decision.verdict, decision.corrected, decision.categories) == ("minor", SECOND, ("wording",))
    assert (decision.reviews, decision.is_adjudicated) == ((ruling,), True)


@pytest.mark.parametrize(
    ("verdict", "expected", "reviewers"),
    [("major", FIRST, ["Dr Z", "Dr B"]), ("none", "", ["Dr Z", "Dr A"]), ("minor", "", ["Dr Z"])],
)
def test_an_adjudicator_who_writes_nothing_takes_the_correction_of_those_who_agree(verdict, expected, reviewers):
    reviews = [review(A, "none"), review(A, "major", by="Dr B", corrected=FIRST)]

    decision = settle(reviews, [review(A, verdict, by="Dr Z")]).decisions["a"]

    assert (decision.corrected, [one.reviewer for one in decision.reviews]) == (expected, reviewers)


def test_the_adjudicators_sheet_shows_what_the_others_said_and_is_read_like_any_sheet(tmp_path):
    reviews = [
        review(A, "none"),
        review(A, "major", by="Dr B", category="laterality", corrected=FIRST, comment="wrong side"),
        review(B, "none"),
    ]
    said = opinions(conflicts(reviews))
    ruling = review(A, "major", by="Dr Z", corrected=FIRST)
    file = write_xlsx(tmp_path / "a.xlsx", [A], reviewer="Dr Z", earlier=said, reviews=[ruling])

    read = read_sheet(file, [A])

    assert said == {"a": f"Dr A: none\n\nDr B: major, laterality\nwrong side\n{FIRST}"}
    assert settle(reviews, read.reviews).decisions["a"].corrected == FIRST


def test_reviews_of_two_versions_of_a_text_are_never_put_together():
    newer = item("a", arabic=A.arabic + "!")

    for reviews, rulings in (
        ([review(A, "none"), review(newer, "none", by="Dr B")], []),
        ([review(A, "none")], [review(newer, "minor", by="Dr Z")]),
    ):
        with pytest.raises(DataError, match="the Arabic text was not the same for all reviewers of 'a'"):
            settle(reviews, rulings)


def test_two_rulings_on_one_item_are_an_error():
    with pytest.raises(DataError, match="adjudicated twice: 'a'"):
        settle([review(A, "none")], [review(A, "none", by="Dr Y"), review(A, "minor", by="Dr Z")])
