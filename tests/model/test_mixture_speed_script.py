"""The speed benchmark of the mixture: its counts by hand, its bounds, and the whole of it in small."""

import sys
from dataclasses import replace

import pytest
from transformers import LlamaConfig, MixtralConfig

from bimedix2_core.model.shapes import MIXTRAL_8X7B
from bimedix2_core.params import root

sys.path.insert(0, str(root() / "tests" / "benchmarks"))
import mixture_speed as script
from mixture_speed_parts import measured, tables

from bimedix2_core.model.mixture import bounds

ATTENTION, EXPERT, ROUTER, NORMS = 2 * 4096 * 4096 + 2 * 4096 * 1024, 3 * 4096 * 14_336, 8 * 4096, 2 * 4096
EMBEDDINGS = 32_000 * 4096


def test_mixtral_is_counted_as_by_hand():
    mixture = bounds.bound(MixtralConfig(**MIXTRAL_8X7B))

    assert mixture.total == 32 * (ATTENTION + 8 * EXPERT + ROUTER + NORMS) + 2 * EMBEDDINGS + 4096 == 46_702_792_704
    assert mixture.active == 32 * (ATTENTION + 2 * EXPERT + ROUTER + NORMS) + 2 * EMBEDDINGS + 4096 == 12_879_925_248
    assert mixture.flops == 2 * (mixture.active - EMBEDDINGS)
    assert mixture.bytes_read == 2 * (mixture.active - EMBEDDINGS + 4096)
    assert mixture.tokens_per_second == pytest.approx(4.8e12 / 25.4977e9, rel=1e-4)


@pytest.mark.parametrize(
    ("hidden", "inner", "n_experts", "expected"), [(256, 704, 8, 5635), (4096, 14_336, 8, 114_691)]
)
def test_the_dense_model_of_the_same_total_size_has_one_inner_layer_for_all_experts_and_the_router(
    hidden, inner, n_experts, expected
):
    # 8 x 704 = 5632 and 8 x 256 / (3 x 256) = 2.7; 8 x 14336 = 114688 and 2.7
    assert bounds.wide_inner(hidden, inner, n_experts) == expected


def test_the_dense_models_total_is_the_mixtures_and_no_other_size_is_nearer():
    mixture = MixtralConfig(**MIXTRAL_8X7B)
    wide, wanted = bounds.same_total(mixture), bounds.bound(mixture).total

    away = [
        abs(bounds.bound(bounds.dense_like(mixture, wide.intermediate_size + step)).total - wanted)
        for step in (-1, 0, 1)
    ]
    assert away[1] == min(away)
    assert away[1] / wanted < 0.01
    assert bounds.bound(wide).active == bounds.bound(wide).total


def test_shared_embeddings_are_multiplied_and_count_once():
    config = LlamaConfig(
        vocab_size=10, hidden_size=4, intermediate_size=6, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    # attention 16 + 8 + 8 + 16, feed-forward 72, norms 12, embeddings 40
    assert bounds.bound(config).total == bounds.bound(config).multiplied == 48 + 72 + 12 + 40


def test_the_papers_claim_stands_beside_the_bounds_and_is_called_secondary():
    said = tables.claim(bounds.true_bounds())

    assert "claims 8 times" in said
    assert "180.6 / 20.9 tokens per second = 8.6 [inferred]: a secondary source" in said
    assert "3.7 times as fast as the dense model of its own total size" in said  # 93.14 GB / 25.50 GB
    assert "5.5 times as fast as a dense 70B" in said  # 139.01 GB / 25.50 GB


def test_ratios_are_those_of_the_numbers_beside_them():
    found = {measured.WIDE: {"read": 200.0}, measured.GROUPED: {"read": 1000.0}}
    assert "| mixture, grouped | 1,000 (5.00x) |" in tables.speeds(found)
    seconds = {("loop", "LoRA", "forward"): 0.3, ("grouped", "LoRA", "forward"): 0.2}
    assert "| LoRA | forward | 300 | 200 | 1.50x |" in tables.experts(seconds)


def test_the_whole_runs_in_small_and_says_what_it_ran_on(tmp_path, monkeypatch, capsys):
    small = replace(measured.CPU, n_read=6, n_written=2, batch_size=2, train_batch=1, rounds=1)
    monkeypatch.setattr(measured, "CPU", small)
    monkeypatch.setattr(sys, "argv", ["mixture_speed.py", "--threads", "1", "--out", str(tmp_path / "speed.md")])

    script.main()

    text = (tmp_path / "speed.md").read_text()
    assert text == capsys.readouterr().out.removesuffix("\n")
    assert text.count("(1.00x) | ") >= 3
    assert "| mixture, grouped | 18,491,648 | 5,515,520 | 29.8% |" in text
    experts = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith(("| none", "| LoRA"))]
    assert experts == [[f"| {one}", way] for one in ("none", "LoRA") for way in ("forward", "forward and backward")]
    assert "torch " in text
    assert "of them used; load " in text


def test_grouped_experts_and_the_loop_are_the_same_model():
    models = measured.models("cpu", measured.CPU)
    tokens = measured._tokens(models[measured.LOOP].model, replace(measured.CPU, n_read=6, train_batch=2))
    looped, grouped = (models[name].model(tokens).logits for name in (measured.LOOP, measured.GROUPED))
    assert (looped - grouped).abs().max() < 1e-4
