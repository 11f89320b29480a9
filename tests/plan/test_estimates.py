import pytest

from bimedix2_core.model.shapes import SHAPES, Counts, count
from bimedix2_core.params import load_params
from bimedix2_core.plan import estimates, quantities
from bimedix2_core.plan.estimates import Estimate, Model, amount
from bimedix2_core.plan.quantities import Questions, questions

EIGHT_B = 8_354_748_416  # 8,030,261,248 + 20,979,712 + 303,507,456


def model_8b() -> Model:
    shape = SHAPES["bimedix2_8b"]
    return Model(shape, count(shape), n_lora=20_971_520, bytes_per_weight=2)


def profile(name: str, overrides=None):
    return load_params(f"params/{name}.yaml", overrides, environment={})


def test_the_weights_of_the_8b_take_two_bytes_each():
    assert model_8b().weight_gb == pytest.approx(EIGHT_B * 2 / 1e9)
    assert model_8b().weights_in_words == "8.35 B weights x 2 bytes"


def test_training_holds_weights_what_is_trained_activations_and_logits():
    need = estimates.training_memory(model_8b(), profile("paper_8b").stage1, n_trained=20_979_712)

    # 1 sample of 2,048 tokens; 32 layers of 4096 units, 34 bytes each; 128,256 logits of 8 bytes
    by_hand = EIGHT_B * 2 + 20_979_712 * 16 + 2048 * (32 * 4096 * 34 + 128_256 * 8)
    assert need.value == pytest.approx(by_hand / 1e9)  # 28.27 GB
    assert need.unit == "GB"
    assert "8.35 B weights x 2 bytes 16.7 GB" in need.how


def test_answering_holds_weights_keys_and_values():
    need = estimates.answering_memory(model_8b(), profile("paper_8b").inference)

    # 8 prompts of 576 + 200 + 1024 tokens; keys and values of 8 heads x 128 in 32 layers, 2 bytes
    assert need.value == pytest.approx((EIGHT_B * 2 + 8 * 1800 * 2 * 32 * 8 * 128 * 2) / 1e9)


def test_tokens_come_from_table_12_and_the_features_of_an_image():
    params, shape = profile("paper_8b"), SHAPES["bimedix2_8b"]

    first, second = (estimates.tokens_of(params, stage, shape) for stage in ("stage1", "stage2"))

    assert (first.samples, first.per_sample) == (467_000, 100 + 576)
    assert second.samples == 1_691_407
    # 579,827 rows with an image, as facts.md section 4 reads the table
    assert second.images == pytest.approx(579_827)
    assert second.total == pytest.approx(1_691_407 * 632 / 1.3 + 579_827 * 576)


def test_steps_limit_the_samples():
    tokens = estimates.tokens_of(profile("gpu_smoke"), "stage2", SHAPES["bimedix2_8b"])

    assert tokens.samples == 20 * 8
    assert tokens.per_sample == 80 + 0.75 * 576  # 60 of 80 drawn things have an image


def test_training_takes_four_flop_per_weight_and_token_and_vision_two():
    hours = estimates.training_hours(profile("paper_8b"), "stage1", model_8b())

    flop = 4 * 8_030_261_248 * 467_000 * 676 + 2 * 303_507_456 * 467_000 * 576
    assert hours.value == pytest.approx(flop / (989e12 * 0.35) / 3600)  # 8.3 h of one card
    assert "467,000 samples" in hours.how


def test_a_model_of_experts_moves_only_those_that_work():
    shape = SHAPES["bimedix_moe"]
    dense = Model(shape, Counts(count(shape).parts, count(shape).total), n_lora=0, bytes_per_weight=2)
    sparse = Model(shape, count(shape), n_lora=0, bytes_per_weight=2)
    params, asked = profile("bimedix_moe"), Questions(0, chosen=100)

    ratio = (
        estimates.answering_hours(params, asked, sparse, rows=1).value
        / estimates.answering_hours(params, asked, dense, rows=1).value
    )

    assert ratio == pytest.approx(12_879_925_248 / 46_702_792_704)


def test_an_answer_reads_all_weights_once_for_each_token_of_a_batch():
    hours = estimates.answering_hours(profile("paper_8b"), Questions(800), model_8b(), rows=2)

    prompts = 2 * 8_030_261_248 * 1600 * (200 + 576) / (989e12 * 0.35)
    answers = 1600 / 8 * 200 * 8_030_261_248 * 2 / (3.35e12 * 0.35)
    assert hours.value == pytest.approx((prompts + answers) / 3600)


def test_questions_are_counted_from_the_declarations_and_the_protocols():
    assert questions("table02") == Questions(0, chosen=1089 + 4183 + 1273 + 325 + 500)
    assert questions("table05") == Questions(451 + 1061 + 6719)
    assert questions("table03") == questions("table04") == Questions(193)
    assert questions("fig06") == Questions(0)  # it draws Table 2


def test_the_judge_costs_what_it_reads_and_writes():
    cost = estimates.judge_cost("gpt-4o-2024-08-06", 386)

    assert cost == Estimate(pytest.approx(386 * (1200 * 2.5 + 250 * 10) / 1e6), "USD", cost.how)
    assert "386 answers" in cost.how
    assert estimates.judge_cost("none", 386) is None
    assert estimates.judge_cost("bilingual doctors", 386) is None
    assert estimates.judge_cost("gpt-4o-2024-08-06", 0) is None


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.05, "h", "3.00 min"), (0.1, "h", "0.10 h"), (12.34, "GB", "12.3 GB"), (1234.5, "GB", "1,234 GB")],
)
def test_an_amount_has_three_digits_and_small_times_are_minutes(value, unit, expected):
    assert amount(value, unit) == expected


def test_every_number_that_is_looked_up_or_assumed_says_so():
    found = [value for value in vars(quantities).values() if isinstance(value, quantities.Quantity)]

    assert all(one.source and one.unit for one in found)
    assert quantities.UTILISATION.is_assumed
    assert not quantities.MBENCH.is_assumed
