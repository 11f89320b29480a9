from dataclasses import replace
from functools import cache

import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.params import load_params, root
from bimedix2_core.plan import Here, plan, print_plan, text_of
from bimedix2_core.plan.quantities import Quantity

PROFILES = sorted(file.stem for file in (root() / "params").glob("*.yaml"))
NOTHING = Here(gpus_gb=(), disk_free_gb=5.0, offline=True, variables=frozenset())
LARGE = Here(gpus_gb=(24.0, 80.0), disk_free_gb=5000.0, offline=False, variables=frozenset({"HF_TOKEN"}))


def profile(name: str, overrides=None):
    return load_params(f"params/{name}.yaml", overrides, environment={})


@cache
def planned_for(name: str, here: Here = NOTHING):
    """Worked out once for all tests."""
    return plan(profile(name), here=here)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_planned_and_its_sums_are_those_of_its_notebooks(name):
    planned = planned_for(name)

    assert planned.profile == name
    assert planned.memory is not None
    assert planned.hours().value == pytest.approx(sum(hours.value for one in planned.notebooks for hours in one.hours))
    assert planned.hours(now=True).value <= planned.hours().value
    assert all(one.memory.value <= planned.memory.value for one in planned.notebooks if one.memory)
    text = text_of(planned)
    assert all(one.scope.notebook.name in text for one in planned.notebooks)
    assert "assumed: an H100 SXM" in text
    assert "BiMediX2 4B has no profile" in text


def test_the_demo_needs_no_download_no_key_and_lacks_nothing():
    planned = planned_for("demo")

    assert (planned.downloads, planned.credentials, planned.missing) == ((), (), ())


def test_the_smoke_profile_needs_a_gpu_and_nothing_else():
    planned = planned_for("gpu_smoke")

    assert planned.downloads == ()
    assert planned.missing == ("a GPU (run.device is cuda)",)
    assert planned_for("gpu_smoke", LARGE).missing == ()
    assert 16.7 < planned.memory.value < 40  # a card of 40 GB is enough


def test_the_paper_profile_fits_a_card_of_80_gb():
    notebooks = {one.scope.notebook.name: one for one in planned_for("paper_8b").notebooks}

    first, second = (notebooks[name].memories[0] for name in ("03_stage1_alignment", "04_stage2_lora"))

    assert 16.7 < first.value < second.value < 80
    assert "activations" in second.how
    assert "adapters" in second.how


def test_the_70b_says_over_how_many_cards_its_weights_are_shared_out():
    notebooks = {one.scope.notebook.name: one for one in planned_for("paper_70b").notebooks}

    assert notebooks["04_stage2_lora"].memories[0].how.endswith("it takes 4 cards of 80 GB")
    assert "68.45 B weights x 2 bytes / 4 cards" in text_of(planned_for("paper_70b"))


def test_a_card_whose_data_sheet_is_known_sets_the_speed():
    slow = planned_for("gpu_smoke", replace(LARGE, peak=Quantity(98.9e12, "FLOP/s", "for this test")))

    def training(planned):
        (one,) = [one for one in planned.notebooks if one.scope.notebook.name == "04_stage2_lora"]
        return one.hours[0].value

    assert training(slow) == pytest.approx(10 * training(planned_for("gpu_smoke", LARGE)))


def test_the_paper_profile_says_what_to_download_under_which_licence_and_who_lets_you_in():
    planned = planned_for("paper_8b")
    downloads = {one.name: one for one in planned.downloads}

    llama = downloads["meta-llama/Meta-Llama-3.1-8B-Instruct"]
    assert llama.size.value == pytest.approx(8_030_261_248 * 2 / 1e9)
    assert (llama.licence, llama.is_gated) == ("Llama 3.1 Community License", True)
    assert downloads["openai/clip-vit-large-patch14-336"].licence == "not stated"
    assert downloads["MIMIC-CXR images and reports"].is_gated
    assert not any("weights" in name for name in downloads)  # it trains its own
    assert {one.variable for one in planned.credentials} == {"HF_TOKEN", "OPENAI_API_KEY", None}


def test_the_paper_profile_says_what_is_missing_here():
    missing = planned_for("paper_8b").missing

    assert "a GPU (run.device is cuda)" in missing
    assert "the data data/BiMed-V/BiMed-V_stage2.json" in missing
    assert "a key for the judge: OPENAI_API_KEY is not set" in missing
    assert "PhysioNet: cannot be looked up here" in missing
    # weights 0.61 + 16.06 GB; 3 checkpoints of 14 bytes for each of 21.0 M weights of Stage 1 and 42.0 M of Stage 2
    assert "disk: 19.3 GB besides the data, 5.0 GB are free" in missing


def test_what_is_there_is_not_missing():
    missing = planned_for("paper_8b", LARGE).missing

    assert not any("HF_TOKEN" in phrase or phrase.startswith(("disk", "a GPU")) for phrase in missing)


def test_a_card_that_is_too_small_is_named_with_both_sizes():
    missing = planned_for("paper_70b", LARGE).missing

    (phrase,) = [phrase for phrase in missing if phrase.startswith("GPU memory")]
    assert phrase.endswith("GB in one card, the largest here has 80.0 GB")


def test_a_value_of_a_key_is_never_shown(monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret-value")

    assert print_plan("params/released_8b.yaml", {}) == 0

    shown = capsys.readouterr().out
    assert "s3cret-value" not in shown
    assert "environment variable OPENAI_API_KEY" in shown
    assert "OPENAI_API_KEY is not set" not in shown


def test_the_released_8b_downloads_both_checkpoints():
    sizes = {one.name: one.size for one in planned_for("released_8b").downloads if one.size}

    assert list(sizes) == ["MBZUAI/BiMediX2-8B", "MBZUAI/BiMediX2-8B-Bi"]
    assert all(size.value == pytest.approx(16.72, abs=0.02) for size in sizes.values())


def test_the_ablations_train_stage_2_once_more():
    notebooks = {one.scope.notebook.name: one for one in planned_for("paper_8b").notebooks}

    assert notebooks["11_ablations"].hours[0] == notebooks["04_stage2_lora"].hours[0]


def test_the_reason_for_a_run_comes_from_outside():
    planned = plan(profile("demo"), why={"04_stage2_lora": "cell 7 changed"}.get, here=NOTHING)

    assert "run 04_stage2_lora: cell 7 changed" in text_of(planned)
    assert "-   03_stage1_alignment: up to date" in text_of(planned)


def test_a_model_nobody_knows_is_planned_without_its_memory():
    planned = plan(profile("paper_8b", {"model.base": "somebody/else"}), here=NOTHING)

    assert planned.memory is None
    assert "memory: not known for this model" in text_of(planned)
    assert planned.downloads[0].size is None


def test_overrides_are_planned_and_a_bad_profile_is_refused(capsys):
    print_plan("params/gpu_smoke.yaml", {"stage1.max_steps": 40})
    assert "40 steps x 8" in capsys.readouterr().out

    with pytest.raises(ParamsError, match="'demo', 'paper' or 'smoke', found 'real'"):
        print_plan("params/demo.yaml", {"run.kind": "real"})
