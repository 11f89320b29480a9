import pytest
import tiny
import torch
from tiny_mixture import CONFIG, adapted_mixture
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlavaForConditionalGeneration

from bimedix2_core.model.adapters import add_lora, freeze_all_but_projector
from bimedix2_core.model.shapes import SHAPES, Shape, count, count_lora
from bimedix2_core.training import flops
from bimedix2_core.training.flops import Peak, mfu, mfu_4n, peak_flops, recomputed_flops, row_flops, sheet_peak, work_of
from bimedix2_core.training.forward import PackedLoss, RowInputs
from bimedix2_core.training.matrices import active, held
from bimedix2_core.training.packing.attention import packed_attention, seen_by
from bimedix2_core.training.packing.rows import Block

EIGHT_B = SHAPES["bimedix2_8b"]
TEXT = {"n_tokens": 0, "n_pairs": 0, "n_targets": 0, "n_images": 0}


def flops_of(work, **counts):
    return row_flops(work, **(TEXT | counts))


def test_the_matrices_of_the_8b_are_those_of_the_config_by_hand():
    work = work_of(EIGHT_B, lora_r=8)

    # a layer: q and o 4096 x 4096, k and v 4096 x 1024, gate, up and down 4096 x 14336
    assert work.layers == 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14_336) == 6_979_321_856
    assert work.lora == count_lora(EIGHT_B, rank=8) == 20_971_520
    assert work.head == count(EIGHT_B).parts.lm_head == 525_336_576
    # the rest of the language model are as many embeddings, and norms: 2 in each layer and the last, 4096 each
    assert count(EIGHT_B).language == work.layers + 2 * work.head + 65 * 4096


def test_a_token_of_the_8b_takes_what_the_notes_say():
    work = work_of(EIGHT_B, lora_r=128)

    plain = flops_of(work_of(EIGHT_B), n_tokens=1, n_images=1) - work.image
    assert plain / 1e9 == pytest.approx(27.9, abs=0.05)
    assert (flops_of(work, n_tokens=1) - plain) / 1e9 == pytest.approx(2.0, abs=0.05)  # LoRA of rank 128
    assert flops_of(work, n_targets=1) / 1e9 == pytest.approx(2.1, abs=0.05)  # the head, where a token is learnt
    assert flops_of(work, n_pairs=800 * 801 // 2) / 800 / 1e9 == pytest.approx(0.63, abs=0.005)  # attention at 800


def test_an_image_of_the_8b_is_encoded_forward_only_and_projected_forward_and_back():
    # 23 of 24 layers on 577 tokens: 4 x 1024^2 + 2 x 1024 x 4096 weights; patches of 14 x 14 x 3; pairs 577^2
    layers = 23 * (2 * 577 * (4 * 1024**2 + 2 * 1024 * 4096) + 4 * 577**2 * 1024)
    vision = layers + 2 * 576 * 588 * 1024
    projector = 576 * (4 * 1024 * 4096 + 6 * 4096**2)

    assert work_of(EIGHT_B).image == vision + projector
    assert vision / 1e12 == pytest.approx(0.37, abs=0.01)  # the notes' 0.38 are all 24 layers


def test_stage_1_learns_nothing_from_text_alone_and_counts_it_forward_only():
    work = work_of(EIGHT_B)
    counts = {"n_tokens": 100, "n_pairs": 5050, "n_targets": 50}

    with_image = flops_of(work, **counts, n_images=1) - work.image

    assert flops_of(work, **counts) == 200 * work.layers + 100 * work.head + 5050 * work.pair
    assert with_image - flops_of(work, **counts) == 200 * work.layers + 100 * work.head + 2 * 5050 * work.pair


def test_a_token_of_bimedix_passes_two_of_eight_experts_and_no_image_by_hand():
    work = work_of(SHAPES["bimedix_moe"], lora_r=8)

    # a layer: q and o 4096 x 4096, k and v 4096 x 1024, router 4096 x 8; two experts, gate with up and down
    expert = 4096 * 28_672 + 14_336 * 4096
    assert work.layers == 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 4096 * 8 + 2 * expert)
    attention = 2 * (4096 + 4096) + 2 * (4096 + 1024)
    assert work.lora == 32 * 8 * (attention + 4096 + 8 + 2 * ((4096 + 28_672) + (14_336 + 4096)))
    assert (work.head, work.image) == (4096 * 32_000, 0)
    # what is left of the active weights: the embedding, two norms in each layer and the last one
    assert count(SHAPES["bimedix_moe"]).active == work.layers + 2 * work.head + 65 * 4096


def test_a_memory_holds_all_eight_experts_and_their_adapters():
    language = SHAPES["bimedix_moe"].language
    expert, expert_adapters = 4096 * 28_672 + 14_336 * 4096, (4096 + 28_672) + (14_336 + 4096)

    everything, at_work = held(language, lora_r=8), active(language, lora_r=8)

    assert everything.layers - at_work.layers == 32 * 6 * expert
    assert everything.lora - at_work.lora == 32 * 8 * 6 * expert_adapters
    assert held(EIGHT_B.language, lora_r=8) == active(EIGHT_B.language, lora_r=8)


def test_the_adapters_that_are_counted_are_those_that_are_made():
    model = adapted_mixture(rank=3).model

    assert held(CONFIG, lora_r=3).lora == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def test_checkpointing_adds_one_forward_pass_of_the_layers():
    work = work_of(EIGHT_B, lora_r=8)

    assert recomputed_flops(work, n_tokens=10, n_pairs=55) == 20 * (work.layers + work.lora) + 55 * work.pair
    stage1 = work_of(EIGHT_B)
    plain = flops_of(stage1, n_tokens=1, n_images=1) - stage1.image
    assert plain + recomputed_flops(stage1, n_tokens=1, n_pairs=0) == plain * 6 / 4  # 4 N become 6 N


def test_utilisation_is_the_share_of_what_all_devices_could_have_done():
    work = work_of(EIGHT_B)

    assert mfu(6e14, seconds=2, peak=1e15) == pytest.approx(0.3)
    assert mfu(6e14, seconds=2, peak=1e15, n_devices=3) == pytest.approx(0.1)
    # 17,000 tokens in a second, 27.9 GFLOP each, of 989 TFLOP/s
    assert mfu_4n(work, n_tokens=17_000, seconds=1, peak=989e12) == pytest.approx(0.4799, abs=1e-4)


def test_the_4n_figure_is_lower_for_it_leaves_out_adapters_head_attention_and_images():
    work = work_of(EIGHT_B, lora_r=8)
    counted = flops_of(work, n_tokens=8192, n_pairs=14 * 585 * 586 // 2, n_targets=3000, n_images=7)

    assert mfu_4n(work, n_tokens=8192, seconds=1, peak=989e12) < mfu(counted, seconds=1, peak=989e12)


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200 NVL", 835e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("AMD Instinct MI210", 181e12),
        ("AMD Instinct MI250X/MI250", 191.5e12),
        ("NVIDIA RTX A1000", None),
        ("NVIDIA GH200 480GB", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("", None),
    ],
)
def test_a_card_is_known_by_the_words_of_its_name_and_a_part_of_one_is_not(name, peak):
    assert sheet_peak(name) == peak


def test_the_peak_of_a_cpu_is_measured_and_says_so(monkeypatch):
    monkeypatch.setattr(flops, "PEAK_SECONDS", 0.0)

    peak = peak_flops(torch.device("cpu"), torch.float32)

    assert isinstance(peak, Peak)
    assert 1e8 < peak.flops < 1e14
    assert peak.source == "measured: products of 1024 x 1024 matrices of float32, CPU"


# --- against the operations that torch counts -----------------------------------------------------------------------


def counted_by_torch(*, lora_r: int, n_images: int, n_tokens: int = 24, n_targets: int = 7) -> tuple[int, Shape]:
    """FLOPs of matrix products and convolutions that torch's counter sees in a real forward and backward pass.

    It counts each product that runs, 2 for a multiplication and addition. It does not know the CPU's flash attention,
    so attention is none of them here; nor the norms, activation functions and the softmax.
    """
    lmm = tiny.tiny_lmm()
    shape = Shape(lmm.model.config.text_config, lmm.model.config.vision_config)
    model: LlavaForConditionalGeneration = lmm.model
    if lora_r:
        model = add_lora(model, rank=lora_r, alpha=lora_r, dropout=0.0, seed=0)
    else:
        freeze_all_but_projector(model)
    net = PackedLoss(model)
    row = RowInputs(
        input_ids=torch.ones(1, n_tokens, dtype=torch.int64), position_ids=torch.arange(n_tokens)[None],
        seen=seen_by([Block(0, n_tokens, (0,))], length=n_tokens, device=torch.device("cpu")),
        sources=torch.arange(n_targets), targets=torch.ones(n_targets, dtype=torch.int64),
        weights=torch.ones(n_targets), image_tokens=torch.arange(n_images * shape.n_image_tokens),
        image_numbers=torch.arange(n_images), pixel_values=torch.randn(n_images, 3, tiny.PIXELS, tiny.PIXELS),
        n_tokens=n_tokens, share=1.0,
    )  # fmt: skip
    with packed_attention(net.llava.model.language_model), FlopCounterMode(display=False) as counter:
        net(row)[0].backward()
    attention = ("attention", "bmm")
    counts = counter.get_flop_counts()["Global"]
    return sum(flop for name, flop in counts.items() if not any(word in str(name) for word in attention)), shape


@pytest.mark.parametrize("lora_r", [0, 2])
@pytest.mark.parametrize("n_images", [1, 3])
def test_linear_layers_are_counted_as_torch_counts_them_within_a_hundredth(lora_r, n_images):
    found, shape = counted_by_torch(lora_r=lora_r, n_images=n_images)

    # without pairs: a vision encoder without its own attention, 2 layers run, 5 tokens, 16 wide
    own_attention = n_images * 2 * 4 * 5**2 * 16
    ours = flops_of(work_of(shape, lora_r=lora_r), n_tokens=24, n_targets=7, n_images=n_images) - own_attention

    assert ours == pytest.approx(found, rel=0.01)
