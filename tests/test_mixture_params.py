import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.paper import reported
from bimedix2_core.params import (
    AdapterParams,
    MixtureTraining,
    Stage2Params,
    StageParams,
    UpcycledBase,
    load_params,
    read_profile,
)

MIXTRAL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
OF_EXPERTS = {"n_experts": 8, "n_chosen": 2}


def complaints(overrides, profile="params/demo.yaml") -> list[str]:
    """What is wrong, a line for each problem."""
    with pytest.raises(ParamsError) as caught:
        load_params(profile, overrides, environment={})
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def without(path: str) -> list[str]:
    """What is wrong with the demo profile where a key of its mixture is left out."""
    values, _ = read_profile("params/demo.yaml", environment={})
    *sections, key = path.split(".")
    inner = values["mixture"]
    for section in sections:
        inner = inner[section]
    del inner[key]
    return complaints({}, values)


def test_the_demo_makes_its_mixture_of_its_own_base():
    mixture = load_params("params/demo.yaml", environment={}).mixture

    assert mixture.base == UpcycledBase(n_experts=8, n_chosen=2)
    assert mixture.data.sources == {}


def test_the_profile_of_bimedix_trains_a_published_mixture_in_4_bits_while_finished_weights_are_measured():
    params = load_params("params/bimedix_moe.yaml", environment={})

    assert (params.mixture.base, params.mixture.frozen_base) == (MIXTRAL, "nf4")
    assert params.model.base is None
    assert not params.trains
    assert {"bimedix1_english", "bimedix1_arabic", "bimedix1_bilingual"} <= set(params.model.checkpoints)


def test_the_profile_of_bimedix_names_each_text_source_of_table_12():
    table = reported.read("table12_bimed_v_composition")
    text = {row for row in table.ids if row != reported.TOTAL and table.cell(row, "modality_inferred") == "text"}

    sources = load_params("params/bimedix_moe.yaml", environment={}).mixture.data.sources

    assert set(sources) == text
    assert len(set(sources.values())) == len(text) == 10


@pytest.mark.parametrize("name", ["gpu_smoke", "paper_8b", "paper_70b", "released_8b", "released_70b"])
def test_the_other_profiles_train_no_mixture(name):
    assert load_params(f"params/{name}.yaml", environment={}).mixture is None


def test_dropout_and_the_projector_are_stage_2s_and_the_balance_is_the_mixtures():
    adapters = {"lora_r", "lora_alpha", "adapter_dtype"}
    own = set(AdapterParams.model_fields)

    assert own - set(StageParams.model_fields) == adapters
    assert set(Stage2Params.model_fields) - own == {"lora_dropout", "projector_learning_rate"}
    assert set(MixtureTraining.model_fields) - own == {"balance_weight"}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("base.n_chosen", 9, "9 experts cannot be chosen of n_experts 8; give 1 to 8"),
        ("base.n_chosen", 0, "input should be greater than or equal to 1, found 0 (a whole number)"),
        ("base.n_expert", 8, "unknown key; did you mean `n_experts`?"),
        ("base", None, "expected text, found nothing (null)"),
        ("frozen_base", "fp8", "input should be 'plain' or 'nf4', found 'fp8' (text)"),
        ("data.n_rows", 0, "input should be greater than or equal to 1, found 0 (a whole number)"),
        ("data.arabic_per_english", 0.0, "input should be greater than 0, found 0.0 (a number)"),
        ("data.sources", None, "input should be a valid dictionary, found nothing (null)"),
        ("training.lora_dropout", 0.05, "unknown key; it belongs to `stage2.lora_dropout`"),
        ("training.balance_weight", -0.1, "input should be greater than or equal to 0, found -0.1 (a number)"),
        ("training.max_length", 4097, "4097 tokens do not fit a row of row_length 4096; raise row_length to 4097"),
    ],
)
def test_a_wrong_value_is_one_clear_error(path, value, expected):
    assert complaints({f"mixture.{path}": value}) == [f"mixture.{path}: {expected}"]


@pytest.mark.parametrize(
    "path", ["base", "base.n_chosen", "frozen_base", "data.n_rows", "data.sources", "training.lora_r",
             "training.balance_weight"]
)  # fmt: skip
def test_a_missing_key_is_one_clear_error(path):
    assert without(path) == [f"mixture.{path}: required, but absent"]


def test_a_profile_says_whether_it_trains_a_mixture():
    values, _ = read_profile("params/demo.yaml", environment={})
    del values["mixture"]

    assert complaints({}, values) == ["mixture: required, but absent"]


def test_all_experts_may_be_chosen():
    assert load_params("params/demo.yaml", {"mixture.base.n_chosen": 8}, environment={}).mixture.base.n_chosen == 8


def test_experts_are_made_of_a_base_which_is_there():
    said = complaints({"mixture.base": OF_EXPERTS}, "params/bimedix_moe.yaml")

    assert said == [
        "mixture: base gives n_experts, so the experts are made of the language model of model.base, which is null; "
        "name a mixture (hub id or folder) here, or give model.base"
    ]


def test_a_published_mixture_may_stand_beside_a_base():
    params = load_params("params/demo.yaml", {"mixture.base": MIXTRAL}, environment={})

    assert params.mixture.base == MIXTRAL
    assert params.trains


def test_a_mixture_is_not_trained_in_float16_and_finished_weights_are_measured_in_it():
    said = complaints({"model.dtype": "float16"}, "params/bimedix_moe.yaml")

    assert said == ["mixture: model.dtype is float16, which this training does not scale; write bfloat16 or float32"]
    alone = {"model.dtype": "float16", "mixture": None}
    assert load_params("params/bimedix_moe.yaml", alone, environment={}).model.dtype == "float16"
