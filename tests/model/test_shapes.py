import pytest
import tiny
import torch
from transformers import CLIPVisionConfig, LlamaConfig

from bimedix2_core.demo.tiny_base import BASE_FOLDER
from bimedix2_core.errors import ModelError
from bimedix2_core.inference.generate import generate
from bimedix2_core.model.assemble import load_lmm
from bimedix2_core.model.checkpoints import fingerprint
from bimedix2_core.model.shapes import PUBLISHED, SHAPES, Shape, count, count_lora, draw_lmm, shape_of

SMALL = Shape(
    LlamaConfig(
        vocab_size=500, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=False,
    ),
    CLIPVisionConfig(
        image_size=28, patch_size=14, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2
    ),
)  # fmt: skip


def test_the_8b_and_the_70b_have_the_published_numbers_of_weights():
    small, large = count(SHAPES["bimedix2_8b"]), count(SHAPES["bimedix2_70b"])

    # by hand: 2 V D + L (2 D D + 2 D 1024 + 3 D I + 2 D) + D, with V 128256, 8 key-value heads of 128
    # 8B: D 4096, I 14336, L 32; 70B: D 8192, I 28672, L 80
    assert small.language == small.active == 8_030_261_248
    assert large.language == large.active == 70_553_706_496
    # two layers with bias: 1024 D + D + D D + D
    assert (small.parts.projector, large.parts.projector) == (20_979_712, 75_513_856)
    # CLIP ViT-L/14-336: 24 layers of 12,596,224; 588 x 1024 patches; 577 x 1024 positions; class; two norms
    assert small.parts.vision_tower == large.parts.vision_tower == 303_507_456
    assert small.total == 8_030_261_248 + 20_979_712 + 303_507_456


def test_the_released_8b_has_the_weights_its_shards_have_room_for():
    # facts.md, section 9: shards of 4.98 + 5.00 + 4.92 + 1.82 GB, in two bytes each
    assert count(SHAPES["bimedix2_8b"]).total * 2 / 1e9 == pytest.approx(4.98 + 5.00 + 4.92 + 1.82, abs=0.02)


def test_bimedix_uses_fewer_than_13_billion_of_its_weights_for_a_token():
    moe = count(SHAPES["bimedix_moe"])

    # embedding, head and last norm; of each of 32 layers attention, the router's 8 rows and two norms; an expert
    ends, layer, expert = 2 * 32_000 * 4096 + 4096, 2 * 4096 * (4096 + 1024) + 8 * 4096 + 2 * 4096, 3 * 4096 * 14_336
    assert moe.total == ends + 32 * (layer + 8 * expert) == 46_702_792_704
    assert moe.active == ends + 32 * (layer + 2 * expert) == 12_879_925_248
    assert moe.active < 13e9


def test_lora_adds_rank_times_the_sides_of_every_linear_layer():
    # 8 x 32 layers x (q 8192 + k 5120 + v 5120 + o 8192 + gate, up and down 18432 each)
    assert count_lora(SHAPES["bimedix2_8b"], rank=8) == 8 * 32 * (8192 + 5120 + 5120 + 8192 + 3 * 18432) == 20_971_520


def test_lora_of_a_mixture_is_counted_with_its_experts_and_router():
    # 8 x 32 layers x (attention 26624 + router 4096 + 8 + 8 experts x (gate and up 32768 + down 18432))
    assert count_lora(SHAPES["bimedix_moe"], rank=8) == 8 * 32 * (26624 + 4104 + 8 * 51200) == 112_723_968


def test_an_image_of_the_8b_takes_576_tokens_and_a_text_model_has_none():
    assert SHAPES["bimedix2_8b"].n_image_tokens == 24 * 24
    assert SHAPES["bimedix_moe"].n_image_tokens == 0


def test_the_shape_of_a_checkpoint_on_the_disk_is_read_and_an_unknown_one_is_none(tmp_path):
    saved = load_lmm(BASE_FOLDER)
    expected = sum(weight.numel() for weight in saved.model.parameters())

    assert count(shape_of(BASE_FOLDER.name, BASE_FOLDER.parent)).total == expected
    assert shape_of("somebody/something", tmp_path) is None
    assert set(PUBLISHED.values()) == set(SHAPES)


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone():
    tokenizer = tiny.tiny_lmm().tokenizer
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)

    first, again = (draw_lmm(SMALL, tokenizer=tokenizer, seed=1, dtype=torch.bfloat16) for _ in range(2))

    assert torch.rand(1) == expected
    assert fingerprint(first) == fingerprint(again)
    assert fingerprint(first) != fingerprint(draw_lmm(SMALL, tokenizer=tokenizer, seed=2, dtype=torch.bfloat16))
    assert {weight.dtype for weight in first.model.parameters()} == {torch.bfloat16}


def test_random_weights_answer_though_they_have_rows_for_more_tokens_than_the_tokenizer():
    tokenizer = tiny.tiny_lmm().tokenizer
    lmm = draw_lmm(SMALL, tokenizer=tokenizer, seed=1, dtype=torch.float32)

    answers = generate(lmm, [tiny.sample(), tiny.sample(language="ar", n_images=0)], settings=tiny.GREEDY)

    assert len(tokenizer) < 500
    assert len(answers) == 2
    assert lmm.model.generation_config.eos_token_id == tokenizer.eos_token_id


def test_a_tokenizer_with_more_tokens_than_rows_is_refused():
    few = Shape(LlamaConfig(vocab_size=20, hidden_size=16, num_attention_heads=4), SMALL.vision)

    with pytest.raises(ModelError, match=r"but the shape has 20 rows for them; give a smaller tokenizer"):
        draw_lmm(few, tokenizer=tiny.tiny_lmm().tokenizer, seed=0, dtype=torch.float32)
