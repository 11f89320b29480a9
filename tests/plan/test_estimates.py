import pytest

from bimedix2_core.model.shapes import SHAPES, Counts, count
from bimedix2_core.params import load_params
from bimedix2_core.plan import estimates, quantities
from bimedix2_core.plan.estimates import Estimate, Model, amount, billions
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


def test_answering_holds_weights_keys_and_values():
    need = estimates.answering_memory(model_8b(), profile("paper_8b").inference)

    # 8 prompts of 576 + 200 + 1024 tokens; keys and values of 8 heads x 128 in 32 layers, 2 bytes
    assert need.value == pytest.approx((EIGHT_B * 2 + 8 * 1800 * 2 * 32 * 8 * 128 * 2) / 1e9)


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
    [
        (0.05, "h", "3.00 min"),
        (0.1, "h", "0.10 h"),
        (12.34, "GB", "12.3 GB"),
        (1234.5, "GB", "1,234 GB"),
        (0.0123, "GB", "12.3 MB"),
        (0, "GB", "0.00 GB"),
    ],
)
def test_an_amount_has_three_digits_and_small_ones_a_smaller_unit(value, unit, expected):
    assert amount(value, unit) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(8_030_261_248, "8.03 B"), (20_979_712, "21.0 M"), (395_520, "395,520"), (12.4, "12")]
)
def test_a_count_is_written_in_billions_or_millions_or_out(count, expected):
    assert billions(count) == expected


def test_every_number_that_is_looked_up_or_assumed_says_so():
    found = [value for value in vars(quantities).values() if isinstance(value, quantities.Quantity)]

    assert all(one.source and one.unit for one in found)
    assert quantities.UTILISATION.is_assumed
    assert not quantities.MBENCH.is_assumed
