import pytest

from bimedix2_core.bench import floors
from bimedix2_core.bench.floors import Floor, at_least, is_above, no_control_above_majority, rises
from bimedix2_core.bench.medical_vqa.by_kind import ControlTest, Row
from bimedix2_core.errors import DataError
from bimedix2_core.statistics import Estimate


def row(value: float, *, language: str = "en", n: int = 100, kind: str = "all", half: float = 0.02) -> Row:
    return Row("accuracy", kind, language, Estimate(value, value - half, value + half, n), 0.5)


def test_a_floor_is_one_line_that_says_met_or_not():
    assert floors.lines([Floor("a", is_met=True), Floor("b", is_met=False)]) == "a: met\nb: NOT MET"


def test_a_value_on_its_floor_meets_it_and_one_below_does_not():
    found = at_least([row(0.93), row(0.929, language="ar"), row(0.1, kind="side")], "accuracy", 0.93)

    assert [str(floor) for floor in found] == [
        "accuracy at least 0.93 in English: met",
        "accuracy at least 0.93 in Arabic: NOT MET",
    ]


def test_too_few_samples_do_not_meet_a_floor():
    (floor,) = at_least([row(1.0, n=199)], "accuracy", 0.9, least_n=200)

    assert str(floor) == "accuracy at least 0.90 in English, n at least 200: NOT MET"


def test_a_floor_of_a_metric_that_was_not_measured_is_an_error():
    with pytest.raises(DataError, match="no row 'recall' over all kinds"):
        at_least([row(0.9)], "recall", 0.5)
    with pytest.raises(DataError, match="in 'ar'"):
        floors.overall([row(0.9)], "accuracy", "ar")


def test_a_stage_adds_where_the_intervals_are_apart():
    before = [row(0.50), row(0.50, language="ar")]
    after = [row(0.60), row(0.53, language="ar")]

    assert [floor.is_met for floor in rises(before, after, "accuracy", stage="Stage 2")] == [True, False]


def test_a_fall_is_not_a_rise_however_far_apart():
    assert not is_above(Estimate(0.2, 0.1, 0.3, 9), Estimate(0.8, 0.7, 0.9, 9))


def test_one_kind_that_beats_the_majority_fails_its_control_alone():
    def control(name: str, p: float) -> ControlTest:
        return ControlTest(name, "side", "en", Estimate(0.5, 0.4, 0.6, 9), 0.5, p)

    tests = [control("no image", 0.9), control("no image", 0.049), control("wrong image", 0.05)]

    assert [floor.is_met for floor in no_control_above_majority(tests)] == [False, True]


def test_controls_that_were_not_tested_are_an_error():
    with pytest.raises(DataError, match="no control was tested"):
        no_control_above_majority([])
