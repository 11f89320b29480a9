import json

import pytest
import training_processes as processes
from safetensors.torch import load_file

from bimedix2_core.training.__main__ import main

FEW = [
    *["run.threads=1", "data.n_caption_images=6", "data.n_instruction_images=2", "data.n_text_samples=4"],
    *["stage1.max_steps=2", "stage1.global_batch_size=5", "stage1.row_length=512"],
    *["stage2.max_steps=2", "stage2.global_batch_size=5", "stage2.row_length=512", "stage2.lora_r=4"],
]
"""Two steps of the demo's base, on a handful of samples."""


def arguments(stage, *more):
    return ["--params", "params/demo.yaml", "--stage", str(stage), *more, "--set", *FEW]


def test_both_stages_are_trained_from_the_command_line_where_the_notebooks_look_for_them(outputs, capsys):
    assert main(arguments(1)) == 0
    assert main(arguments(2, "--processes", "1")) == 0

    said = capsys.readouterr().out
    assert "training_stage1 | profile demo | seed 0" in said
    assert said.count("2 steps on 1 process, ") == 2
    assert f"saved in {outputs}/demo/stage1" in said
    assert f"saved in {outputs}/demo/stage2" in said
    adapter = load_file(outputs / "demo" / "stage2" / "adapter_model.safetensors")
    projector = load_file(outputs / "demo" / "stage1" / "projector.safetensors")
    assert len(projector) == 4
    assert len(adapter) == 4 + 4 * 7 * 2  # four layers with seven linear ones, each with A and B
    record = json.loads((outputs / "demo" / "training_stage2" / "run.json").read_text())
    assert record["results"]["processes"] == 1
    assert record["overrides"]["stage2.lora_r"] == 4
    assert set(record["data"]) == {"stage1/projector.safetensors"}


def test_two_processes_are_started_as_by_torchrun_and_only_the_first_one_speaks_and_writes(tmp_path):
    assert processes.run("command_line", tmp_path, *arguments(1, "--processes", "2"), count=2) == [0, 0]

    first, second = ((tmp_path / f"said-{rank}.txt").read_text() for rank in (0, 1))
    assert "2 steps on 2 processes, " in first
    assert first.endswith("exit code 0\n")
    assert second == "exit code 0\n"
    assert (tmp_path / "demo" / "stage1" / "projector.safetensors").exists()
    assert json.loads((tmp_path / "demo" / "training_stage1" / "run.json").read_text())["results"]["processes"] == 2


def test_another_number_of_processes_than_asked_for_is_an_error_before_anything_is_loaded(outputs, capsys):
    assert main(arguments(1, "--processes", "2")) == 1

    said = capsys.readouterr()
    assert said.err.startswith("ParamsError: 1 process runs, 2 were asked for; start them with `torchrun")
    assert said.out == ""
    assert not outputs.exists()


def test_stage_2_without_stage_1_names_what_is_missing(capsys):
    assert main(arguments(2)) == 1

    assert "demo/stage1/projector.safetensors, which is not there: run notebook 03_stage1_alignment" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--set", "stage1.max_steps"], "--set stage1.max_steps: expected key=value, such as stage2.lora_r=16"),
        (["--set", "run.seed=[1"], "--set run.seed=[1: the value is not readable as YAML"),
        (["--set", "stage1.lora_r=4"], "lora_r"),
        (["--params", "params/released_8b.yaml"], "measures finished weights (model.base is null)"),
    ],
)
def test_what_does_not_fit_is_one_message_and_no_traceback(capsys, given, expected):
    assert main(["--stage", "1", *given]) == 1

    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
