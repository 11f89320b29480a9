import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.hyperparameters import hyperparameter_table
from bimedix2_core.params import load_params


def rows(profile, **how):
    """Cells by parameter and stage: run, paper, script, differs."""
    table = hyperparameter_table(load_params(f"params/{profile}.yaml", environment={}), **how)
    return {(row[0], row[1]): row[2:6] for row in table.rows}


def test_the_paper_profile_on_eight_devices_agrees_with_every_cell_the_paper_prints():
    cells = rows("paper_8b", n_processes=8)

    assert cells["Gradient Accumulation Steps", "2"] == ("4", "4", "1", "run \u2260 script, paper \u2260 script")
    assert cells["Train Batch Size (per device)", "1"] == ("1", "1", "8", "run \u2260 script, paper \u2260 script")
    assert cells["Learning Rate", "1"][1:] == ("1.0e-3", "1e-3", "")
    assert not [place for place, (_, _, _, differs) in cells.items() if "run \u2260 paper" in differs]


def test_on_one_device_the_same_batch_takes_eight_times_the_accumulation_steps():
    assert rows("paper_8b")["Gradient Accumulation Steps", "2"][0] == "32"
    assert rows("paper_8b")["Gradient Accumulation Steps", "2"][3].startswith("run \u2260 paper")


def test_what_the_demo_changes_is_marked():
    cells = rows("demo")

    assert cells["LoRA Rank", "2"] == ("32", "8", "8", "run \u2260 paper, run \u2260 script")
    assert cells["Warmup Ratio", "1"] == ("0.03", "0.03", "0.03", "")
    assert cells["Learning Rate", "1"][3] == "run \u2260 paper, run \u2260 script"


def test_a_switch_of_the_scripts_is_no_difference():
    cells = rows("paper_8b", n_processes=8)

    assert cells["Precision", "1"] == ("bfloat16", "bfloat16", "bf16 True, tf32 True", "")
    assert cells["PEFT", "1"][3] == cells["PEFT", "2"][3] == ""
    assert cells["LoRA Rank", "1"] == ("", "-", "", "")


def test_a_setting_that_only_the_scripts_have_stands_beside_what_this_run_did():
    assert rows("paper_8b")["model_max_length", "2"] == ("4096", "", "4096", "")
    assert rows("paper_8b")["max_steps", "2"] == ("", "", "1", "")


def test_a_profile_that_trains_nothing_has_no_table():
    with pytest.raises(DataError, match="profile released_8b trains nothing"):
        rows("released_8b")
