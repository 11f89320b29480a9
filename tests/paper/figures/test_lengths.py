import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.lengths import length_histogram


def heights(axes):
    return [round(bar.get_height()) for bar in axes.patches]


def test_each_sample_stands_in_one_bar_and_the_median_is_marked():
    picture = length_histogram({"en": {0: 2, 3: 1, 9: 2}, "ar": {2: 3, 4: 3}}, title="Lengths")

    english, arabic = picture.figure.axes
    assert heights(english) == [2, 0, 0, 1, 0, 0, 0, 0, 0, 2]  # one bar for each length up to the longest
    assert heights(arabic) == [0, 0, 3, 0, 3, 0, 0, 0, 0, 0]
    assert english.get_xlim() == arabic.get_xlim()
    assert [axes.lines[0].get_xdata()[0] for axes in (english, arabic)] == [3, 2]  # of two equal halves the shorter


def test_many_lengths_share_bars_and_none_is_lost():
    picture = length_histogram({"en": dict.fromkeys(range(1000), 3)}, title="Lengths")

    (axes,) = picture.figure.axes
    assert len(axes.patches) == 40
    assert sum(heights(axes)) == 3000


def test_the_alternative_says_what_is_drawn():
    picture = length_histogram({"en": {5: 2, 8: 1}, "ar": {4: 1}}, title="Lengths (demo)")

    assert picture.alt == (
        "Lengths (demo): a histogram for each language. English: 3 samples of 5 to 8 tokens, median 5; "
        "Arabic: 1 samples of 4 to 4 tokens, median 4."
    )


def test_nothing_is_not_drawn():
    with pytest.raises(DataError, match="no groups of lengths to draw"):
        length_histogram({}, title="x")
    with pytest.raises(DataError, match="no lengths of 'ar' to draw"):
        length_histogram({"en": {1: 1}, "ar": {}}, title="x")
