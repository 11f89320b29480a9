"""Figure 9: arcs and bars are the counts of Table 12."""

import itertools

import pytest
from matplotlib.patches import Wedge

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.figures.sunburst import Source, composition_sunburst
from tests.paper.figures.drawing import cut_off, demo, overlapping, reproduced, words

COUNTS = reported.read("table12_bimed_v_composition").column("samples")
TOTAL = 1_691_407
TINY = {"tiny_qa": Source("Tiny QA", "en", "text"), "tiny_vqa": Source("Tiny VQA", "ar", "image_text")}
TINY_CELLS = [demo("tiny_qa", "samples", 30.0, None), demo("tiny_vqa", "samples", 10.0, None)]


def arcs(picture, ring: int) -> list[Wedge]:
    wedges = [one for one in picture.figure.axes[0].patches if isinstance(one, Wedge)]
    return [one for one in wedges if one.get_gid() == f"ring {ring}"]


def shares(picture, ring: int) -> list[float]:
    return [(one.theta2 - one.theta1) / 360 for one in arcs(picture, ring)]


@pytest.mark.parametrize(("ring", "count"), [(0, 2), (1, 4), (2, 19)])
def test_the_arcs_of_each_ring_close_it_without_a_gap(ring, count):
    wedges = arcs(composition_sunburst(), ring)

    assert len(wedges) == count
    assert sum(shares(composition_sunburst(), ring)) == pytest.approx(1)
    assert all(a.theta2 == pytest.approx(b.theta1) for a, b in itertools.pairwise(wedges))


def test_the_shares_of_language_and_modality_are_those_of_the_table():
    picture = composition_sunburst()

    assert shares(picture, 0) == pytest.approx([1_032_949 / TOTAL, 658_458 / TOTAL])  # facts.md, section 4
    assert shares(picture, 1) == pytest.approx([n / TOTAL for n in (666_585, 366_364, 444_995, 213_463)])
    assert sorted(shares(picture, 2)) == pytest.approx(sorted(int(n) / TOTAL for n in COUNTS.values()))


def test_an_arc_lies_within_the_arc_of_its_language():
    picture = composition_sunburst()
    english = arcs(picture, 0)[0]

    inside = [one for one in arcs(picture, 2) if one.theta2 <= english.theta2 + 1e-9]
    assert len(inside) == 12
    assert inside[-1].theta2 == pytest.approx(english.theta2)


def test_the_bars_are_the_counts_largest_first():
    axes = composition_sunburst().figure.axes[1]
    widths = [bar.get_width() for bar in axes.patches]

    assert widths == sorted((float(n) for n in COUNTS.values()), reverse=True)
    assert axes.get_yticklabels()[0].get_text() == "PubMedQA"
    assert sum(bool(bar.get_hatch()) for bar in axes.patches) == 7  # Arabic


def test_a_modality_that_is_only_our_reading_has_a_star():
    said = words(composition_sunburst().figure)

    assert said.count("text*") + said.count("image-text*") == 13
    assert said.count("text") + said.count("image-text") == 6
    assert "it is stated for 6 of 19 sources" in composition_sunburst().alt


def test_a_measured_count_replaces_the_reported_one_and_moves_all_shares():
    picture = composition_sunburst([reproduced("pubmedqa", "samples", 1_210_169.0, None)])

    assert shares(picture, 0) == pytest.approx([2_032_949 / 2_691_407, 658_458 / 2_691_407])
    assert "PubMedQA (measured)" in words(picture.figure)
    assert "2,691,407\nsamples" in words(picture.figure)


def marks(picture) -> list[float]:
    return [line.get_xdata()[0] for line in picture.figure.axes[1].lines if line.get_gid() == "reported"]


def test_a_line_across_the_bar_of_a_measured_count_marks_the_reported_one():
    picture = composition_sunburst([reproduced("pubmedqa", "samples", 1_210_169.0, None)])

    assert marks(picture) == [210_169]
    assert "A line across a bar: the reported count." in picture.alt
    assert picture.table.columns[-1] == "reported"
    assert picture.table.rows[0] == ("PubMedQA", 1_210_169, "measured", 210_169)


def test_a_reported_count_beyond_every_bar_is_still_on_the_page():
    picture = composition_sunburst([reproduced(row, "samples", 10.0, None) for row in COUNTS])

    assert picture.figure.axes[1].get_xlim()[1] == 210_169


def test_where_all_counts_are_measured_the_title_says_so_once():
    said = words(composition_sunburst([reproduced(row, "samples", 10.0, None) for row in COUNTS]).figure)

    assert "Figure 9, measured here" in said
    assert "PubMedQA" in said
    assert "PubMedQA (measured)" not in said


def test_a_source_that_was_not_built_keeps_its_place_among_the_bars_and_has_no_arc():
    picture = composition_sunburst([reproduced("medqa", "samples", 0.0, None)])

    assert len(picture.figure.axes[1].patches) == 19
    assert len(arcs(picture, 2)) == 18
    assert marks(picture) == [20_691]


@pytest.mark.parametrize("picture", [composition_sunburst(), composition_sunburst(TINY_CELLS, TINY)])
def test_without_a_reproduction_nothing_is_marked(picture):
    assert marks(picture) == []
    assert "reported count" not in picture.alt
    assert "reported" not in picture.table.columns


def test_a_modality_that_was_counted_has_no_star():
    cells = [reproduced("pmc_mcq", "samples", 7.0, None)]

    assert (
        composition_sunburst(cells, {"pmc_mcq": Source("PMC-MCQ", "en", "text")}).alt.count("stated for 7 of 19") == 1
    )
    assert composition_sunburst(cells).alt.count("stated for 6 of 19") == 1


def test_a_demo_is_drawn_alone_with_its_own_sources():
    picture = composition_sunburst(TINY_CELLS, TINY)

    assert shares(picture, 2) == [0.75, 0.25]
    assert "Figure 9, demo (no result of the paper)" in words(picture.figure)
    assert "as we read it" not in picture.alt
    assert "Highest: 30, Tiny QA; lowest: 10, Tiny VQA." in picture.alt
    assert picture.table.rows[0] == ("Tiny QA", 30, "demo")


def test_a_source_nobody_knows_is_refused_with_what_to_do():
    with pytest.raises(DataError, match="no source 'tiny_qa'; pass sources="):
        composition_sunburst(TINY_CELLS)


def test_a_composition_without_samples_is_refused():
    with pytest.raises(DataError, match="no source has a sample"):
        composition_sunburst([demo("tiny_qa", "samples", 0.0, None)], TINY)


def test_the_alt_text_says_shares_highest_and_lowest():
    alt = composition_sunburst().alt

    assert "English 61.1%, Arabic 38.9%" in alt
    assert "Highest: 210,169, PubMedQA; lowest: 1,796, Rad-VQA." in alt


@pytest.mark.parametrize(
    ("cells", "sources"),
    [
        ([], {}),
        (TINY_CELLS, TINY),
        ([reproduced(row, "samples", float(n // 2), None) for row, n in COUNTS.items()], {}),
        ([reproduced("medqa", "samples", 0.0, None)], {}),
    ],
)
def test_words_stay_on_the_page_and_apart(cells, sources):
    figure = composition_sunburst(cells, sources).figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []
