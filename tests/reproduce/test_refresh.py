import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tiny_notebooks import stdout, write_notebook

from bimedix2_core.errors import DataError
from bimedix2_core.reproduce.folder import claimed
from bimedix2_core.reproduce.refresh import refresh, stripped


def test_a_refresh_writes_outputs_back_and_publishes_exhibits(notebook_dir, outputs):
    write_notebook(notebook_dir, "00_fine.ipynb", "print('hello')")
    (outputs / "demo" / "exhibits").mkdir(parents=True)
    (outputs / "demo" / "exhibits" / "table_05.csv").write_text("n")
    (outputs / "reference").mkdir()
    (outputs / "reference" / "demo_old.csv").write_text("old")
    ids = [cell.id for cell in nbformat.read(notebook_dir / "00_fine.ipynb", as_version=4).cells]

    assert refresh(notebook_dir) == 0

    written = nbformat.read(notebook_dir / "00_fine.ipynb", as_version=4)
    assert stdout(written)[1:] == ["0 1 False\n", "hello\n"]
    assert [cell.id for cell in written.cells] == ids
    assert [cell.get("execution_count") for cell in written.cells] == [None, 1, 2, 3]
    assert "injected-parameters" not in json.dumps(written)
    assert "papermill" not in json.dumps(written)
    assert [file.name for file in (outputs / "reference").iterdir()] == ["table_05.csv"]


def test_a_refresh_runs_all_notebooks_each_time(notebook_dir, capsys):
    write_notebook(notebook_dir, "00_fine.ipynb")

    assert [refresh(notebook_dir), refresh(notebook_dir)] == [0, 0]

    assert capsys.readouterr().out.count(" s  ok\n") == 2


def test_a_refresh_leaves_no_progress_bar_in_the_outputs(notebook_dir):
    write_notebook(notebook_dir, "00_bar.ipynb", "from tqdm.auto import tqdm\nbar = sum(tqdm(range(3), desc='train'))")

    refresh(notebook_dir)

    assert nbformat.read(notebook_dir / "00_bar.ipynb", as_version=4).cells[-1].outputs == []


def test_a_refresh_that_fails_stops_there_and_writes_nothing_back(notebook_dir, capsys):
    write_notebook(notebook_dir, "00_fine.ipynb", "print('hello')")
    write_notebook(notebook_dir, "03_broken.ipynb", "1 / 0")
    write_notebook(notebook_dir, "04_later.ipynb")
    before = [file.read_bytes() for file in sorted(notebook_dir.glob("*.ipynb"))]

    assert refresh(notebook_dir) == 1
    assert [file.read_bytes() for file in sorted(notebook_dir.glob("*.ipynb"))] == before
    assert "not run: 03_broken.ipynb failed\n" in capsys.readouterr().out


def test_a_refresh_waits_for_no_other_run(notebook_dir, outputs):
    write_notebook(notebook_dir, "00_fine.ipynb")

    with claimed(outputs / "demo"), pytest.raises(DataError, match="another run is at work there"):
        refresh(notebook_dir)


def test_stripping_keeps_what_is_compared_and_drops_what_depends_on_the_machine():
    alt = {"image/png": {"alt": "a curve"}}
    cell = new_code_cell(
        "x",
        id="abc",
        execution_count=7,
        metadata={"tags": ["nbval-ignore-output"], "reason": "time", "papermill": {"d": 1}, "execution": {"a": "b"}},
        outputs=[
            new_output("stream", name="stdout", text="a\n"),
            new_output("stream", name="stdout", text="b\n"),
            new_output("execute_result", {"text/plain": "1"}, execution_count=7),
            new_output("display_data", {"image/png": "AAAA"}, metadata=alt),
        ],
    )
    text = new_markdown_cell("# T", metadata={"tags": [], "papermill": {}})
    versions = {"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {}, "papermill": {}}

    clean = stripped(new_notebook(cells=[text, cell], metadata=versions))

    assert clean.metadata.language_info == {"name": "python"}
    assert set(clean.metadata) == {"kernelspec", "language_info"}
    assert clean.cells[0].metadata == {}
    assert clean.cells[1].metadata == {"tags": ["nbval-ignore-output"], "reason": "time"}
    assert clean.cells[1].id == "abc"
    assert [output.output_type for output in clean.cells[1].outputs] == ["stream", "execute_result", "display_data"]
    assert clean.cells[1].outputs[0].text == "a\nb\n"
    assert clean.cells[1].execution_count == clean.cells[1].outputs[1].execution_count == 1
    assert clean.cells[1].outputs[2].metadata == alt


def test_cells_that_read_external_files_are_committed_without_outputs():
    cell = new_code_cell("x", execution_count=2, metadata={"tags": ["external-data"]})
    cell.outputs = [new_output("stream", name="stdout", text="somebody's image")]

    clean = stripped(new_notebook(cells=[new_code_cell("y", execution_count=1), cell, new_code_cell("z")]))

    assert [(cell.execution_count, cell.outputs) for cell in clean.cells] == [(1, []), (None, []), (3, [])]
