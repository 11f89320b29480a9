from collections import Counter

import pytest

from bimedix2_core.demo.translations import parallel_rows, planted, severity, short_answers
from bimedix2_core.records import Row, message, text_of


def arabic(text: str) -> Row:
    return Row("1", "ar", "report", "demo grammar", [message("assistant", text)])


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [
        ("على اليمين عقيدة رئوية صغيرة.", "على اليمين عقيدة رئوية صغيرة", "none"),
        ("على اليمين عقيدة رئوية صغيرة.", "عقيدة رئوية صغيرة على اليمين.", "minor"),
        ("على اليمين عقيدة رئوية صغيرة.", "تظهر عقيدة صغيرة في الرئة اليمنى.", "minor"),
        ("على اليمين عقيدة رئوية صغيرة.", "على اليسار عقيدة رئوية صغيرة.", "major"),
        ("على اليمين عقيدة رئوية صغيرة.", "على اليمين عقيدة رئوية كبيرة.", "major"),
        ("على اليمين عقيدة رئوية صغيرة.", "على اليمين عقيدة رئوية.", "major"),
        ("على اليمين حصاة كلوية.", "على اليمين احتشاء دماغي.", "major"),
        ("توجد كيسة كبيرة.", "توجد كيسة كبيرة. لا أرى كيسة.", "major"),
        ("يظهر استسقاء بطني.", "لا يظهر استسقاء بطني.", "major"),
        ("تظهر كيسة. لا أرى استسقاءً بطنيًا.", "تظهر كيسة.", "major"),
        ("لا توجد تغيرات مرضية.", "الصورة طبيعية.", "minor"),
        ("لا توجد تغيرات مرضية.", "يوجد ورم.", "major"),
    ],
)
def test_the_severity_of_an_error_is_what_it_does_to_the_meaning(truth, said, expected):
    assert severity(arabic(truth), arabic(said)) == expected


def test_planted_errors_are_what_the_rule_finds_at_the_rates_asked_for():
    rows = parallel_rows(400, seed=3).arabic
    spoiled, truth = planted(rows, seed=3, minor=0.3, major=0.2)

    assert {name: severity(rows[name], spoiled[name]) for name in rows} == truth
    counts = Counter(truth.values())
    assert 0.24 < counts["minor"] / 400 < 0.36
    assert 0.15 < counts["major"] / 400 < 0.25


def test_twins_share_an_id_and_an_image_and_only_the_language_differs():
    pairs = parallel_rows(50, seed=0)

    assert [row.id for row in pairs.english] == list(pairs.arabic)
    for row in pairs.english:
        twin = pairs.arabic[row.id]
        assert (row.language, twin.language, row.task) == ("en", "ar", twin.task)
        assert [turn["role"] for turn in row.messages] == [turn["role"] for turn in twin.messages]
        assert text_of(row.messages[-1]).isascii()
        assert not text_of(twin.messages[-1]).isascii()
    assert {row.task for row in pairs.english} == {"caption", "report"}


def test_the_same_seed_draws_the_same_rows():
    assert parallel_rows(20, seed=1) == parallel_rows(20, seed=1)
    assert parallel_rows(20, seed=1) != parallel_rows(20, seed=2)


def test_short_answers_come_in_pairs_of_the_two_languages():
    rows = short_answers(10, seed=0)

    assert [row.language for row in rows] == ["en", "ar"] * 5
    assert [row.id for row in rows[::2]] == [row.id for row in rows[1::2]]
    assert all(len(text_of(row.messages[1]).split()) < 8 for row in rows)
