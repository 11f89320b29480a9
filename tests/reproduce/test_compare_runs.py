import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "paper"))
from cells import CARD, CELL, DEMO_CELL

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import measured_file, save_measured
from bimedix2_core.reproduce.__main__ import main
from bimedix2_core.reproduce.compare_runs import compare_runs

TABLE5, TABLE2 = exhibit("table05"), exhibit("table02")
OPEN = replace(CELL, column="rad_vqa__open_q_recall", value=0.30, low=0.25, high=0.35)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "a", tmp_path / "b"


def save(folder, *cells, of=TABLE5):
    save_measured(measured_file(folder, of), of, cells)


def test_an_exhibit_that_moved_says_by_how_much_against_its_intervals_and_why(runs):
    a, b = runs
    other_prompt = replace(CARD, prompt_hash="dd44", decoding={"temperature": 0.7, "max_new_tokens": 64})
    save(a, CELL, OPEN)
    save(b, replace(CELL, value=0.49, low=0.44, high=0.54, card=other_prompt), replace(OPEN, value=0.32))

    assert compare_runs(a, b).splitlines() == [
        f"{a} -> {b}",
        "",
        "table05 (Table 5): 2 of 2 numbers moved, 1 by more than their intervals",
        "  bimedix2_8b, Rad-VQA closed accuracy (0 to 1): 0.72 [0.66, 0.77] (n 440, 11 unscored) -> 0.49 [0.44, 0.54] "
        "(n 440, 11 unscored), -0.23; more than their intervals",
        "  bimedix2_8b, Rad-VQA open recall (0 to 1): 0.3 [0.25, 0.35] (n 440, 11 unscored) -> 0.32 [0.25, 0.35] "
        "(n 440, 11 unscored), +0.02; not by more than their intervals",
        "  why:",
        "  - asked with another prompt: bb22 against dd44 (1 of 2 numbers)",
        "  - answers were generated with another temperature: 0.0 against 0.7 (1 of 2 numbers)",
        "  - the protocols agree: seed, hardware, libraries and code remain (1 of 2 numbers)",
    ]


def test_runs_that_agree_say_so_and_what_only_one_has_is_listed(runs):
    a, b = runs
    save(a, CELL, OPEN)
    save(b, CELL)
    accuracy = replace(CELL, column="medqa", value=55.0, low=50.0, high=60.0)
    save(b, accuracy, of=TABLE2)

    said = compare_runs(a, b)

    assert "table05 (Table 5): 0 of 1 numbers moved\n  only in the first: bimedix2_8b rad_vqa__open_q_recall" in said
    assert said.endswith(f"only in {b}: table02")
    assert "why" not in said


def test_equal_numbers_of_other_protocols_are_told_apart(runs):
    a, b = runs
    save(a, CELL)
    save(b, DEMO_CELL)

    said = compare_runs(a, b)

    assert "0 of 1 numbers moved\n  though measured differently:\n  - another profile: released_8b against demo" in said


def test_intervals_that_just_touch_do_not_tell_two_numbers_apart(runs):
    a, b = runs
    save(a, CELL)
    save(b, replace(CELL, value=0.80, low=0.77, high=0.85))
    assert "1 of 1 numbers moved, 0 by more than their intervals" in compare_runs(a, b)

    save(b, replace(CELL, value=0.80, low=0.7701, high=0.85))
    assert "1 of 1 numbers moved, 1 by more than their intervals" in compare_runs(a, b)


def test_counts_without_an_interval_say_so(runs):
    a, b = runs
    save(a, replace(CELL, low=None, high=None))
    save(b, replace(CELL, value=0.73, low=None, high=None))

    assert "0.72 (n 440, 11 unscored) -> 0.73 (n 440, 11 unscored), +0.01; a count, which has no interval" in (
        compare_runs(a, b)
    )


def test_folders_that_are_no_runs_are_one_clear_error_each(runs):
    a, b = runs
    save(a, CELL)
    with pytest.raises(DataError, match=r"b: no such folder; expected the outputs of a run"):
        compare_runs(a, b)
    b.mkdir()
    with pytest.raises(DataError, match=r"b: no measured exhibit there"):
        compare_runs(a, b)
    save(b, replace(CELL, column="medqa", value=55.0, low=50.0, high=60.0), of=TABLE2)
    with pytest.raises(DataError, match=r"in both runs: .*a has table05; .*b has table02"):
        compare_runs(a, b)


def test_the_command_line_prints_it(runs, capsys):
    a, b = runs
    save(a, CELL)
    save(b, CELL)

    assert main(["--compare", str(a), str(b)]) == 0
    assert "table05 (Table 5): 0 of 1 numbers moved" in capsys.readouterr().out
