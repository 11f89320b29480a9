from bimedix2_core.data.translate.summary import Summary, summary


def attempt(score, *checks):
    return {"texts": [], "is_whole": True, "failures": [[check, "where"] for check in checks], "score": score}


def result(passed, best, *attempts, row="a row"):
    return {"row": row, "passed": passed, "best": best, "attempts": list(attempts)}


def test_a_summary_counts_every_row_once_and_by_hand():
    found = summary(
        [
            result(True, 0, attempt(95.0)),
            result(True, 1, attempt(40.0, "numbers", "numbers", "units"), attempt(95.0)),
            result(False, 0, attempt(70.5, "numbers"), attempt(60.0, "empty")),
            result(False, 0, attempt(None, "n_turns"), row=None),
            result(False, None, row=None),
        ]
    )

    assert (found.n, found.n_passed, found.n_low, found.n_failed, found.n_unscored) == (5, 2, 1, 2, 2)
    assert {name: n for name, n in found.failures.items() if n} == {"n_turns": 1, "numbers": 1}
    assert {name: n for name, n in found.first_failures.items() if n} == {"n_turns": 1, "numbers": 2, "units": 1}
    assert found.scores == {70.5: 1, 95.0: 2}
    assert found.rounds == {0: 1, 1: 2, 2: 2}


def test_a_summary_of_nothing_has_every_check_with_none():
    found = summary([])

    assert isinstance(found, Summary)
    assert (found.n, found.scores, found.rounds) == (0, {}, {})
    assert set(found.failures.values()) == {0}
    assert list(found.failures) == list(summary([result(True, 0, attempt(95.0))]).failures)
