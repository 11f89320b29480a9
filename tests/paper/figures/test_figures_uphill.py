"""Figure 4: five reported bars; levels only where they were measured."""

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.uphill import LEVELS, uphill_bars
from tests.paper.figures.drawing import cut_off, demo, overlapping, reproduced, words

OVERALL = "uphill_overall_accuracy"
LEVEL_CELLS = [
    reproduced(row, level, start - 3 * index)
    for row, start in (("bimedix2_8b", 60.0), ("meditron_70b", 50.0))
    for index, level in enumerate(LEVELS)
]


def bars(picture) -> dict[str, float]:
    axes = picture.figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(names, [bar.get_width() for bar in axes.patches], strict=True))


def test_the_bars_are_the_reported_numbers_highest_first():
    assert list(bars(uphill_bars()).items()) == [
        ("BiMediX2 70B", 60.6),
        ("BiMediX2 8B", 56.1),
        ("Med42", 53.5),
        ("GPT-4", 51.5),
        ("Meditron 70B", 49.6),
    ]


def test_without_measured_levels_none_is_drawn_and_the_figure_says_why():
    picture = uphill_bars()

    assert len(picture.figure.axes) == 1
    assert "not in our sources" in " ".join(words(picture.figure))
    assert "not in our sources" in picture.alt


def test_a_measured_bar_takes_its_place_in_the_order_with_its_interval():
    picture = uphill_bars([reproduced("bimedix2_8b", OVERALL, 51.9)])
    segments = [lines.get_segments()[0][:, 0].tolist() for lines in picture.figure.axes[0].collections]

    assert list(bars(picture))[2] == "BiMediX2 8B (measured)"
    assert [pytest.approx([47.9, 55.9])] == segments
    assert [bool(bar.get_hatch()) for bar in picture.figure.axes[0].patches] == [False, False, True, False, False]


def test_each_measured_level_is_a_mark_in_its_band():
    axes = uphill_bars([reproduced("bimedix2_8b", OVERALL, 54.0)], LEVEL_CELLS).figure.axes[1]
    marks = [line for line in axes.lines if line.get_marker() != "None"]

    assert [label.get_text() for label in axes.get_yticklabels()] == list(LEVELS.values())
    assert [line.get_xdata()[0] for line in marks] == [cell.value for cell in LEVEL_CELLS]
    assert [round(line.get_ydata()[0]) for line in marks] == [0, 1, 2, 3, 4] * 2


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match="unknown levels shouting; known: neutral, mild_presupposition"):
        uphill_bars([], [reproduced("bimedix2_8b", "shouting", 10.0)])


def test_a_level_given_twice_is_refused():
    with pytest.raises(DataError, match="given twice"):
        uphill_bars([], [LEVEL_CELLS[0], LEVEL_CELLS[0]])


@pytest.mark.parametrize("overall", [[], [reproduced("bimedix2_8b", OVERALL, 51.9)]])
def test_a_demo_level_beside_the_paper_is_refused(overall):
    with pytest.raises(DataError, match="a demo's stand beside reported ones"):
        uphill_bars(overall, [demo("tiny", "neutral", 20.0)])


def test_a_demo_with_its_levels_is_drawn_alone():
    picture = uphill_bars([demo("tiny", OVERALL, 20.0)], [demo("tiny", "neutral", 25.0)])

    assert bars(picture) == {"tiny": 20.0}
    assert "Figure 4, demo (no result of the paper)" in words(picture.figure)
    assert "Levels: a demo's." in picture.alt


def test_the_alt_text_has_every_number_and_names_highest_and_lowest():
    alt = uphill_bars().alt

    assert "BiMediX2 70B 60.6, BiMediX2 8B 56.1, Med42 53.5, GPT-4 51.5, Meditron 70B 49.6" in alt
    assert "Highest: 60.6, BiMediX2 70B; lowest: 49.6, Meditron 70B." in alt


@pytest.mark.parametrize("levels", [[], LEVEL_CELLS])
def test_words_stay_on_the_page_and_apart(levels):
    figure = uphill_bars([], levels).figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
