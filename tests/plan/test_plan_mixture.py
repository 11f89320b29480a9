from functools import cache

import pytest
from transformers import LlamaForCausalLM

from bimedix2_core import environment
from bimedix2_core.model.mixture.upcycle import upcycled
from bimedix2_core.model.shapes import SHAPES, Shape, count, shape_of
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.params import load_params, root
from bimedix2_core.plan import Here, plan, scope, text_of, training
from bimedix2_core.plan.estimates import Model
from bimedix2_core.plan.mixture import mixture_model
from bimedix2_core.plan.needs import weight_downloads
from bimedix2_core.plan.quantities import Quantity
from bimedix2_core.plan.scope import is_measured, n_rows, scopes

NOTEBOOK = "14_bimedix_moe"
MIXTRAL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
HERE = Here(gpus_gb=(80.0,), disk_free_gb=5000.0, offline=False, variables=frozenset())

# Mixtral 8x7B by hand: 32 layers of hidden size 4096, keys of 8 heads x 128, inner size 14,336, 8 experts, 2 chosen
ATTENTION, ROUTER, EXPERT = 2 * 4096 * 4096 + 2 * 4096 * 1024, 4096 * 8, 3 * 4096 * 14_336
HELD, ACTIVE = (32 * (ATTENTION + ROUTER + n * EXPERT) for n in (8, 2))
OTHER = 2 * 32_000 * 4096 + 65 * 4096  # embedding and head, two norms in each layer and the last one
# adapters read and write: query and output 8192, key and value 5120, router 4104, gate and up together, down
ADAPTED, EXPERT_ADAPTED = 2 * 8192 + 2 * 5120 + 4104, (4096 + 28_672) + (14_336 + 4096)
LORA, LORA_ACTIVE = (32 * 128 * (ADAPTED + n * EXPERT_ADAPTED) for n in (8, 2))
PAIR = 4 * 32 * 4096

STEPS, TOKENS = 10_157, 632e6  # 1.3M rows, 128 a step


def profile(name: str, overrides=None):
    return load_params(f"params/{name}.yaml", overrides, environment={})


@cache
def mixtral() -> Model:
    return mixture_model(profile("bimedix_moe"), [])


@pytest.fixture
def notebook_14(monkeypatch):
    """Notebook 14 as if it held nothing but its training."""
    source = scope._source

    def of(notebook):
        trains = "from bimedix2_core.training.mixture import train_mixture"
        return trains if notebook.name == NOTEBOOK else source(notebook)

    monkeypatch.setattr(scope, "_source", of)


def scope_14(params):
    (found,) = [one for one in scopes(params) if one.notebook.name == NOTEBOOK]
    return found


@cache
def planned_with_14(name: str):
    """The plan of a profile; for tests that take ``notebook_14``."""
    return plan(profile(name), here=HERE)


def plan_14(name: str):
    (found,) = [one for one in planned_with_14(name).notebooks if one.scope.notebook.name == NOTEBOOK]
    return found


# --- which notebook trains it, and what is measured there ------------------------------------------------------------


@pytest.mark.usefixtures("notebook_14")
@pytest.mark.parametrize("name", ["demo", "bimedix_moe"])
def test_the_notebook_of_the_mixture_runs_where_a_mixture_is_given_even_without_a_base(name):
    found = scope_14(profile(name))

    assert found.stages == ("mixture",)
    assert (found.can_run, found.runs) == (True, True)


@pytest.mark.usefixtures("notebook_14")
@pytest.mark.parametrize("name", ["paper_8b", "released_8b", "gpu_smoke"])
def test_without_a_mixture_the_notebook_says_so(name):
    found = scope_14(profile(name))

    assert not found.can_run
    assert found.why == "no mixture is trained: mixture is null in the profile"


@pytest.mark.usefixtures("notebook_14")
def test_the_stages_stay_barred_where_only_a_mixture_is_trained():
    stage1 = next(one for one in scopes(profile("bimedix_moe")) if one.notebook.name == "03_stage1_alignment")

    assert stage1.why == "nothing is trained: the profile measures finished weights"


@pytest.mark.parametrize(("name", "rows"), [("english", 1), ("arabic", 2), ("bilingual", 1)])
def test_the_tables_of_bimedix_have_the_released_rows_and_the_mixture_before_and_after_its_training(name, rows):
    one, params = exhibit(f"bimedix1_{name}"), profile("bimedix_moe")

    assert is_measured(params, one)
    assert n_rows(params, one) == rows + 2
    assert n_rows(profile("bimedix_moe", {"mixture": None}), one) == rows
    assert not any(is_measured(profile(other), one) for other in ("paper_8b", "released_8b", "demo"))


def test_a_table_of_bimedix2_has_no_row_of_the_mixture():
    assert n_rows(profile("bimedix_moe"), exhibit("table02")) == 1


# --- what it learns from ---------------------------------------------------------------------------------------------


def test_it_learns_from_all_rows_and_tokens_of_bimed13m_and_sees_no_image():
    lesson = training.lesson_of(profile("bimedix_moe"), "mixture", 0)

    assert (lesson.samples, lesson.seen, lesson.images) == (1_300_000, 0, 0)
    assert lesson.tokens == pytest.approx(TOKENS)
    # 62,223 tokens a step: 15 rows of 4096, each 98.5 % used, and half of 4096 / 8 in one more
    assert lesson.padding == pytest.approx(STEPS * (15 * 4096 * 0.015 + 256))
    assert lesson.how == "rows of BiMed1.3M"


def test_the_demo_learns_from_as_many_drawn_rows_as_its_steps_take():
    lesson = training.lesson_of(profile("demo"), "mixture", 0)

    assert lesson.samples == 120 * 32
    assert lesson.text == 106
    assert lesson.padding == 0
    assert lesson.how == "120 steps x 32"


# --- what it is, and what that takes ---------------------------------------------------------------------------------


def test_mixtral_is_counted_with_all_its_experts_and_the_adapters_on_them():
    model = mixtral()

    assert model.shape is SHAPES["bimedix_moe"]
    assert model.counts.total == HELD + OTHER == 46_702_792_704
    assert model.counts.active == ACTIVE + OTHER
    assert model.n_lora == LORA == 1_803_583_488
    assert 0.035 < model.n_lora / model.counts.total < 0.045  # the paper's about 4 %


def test_a_mixture_made_of_a_base_has_its_sizes_and_as_many_mlps_as_experts():
    params = profile("demo")
    base = shape_of(params.model.base, root())
    dense = Model(base, count(base), n_lora=0, bytes_per_weight=4)

    model = mixture_model(params, [dense])

    language = base.language
    mlp, router = 3 * language.hidden_size * language.intermediate_size, 8 * language.hidden_size
    further = language.num_hidden_layers * (7 * mlp + router)
    assert model.counts.total == count(Shape(language)).total + further
    assert model.counts.parts.vision_tower == 0
    made = upcycled(LlamaForCausalLM(language), n_experts=8, n_chosen=2, seed=0)
    assert model.counts.total == made.num_parameters()
    assert model.bytes_per_weight == 4


@pytest.mark.parametrize("models", [[], None])
def test_what_is_not_known_or_not_trained_is_not_counted(models):
    unknown = mixture_model(profile("bimedix_moe", {"mixture.base": "somebody/else"}), [])
    upcycled_of_unknown = mixture_model(profile("demo"), [])

    assert unknown is None
    assert upcycled_of_unknown is None
    assert mixture_model(profile("paper_8b"), models or []) is None


def test_hours_are_those_of_the_weights_at_work_with_the_layers_computed_once_more():
    peak = Quantity(500e12, "FLOP/s", "for this test")

    hours = training.training_hours(profile("bimedix_moe"), "mixture", mixtral(), peak=peak)

    text = 632 / 1.3
    padding, pairs = STEPS * (15 * 4096 * 0.015 + 256), 1_300_000 * text * (text + 1) / 2
    done = TOKENS + padding
    by_hand = 4 * ACTIVE * done + 6 * LORA_ACTIVE * done + 4 * 4096 * 32_000 * TOKENS / 2 + 3 * PAIR * pairs
    again = 2 * (ACTIVE + LORA_ACTIVE) * done + PAIR * pairs
    assert hours.value == pytest.approx((by_hand + again) / (500e12 * 0.4) / 3600)
    assert "1,300,000 samples (rows of BiMed1.3M) x 486 text tokens = 632.0 M useful tokens" in hours.how
    assert "images" not in hours.how


def test_in_4_bits_it_fits_a_card_of_80_gb():
    memory = training.stage_memory(profile("bimedix_moe"), "mixture", mixtral())

    # 4 bits, 8 for 64 and 32 for 64 x 256; all else 2 bytes; adapters 2, gradient 2, master and moments 12
    held = HELD * (0.5 + 1 / 64 + 4 / (64 * 256)) + OTHER * 2 + LORA * 16
    row = sum(part.n_bytes for part in memory.parts if part.unit == "tokens")
    assert memory.n_bytes() == pytest.approx(held + row)
    assert 53e9 < held < 54e9
    assert 0 < row < 26e9


def test_whole_it_does_not_fit_one_card():
    memory = training.stage_memory(profile("bimedix_moe", {"mixture.frozen_base": "plain"}), "mixture", mixtral())

    assert memory.n_bytes() > 2 * HELD > 80e9


def test_it_leaves_the_last_checkpoints_and_the_best():
    left = training.kept_on_disk(profile("bimedix_moe"), "mixture", mixtral())

    assert left.value == pytest.approx(3 * LORA * 14 / 1e9)  # 2 bytes, their master and two moments


@pytest.mark.usefixtures("notebook_14")
def test_the_plan_prints_memory_and_hours_of_the_mixture_and_of_its_tables():
    found = plan_14("bimedix_moe")

    trained, answering = found.memories
    assert "46.44 B weights x 0.516 bytes" in trained.how
    assert answering.value > 2 * 46.7
    hours, *tables = found.hours
    assert "rows of BiMed1.3M" in hours.how
    assert [one.how.split(" x ")[0] for one in tables] == ["3", "4"]  # the bilingual table is made of the other two


@pytest.mark.usefixtures("notebook_14")
def test_the_demo_plans_its_mixture_in_minutes_and_megabytes():
    found = plan_14("demo")

    assert 0 < found.hours[0].value < 0.2
    assert found.memory.value < 1
    assert found.scope.exhibits == ()


# --- what it needs ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("notebook_14")
def test_mixtral_is_downloaded_once_beside_the_released_weights():
    planned = planned_with_14("bimedix_moe")

    sizes = {one.name: one for one in planned.downloads if one.size}
    assert list(sizes) == ["BiMediX/BiMediX-Eng", "BiMediX/BiMediX-Ara", "BiMediX/BiMediX-Bi", MIXTRAL]
    assert sizes[MIXTRAL].size.value == pytest.approx((HELD + OTHER) * 2 / 1e9)  # 93.4 GB
    assert sizes[MIXTRAL].licence == "Apache 2.0"
    assert planned.disk.value == pytest.approx(4 * 93.405585 + 3 * LORA * 14 / 1e9)
    assert MIXTRAL in text_of(planned)


def test_a_base_of_parts_and_a_mixture_have_sizes_of_their_own():
    change = profile("bimedix_moe").mixture.model_dump()
    sizes = {one.name: one.size for one in weight_downloads(profile("paper_8b", {"mixture": change}))}

    assert sizes[MIXTRAL].value == pytest.approx(93.405585)
    assert sizes["meta-llama/Meta-Llama-3.1-8B-Instruct"].value == pytest.approx(16.060522)


def test_a_base_and_a_published_mixture_are_two_models():
    planned = plan(profile("demo", {"mixture.base": MIXTRAL, "mixture.frozen_base": "nf4"}), here=HERE)

    stage2 = next(one for one in planned.notebooks if one.scope.notebook.name == "04_stage2_lora")
    assert stage2.memory.value < 1
    assert [one.name for one in planned.downloads] == [MIXTRAL]


def test_4_bits_ask_for_bitsandbytes_and_the_sources_for_their_files(monkeypatch):
    version = environment._version
    monkeypatch.setattr(environment, "_version", lambda name: "" if name == "bitsandbytes" else version(name))

    def lacking(name, overrides=None):
        return environment.missing_for(profile(name, overrides), gpus=("one",), offline=True)

    wanted = "the package bitsandbytes (frozen_base is nf4)"
    assert wanted in lacking("bimedix_moe")
    assert wanted not in lacking("bimedix_moe", {"mixture.frozen_base": "plain"})
    assert wanted in lacking("paper_70b", {"model.frozen_base": "nf4"})
    assert "the data data/sources/medqa/arabic.jsonl" in lacking("bimedix_moe")
    published = {"mixture.data.sources.medqa_ar": "hub:somebody/medqa_ar"}
    assert not any("medqa_ar" in phrase for phrase in lacking("bimedix_moe", published))
    assert lacking("demo") == []


def test_bitsandbytes_that_is_there_is_not_missing(monkeypatch):
    monkeypatch.setattr(environment, "_version", lambda name: "0.50.2")

    missing = environment.missing_for(profile("bimedix_moe"), gpus=("one",), offline=True)

    assert not any("bitsandbytes" in phrase for phrase in missing)
