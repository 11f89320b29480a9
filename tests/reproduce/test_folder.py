import os
import subprocess
import sys

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.reproduce.folder import claimed


def test_one_run_at_a_time_and_the_next_when_it_has_ended(tmp_path):
    with claimed(tmp_path / "demo"):
        with (
            pytest.raises(DataError, match=rf"demo: another run is at work there \(process {os.getpid()}\)"),
            claimed(tmp_path / "demo"),
        ):
            pass
        with claimed(tmp_path / "paper_8b"):
            pass

    with claimed(tmp_path / "demo"):
        pass


def test_the_lock_of_a_process_that_was_killed_is_taken_over(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from bimedix2_core.reproduce.folder import claimed\n"
        "with claimed(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert (tmp_path / ".reproduce" / "lock").read_text().startswith("process ")

    with claimed(tmp_path):
        assert (tmp_path / ".reproduce" / "lock").read_text() == f"process {os.getpid()}"


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "outputs").write_text("a file in the way")

    with (
        pytest.raises(DataError, match=r"Not a directory .*set BIMEDIX2_OUTPUTS to a folder"),
        claimed(tmp_path / "outputs" / "demo"),
    ):
        pass
