import numpy as np
import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.packing import Piece, packed_rows

SEES = np.tril(np.ones((4, 4), dtype=bool))


def test_each_piece_is_drawn_as_wide_as_it_has_tokens():
    figure = packed_rows([[Piece("prefix", 10), Piece("en", 5), Piece("ar", 7), Piece("room", 2)]], SEES)

    bars = figure.axes[0].patches
    assert [bar.get_x() for bar in bars] == [0, 10, 15, 22]
    assert [bar.get_width() for bar in bars] == [10, 5, 7, 2]
    assert figure.axes[0].get_xlim() == (0, 24)


def test_the_mask_is_drawn_as_it_is():
    figure = packed_rows([[Piece("en", 4)]], SEES)

    assert np.array_equal(figure.axes[1].images[0].get_array(), SEES)


def test_a_kind_that_is_not_known_is_refused():
    with pytest.raises(DataError, match=r"unknown kinds of pieces \['fr'\]; expected some of prefix, en, ar, room"):
        packed_rows([[Piece("fr", 4)]], SEES)
    with pytest.raises(DataError, match="no rows to draw"):
        packed_rows([], SEES)
