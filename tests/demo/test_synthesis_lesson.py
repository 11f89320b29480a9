from bimedix2_core.demo import synthesis_lesson as lesson
from bimedix2_core.records import Row, message


def result(name, language, made=None, failures=()):
    turns = [message("user", "What?"), message("assistant", made or "")]
    return {
        "id": name,
        "language": language,
        "row": Row(name, language, "qa", "x", turns).as_json() if made else None,
        "failures": list(failures),
        "attempts": [{"text": made or "Nonsense.", "failures": list(failures)}],
    }


RESULTS = [
    result("1", "en", made="A tumour is seen."),
    result("2", "en", failures=[("polarity", "yes became no")]),
    result("3", "ar", failures=[("polarity", "yes became no"), ("length", "too long")]),
]


def test_what_was_made_and_what_was_given_up_is_counted_by_check():
    table = lesson.outcome_table({"fuller": RESULTS})

    (name, n_read, n_made, refused) = table.rows[0]
    assert (name, n_read, n_made) == ("fuller", 3, 1)
    assert sorted(refused.split(", ")) == ["length 1", "polarity 2"]


def test_examples_show_the_turns_that_were_made_or_the_reason_of_a_refusal():
    assert lesson.example_table(RESULTS, is_made=True).rows == (
        ("1", "user", "What?"),
        ("1", "assistant", "A tumour is seen."),
    )
    assert lesson.example_table(RESULTS, is_made=False).rows == (
        ("2", "Nonsense.", "polarity: yes became no"),
        ("3", "Nonsense.", "polarity: yes became no; length: too long"),
    )
