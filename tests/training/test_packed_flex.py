"""FlexAttention's mask of blocks, which only a GPU trains with, against the path that a CPU takes."""

import pytest
import tiny
import torch
from torch._dynamo.utils import counters
from torch.nn.attention.flex_attention import create_mask, flex_attention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from bimedix2_core.model.adapters import add_lora
from bimedix2_core.training.layers import decoder_layers
from bimedix2_core.training.packing import attention
from bimedix2_core.training.packing.rows import Block

LENGTH, HEADS, KEY_HEADS, SIZE = 300, 4, 2, 16  # more than two of flex's blocks of 128, the last one cut
TREES = (Block(0, 50, (20, 35)), Block(50, 90, (0,)), Block(90, 260, (60, 61, 150)))  # 40 tokens of padding
ALONE = (Block(0, 130, (0,)), Block(130, 131, (0,)), Block(131, 300, (0,)))
NOTHING = ()


def visible(blocks):
    """bool[T, T] by the definition, token by token: the prefix of its tree and its own branch, up to itself."""
    where = {}
    for tree, block in enumerate(blocks):
        for token in range(block.start, block.end):
            branch = sum(token >= block.start + begin for begin in block.branches)
            where[token] = (tree, branch)
    sees = torch.zeros(LENGTH, LENGTH, dtype=torch.bool)
    for query in range(LENGTH):
        for key in range(query + 1):
            own, other = where.get(query, "padding"), where.get(key, "padding")
            sees[query, key] = own == other or (own[0] == other[0] and other[1] == 0)
    return sees


def heads():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, n, LENGTH, SIZE, generator=generator) for n in (HEADS, KEY_HEADS, KEY_HEADS, HEADS)]


def on_cpu(query, key, value, blocks):
    """float[1, H, T, K] of the path that a CPU takes."""
    seen = attention.seen_by(blocks, length=LENGTH, device=torch.device("cpu"))
    states, _ = ALL_ATTENTION_FUNCTIONS["packed"](None, query, key, value, None, seen=seen, scaling=0.25)
    return states.transpose(1, 2)


def block_mask(blocks):
    return attention.block_mask(blocks, length=LENGTH, device=torch.device("cpu"))


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile:UserWarning")
@pytest.mark.parametrize("blocks", [TREES, ALONE, NOTHING])
def test_flex_attention_gives_what_the_cpu_path_gives(blocks):
    query, key, value, _ = heads()

    flex = flex_attention(query, key, value, block_mask=block_mask(blocks), scale=0.25, enable_gqa=True)

    torch.testing.assert_close(flex, on_cpu(query, key, value, blocks), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("blocks", [TREES, ALONE, NOTHING])
def test_the_rule_of_the_mask_is_the_definition_written_out(blocks):
    rule = create_mask(block_mask(blocks).mask_mod, 1, 1, LENGTH, LENGTH, device="cpu")[0, 0]

    assert torch.equal(rule, visible(blocks))


@pytest.mark.parametrize("blocks", [TREES, ALONE])
def test_gradients_through_the_dense_mask_are_those_of_the_cpu_path(blocks):
    """FlexAttention has no backward pass on a CPU; its kernel applies the same rule on the way back."""
    rule = create_mask(block_mask(blocks).mask_mod, 1, 1, LENGTH, LENGTH, device="cpu")
    *inputs, gradient = heads()
    grads = []
    for attend in (lambda *one: on_cpu(*one, blocks), lambda *one: dense(*one, rule)):
        leaves = [tensor.clone().requires_grad_() for tensor in inputs]
        attend(*leaves).backward(gradient)
        grads.append([leaf.grad for leaf in leaves])

    for packed, reference in zip(*grads, strict=True):
        torch.testing.assert_close(packed, reference, atol=1e-5, rtol=1e-5)


def dense(query, key, value, mask):
    repeat = HEADS // KEY_HEADS
    scores = query @ key.repeat_interleave(repeat, 1).transpose(-1, -2) * 0.25
    return scores.masked_fill(~mask, -torch.inf).softmax(-1) @ value.repeat_interleave(repeat, 1)


def test_no_block_that_holds_a_visible_pair_is_skipped_and_some_blocks_are():
    mask, sees = block_mask(ALONE), visible(ALONE)
    size = mask.BLOCK_SIZE[0]
    computed = mask.to_dense()[0, 0].bool()

    n_blocks = -(-LENGTH // size)
    for row in range(n_blocks):
        for column in range(n_blocks):
            part = sees[row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert bool(computed[row, column]) == bool(part.any())
    assert not computed[2, 0]  # the third document sees nothing of the first


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")
def test_a_compiled_layer_takes_the_mask_in_one_graph():
    """What a GPU compiles is traced here; its code is not generated."""
    model = add_lora(tiny.tiny_lmm().model, rank=2, alpha=4, dropout=0.0, seed=0)
    language = model.get_base_model().model.language_model
    row = torch.randn(1, LENGTH, 16, generator=torch.Generator().manual_seed(0))
    positions = torch.arange(LENGTH)[None] % 200

    def states(seen):
        with attention.packed_attention(language), torch.no_grad():
            return language(inputs_embeds=row, position_ids=positions, use_cache=False, seen=seen).last_hidden_state

    expected = states(attention.seen_by(TREES, length=LENGTH, device=torch.device("cpu")))
    torch._dynamo.reset()
    counters.clear()
    for layer in decoder_layers(model):
        layer.compile(dynamic=False, backend="eager")
    found = [states(block_mask(blocks)) for blocks in (TREES, ALONE)]

    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found[1], expected, atol=1e-2)
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] == 1  # for all layers and both rows
    torch._dynamo.reset()
