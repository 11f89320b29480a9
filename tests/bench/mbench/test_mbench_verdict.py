"""The first line of a verdict: two scores or none, never a guess; and what the published script makes of it."""

import pytest

from bimedix2_core.bench.judge.problems import CUT_OFF, REFUSAL
from bimedix2_core.bench.mbench import original_scores, strict_scores


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("8 7", (8, 7)),
        ("8 7\nAssistant 1 says more; 9 of 10 would agree.", (8, 7)),
        ("10 1\n", (10, 1)),
        ("8.5 7", (8.5, 7)),
        ("10.0 9.25\nx", (10, 9.25)),
        ("8  7\nx", (8, 7)),
        ("8\t7\nx", (8, 7)),
        ("\n\n 8 7 \r\nx", (8, 7)),
        ("8, 7\nx", (8, 7)),
        ("8 , 7\nx", (8, 7)),
        ("٨ ٧\nالشرح", (8, 7)),
        ("١٠ ٩", (10, 9)),
        ("٨٫٥ ٧", (8.5, 7)),
        ("٨، ٧", (8, 7)),
        ("\u200f8 7\u200f\nالشرح", (8, 7)),  # direction marks
        ("\ufeff8\u00a07", (8, 7)),  # byte order mark, no-break space
    ],
)
def test_two_numbers_alone_on_the_first_line_are_the_scores(text, scores):
    found = strict_scores(text)

    assert ((found.first, found.second), found.problem) == (scores, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "nothing on the first line"),
        (" \n\t\n", "nothing on the first line"),
        ("Both answers are good.", "no number on the first line: 'Both answers are good.'"),
        ("I'm sorry, I can't rate medical advice.", "no number on the first line"),
        ("Here are the scores:\n8 7", "no number on the first line"),
        ("8", "another count of numbers than two"),
        ("8 7 9", "another count of numbers than two"),
        ("8 7 (of 10)", "another count of numbers than two"),
        ("8/10 7/10", "another count of numbers than two"),
        ("8,5 7,5", "another count of numbers than two"),  # decimal commas
        ("8,7", "two numbers that are not alone, or may be one, on the first line: '8,7'"),
        ("٨،٧", "two numbers that are not alone, or may be one"),
        ("11/10", "two numbers that are not alone, or may be one"),
        ("8-7", "two numbers that are not alone"),
        ("8 - 7", "two numbers that are not alone"),
        ("8 and 7", "two numbers that are not alone"),
        ("**8 7**", "two numbers that are not alone"),
        ("8 7.", "two numbers that are not alone"),
        ("-8 7", "two numbers that are not alone"),
        ("Assistant 1: 8\nAssistant 2: 7", "two numbers that are not alone"),
        ("11 10", "a score off the scale on the first line: '11 10'"),
        ("8 0", "a score off the scale"),
        ("10.5 9", "a score off the scale"),
        ("85 70", "a score off the scale"),
        ("nan 7", "another count of numbers than two"),
        ("9" * 400 + " 7", "a score off the scale"),
        ("eight seven", "no number"),
    ],
)
def test_everything_else_is_unscored_with_its_problem(text, problem):
    found = strict_scores(text)

    assert (found.first, found.second) == (None, None)
    assert problem in found.problem


def test_a_verdict_that_was_broken_off_in_its_first_line_may_have_lost_a_digit():
    assert strict_scores("8 1", CUT_OFF).problem == f"the first line may lack its end: '8 1' ({CUT_OFF})"
    assert strict_scores("8 1\nBecause", CUT_OFF).second == 1  # its first line is whole
    assert strict_scores("8 1").second == 1


def test_the_problem_of_the_verdict_itself_is_kept():
    assert strict_scores(None, "status 500").problem == "not judged: status 500"
    assert original_scores(None, "status 500").problem == "not judged: status 500"
    assert strict_scores("I can't.", REFUSAL).problem == 'no number on the first line: "I can\'t." (refusal)'


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("8 7\nx", (8, 7)),
        ("\n8 7\nx", (8, 7)),
        ("11 10\nx", (11, 10)),  # off the scale, and taken
        ("0 0", (0, 0)),
        ("-3 1e1", (-3, 10)),
        ("٨ ٧", (8, 7)),  # Python reads digits of any script
    ],
)
def test_the_published_script_takes_whatever_python_reads_as_two_numbers(text, scores):
    found = original_scores(text)

    assert ((found.first, found.second), found.problem) == (scores, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("8  7\nx", "stops here: 3 parts on the first line, not 2"),
        ("8 7 \nx", "stops here: 3 parts"),
        ("8 7 9", "stops here: 3 parts"),
        ("8,7", "stops here: 1 parts"),
        ("8, 7", "stops here: could not convert string to float: '8,'"),
        ("8/10 7/10", "stops here: could not convert"),
        ("Good answers.", "stops here: could not convert"),
        ("", "stops here: 1 parts"),
        ("8\t7", "stops here: 1 parts"),
        ("nan 7", "makes every mean nan or infinite here"),
    ],
)
def test_what_would_stop_the_published_script_is_said(text, problem):
    found = original_scores(text)

    assert (found.first, found.second) == (None, None)
    assert problem in found.problem
