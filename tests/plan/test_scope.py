import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.params import load_params
from bimedix2_core.plan.scope import is_measured, n_rows, scopes


def profile(name: str, overrides=None):
    return load_params(f"params/{name}.yaml", overrides, environment={})


def by_name(params, **options):
    return {scope.notebook.name: scope for scope in scopes(params, **options)}


def test_what_a_notebook_trains_and_loads_is_read_from_its_code():
    found = by_name(profile("demo"))

    assert [name for name, scope in found.items() if set(scope.stages) - {"mixture"}] == [
        "03_stage1_alignment",
        "04_stage2_lora",
    ]
    assert found["04_stage2_lora"].stages == ("stage2",)
    assert {"00_start_here", "05_inference"} <= {name for name, scope in found.items() if scope.loads_model}
    assert not found["12_paper_audit"].loads_model


def test_finished_weights_bar_the_notebooks_that_train_and_those_that_read_what_they_leave():
    found = by_name(profile("released_8b"))

    assert found["00_start_here"].why == "it loads a base, and the profile measures finished weights"
    assert not found["03_stage1_alignment"].can_run
    assert found["04_stage2_lora"].why == "nothing is trained: the profile measures finished weights"
    assert found["05_inference"].why == "it reads what 03_stage1_alignment, 04_stage2_lora would leave"


def test_a_notebook_that_is_up_to_date_does_not_run_and_bars_no_other():
    reasons = {"04_stage2_lora": "stage2.lora_r changed"}

    found = by_name(profile("demo"), why=reasons.get)

    assert found["04_stage2_lora"].runs
    assert found["04_stage2_lora"].why == "stage2.lora_r changed"
    assert not found["03_stage1_alignment"].runs
    assert found["03_stage1_alignment"].why == "up to date"
    assert found["05_inference"].can_run


def test_a_planned_notebook_is_never_asked_why():
    asked = []

    planned = [scope for scope in scopes(profile("demo"), why=asked.append) if scope.notebook.planned]

    assert all(scope.why == "notebook not written yet" for scope in planned)
    assert not {scope.notebook.name for scope in planned} & set(asked)


def test_a_profile_measures_the_rows_of_its_model():
    small, large = profile("paper_8b"), profile("paper_70b")

    assert is_measured(small, exhibit("table05"))
    assert not is_measured(large, exhibit("table05"))  # the paper has no 70B there
    assert n_rows(small, exhibit("table09")) == 3  # baseline and two stages, all of the 8B
    assert n_rows(large, exhibit("table09")) == 0
    assert not is_measured(small, exhibit("bimedix1_english"))
    assert is_measured(profile("bimedix_moe"), exhibit("bimedix1_english"))


@pytest.mark.parametrize("name", ["demo", "gpu_smoke"])
def test_a_demo_or_a_smoke_profile_measures_no_exhibit_of_the_papers(name):
    assert not any(scope.exhibits for scope in scopes(profile(name)))


def test_weights_for_an_exhibit_or_a_row_that_is_not_there_are_refused_all_at_once():
    checkpoints = {"table99": {"bimedix2_8b": "a/b"}, "table03": {"bimedix2_9b": "a/b"}}

    with pytest.raises(ParamsError) as caught:
        scopes(profile("released_8b", {"model": {"checkpoints": checkpoints}}))

    assert "model.checkpoints.table99: unknown exhibit 'table99'" in str(caught.value)
    assert "model.checkpoints.table03: no row 'bimedix2_9b'; known: " in str(caught.value)
