import pytest

from bimedix2_core.data.translate.quality import Score, back_translation_score, read_score


@pytest.mark.parametrize(
    ("answer", "value", "reasons"),
    [
        ('{"score": 92, "reasons": []}', 92, ()),
        (
            '{"score": 61.5, "reasons": ["left became right", "8 mm is missing"]}',
            61.5,
            ("left became right", "8 mm is missing"),
        ),
        ('```json\n{"score": 0, "reasons": ["a refusal"]}\n```', 0, ("a refusal",)),
        ('Here is my verdict: {"score": 100} I hope it helps.', 100, ()),
        ('The set {A, B} is kept.\n{"score": 88, "reasons": ["{style}"]} {done}', 88, ("{style}",)),
        ('{"note": "first"} {"score": 70, "reasons": null} {"score": 5}', 70, ()),
        ('{"score": "95", "reasons": "wordy"}', 95, ("wordy",)),
        ('{"reasons": [3], "score": 1e1}', 10, ("3",)),
    ],
)
def test_a_score_is_read_whatever_stands_around_it(answer, value, reasons):
    assert read_score(answer) == Score(value, reasons)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "92",
        "The score is 92.",
        '{"reasons": ["no number"]}',
        '{"score": null}',
        '{"score": true}',
        '{"score": false, "reasons": []}',
        '{"score": NaN}',
        '{"score": Infinity}',
        '{"score": -1}',
        '{"score": 100.5}',
        '{"score": "good"}',
        '{"score": "95/100"}',
        '{"score": "nan"}',
        '{"score": "9_0"}',
        '{"score": "101"}',
        '{"score": [90]}',
        '{"score": 90, "reasons": {"a": 1}}',
        '{"score": 90, "reasons": ["cut off',
        '{"verdict": {"score": 90}}',
        '["score", 90]',
        '{"a":' * 100_000,
    ],
)
def test_a_score_that_cannot_be_read_is_no_score(answer):
    assert read_score(answer) is None


def test_a_perfect_way_back_scores_100_whatever_the_case_and_the_stops():
    assert back_translation_score("No pleural effusion.", "no pleural effusion") == Score(100.0, ())


@pytest.mark.parametrize(
    ("english", "back", "value", "reasons"),
    [
        # 4 words each, 3 shared: 2 x 3 / 8
        ("A large left effusion.", "A large right effusion.", 75.0, ("lost: left", "came in: right")),
        # 5 and 3 words, 3 shared: 2 x 3 / 8
        ("no sign of an effusion", "sign of effusion", 75.0, ("lost: no, an",)),
        # 2 and 3 words, 2 shared: 2 x 2 / 5
        ("normal liver", "normal large liver", 80.0, ("came in: large",)),
        # said three times, meant once: 2 x 1 / 4
        ("cyst", "cyst cyst cyst", 50.0, ("came in: cyst",)),
        # 3 words each, 2 shared: 2 x 2 / 6 = 66.67
        ("8 mm nodule", "9 mm nodule", 66.7, ("lost: 8", "came in: 9")),
        ("a cyst", "", 0.0, ("lost: a, cyst",)),
        ("...", "?", 100.0, ()),
    ],
)
def test_the_way_back_is_scored_by_the_words_that_both_have(english, back, value, reasons):
    assert back_translation_score(english, back) == Score(value, reasons)


def test_the_order_of_words_is_not_looked_at():
    assert back_translation_score("left lung, right lung", "right lung, left lung").value == 100
