"""Seed dots: each training on its interval, in the order given, and the mean apart from them."""

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.seed_dots import SeedDot, seed_dots
from bimedix2_core.statistics import Estimate
from tests.paper.figures.drawing import cut_off, overlapping, words

ROWS = {"baseline": 0.18, "Stage 1": 0.45, "Stage 2 in both languages": 0.92}
COLUMNS = {"BiMed-MBench English overall": 0.0, "Clinical LLM average": 0.02}
REMARK = "Judge: rubric. Intervals are over questions. " + "Several trainings show how far seeds differ. " * 3


def dots(*seeds):
    """Each seed a point above the one before; the mean, where it is asked for, a point below the first."""
    return [
        SeedDot(row, column, seed, around(value + shift + (-0.01 if seed is None else 0.01 * seed)))
        for column, shift in COLUMNS.items()
        for row, value in ROWS.items()
        for seed in seeds
    ]


def around(value, spread=0.05):
    return Estimate(value, value - spread, value + spread, 93)


def drawn(axes):
    """Row, low, value and high of each mark, from above."""
    found = []
    for line in axes.lines:
        x, y = (list(values) for values in line.get_data())
        if len(x) == 2 and y[0] == y[1] and x != [0, 1]:  # those are edges of bands
            found.append([round(y[0]), y[0], round(x[0], 6), None, round(x[1], 6)])
        elif len(x) == 1:
            found[-1][3] = round(x[0], 6)
    return sorted(found, key=lambda one: one[1])


def test_each_training_lies_on_its_interval_in_the_band_of_its_row():
    left, right = seed_dots(dots(0, 1, None), title="Table 9").figure.axes

    first = [(row, low, value, high) for row, _, low, value, high in drawn(left)][:3]
    assert first == [(0, 13.0, 18.0, 23.0), (0, 14.0, 19.0, 24.0), (0, 12.0, 17.0, 22.0)]  # the mean stands last
    assert [one[0] for one in drawn(right)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [one[3] for one in drawn(right)[-3:]] == [94.0, 95.0, 93.0]


def test_rows_keep_their_order_whatever_their_numbers_are():
    picture = seed_dots(list(reversed(dots(0))), title="Table 9")

    labels = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert labels == list(reversed(ROWS))
    assert picture.figure.axes[0].get_ylim() == (2.5, -0.5)  # the first above


def test_colour_and_marker_tell_the_mean_from_the_seeds():
    (legend,) = seed_dots(dots(0, 1, None), title="Table 9").figure.legends
    looks = [(line.get_color(), line.get_marker()) for line in legend.get_lines()]

    assert [text.get_text() for text in legend.get_texts()] == ["seed 0", "seed 1", "mean over the seeds"]
    assert len({marker for _, marker in looks}) == 3
    assert looks[0][0] == looks[1][0] != looks[2][0]


@pytest.mark.parametrize("seeds", [(0,), (0, 1, None), (3, 1, 2, None)])
def test_nothing_is_cut_off_or_written_over(seeds):
    figure = seed_dots(
        dots(*seeds), title="Table 9. What each training stage adds to the 8B (demo)", remark=REMARK
    ).figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
    assert "Stage 2 in both languages" in words(figure)


def test_the_alternative_and_the_table_have_every_number():
    picture = seed_dots(dots(0, None), title="Table 9")

    assert "BiMed-MBench English overall, baseline: seed 0 18.0 (13.0 to 23.0), mean over the seeds 17.0" in picture.alt
    assert len(picture.table.rows) == 12
    assert picture.table.rows[0][:3] == ("baseline", "BiMed-MBench English overall", "seed 0")
    assert picture.table.rows[0][3:] == pytest.approx((18.0, 13.0, 23.0, 93))


def test_two_dots_for_one_place_and_a_fourth_seed_are_refused():
    with pytest.raises(DataError, match="7 dots for 6 places"):
        seed_dots([*dots(0), dots(0)[0]], title="t")
    with pytest.raises(DataError, match="at most 3 seeds"):
        seed_dots(dots(0, 1, 2, 3), title="t")
    with pytest.raises(DataError, match="no dots to draw"):
        seed_dots([], title="t")
