"""Forest: marks with intervals in bands, and what a number of questions can tell apart."""

from itertools import pairwise

import pytest

from bimedix2_core.bench.statistics import resolution
from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.forest import Mark, forest, resolution_curve
from bimedix2_core.statistics import Estimate, proportion
from tests.paper.figures.drawing import canvas_of, cut_off, overlapping, words

SUBJECTS = {"anatomy": 135, "clinical knowledge": 265, "college biology": 144, "all questions": 1089}
MODELS = {"AceGPT 7B base, zero-shot": 0.34, "BLOOMZ 7B1-mt, few-shot": 0.37, "Llama 2 7B, few-shot": 0.31}
MARKS = [
    Mark(model, subject, proportion(round(n * (share + 0.02 * place)), n))
    for model, share in MODELS.items()
    for place, (subject, n) in enumerate(SUBJECTS.items())
]
SIZES = {100: "medical genetics", 265: "clinical knowledge", 500: "PubMedQA", 1089: "MMLU-medical",
         4183: "MedMCQA validation"}  # fmt: skip


def bands(picture):
    (axes,) = picture.figure.axes
    return [label.get_text().split("\nn = ")[0].replace("\n", " ") for label in axes.get_yticklabels()]


def drawn(picture):
    """Value of each mark with its band and its interval, from the upper left on."""
    (axes,) = picture.figure.axes
    found = []
    for line in axes.lines:
        x, y = line.get_data()
        if len(x) == 2 and y[0] == y[1] and list(x) != [0, 1]:  # those are edges of bands
            found.append([round(y[0]), round(x[0], 6), None, round(x[1], 6)])
        elif len(x) == 1:
            found[-1][2] = round(x[0], 6)
    return found


def test_every_mark_lies_on_its_interval_in_the_band_of_its_group():
    picture = forest(MARKS, title="Accuracy", summary=["all questions"])

    rows = {(row[0], row[1]): row[2:] for row in picture.table.rows}
    labels = list(dict.fromkeys(row[1] for row in picture.table.rows))
    expected = [
        [place, round(100 * low, 6), round(100 * value, 6), round(100 * high, 6)]
        for place, group in enumerate(bands(picture))
        for value, low, high, _ in [rows[group, label] for label in labels]
    ]
    assert drawn(picture) == expected
    assert len(expected) == 12


def test_bands_and_marks_are_sorted_and_the_summary_stands_last():
    picture = forest(MARKS, title="Accuracy", summary=["all questions"])

    assert bands(picture) == ["college biology", "clinical knowledge", "anatomy", "all questions"]
    assert bands(forest(MARKS, title="Accuracy"))[0] == "all questions"
    legend = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    assert legend == ["BLOOMZ 7B1-mt, few-shot", "AceGPT 7B base, zero-shot", "Llama 2 7B, few-shot"]


def test_the_numbers_stand_beside_their_marks():
    one = Estimate(0.338, 0.31, 0.367, 1089)

    picture = forest([Mark("AceGPT", "all", one)], title="Accuracy")

    assert {"33.8", "31.0 to 36.7"} <= set(words(picture.figure))
    assert "all\nn = 1,089" in words(picture.figure)


def test_a_relative_score_above_100_lies_on_the_axis_with_its_interval():
    ratios = [
        Mark("ours", "overall", Estimate(1.12, 0.98, 1.268, 193)),
        Mark("ours", "CT", Estimate(0.71, 0.6, 0.8, 40)),
    ]

    picture = forest(ratios, title="BiMed-MBench", xlabel="relative score", summary=["overall"])

    (axes,) = picture.figure.axes
    assert axes.get_xlim() == (55.0, 130.0)
    assert drawn(picture) == [[0, 60.0, 71.0, 80.0], [1, 98.0, 112.0, 126.8]]
    assert {"112.0", "98.0 to 126.8"} <= set(words(picture.figure))
    assert cut_off(picture.figure) == overlapping(picture.figure) == []


@pytest.mark.parametrize(("high", "end"), [(0.97, 100.0), (1.0, 100.0), (1.001, 105.0)])
def test_the_axis_ends_at_100_unless_something_lies_above(high, end):
    picture = forest([Mark("ours", "all", Estimate(0.9, 0.85, high, 50))], title="x")

    assert picture.figure.axes[0].get_xlim()[1] == end


def test_a_line_above_100_stands_on_the_axis_too():
    picture = forest([Mark("ours", "all", Estimate(0.9, 0.85, 0.95, 50))], title="x", lines={"their best": 1.2})

    assert picture.figure.axes[0].get_xlim() == (80.0, 125.0)


def test_lines_stand_at_their_share_with_their_name():
    picture = forest(MARKS, title="Accuracy", lines={"always D": 0.323, "chance": 0.25})

    (axes,) = picture.figure.axes
    upright = [x[0] for x in (line.get_xdata() for line in axes.lines) if len(x) == 2 and x[0] == x[1]]
    assert upright == pytest.approx([25.0, 32.3])
    assert {"chance 25.0", "always D 32.3"} <= set(words(picture.figure))
    assert picture.alt.endswith("always D at 32.3; chance at 25.0.")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: forest(MARKS, title="Arabic MMLU", lines={"chance": 0.25, "always D": 0.323}, remark="All rows. " * 30),
        lambda: forest(MARKS[:4], title="One model, one mark in a band", summary=["all questions"]),
        lambda: forest([Mark("النموذج الأول", group, one.estimate) for group, one in
                zip(["التشريح", "الطب المهني (أسئلة سريرية طويلة ومفصلة)", "en", "ar"], MARKS, strict=False)],
               title="دقة النماذج في الأسئلة الطبية", lines={"chance": 0.25}),
        lambda: resolution_curve([resolution(n, 0.34) for n in SIZES], title="One curve", names=SIZES),
        lambda: resolution_curve([resolution(n, *how) for n in SIZES for how in [(0.34,), (0.6,)]]
                         + [resolution(n, 0.8, agreement=0.9) for n in SIZES], title="Three", names=SIZES),
        lambda: resolution_curve([resolution(n, 0.34) for n in SIZES], title="ما يمكن تمييزه",
                         names=dict.fromkeys(SIZES, "أسئلة الاختيار من متعدد")),
    ],
    ids=["forest", "single marks", "Arabic forest", "curve", "three curves", "Arabic curve"],
)  # fmt: skip
def test_no_text_is_cut_off_or_written_over_another(draw):
    picture = draw()

    assert cut_off(picture.figure) == []
    assert overlapping(picture.figure) == []


def test_the_names_below_the_curve_keep_apart_however_long_they_are():
    picture = resolution_curve([resolution(n, 0.34) for n in SIZES], title="x", names=dict.fromkeys(SIZES, "one " * 9))

    canvas_of(picture.figure)
    boxes = [label.get_window_extent() for label in picture.figure.axes[0].get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_a_band_that_lacks_a_model_keeps_the_others_in_their_place():
    full, gap = forest(MARKS, title="x"), forest(MARKS[:2] + MARKS[3:], title="x")

    (axes,) = gap.figure.axes
    assert len(drawn(gap)) == len(drawn(full)) - 1
    assert len(gap.table.rows) == 11
    assert len(axes.get_yticklabels()) == 4


@pytest.mark.parametrize(
    ("marks", "options", "problem"),
    [
        ([], {}, "no marks to draw"),
        ([MARKS[0], MARKS[0]], {}, "2 marks for 1 places"),
        (MARKS, {"summary": ["law"]}, "the summary 'law' is no group; expected one of"),
        (MARKS, {"lines": {"a": 0.1, "b": 0.2, "c": 0.3}}, "3 labels and 3 lines; expected at most 4 and 2"),
        ([Mark(str(n), "all", MARKS[0].estimate) for n in range(5)], {}, "5 labels and 0 lines"),
    ],
)
def test_what_cannot_be_drawn_is_refused(marks, options, problem):
    with pytest.raises(DataError, match=problem):
        forest(marks, title="x", **options)


def test_the_curve_goes_through_its_points_and_falls_as_the_root_of_the_questions():
    points = [resolution(n, 0.34) for n in SIZES]

    picture = resolution_curve(points, title="What can be told apart", names=SIZES)

    (axes,) = picture.figure.axes
    curve, marked = axes.lines[:2]
    assert list(marked.get_xdata()) == list(SIZES)
    assert list(marked.get_ydata()) == pytest.approx([100 * point.detectable for point in points])
    for n, height in zip(*marked.get_data(), strict=True):
        nearest = min(zip(*curve.get_data(), strict=True), key=lambda place: abs(place[0] - n))
        assert nearest[1] == pytest.approx(height, rel=0.05)
    # four times the questions halve the difference, nearly
    assert points[4].detectable / points[3].detectable == pytest.approx((1089 / 4183) ** 0.5, rel=0.01)
    assert [label.get_text().split("\n")[0] for label in axes.get_xticklabels()] == [
        "100",
        "265",
        "500",
        "1,089",
        "4,183",
    ]
    assert {f"{100 * point.detectable:.1f}" for point in points} <= set(words(picture.figure))
    assert [row[:2] for row in picture.table.rows] == list(SIZES.items())


def test_points_of_another_agreement_are_another_curve_and_the_higher_one_is_numbered_above():
    points = [resolution(n, 0.6, agreement=agreement) for agreement in (0.9, 0.6) for n in (100, 1089)]

    picture = resolution_curve(points, title="x")

    legend = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    assert legend == [
        f"each model right on 60% of the questions, both right or both wrong on {share}%" for share in (60, 90)
    ]
    assert picture.alt.index("on 60%: ") < picture.alt.index("on 90%: ")
    assert f"{100 * points[2].detectable:.1f} points with 100 questions" in picture.alt


def test_questions_too_few_to_show_anything_are_left_out_and_alone_refused():
    hopeless = resolution(5, 0.5, agreement=0.99)

    with pytest.raises(DataError, match="no points at which a difference can show to draw"):
        resolution_curve([hopeless], title="x")
    picture = resolution_curve([hopeless, resolution(5000, 0.5, agreement=0.99)], title="x")
    assert [row[0] for row in picture.table.rows] == [5000]
