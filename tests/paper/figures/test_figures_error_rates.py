import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.error_rates import error_rates, scores_by_class
from bimedix2_core.statistics import proportion


def test_each_bar_is_as_high_as_its_rate_and_carries_its_interval():
    rates = {
        "minor": {"a": proportion(2, 10), "b": proportion(5, 10)},
        "major": {"a": proportion(1, 10), "b": proportion(0, 10)},
    }
    axes = error_rates(rates, title="t").axes[0]

    heights = [
        [round(bar.get_height(), 6) for bar in bars] for bars in axes.containers if hasattr(bars[0], "get_height")
    ]
    assert heights == [[20.0, 10.0], [50.0, 0.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["minor", "major"]
    low, high = axes.containers[1].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((100 * proportion(2, 10).low, 100 * proportion(2, 10).high))


def test_scores_stand_in_the_row_of_their_class_and_within_the_axis():
    axes = scores_by_class({"none": [100.0, 90.0], "major": [10.0]}, threshold=85, title="t").axes[0]

    places = [collection.get_offsets() for collection in axes.collections]
    assert [list(one[:, 0]) for one in places] == [[100.0, 90.0], [10.0]]
    assert all(abs(y - row) < 0.5 for row, one in enumerate(places) for y in one[:, 1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["none (2)", "major (1)"]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(DataError):
        error_rates({}, title="t")
    with pytest.raises(DataError):
        scores_by_class({}, threshold=85, title="t")
