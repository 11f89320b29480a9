"""Figure 6: pieces and small bars are the numbers of Table 2."""

import pytest

from bimedix2_core.paper import reported
from bimedix2_core.paper.figures.stacked import clinical_stack
from tests.paper.figures.drawing import cut_off, demo, overlapping, reproduced, words

TABLE = reported.read("table02_clinical_llm")
SETS = ("cli_kg", "c_bio", "c_med", "med_gen", "pro_med", "ana", "medmcqa", "medqa", "usmle", "pubmedqa")


def rows_of(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def pieces(axes, place: int) -> list:
    bars = [bar for bar in axes.patches if abs(bar.get_y() + bar.get_height() / 2 - place) < 0.01]
    return sorted(bars, key=lambda bar: bar.get_x())


def test_a_bar_is_made_of_a_tenth_of_each_number_and_ends_at_the_printed_average():
    axes = clinical_stack().figure.axes[0]

    assert len(rows_of(axes)) == 12
    names = {TABLE.cell(row, "model"): row for row in TABLE.ids}
    for place, name in enumerate(rows_of(axes)):
        row, bars = names[name], pieces(axes, place)
        assert [bar.get_width() for bar in bars] == pytest.approx([float(TABLE.number(row, one)) / 10 for one in SETS])
        assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(float(TABLE.number(row, "average")), abs=0.0501)
    printed = [TABLE.cell(names[name], "average") for name in rows_of(axes)]
    assert [text.get_text() for text in axes.texts][: len(printed)] == printed
    assert printed == sorted(printed, key=float, reverse=True)


def test_rows_that_the_figure_leaves_out_are_not_there():
    names = rows_of(clinical_stack().figure.axes[0])

    assert not {"Apollo-7B", "BiMediXv1", "Apollo-72B"} & set(names)


def test_each_set_below_has_its_own_zero_and_its_best_in_bold():
    figure = clinical_stack().figure
    usmle = figure.axes[1 + SETS.index("usmle")]

    assert len(figure.axes) == 11
    assert [bar.get_x() for bar in usmle.patches] == [0] * 12
    assert usmle.patches[0].get_width() == 92.3
    assert [text.get_text() for text in usmle.texts if text.get_fontweight() == "bold"] == ["92.3"]
    c_bio = figure.axes[1 + SETS.index("c_bio")]
    assert [text.get_text() for text in c_bio.texts if text.get_fontweight() == "bold"] == ["95.1"] * 3


def test_a_measured_number_replaces_the_reported_one_and_is_hatched():
    axes = clinical_stack([reproduced("bimedix2_8b", "medqa", 67.0)]).figure.axes[0]
    place = rows_of(axes).index("BiMediX2 8B (1 of 10 measured)")
    bars = pieces(axes, place)

    assert bars[7].get_width() == pytest.approx(6.7)
    assert [bool(bar.get_hatch()) for bar in bars] == [False] * 7 + [True] + [False] * 2
    assert axes.texts[place].get_text() == "71.4"  # (703.9 - 57.0 + 67.0) / 10 = 71.39


def test_a_model_without_all_sets_stands_last_and_has_no_mean():
    axes = clinical_stack([reproduced("new", "usmle", 99.0, spread=0.5)]).figure.axes[0]

    assert rows_of(axes)[-1] == "new (measured)"
    assert axes.texts[12].get_text() == "1 of 10 sets"


def test_a_demo_is_drawn_alone_over_the_sets_it_has():
    picture = clinical_stack([demo("tiny", "medqa", 30.0), demo("tiny", "usmle", 50.0)])

    assert [bar.get_width() for bar in pieces(picture.figure.axes[0], 0)] == [15.0, 25.0]
    assert "Figure 6, demo (no result of the paper)" in words(picture.figure)
    assert "BiMediX2" not in picture.alt


def test_the_alt_text_names_highest_lowest_and_every_mean():
    alt = clinical_stack().alt

    assert "highest first: BiMediX2 70B 84.6; Llama 3.1 70B 83.8;" in alt
    assert "lowest: 31.7, BioMedGPT-LM-7B on USMLE." in alt


@pytest.mark.parametrize("cells", [[], [reproduced("bimedix2_8b", "medqa", 67.0)], [demo("tiny", "medqa", 30.0)]])
def test_words_stay_on_the_page_and_apart(cells):
    figure = clinical_stack(cells).figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
