"""Figures 2 and 5: what is written into the boxes, and that it stays there."""

from dataclasses import replace

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.architecture import Size, architecture, shortened
from bimedix2_core.paper.figures.translation import FRAMEWORK, Step, translation_framework
from tests.paper.figures.drawing import canvas_of, cut_off, overlapping, words

SMALL = Size("small", vision_encoder=123_456, projector=41_472, language_model=2_500_000, lora=65_536)
LARGE = Size("large", vision_encoder=303_507_456, projector=20_979_712, language_model=8_030_261_248, lora=20_971_520)


def boxes(figure: Figure) -> dict[str, FancyBboxPatch]:
    return {one.get_gid(): one for one in figure.axes[0].patches if isinstance(one, FancyBboxPatch) and one.get_gid()}


def outside_their_boxes(figure: Figure) -> list[str]:
    """Words in the drawing that lie in no box."""
    canvas = canvas_of(figure)
    renderer = canvas.get_renderer()
    frames = [box.get_window_extent(renderer) for box in boxes(figure).values()]
    extents = {text.get_text(): text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()}
    return [
        words
        for words, one in extents.items()
        if not any(f.x0 <= one.x0 and one.x1 <= f.x1 and f.y0 <= one.y0 and one.y1 <= f.y1 for f in frames)
    ]


def test_each_part_carries_its_weights_for_each_size():
    said = words(architecture([SMALL, LARGE]).figure)

    for line in ("small: 123,456", "large: 303.5 M", "small: 41,472", "large: 20.98 M", "small: 2.500 M",
                 "large: 8.030 B", "small: 65,536", "large: 20.97 M"):  # fmt: skip
        assert line in said


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (999_999, "999,999"),
        (1_000_000, "1.000 M"),
        (20_979_712, "20.98 M"),
        (999_999_999, "1.000 B"),
        (8_030_261_248, "8.030 B"),
        (70_553_706_496, "70.55 B"),
    ],
)
def test_a_count_is_shortened_to_four_figures(count, text):
    assert shortened(count) == text


def test_what_a_stage_trains_has_a_thick_edge():
    found = boxes(architecture([LARGE]).figure)

    thick = {name for name, box in found.items() if box.get_linewidth() > 1.5}
    assert thick == {"Projector", "LoRA"}
    assert set(found) == {"Medical image", "Vision encoder", "Projector", "Question", "Tokenizer", "Language model",
                          "LoRA", "Answer"}  # fmt: skip


def test_the_exact_counts_stand_in_the_table():
    table = architecture([LARGE]).table

    assert table.columns == ("part", "large", "stages")
    assert dict(row[:2] for row in table.rows) == {
        "Vision encoder": 303_507_456,
        "Projector": 20_979_712,
        "Language model": 8_030_261_248,
        "LoRA": 20_971_520,
    }


def test_what_is_inferred_is_called_so():
    picture = architecture([LARGE])

    assert "frozen in both stages*" in words(picture.figure)
    assert "is inferred from the released scripts" in picture.alt


def test_a_part_without_weights_and_no_size_at_all_are_errors():
    with pytest.raises(DataError, match="large: projector without weights"):
        replace(LARGE, projector=0)
    with pytest.raises(DataError, match="no sizes to draw"):
        architecture([])


def test_the_framework_says_what_the_doctors_found_and_what_is_not_known():
    picture = translation_framework()

    assert "22% minor and 5% major" in picture.alt
    assert "Not in our sources: the size of the random checks" in picture.alt
    assert list(boxes(picture.figure)) == [step.name for step in FRAMEWORK]
    assert "Figure 5, as the paper describes it" in words(picture.figure)


def test_the_second_row_runs_back_from_the_right():
    third, fourth, fifth = list(boxes(translation_framework().figure).values())[2:]

    assert third.get_x() == fourth.get_x() > fifth.get_x()
    assert fourth.get_y() == fifth.get_y() > third.get_y() + third.get_height()


def test_other_steps_are_not_called_the_papers():
    picture = translation_framework([Step("Translate", ("with a tiny model",)), *FRAMEWORK[3:]])

    assert "with other steps than the paper" in picture.alt


def test_a_framework_without_steps_is_an_error():
    with pytest.raises(DataError, match="no steps to draw"):
        translation_framework([])


@pytest.mark.parametrize(
    "draw",
    [lambda: architecture([SMALL]), lambda: architecture([SMALL, LARGE, LARGE]), translation_framework],
    ids=["one size", "three sizes", "framework"],
)
def test_words_stay_in_their_boxes_and_apart(draw):
    before = dict(mpl.rcParams)
    figure = draw().figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
    assert outside_their_boxes(figure) == []
    assert dict(mpl.rcParams) == before
