import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.hyperparameters import hyperparameter_table
from bimedix2_core.params import load_params


def rows(profile):
    """Cells by parameter and stage: run, paper, script, differs."""
    table = hyperparameter_table(load_params(f"params/{profile}.yaml", environment={}))
    return {(row[0], row[1]): row[2:6] for row in table.rows}


def test_the_paper_profile_agrees_with_every_cell_the_paper_prints():
    cells = rows("paper_8b")

    assert cells["Learning Rate", "1"][1:] == ("1.0e-3", "1e-3", "")
    assert not [place for place, (_, _, _, differs) in cells.items() if "run \u2260 paper" in differs]


def test_a_batch_per_device_is_the_papers_and_the_note_says_what_the_run_does_instead():
    table = hyperparameter_table(load_params("params/paper_8b.yaml", environment={}))
    (row,) = [row for row in table.rows if row[:2] == ("Train Batch Size (per device)", "2")]

    assert row[2:6] == ("", "4", "8", "paper \u2260 script")
    assert row[6] == "paper and script differ; this run packs the 128 samples of a step into rows of 8192 tokens"


def test_what_the_demo_changes_is_marked():
    cells = rows("demo")

    assert cells["LoRA Rank", "2"] == ("32", "8", "8", "run \u2260 paper, run \u2260 script")
    assert cells["Warmup Ratio", "1"] == ("0.03", "0.03", "0.03", "")
    assert cells["Learning Rate", "1"][3] == "run \u2260 paper, run \u2260 script"


def test_a_switch_of_the_scripts_is_no_difference():
    cells = rows("paper_8b")

    assert cells["Precision", "1"] == ("bfloat16", "bfloat16", "bf16 True, tf32 True", "")
    assert cells["PEFT", "1"][3] == cells["PEFT", "2"][3] == ""
    assert cells["LoRA Rank", "1"] == ("", "-", "", "")


def test_a_setting_that_only_the_scripts_have_stands_beside_what_this_run_did():
    assert rows("paper_8b")["model_max_length", "2"] == ("4096", "", "4096", "")
    assert rows("paper_8b")["max_steps", "2"] == ("", "", "1", "")
    assert rows("paper_8b")["gradient_checkpointing", "2"] == ("False", "", "True", "run \u2260 script")


def test_a_profile_that_trains_nothing_has_no_table():
    with pytest.raises(DataError, match="profile released_8b trains nothing"):
        rows("released_8b")
