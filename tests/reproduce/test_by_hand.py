"""papermill by hand does what the runner does."""

import json
import os
import subprocess
import sys

import pytest
from tiny_notebooks import DEMO, write_notebook

from bimedix2_core.params import root
from bimedix2_core.reproduce.profile_run import reproduce

RECORD = "from bimedix2_core.runs import start_run, finish_run\nrun = start_run('03_one', params, overrides)"
DROPPED = {"started", "finished", "seconds", "hardware", "git"}


def record(outputs):
    content = json.loads((outputs / "demo" / "03_one" / "run.json").read_text())
    return {name: value for name, value in content.items() if name not in DROPPED}


@pytest.mark.slow
@pytest.mark.parametrize("place", ["from the root", "from notebooks/"])
def test_papermill_by_hand_does_the_same_as_the_runner(notebook_dir, outputs, tmp_path, monkeypatch, place):
    write_notebook(notebook_dir, "03_one.ipynb", RECORD, "card = finish_run(run, results={'cwd': 'any'})")
    overrides = {"run.seed": 7}
    assert reproduce(DEMO, overrides, notebook_dir=notebook_dir) == 0
    by_runner = record(outputs)

    monkeypatch.setenv("BIMEDIX2_OUTPUTS", str(tmp_path / "by_hand"))
    folder, profile = (root(), DEMO) if place == "from the root" else (root() / "notebooks", f"../{DEMO}")
    plain = tmp_path / "03_one.ipynb"
    plain.write_bytes((notebook_dir / "03_one.ipynb").read_bytes())  # papermill takes braces in a path for its own
    command = [sys.executable, "-m", "papermill", str(plain), str(tmp_path / "out.ipynb"), "-f", profile]
    subprocess.run(
        [*command, "-y", "overrides: {run.seed: 7}"], cwd=folder, check=True, capture_output=True, env=dict(os.environ)
    )

    assert record(tmp_path / "by_hand") == by_runner
    assert by_runner["seed"] == 7
