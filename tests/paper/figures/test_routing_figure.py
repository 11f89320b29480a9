"""The routing figure: signs for those who see no colour, one scale for both panels, and all of it on the page."""

import numpy as np
import pytest

from bimedix2_core.bench.expert_use import Routing, expert_use
from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.routing import routing_figure
from tests.paper.figures.drawing import cut_off, overlapping, words

TITLE = "Which experts take Arabic"


def use(gap: int, *, n_layers=2, n_experts=4, n=30):
    """Every layer: ``gap`` of Arabic's 100 choices go to expert 0 rather than 1; texts differ a little."""
    rng = np.random.default_rng(0)
    counts = {}
    for language, moved in (("en", 0), ("ar", gap)):
        shares = np.full(n_experts, 1 / n_experts)
        shares[:2] += moved / 100, -moved / 100
        counts[language] = rng.multinomial(200, shares, size=(n, n_layers))
    tokens = {language: np.full(n, 100) for language in counts}
    return expert_use(Routing(tuple(map(str, range(n))), counts, counts, tokens, 2))


@pytest.mark.parametrize(("n_layers", "n_experts"), [(4, 8), (32, 8), (2, 4), (4, 16)])
def test_all_is_on_the_page_and_nothing_over_anything_else(n_layers, n_experts):
    size = {"n_layers": n_layers, "n_experts": n_experts}
    gap = 5 if n_experts > 8 else 12

    figure = routing_figure(use(0, **size), use(gap, **size), title=TITLE, remark="Conversations of the demo.").figure

    assert cut_off(figure) == []
    assert overlapping(figure) == []


def test_a_cell_says_its_side_by_its_sign_and_bold_where_it_is_clear_of_zero():
    figure = routing_figure(use(0), use(20), title=TITLE).figure
    after = list(figure.axes[4].texts)  # bars, map and strip of the first panel come before its bars

    first, second, third, _ = (text.get_text() for text in after[:4])
    assert first.startswith("+")
    assert second.startswith("\u2212")
    assert 18 <= float(first) <= 22
    assert [text.get_fontweight() for text in after[:2]] == ["bold", "bold"]
    assert abs(float(third.replace("\u2212", "-"))) <= 3


def test_both_panels_have_one_scale_so_that_small_differences_look_small():
    figure = routing_figure(use(0), use(20), title=TITLE).figure

    limits = {axes.collections[0].get_clim() for axes in (figure.axes[1], figure.axes[4])}

    assert len(limits) == 1
    low, high = limits.pop()
    assert -low == high >= 18
    assert {"takes more English", "takes more Arabic", "before tuning", "after tuning"} <= set(words(figure))


def test_the_figure_says_how_many_tokens_of_which_texts_were_counted():
    drawn = routing_figure(use(0), use(20), title=TITLE, remark="Conversations of the demo.")
    lines = sorted(drawn.figure.texts, key=lambda text: -text.get_position()[1])
    said = " ".join(text.get_text() for text in lines)

    assert "3,000 English and 3,000 Arabic tokens" in said
    assert "30 texts" in said
    assert "Conversations of the demo." in said


def test_the_text_alternative_says_the_finding_in_numbers():
    before, after = use(0), use(20)
    alt = routing_figure(before, after, title=TITLE).alt
    one = after.mean_distance.estimate

    assert alt.startswith(f"{TITLE}. Maps of 2 layers and 4 experts")
    assert f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f}" in alt
    assert "After tuning 2 of 2 layers are further apart than chance" in alt
    assert "expert 0 of layer" in alt
    assert "expert 1 of layer" in alt
    assert "of at most 2.00 bits" in alt


def test_the_table_has_every_cell_of_both_panels():
    table = routing_figure(use(0), use(20), title=TITLE).table

    assert len(table.rows) == 2 * 2 * 4
    assert table.rows[-1][:3] == ("after tuning", 1, 3)
    for row in table.rows:
        english, arabic, difference, low, high = row[3:]
        assert difference == pytest.approx(arabic - english)
        assert low <= difference <= high


def test_models_of_other_sizes_are_not_drawn_side_by_side():
    with pytest.raises(DataError, match="one architecture"):
        routing_figure(use(0), use(20, n_layers=3), title=TITLE)
