import pytest
import torch

from bimedix2_core.benchmark_recipe import question_sets
from bimedix2_core.demo import mixture_lesson
from bimedix2_core.errors import ModelError, ParamsError
from bimedix2_core.mixture_recipe import models
from bimedix2_core.mixture_recipe.speed import bound_table, measured_table
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.text_part import text_part
from bimedix2_core.params import load_params
from bimedix2_core.recipe import load_base
from bimedix2_core.records import Sample, message
from bimedix2_core.runs import JsonlStore

SAID = [
    Sample("a", language, "qa", "test", [message("user", asked), message("assistant", told)], [])
    for language, asked, told in (("en", "Which side?", "The left side."), ("ar", "أي جانب؟", "الجانب الأيسر."))
]


@pytest.fixture(scope="module")
def params():
    return load_params("params/demo.yaml", environment={})


@pytest.fixture(scope="module")
def mixture(params):
    return models.load_mixture_base(params)


def test_the_text_part_of_a_multimodal_model_predicts_what_the_whole_predicts_and_shares_its_weights(params):
    lmm = load_base(params)
    alone = text_part(lmm)
    tokens = torch.tensor([[5, 90, 700, 31]])

    with torch.no_grad():
        assert torch.equal(alone.model(tokens).logits, lmm.model(input_ids=tokens).logits)
    assert alone.model.lm_head.weight is lmm.model.lm_head.weight


def test_the_demos_mixture_is_said_to_begin_as_its_dense_base(params, mixture):
    said = models.beginning(params, mixture, SAID)

    assert said.startswith("8 copies of the dense network in each layer, 2 for each token; on ")
    assert "it predicts what the dense model predicts" in said


def test_a_mixture_that_begins_otherwise_is_noticed(params):
    other = models.load_mixture_base(params)
    with torch.no_grad():
        other.model.model.layers[0].mlp.experts.down_proj *= 1.1

    assert "does NOT predict" in models.beginning(params, other, SAID)


def test_what_is_trained_is_loaded_again_with_its_experts_grouped(params, mixture, tmp_path):
    adapted = add_mixture_lora(models.load_mixture_base(params).model, rank=2, alpha=4, seed=0)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(0))
    adapted.save_pretrained(tmp_path)
    tokens = torch.tensor([[5, 90, 700, 31]])

    loaded = models.load_mixture(params, tmp_path)

    with torch.no_grad():
        assert torch.allclose(loaded.model(tokens).logits, adapted.eval()(tokens).logits, atol=1e-4)
        assert not torch.allclose(loaded.model(tokens).logits, mixture.model(tokens).logits, atol=1e-2)


def test_without_an_adapter_the_notebook_to_run_first_is_named(params, tmp_path):
    with pytest.raises(ModelError, match="14_bimedix_moe"):
        models.load_mixture(params, tmp_path)


def test_a_profile_without_a_mixture_says_which_have_one():
    with pytest.raises(ParamsError, match=r"profile gpu_smoke trains no mixture .* take demo or bimedix_moe"):
        models.load_mixture_base(load_params("params/gpu_smoke.yaml", environment={}))


def test_released_weights_are_examined_after_base_and_mixture_and_stand_in_their_own_tables(params, tmp_path):
    moe = load_params("params/bimedix_moe.yaml", environment={})

    assert [one.row for one in models.mixture_respondents(params, tmp_path)] == ["base", "mixture"]
    assert [one.row for one in models.mixture_respondents(moe, tmp_path)] == [
        "base", "mixture", "bimedix_v1_english", "bimedix_v1_arabic", "bimedix_v1_bilingual",
    ]  # fmt: skip
    assert models.table_rows(moe) == {
        "bimedix1_english": ("base", "mixture", "bimedix_v1_english"),
        "bimedix1_arabic": ("base", "mixture", "bimedix_v1_arabic", "bimedix_v1_bilingual"),
        "bimedix1_bilingual": ("base", "mixture", "bimedix_v1_bilingual"),
    }


def test_the_true_shape_reads_an_eighth_of_a_70bs_bytes_and_no_less():
    mixture, _, _, large = bound_table().rows

    assert mixture[:3] == ("Mixtral 8x7B, 2 of 8 experts", "46,702,792,704", "12,879,925,248")
    assert mixture[4] == 25.5  # 2 bytes of the active weights, embeddings left out but for one row
    assert 5 < large[4] / mixture[4] < 6


def test_the_measured_models_have_as_many_weights_and_the_mixture_fewer_active(params):
    dense, loop, grouped = measured_table(params).rows

    assert abs(dense[1] / grouped[1] - 1) < 0.001
    assert dense[2] == dense[1]
    assert loop[1:3] == grouped[1:3] == (18_491_648, 5_515_520)


# --- what the notebook says of the weights ---------------------------------------------------------------------------


def test_rank_128_is_about_4_per_cent_either_way_and_its_neighbours_are_not():
    shares = {row[0]: (row[2], row[4]) for row in mixture_lesson.rank_table().rows}

    assert shares[128] == ("3.72%", "3.98%")
    assert shares[64] == ("1.89%", "2.03%")
    assert shares[256] == ("7.17%", "7.66%")


def test_the_demos_adapters_by_part_are_those_counted_by_hand(mixture):
    rows = {row[0]: row[2:] for row in mixture_lesson.adapter_table(mixture, rank=8).rows}

    attention = 4 * 8 * (2 * (256 + 256) + 2 * (256 + 128))  # q and o 256 x 256, k and v 128 x 256, four layers
    experts = 4 * 8 * 8 * ((256 + 2 * 704) + (704 + 256))  # eight experts
    assert rows["attention"] == (4 * (2 * 256 * 256 + 2 * 256 * 128), attention)
    assert rows["experts"] == (4 * 8 * 3 * 256 * 704, experts)
    assert rows["router"] == (4 * 8 * 256, 4 * 8 * (8 + 256))
    assert rows["together"] == (18_491_648, attention + experts + 4 * 8 * (8 + 256))


def test_how_the_other_weights_are_held_is_named(mixture):
    exact = mixture_lesson.trained_line(mixture, rank=8, frozen_base="plain")

    assert exact.endswith("(3.8%); the others are held exactly, in float32 (frozen_base: plain)")
    assert "in 4 bits by bitsandbytes" in mixture_lesson.trained_line(mixture, rank=8, frozen_base="nf4")


def test_every_model_is_examined_under_the_first_protocol_alone(params, tmp_path):
    sets = {"medmcqa": question_sets(params)["medmcqa"][:2]}
    base, _ = models.mixture_respondents(params, tmp_path)

    (found,) = models.examined(params, [base], sets, store=JsonlStore(tmp_path / "answers.jsonl"))

    assert len(params.benchmarks.clinical_qa.protocols) > 1
    assert (found.row, found.protocol.id, len(found.predictions)) == ("base", "question_chat", 2)
