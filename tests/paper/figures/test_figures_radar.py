"""Figure 1: both charts hold the numbers of Tables 3 and 4."""

import numpy as np
import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.figures.radar import mbench_radar
from tests.paper.figures.drawing import cut_off, demo, overlapping, reproduced, words

DOMAINS = ("ct", "mri", "cxr", "histology", "gross")


def printed(row: str) -> list[float]:
    tables = [reported.read(name) for name in ("table03_bimed_mbench_en", "table04_bimed_mbench_ar")]
    return [float(table.number(row, domain)) for table in tables for domain in DOMAINS]


def radar_lines(picture) -> dict[str, list[float]]:
    return {line.get_label(): line.get_ydata().tolist() for line in picture.figure.axes[0].lines}


def dots(picture) -> list[tuple[float, float]]:
    """Value and place of each dot, the lines of intervals left out."""
    marks = [line for line in picture.figure.axes[1].lines if line.get_marker() not in ("None", None, "")]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks]


def test_each_closed_line_of_the_radar_has_the_ten_printed_numbers():
    lines = radar_lines(mbench_radar())

    assert len(lines) == 6
    for row, values in lines.items():
        assert values == [*printed(row), printed(row)[0]]


def test_the_axes_run_clockwise_with_english_at_the_right():
    axes = mbench_radar().figure.axes[0]
    angles = axes.lines[0].get_xdata()[:10]

    assert axes.get_theta_direction() == -1
    assert np.allclose(np.diff(angles), 2 * np.pi / 10)
    assert (np.sin(angles[:5]) > 0).all()
    assert (np.sin(angles[5:]) < 0).all()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["CT", "MRI", "CXR", "Histology", "Gross"] * 2


def test_the_dots_are_the_same_numbers():
    found = sorted(value for value, _ in dots(mbench_radar()))

    assert found == sorted(value for row in radar_lines(mbench_radar()) for value in printed(row))


def test_no_dot_hides_another():
    places = dots(mbench_radar())

    assert len(set(places)) == 60
    for index, (value, place) in enumerate(places):
        for other, beside in places[index + 1 :]:
            assert abs(value - other) > 1.2 or abs(place - beside) > 0.25


def test_a_measured_number_replaces_the_reported_one_in_both_charts():
    picture = mbench_radar([reproduced("bimedix2_8b", "mri", 51.2)])

    assert radar_lines(picture)["bimedix2_8b"][:2] == [58.9, 51.2]
    values = [value for value, _ in dots(picture)]
    assert 51.2 in values
    assert 56.8 not in values
    assert "BiMediX2 8B (1 of 10 measured)" in picture.alt


def test_the_alt_text_names_the_highest_and_the_lowest():
    alt = mbench_radar().alt

    assert "Highest: 71.7, BiMediX2 8B on CXR; lowest: 10.8, BiomedGPT on MRI_ar." in alt
    assert alt.index("Dragonfly-Med") < alt.index("BiomedGPT.")


def test_a_demo_is_drawn_without_the_paper():
    picture = mbench_radar([demo("tiny", "ct", 40.0), demo("tiny", "mri", 30.0), demo("tiny", "cxr", 20.0)])

    assert radar_lines(picture) == {"tiny": [40.0, 30.0, 20.0, 40.0]}
    assert "Figure 1, demo (no result of the paper)" in words(picture.figure)
    assert "BiMediX2" not in picture.alt


def test_a_demo_among_reproduced_numbers_is_refused():
    with pytest.raises(DataError, match="are mixed"):
        mbench_radar([demo("tiny", "ct", 40.0), reproduced("bimedix2_8b", "mri", 51.2)])


def test_the_table_beside_it_holds_the_numbers():
    table = mbench_radar().table

    assert len(table.rows) == 6
    assert [float(cell) for cell in table.rows[-1][1:-1]] == printed("bimedix2_8b")


@pytest.mark.parametrize("cells", [[], [reproduced("bimedix2_8b", "ct", 62.3)], [demo("tiny", "ct", 40.0)]])
def test_words_stay_on_the_page_and_apart(cells):
    figure = mbench_radar(cells).figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
