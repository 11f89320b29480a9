import pytest
from transformers import MixtralConfig

from bimedix2_core.model.mixture.counts import (
    AdapterCounts,
    count_adapters,
    count_adapters_per_matrix,
    trained_share,
)
from bimedix2_core.model.shapes import SHAPES, Shape, count, count_lora

LAYERS, EXPERTS, HIDDEN, INNER, KEYS = 32, 8, 4096, 14_336, 1024
BIMEDIX = SHAPES["bimedix_moe"]
TOTAL = 46_702_792_704


def test_adapters_of_mixtral_by_part():
    found = count_adapters(BIMEDIX, rank=128)

    # each A is rank x in, each B out x rank
    attention = 2 * (HIDDEN + HIDDEN) + 2 * (HIDDEN + KEYS)
    expert = (HIDDEN + 2 * INNER) + (INNER + HIDDEN)
    assert found.attention == 128 * LAYERS * attention == 109_051_904
    assert found.experts == 128 * LAYERS * EXPERTS * expert == 1_677_721_600
    assert found.router == 128 * LAYERS * (HIDDEN + EXPERTS) == 16_809_984
    assert found.total == count_lora(BIMEDIX, rank=128) == 1_803_583_488


def test_where_gate_and_up_have_an_a_each_there_is_one_more_for_each_expert():
    found = count_adapters_per_matrix(BIMEDIX, rank=128)

    # w1, w2 and w3 each between hidden and inner
    assert found.experts == 128 * LAYERS * EXPERTS * 3 * (HIDDEN + INNER) == 1_811_939_328
    assert found.total == 1_937_801_216
    assert (found.attention, found.router) == (109_051_904, 16_809_984)


@pytest.mark.parametrize(("rank", "shared", "per_matrix"), [
    (64, 0.018943, 0.020324), (128, 0.037182, 0.039839), (256, 0.071699, 0.076626),
])  # fmt: skip
def test_of_the_powers_of_two_rank_128_comes_nearest_to_four_per_cent(rank, shared, per_matrix):
    found = trained_share(count_adapters(BIMEDIX, rank=rank).total, TOTAL)
    apart = trained_share(count_adapters_per_matrix(BIMEDIX, rank=rank).total, TOTAL)

    assert found == pytest.approx(shared, abs=1e-6)
    assert apart == pytest.approx(per_matrix, abs=1e-6)


def test_the_share_is_of_all_weights_with_the_adapters():
    assert trained_share(25, 75) == 0.25
    assert count(BIMEDIX).total == TOTAL


def test_a_small_mixture_is_counted_by_hand():
    small = Shape(MixtralConfig(
        vocab_size=10, hidden_size=8, intermediate_size=6, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=1,
    ))  # fmt: skip

    # attention: q 16, k 12, v 12, o 16; an expert: gate and up 8 + 12, down 6 + 8; router 8 + 3
    assert count_adapters(small, rank=2) == AdapterCounts(2 * 56, 2 * 3 * 34, 2 * 11)
    # an expert: three times 8 + 6
    assert count_adapters_per_matrix(small, rank=2) == AdapterCounts(2 * 56, 2 * 3 * 42, 2 * 11)
