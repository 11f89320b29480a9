"""Expert use: shares, balance and distances by hand, and the chance that two equal languages look apart."""

import numpy as np
import pytest

from bimedix2_core.bench.expert_use import Routing, distance_change, expert_use, most_specific
from bimedix2_core.errors import DataError


def routing_of(english, arabic, n_chosen=1) -> Routing:
    """From [N][L][E] counts."""
    chosen = {"en": np.array(english), "ar": np.array(arabic)}
    tokens = {language: counts.sum(-1)[:, 0] // n_chosen for language, counts in chosen.items()}
    probability = {language: counts / n_chosen for language, counts in chosen.items()}
    return Routing(tuple(f"t{i}" for i in range(len(english))), chosen, probability, tokens, n_chosen)


def drawn(rng, *, n=20, gap=0.0, n_experts=4, n_layers=1) -> Routing:
    """Texts with topics of their own, English shorter than Arabic; ``gap`` moves choices from expert 1 to 0."""
    counts = {}
    topics = rng.dirichlet(np.full(n_experts, 4.0), size=(n, n_layers))
    for language, most in (("en", 40), ("ar", 90)):
        shares = np.array([[rng.dirichlet(20 * topic + 0.01) for topic in text] for text in topics])
        lengths = rng.integers(20, most, size=n)
        counts[language] = np.array(
            [[rng.multinomial(length, share) for share in text] for length, text in zip(lengths, shares, strict=True)]
        )
    moved = np.round(gap * counts["ar"][..., 1]).astype(int)
    counts["ar"][..., 0] += moved
    counts["ar"][..., 1] -= moved
    return routing_of(counts["en"], counts["ar"])


HAND = routing_of(
    [[[6, 2, 0]], [[2, 6, 0]]],
    [[[4, 0, 4]], [[0, 0, 4]]],
)
"""English 8/16, 8/16, 0; Arabic 4/12, 0, 8/12: half of 1/6 + 1/2 + 2/3 is 2/3."""


@pytest.mark.filterwarnings("error")
def test_shares_distance_and_balance_are_those_computed_by_hand():
    layer = expert_use(HAND).layers[0]

    assert [one.value for one in layer.shares["en"]] == pytest.approx([1 / 2, 1 / 2, 0])
    assert [one.value for one in layer.shares["ar"]] == pytest.approx([1 / 3, 0, 2 / 3])
    assert [one.value for one in layer.differences] == pytest.approx([-1 / 6, -1 / 2, 2 / 3])
    assert layer.distance.estimate.value == pytest.approx(2 / 3)
    assert layer.balance["en"].max_over_mean == pytest.approx(1.5)
    assert layer.balance["en"].variation == pytest.approx(np.sqrt(2) / 2)  # loads 1.5, 1.5, 0 around 1
    assert layer.balance["en"].entropy == pytest.approx(1.0)
    assert layer.balance["ar"].max_over_mean == pytest.approx(2.0)


def test_a_layers_shares_add_up_to_one_and_its_differences_to_zero():
    use = expert_use(drawn(np.random.default_rng(0), gap=0.4, n_layers=3))

    for layer in use.layers:
        assert sum(one.value for one in layer.shares["ar"]) == pytest.approx(1)
        assert sum(one.value for one in layer.differences) == pytest.approx(0)
        assert sum(abs(one.value) for one in layer.differences) / 2 == pytest.approx(layer.distance.estimate.value)


def test_every_interval_holds_its_value_and_none_has_width_zero_even_of_an_expert_without_tokens():
    layer = expert_use(HAND).layers[0]

    for one in (*layer.shares["en"], *layer.shares["ar"], *layer.differences, layer.distance.estimate):
        assert one.low <= one.value <= one.high
        assert one.low < one.high
        assert one.n_clusters == 2
    assert layer.shares["en"][2].value == layer.shares["en"][2].low == 0 < layer.shares["en"][2].high


def test_texts_not_tokens_are_what_the_interval_is_over():
    alike = routing_of([[[4, 6]], [[6, 4]]] * 10, [[[6, 4]]] * 20)
    torn = routing_of([[[10, 0]], [[0, 10]]] * 10, [[[6, 4]]] * 20)

    def width(routing):
        one = expert_use(routing).layers[0].shares["en"][0]
        assert (one.value, one.n) == (pytest.approx(0.5), 200)
        return one.high - one.low

    assert width(torn) > 2 * width(alike)  # the tokens of a torn text all say the same


def test_equal_counts_are_at_distance_zero_and_disjoint_ones_at_one():
    same = [[[3, 5, 2]], [[1, 1, 8]], [[4, 4, 2]], [[0, 9, 1]]]
    nothing = expert_use(routing_of(same, same)).layers[0].distance
    parted = expert_use(routing_of([[[7, 0]]] * 12, [[[0, 9]]] * 12)).layers[0].distance

    assert (nothing.estimate.value, nothing.estimate.low, nothing.p_value) == (0, 0, 1)
    assert parted.estimate.value == parted.estimate.high == 1
    assert parted.p_value < 0.01


def test_equal_languages_have_even_p_values_and_distances_of_chance():
    rng = np.random.default_rng(3)
    found = [expert_use(drawn(rng), seed=seed).layers[0].distance for seed in range(120)]
    p = np.array([one.p_value for one in found])

    assert np.mean(p < 0.05) < 0.12  # 6 of 120 expected
    assert 0.35 < np.mean(p < 0.5) < 0.65
    assert np.mean([one.estimate.value for one in found]) == pytest.approx(
        np.mean([one.chance for one in found]), rel=0.15
    )
    assert np.mean([one.estimate.low == 0 for one in found]) > 0.88
    assert min(one.estimate.value for one in found) > 0  # never 0, so 0 is no yardstick


def test_a_difference_that_is_there_is_found_and_its_interval_holds_it():
    rng = np.random.default_rng(5)
    truth = expert_use(drawn(rng, n=3000, gap=0.6)).layers[0].distance.estimate.value
    found = [expert_use(drawn(rng, n=40, gap=0.6)).layers[0].distance for _ in range(60)]

    assert max(one.p_value for one in found) < 0.05
    assert np.mean([one.estimate.low <= truth <= one.estimate.high for one in found]) >= 0.88


def test_p_values_are_adjusted_for_all_layers_and_the_mean_over_layers_has_its_own():
    use = expert_use(drawn(np.random.default_rng(1), n_layers=4, gap=0.1))
    p = [layer.distance.p_value for layer in use.layers]

    assert all(layer.distance.p_holm >= layer.distance.p_value for layer in use.layers)
    assert min(layer.distance.p_holm for layer in use.layers) == pytest.approx(min(1, 4 * min(p)))
    assert use.mean_distance.p_holm == use.mean_distance.p_value
    mean = np.mean([layer.distance.estimate.value for layer in use.layers])
    assert use.mean_distance.estimate.value == pytest.approx(mean)


def test_the_most_specific_expert_of_each_language_is_found():
    use = expert_use(HAND)

    assert most_specific(use, "ar") == (0, 2)
    assert most_specific(use, "en") == (0, 1)


def test_the_change_is_after_minus_before_and_nothing_for_the_same_model():
    rng = np.random.default_rng(2)
    before = drawn(rng, n=40)
    moved = {language: counts.copy() for language, counts in before.chosen.items()}
    moved["ar"][..., 0] += moved["ar"][..., 1]
    moved["ar"][..., 1] = 0
    after = Routing(before.ids, moved, before.probability, before.n_tokens, 1)
    old, new = expert_use(before), expert_use(after)
    change = distance_change(old, new)

    assert change.mean.value == pytest.approx(new.mean_distance.estimate.value - old.mean_distance.estimate.value)
    assert change.layers[0].low > 0.1
    still = distance_change(old, old).mean
    assert still.value == 0
    assert still.low < 0 < still.high


def test_models_counted_over_other_texts_are_not_compared():
    rng = np.random.default_rng(2)

    with pytest.raises(DataError, match="same texts"):
        distance_change(expert_use(drawn(rng)), expert_use(drawn(rng)))


def test_the_mean_probability_is_over_tokens_not_texts():
    short, long = [[1, 0]], [[0, 3]]
    routing = routing_of([short, long], [short, long])

    assert routing.mean_probability("en") == pytest.approx(np.array([[1 / 4, 3 / 4]]))
    assert routing.shares("en") == pytest.approx(np.array([[1 / 4, 3 / 4]]))


@pytest.mark.parametrize(
    ("english", "arabic", "n_chosen", "message"),
    [
        ([[[1, 1]]], [[[1, 1]]], 1, "at least two"),
        ([[[1, 1]], [[0, 0]]], [[[1, 1]], [[1, 1]]], 1, "'t1' .en. has no token"),
        ([[[1, 1]], [[1, 1]]], [[[1, 1, 0]], [[1, 1, 0]]], 1, "as many layers and experts"),
        ([[[1, 1], [2, 1]], [[1, 1], [1, 1]]], [[[1, 1], [1, 1]]] * 2, 1, "not 1 for each token"),
        ([[[1, 2]]] * 2, [[[1, 1]]] * 2, 2, "not 2 for each token"),
    ],
)
def test_counts_that_do_not_fit_are_refused(english, arabic, n_chosen, message):
    with pytest.raises(DataError, match=message):
        routing_of(english, arabic, n_chosen)
