from decimal import Decimal

from bimedix2_core.demo import translation_lesson as lesson
from bimedix2_core.demo.translations import Parallel
from bimedix2_core.records import Row, message

SAID = {
    "a": ("A tumour is seen.", "يظهر ورم.", "يظهر ورم."),
    "b": ("A tumour is seen.", "يظهر ورم.", "ورم."),
    "c": ("On the left there is a cyst.", "على اليسار كيسة.", "على اليمين كيسة."),
    "d": ("A tumour is seen.", "يظهر ورم.", None),
}


def row(name, language, text):
    return Row(name, language, "report", "demo grammar", [message("assistant", text)])


def result(name, score=90.0, failures=()):
    english, _, said = SAID[name]
    attempts = [{"texts": [said or ""], "failures": list(failures), "score": score, "reasons": ["lost: seen"]}]
    return {
        "id": name,
        "source": "demo grammar",
        "english": row(name, "en", english).as_json(),
        "row": row(name, "ar", said).as_json() if said else None,
        "passed": said is not None and score >= 85,
        "best": 0,
        "attempts": attempts,
    }


PARALLEL = Parallel(
    [row(name, "en", said[0]) for name, said in SAID.items()],
    {name: row(name, "ar", said[1]) for name, said in SAID.items()},
)


def judged(protocol="ours", n=1, **scores):
    results = [result(name, scores.get(name, 90.0)) for name in SAID]
    return lesson.judge(protocol, results, PARALLEL, n=n, seed=0, threshold=85.0)


def test_each_row_is_judged_by_its_meaning_and_one_without_a_translation_is_major():
    assert judged().truth == {"a": "none", "b": "minor", "c": "major", "d": "major"}


def test_a_row_with_a_low_score_is_shown_to_the_doctors_and_comes_out_right():
    found = judged(c=20.0)

    assert found.left["c"] == "none"
    assert found.left["d"] == "major"  # nobody is shown a row that has no translation
    assert found.n_read == 2  # the low one, and one at random
    assert (found.rate("major").value, found.rate("major", after_review=True).value) == (0.5, 0.25)


def test_without_scores_only_the_random_part_is_shown():
    found = judged("bimedix2", n=3, c=20.0)

    assert found.n_read == 3
    assert list(found.left.values()) == ["none", "none", "none", "major"]


def test_scores_are_kept_apart_by_what_is_really_wrong():
    assert lesson.scores(judged(b=50.0, c=20.0)) == {"none": [90.0], "minor": [50.0], "major": [20.0]}


def test_the_table_of_protocols_counts_errors_before_and_after_review():
    table = lesson.protocol_table([judged(c=20.0)])

    assert dict(zip(table.columns, table.rows[0], strict=True)) == {
        "protocol": "ours",
        "rows": 4,
        "attempts": 4,
        "passed": 2,
        "minor, %": "25.0 (4.6-69.9)",
        "major, %": "50.0 (15.0-85.0)",
        "read by doctors": 2,
        "major left, %": "25.0 (4.6-69.9)",
    }


def test_an_attempt_is_shown_with_its_score_and_what_was_wrong():
    table = lesson.attempt_table(result("c", 42.04, [("numbers", "5 is missing")]))

    assert table.rows == ((1, "على اليمين كيسة.", Decimal("42.0"), "numbers: 5 is missing; lost: seen", "taken"),)
