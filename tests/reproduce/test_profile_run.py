import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from tiny_notebooks import DEMO, RUN, explained, run, stdout, words, write_chain, write_notebook

from bimedix2_core.errors import DataError, ParamsError
from bimedix2_core.reproduce.profile_run import reproduce
from bimedix2_core.reproduce.stale import NEVER

ALL_UP_TO_DATE = {"03": "up to date", "04": "up to date", "05": "up to date"}


def test_notebooks_run_in_order_with_the_profile_and_the_overrides(notebook_dir, outputs, capsys, monkeypatch):
    monkeypatch.setenv("BIMEDIX2_PARAMS", "params/paper_8b.yaml")
    write_notebook(notebook_dir, "03_second.ipynb", "print(open('trace.txt').read())")
    write_notebook(notebook_dir, "00_first.ipynb", "written = open('trace.txt', 'w').write('first was here')")
    (notebook_dir / "draft.ipynb").write_text("not a numbered notebook")

    code = run(notebook_dir, {"run.seed": 11})

    executed = nbformat.read(outputs / "demo" / "03_second.ipynb", as_version=4)
    assert code == 0
    assert "11 1 False\n" in stdout(executed)
    assert "first was here\n" in stdout(executed)
    assert [tag for cell in executed.cells for tag in cell.metadata.get("tags", [])] == [
        "parameters",
        "injected-parameters",
    ]
    printed = capsys.readouterr().out
    assert printed.index(f"00_first.ipynb ... because {NEVER}\n") < printed.index("03_second.ipynb ... because")
    assert printed.count(" s  ok") == 2


def test_a_second_run_does_nothing_and_takes_no_time(notebook_dir, outputs, capsys):
    write_chain(notebook_dir)
    assert run(notebook_dir) == 0
    files = {file: file.stat().st_mtime_ns for file in outputs.rglob("*.ipynb")}
    assert words(capsys) == {"03": "ok", "04": "ok", "05": "ok"}

    start = time.monotonic()
    assert run(notebook_dir) == 0

    assert time.monotonic() - start < 5
    assert words(capsys) == ALL_UP_TO_DATE
    assert {file: file.stat().st_mtime_ns for file in outputs.rglob("*.ipynb")} == files


def test_a_change_runs_what_it_reaches_and_says_so_and_equal_results_stop_it(notebook_dir, capsys):
    write_chain(notebook_dir, stage1="params.stage1.max_steps > 0")
    run(notebook_dir)
    changed = {"stage1.max_steps": 10}
    assert explained(notebook_dir, capsys, changed) == {
        "03": "would run: params stage1.max_steps changed 168 -> 10",
        "04": "would run: if 03_one, running first, leaves other results",
        "05": "up to date",
    }

    run(notebook_dir, changed)

    # 03 left the same stage1 as before, so 04 has nothing new to read
    assert words(capsys) == {"03": "ok", "04": "up to date", "05": "up to date"}

    write_chain(notebook_dir)
    run(notebook_dir, changed)
    printed = capsys.readouterr().out
    assert "03_one.ipynb ... because code cell 4 changed (write_atomic(shared / 'stage1' / 'w.txt'," in printed
    assert "04_two.ipynb ... because upstream result stage1 changed\n" in printed
    assert "05_three.ipynb ..." not in printed


def test_a_failed_notebook_stops_only_what_depends_on_it(notebook_dir, outputs, capsys):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "03_one.ipynb", "ratio = 1\nratio / 0", "print('never')")
    write_notebook(notebook_dir, "06_last.ipynb", RUN, "got = run.need('stage2', notebook='04_two')")

    code = run(notebook_dir)

    printed = capsys.readouterr()
    assert code == 1
    assert "FAILED 03_one.ipynb, code cell 3 of 4:\n\n    ratio = 1\n    ratio / 0\n" in printed.err
    assert "ZeroDivisionError: division by zero" in printed.err
    assert "\x1b[" not in printed.err
    summary = printed.out.rpartition("\n\n")[2].splitlines()
    assert summary[0].startswith("03_one.ipynb")
    assert summary[0].endswith(" s  FAILED")
    assert summary[1].split() == ["04_two.ipynb", "not", "run:", "needs", "03_one"]
    assert summary[2].endswith(" s  ok")
    assert summary[3].split() == ["06_last.ipynb", "not", "run:", "needs", "04_two"]
    assert not (outputs / "demo" / "04_two.ipynb").exists()


def test_a_bad_run_leaves_the_outputs_of_a_good_one_whole(notebook_dir, outputs, capsys):
    write_chain(notebook_dir)
    run(notebook_dir)
    good = (outputs / "demo" / "03_one.ipynb").read_bytes()
    write_notebook(notebook_dir, "03_one.ipynb", "1 / 0")

    assert run(notebook_dir) == 1

    assert (outputs / "demo" / "03_one.ipynb").read_bytes() == good
    assert "ZeroDivisionError" in (outputs / "demo" / "03_one.failed.ipynb").read_text()
    assert words(capsys)["04"] == "not run: needs 03_one"

    write_chain(notebook_dir)
    assert run(notebook_dir) == 0  # mended: 03 failed last, so it runs; 04 has its inputs and results as they were
    assert words(capsys) == {"03": "ok", "04": "up to date", "05": "up to date"}
    assert not (outputs / "demo" / "03_one.failed.ipynb").exists()


def test_a_kernel_that_dies_is_a_failure(notebook_dir, capsys):
    write_notebook(notebook_dir, "00_dies.ipynb", "import os\nos._exit(1)")

    assert run(notebook_dir) == 1
    assert "the kernel died" in capsys.readouterr().err


def test_a_killed_run_goes_on_with_what_was_not_through(notebook_dir, outputs, capsys):
    write_notebook(notebook_dir, "00_fine.ipynb")
    write_notebook(notebook_dir, "03_slow.ipynb", "open('started', 'w').close()", "import time\ntime.sleep(60)")
    script = f"from tiny_notebooks import *; from pathlib import Path; run(Path({str(notebook_dir)!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parent)
    while not (notebook_dir / "started").exists():
        assert process.poll() is None
        time.sleep(0.1)

    with pytest.raises(DataError, match=rf"another run is at work there \(process {process.pid}\); wait until it ends"):
        run(notebook_dir)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert not (outputs / "demo" / "03_slow.ipynb").exists()
    write_notebook(notebook_dir, "03_slow.ipynb", "print('quick now')")
    assert run(notebook_dir) == 0
    assert words(capsys) == {"00": "up to date", "03": "ok"}


def test_a_result_that_is_gone_or_changed_is_made_again(notebook_dir, outputs, capsys):
    write_chain(notebook_dir)
    write_notebook(notebook_dir, "05_three.ipynb", RUN, "write_atomic(run.exhibits / 'demo_table05.csv', 'n')")
    run(notebook_dir)
    (outputs / "demo" / "stage1" / "w.txt").write_text("trained by hand")
    (outputs / "demo" / "exhibits" / "demo_table05.csv").unlink()

    assert explained(notebook_dir, capsys) == {
        "03": "would run: its result stage1 was changed by something else",
        "04": "would run: upstream result stage1 changed",
        "05": "would run: its result exhibits/demo_table05.csv is not there",
    }
    (outputs / "demo" / "03_one.ipynb").unlink()
    assert "its executed notebook 03_one.ipynb is not there" in explained(notebook_dir, capsys)["03"]


def test_an_executed_notebook_that_a_reader_saved_runs_nothing(notebook_dir, outputs, capsys):
    write_notebook(notebook_dir, "05_three.ipynb")
    run(notebook_dir)
    executed = outputs / "demo" / "05_three.ipynb"
    executed.write_text(executed.read_text() + "\n")

    assert explained(notebook_dir, capsys) == {"05": "up to date"}


def test_what_is_published_never_counts_as_up_to_date(notebook_dir, outputs, capsys):
    write_notebook(notebook_dir, "05_three.ipynb", RUN, "write_atomic(run.exhibits / 'demo_table05.csv', 'n')")
    (outputs / "reference").mkdir(parents=True)
    (outputs / "reference" / "demo_table05.csv").write_text("n")

    assert explained(notebook_dir, capsys) == {"05": f"would run: {NEVER}"}


def test_only_one_notebook_or_exhibit_runs_and_says_what_it_takes_as_it_is(notebook_dir, capsys):
    write_chain(notebook_dir)
    run(notebook_dir)
    write_notebook(notebook_dir, "03_one.ipynb", "print('changed')")
    capsys.readouterr()

    assert run(notebook_dir, only=["04"], force=True) == 0

    printed = capsys.readouterr().out
    assert "03_one is not up to date (code cell 3 changed (print('changed'))" in printed
    assert "its results are taken as they are\n" in printed
    assert "04_two.ipynb ... because asked for by --force" in printed
    assert "03_one.ipynb" not in printed
    assert "05_three" not in printed


def test_from_a_notebook_on_the_earlier_ones_are_left_out(notebook_dir, capsys):
    write_chain(notebook_dir)

    with pytest.raises(DataError, match=r"04_two needs stage1 of 03_one, which is not in .*; run 03_one first"):
        run(notebook_dir, start="04")
    run(notebook_dir, only=["03"])
    capsys.readouterr()
    assert run(notebook_dir, start="04") == 0
    assert words(capsys) == {"04": "ok", "05": "ok"}


def test_force_runs_what_is_up_to_date_and_explain_says_so(notebook_dir, capsys):
    write_notebook(notebook_dir, "05_three.ipynb")
    run(notebook_dir)

    assert explained(notebook_dir, capsys, force=True) == {"05": "would run: asked for by --force"}
    run(notebook_dir, force=True)
    assert words(capsys) == {"05": "ok"}


def test_the_collector_runs_last_even_after_a_failure_and_again_when_another_ran(notebook_dir, capsys):
    write_notebook(notebook_dir, "05_three.ipynb", RUN, "write_atomic(shared / '05_three' / 'run.json', '{}')")
    write_notebook(notebook_dir, "09_broken.ipynb", "1 / 0")
    write_notebook(notebook_dir, "99_all_exhibits.ipynb")

    assert run(notebook_dir) == 1
    assert words(capsys) == {"05": "ok", "09": "FAILED", "99": "ok"}

    write_notebook(notebook_dir, "05_three.ipynb", RUN, "write_atomic(shared / '05_three' / 'run.json', '[]')")
    run(notebook_dir)
    assert "99_all_exhibits.ipynb ... because upstream result 05_three changed\n" in capsys.readouterr().out


def test_explaining_writes_nothing(notebook_dir, outputs, capsys):
    write_chain(notebook_dir)

    assert explained(notebook_dir, capsys)["03"] == f"would run: {NEVER}"
    assert not outputs.exists()


def test_damaged_records_are_one_clear_error(notebook_dir, outputs):
    write_notebook(notebook_dir, "05_three.ipynb")
    (outputs / "demo" / ".reproduce").mkdir(parents=True)
    (outputs / "demo" / ".reproduce" / "records.json").write_text('{"05')

    with pytest.raises(DataError, match=r"records\.json is damaged, .*; delete it, and every notebook runs again"):
        run(notebook_dir)


def test_records_are_on_the_disk_as_soon_as_a_notebook_is_through(notebook_dir, outputs):
    write_notebook(notebook_dir, "00_first.ipynb")
    records = outputs / "demo" / ".reproduce" / "records.json"
    write_notebook(notebook_dir, "03_second.ipynb", f"print(open({str(records)!r}).read())")

    run(notebook_dir)

    seen = json.loads(stdout(nbformat.read(outputs / "demo" / "03_second.ipynb", as_version=4))[-1])
    assert list(seen) == ["00_first"]


def test_a_profile_that_does_not_fit_runs_nothing(notebook_dir, outputs):
    write_notebook(notebook_dir, "00_fine.ipynb")

    with pytest.raises(ParamsError, match=r"run\.seed: expected a whole number, found 'x'"):
        run(notebook_dir, {"run.seed": "x"})

    assert not outputs.exists()


def test_a_folder_without_notebooks_is_an_error(notebook_dir):
    with pytest.raises(DataError, match="no notebook of the form"):
        reproduce(DEMO, {}, notebook_dir=notebook_dir)


def test_a_profile_of_finished_weights_runs_what_needs_no_training_and_says_why_not_the_rest(
    notebook_dir, outputs, capsys, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_notebook(notebook_dir, "03_stage1_alignment.ipynb", "raise SystemError")
    write_notebook(notebook_dir, "12_paper_audit.ipynb", "print(1)")

    assert reproduce("params/released_8b.yaml", {}, notebook_dir=notebook_dir) == 0

    assert words(capsys) == {
        "03": "not run: nothing is trained: the profile measures finished weights",
        "12": "ok",
    }
    assert not (outputs / "released_8b" / "03_stage1_alignment.ipynb").exists()
