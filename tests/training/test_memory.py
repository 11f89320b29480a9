from dataclasses import replace

import pytest
import torch
from tiny_mixture import CONFIG, mixture_settings
from transformers import CLIPVisionConfig, LlamaConfig

from bimedix2_core.model.shapes import SHAPES, Shape, count
from bimedix2_core.params import load_params
from bimedix2_core.training import memory
from bimedix2_core.training.activations import RowBytes, Setting
from bimedix2_core.training.memory import Memory, Part, fullest_row, training_memory

EIGHT_B = SHAPES["bimedix2_8b"]
SMALL = Shape(
    LlamaConfig(
        vocab_size=100, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=False,
    ),
    CLIPVisionConfig(
        image_size=28, patch_size=14, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2
    ),
)  # fmt: skip
ROW = Setting(dtype=torch.bfloat16, row_length=32, n_images=2, n_targets=10, on_gpu=True)

# by hand: q and o 16 x 16, k and v 16 x 8, gate, up and down 16 x 32, in 2 layers
LAYERS = 2 * (2 * 256 + 2 * 128 + 3 * 512)
PROJECTOR = 16 * 16 + 16 + 16 * 16 + 16
# rank 4: 4 x (in + out) of each
LORA = 2 * 4 * (2 * 32 + 2 * 24 + 3 * 48)


@pytest.fixture(autouse=True)
def _rows_of_a_known_size(monkeypatch):
    """What a row takes has tests of its own; here it is 3,200 bytes, and 320 more on the way."""
    monkeypatch.setattr(memory, "row_bytes", lambda shape, row: RowBytes(3200, 3520))


def sizes(row: Setting, **options) -> dict[str, float]:
    return {part.name: part.n_bytes for part in training_memory(SMALL, count(SMALL), row, **options).parts}


def test_stage_1_holds_16_bit_weights_and_of_the_projector_a_gradient_a_master_and_two_moments():
    found = sizes(ROW)

    assert found["decoder layers"] == LAYERS * 2
    assert found["embedding, norms and head"] == (2 * 100 * 16 + 5 * 16) * 2
    assert found["projector"] == found["gradients"] == PROJECTOR * 2
    assert found["optimizer"] == PROJECTOR * (4 + 8)
    assert "adapters" not in found
    assert (found["activations"], found["logits and gradients on their way"]) == (3200, 320)


def test_stage_2_adds_adapters_of_their_own_format_and_the_projector_that_peft_keeps():
    row = replace(ROW, lora_r=4, adapter_dtype=torch.float32)

    found = sizes(row)

    assert found["projector"] == 2 * PROJECTOR * 2
    assert found["adapters"] == LORA * 4
    assert found["gradients"] == pytest.approx(PROJECTOR * 2 + LORA * 4)
    assert found["optimizer"] == pytest.approx(PROJECTOR * 12 + LORA * 8)  # float32 needs no master
    assert sizes(replace(row, adapter_dtype=torch.bfloat16))["optimizer"] == pytest.approx((PROJECTOR + LORA) * 12)


def test_a_frozen_base_makes_the_decoder_layers_smaller_and_nothing_else():
    row = replace(ROW, lora_r=4)
    plain, fp8, nf4 = (sizes(row, frozen_base=kind) for kind in ("plain", "fp8", "nf4"))

    assert fp8["decoder layers"] == LAYERS
    # 4 bits, 8 bits for a block of 64, 32 bits for 256 of these
    assert nf4["decoder layers"] == pytest.approx(LAYERS * (4 + 8 / 64 + 32 / (64 * 256)) / 8)
    assert {name for name in plain if plain[name] != nf4[name]} == {"decoder layers"}


def test_a_mixture_holds_all_experts_for_the_two_that_a_token_passes():
    shape = Shape(CONFIG)
    row = replace(ROW, n_images=0, lora_r=2)

    found = {part.name: part.n_bytes for part in training_memory(shape, count(shape), row, frozen_base="nf4").parts}

    # 2 layers: q and o 16 x 16, k and v 16 x 8, router 16 x 4, four experts with 16 x 64 and 32 x 16
    layers = 2 * (2 * 256 + 2 * 128 + 64 + 4 * (1024 + 512))
    adapters = 2 * 2 * (2 * 32 + 2 * 24 + 20 + 4 * (80 + 48))
    assert found["decoder layers"] == pytest.approx(layers * (4 + 8 / 64 + 32 / (64 * 256)) / 8)
    assert found["embedding, norms and head"] == (2 * 320 * 16 + 5 * 16) * 2
    assert found["adapters"] == found["gradients"] == adapters * 4
    assert found["optimizer"] == adapters * 8
    assert not {"projector", "vision encoder"} & found.keys()


def test_the_fullest_row_of_a_text_model_is_learnt_but_for_nothing():
    row = fullest_row(mixture_settings(row_length=300), SHAPES["bimedix_moe"], dtype=torch.bfloat16, on_gpu=True)

    assert (row.row_length, row.n_images, row.n_targets) == (300, 0, 300)
    assert (row.lora_r, row.lora_dropout, row.adapter_dtype) == (2, 0.0, torch.float32)


def test_processes_share_out_weights_and_optimizer_and_nothing_of_a_row():
    shared = training_memory(SMALL, count(SMALL), ROW, is_sharded=True)
    whole = training_memory(SMALL, count(SMALL), ROW)

    # each makes two layers (here all), embedding and head whole again
    gathered = (LAYERS + 2 * 100 * 16 + 5 * 16) * 2
    assert shared.n_bytes(4) == pytest.approx((whole.n_bytes() - 3520) / 4 + gathered + 3520)
    assert whole.n_bytes(4) == whole.n_bytes()


def test_cards_are_doubled_until_each_holds_its_share():
    need = Memory((Part("weights", 100, "weights", 1.0, is_sharded=True), Part("row", 10, "tokens", 1.0)))

    assert need.processes_for(110) == 1
    assert need.processes_for(109) == 2
    assert need.processes_for(23) == 8
    assert need.processes_for(10) is None


def test_the_fullest_row_is_half_images_and_otherwise_learnt():
    stage = load_params("params/paper_8b.yaml", environment={}).stage2

    row = fullest_row(stage, EIGHT_B, dtype=torch.bfloat16, on_gpu=True)

    assert (row.row_length, row.n_images, row.n_targets) == (8192, 7, 8192 - 7 * 576)
    assert (row.lora_r, row.lora_dropout, row.adapter_dtype) == (8, 0.05, torch.bfloat16)


def test_stage_1_has_no_adapters_and_a_short_row_still_an_image():
    stage = load_params("params/paper_8b.yaml", {"stage1.row_length": 1000, "stage1.max_length": 1000}, environment={})

    row = fullest_row(stage.stage1, EIGHT_B, dtype=torch.bfloat16, on_gpu=True)

    assert (row.n_images, row.n_targets, row.lora_r) == (1, 424, 0)


def test_the_weights_of_the_70b_fit_one_card_in_four_bits_and_two_in_sixteen():
    shape = SHAPES["bimedix2_70b"]
    row, counts = replace(ROW, lora_r=8), count(shape)

    in_four_bits = training_memory(shape, counts, row, frozen_base="nf4")
    in_sixteen = training_memory(shape, counts, row, is_sharded=True)

    # 80 x (2 x 8192^2 + 2 x 8192 x 1024 + 3 x 8192 x 28672) weights
    assert in_four_bits.parts[0].n_bytes / 1e9 == pytest.approx(68.45 * 0.516, abs=0.05)
    assert in_four_bits.processes_for(80e9) == 1
    # 142 GB shared out, and 7.6 whole in each: 78.6 GB in each of two, 43.1 in each of four
    assert in_sixteen.processes_for(80e9) == 2
    assert in_sixteen.processes_for(78e9) == 4
