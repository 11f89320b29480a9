"""The pictures of the audit: all rows are drawn, what stands out is named, nothing is cut off."""

from dataclasses import replace
from decimal import Decimal

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.effects import effects
from bimedix2_core.paper.audit.recomposition import all_averages, table_4
from bimedix2_core.paper.figures.audit import average_gaps, effect_sizes, overall_recomposed
from tests.paper.figures.drawing import canvas_of

PICTURES = {
    "averages": (average_gaps, all_averages),
    "recomposition": (overall_recomposed, table_4),
    "effects": (effect_sizes, effects),
}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def markers(figure: Figure, shape: str) -> list:
    return [line for line in figure.axes[0].lines if line.get_marker() == shape]


def test_every_average_is_a_dot_and_those_rounding_does_not_explain_are_named():
    figure = average_gaps(all_averages(), title="Averages")

    assert len(markers(figure, "o")) == 55
    assert len(markers(figure, "D")) == 1
    assert len(markers(figure, ">")) == 1
    assert words(figure) == [
        "BioMedGPT: printed 0.145, recomputed 0.1444",
        "BiMediX (Bilingual): printed 56.5, recomputed 57.34",
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][:2] == ["Table 2  n = 15", "Table 3  n = 7"]


def test_an_average_just_outside_the_band_is_named_and_one_at_its_edge_is_not():
    average = replace(all_averages()[0], printed=Decimal("50.0"), recomputed=Decimal("50.05"))

    assert words(average_gaps([average])) == []
    assert len(words(average_gaps([replace(average, recomputed=Decimal("50.051"))]))) == 1


def test_the_recomposition_shows_both_values_and_makes_those_off_bold():
    figure = overall_recomposed(table_4())
    bold = [text.get_text() for axes in figure.axes for text in axes.texts if text.get_fontweight() == "bold"]

    assert bold == ["13.61", "19.27", "25.32", "49.61"]
    assert "50.48" in words(figure)
    assert len(markers(figure, "o")) == len(markers(figure, "D")) == 7


def test_a_gain_without_an_interval_is_hollow_and_says_what_is_not_known():
    figure = effect_sizes(effects())
    hollow = [line for line in markers(figure, "o") if line.get_markerfacecolor() == "white"]

    assert len(hollow) == 3
    assert len(markers(figure, "o")) == 12
    assert words(figure).count("n = 193") == 2
    assert words(figure).count("n not stated") == 1
    assert "+3.6 to +13.4, n = 325" in words(figure)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_keeps_its_words_inside_and_leaves_no_trace_in_the_settings(name):
    draw, data = PICTURES[name]
    before = dict(mpl.rcParams)

    figure = draw(data(), title="A title")

    assert dict(mpl.rcParams) == before
    canvas = canvas_of(figure)
    renderer = canvas.get_renderer()
    width, height = canvas.get_width_height()
    axes = figure.axes[0]
    for text in [*figure.texts, *axes.texts, *axes.get_yticklabels(), *axes.get_legend().get_texts()]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()
        assert 0 <= box.y0 <= box.y1 <= height, text.get_text()


@pytest.mark.parametrize("draw", [average_gaps, overall_recomposed, effect_sizes])
def test_a_picture_of_nothing_is_an_error(draw):
    with pytest.raises(DataError, match="to draw; expected at least one"):
        draw([])
