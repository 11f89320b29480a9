"""The tables of the routers: a row for each layer, their mean below, and what one expert takes."""

import pytest

from bimedix2_core.bench.expert_use import TokenUse, distance_change
from bimedix2_core.paper.routing import routing_table, token_table
from tests.paper.figures.test_routing_figure import use


def test_a_layer_has_its_distances_with_interval_its_p_and_its_loads():
    before, after = use(0), use(20)
    table = routing_table(before, after, distance_change(before, after))
    layer = after.layers[1]
    row = dict(zip(table.columns, table.rows[1], strict=True))
    one = layer.distance.estimate

    assert [row[0] for row in table.rows] == ["0", "1", "mean"]
    assert row["distance, after"] == f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
    assert row["p, after"] == "< 0.001"
    assert row["max/mean ar, after"] == pytest.approx(layer.balance["ar"].max_over_mean)
    assert row["change"].startswith("+0.1")
    assert "30 texts" in table.caption


def test_the_mean_row_is_the_mean_over_layers():
    before, after = use(0), use(20)
    table = routing_table(before, after, distance_change(before, after))
    row = dict(zip(table.columns, table.rows[-1], strict=True))

    assert row["distance, before"].startswith(f"{before.mean_distance.estimate.value:.3f}")
    assert row["max/mean en, after"] == pytest.approx(
        sum(layer.balance["en"].max_over_mean for layer in after.layers) / 2
    )


def test_a_token_has_the_share_of_its_occurrences_that_the_expert_takes():
    table = token_table([TokenUse("en", "lung", 3, 4)], layer=2, expert=5)

    assert table.rows == (("English", "lung", 3, 4, 0.75),)
    assert table.caption == "What expert 5 of layer 2 takes most often"
