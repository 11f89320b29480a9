import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bimedix2_core import reproduce as program
from bimedix2_core.errors import DataError, ParamsError
from bimedix2_core.reproduce import main, refresh, reproduce, stripped

PARAMETERS = 'params = "params/demo.yaml"\noverrides = {}'
SETUP = (
    "import os\n"
    "from bimedix2_core.params import load_params\n"
    "params = load_params(params, overrides)\n"
    "print(params.run.seed, os.environ['HF_HUB_OFFLINE'], 'BIMEDIX2_PARAMS' in os.environ)"
)
DEMO = "params/demo.yaml"


@pytest.fixture
def notebook_dir(tmp_path):
    """A folder for tiny notebooks, with braces in its name: papermill would fill them in."""
    folder = tmp_path / "note{books}"
    folder.mkdir()
    return folder


def write_notebook(folder, name, *sources, tags=None):
    """A notebook with a title, a parameters cell, a setup cell, and one code cell per source."""
    cells = [new_markdown_cell("# Title"), new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source, metadata={"tags": tags} if tags else {}) for source in (SETUP, *sources)]
    kernel = {"display_name": "x", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / name)


def stdout(notebook):
    return ["".join(o.text for o in cell.outputs if o.output_type == "stream") for cell in notebook.cells[1:]]


def test_notebooks_run_in_order_with_the_profile_and_the_overrides(notebook_dir, outputs, capsys, monkeypatch):
    monkeypatch.setenv("BIMEDIX2_PARAMS", "params/paper_8b.yaml")
    write_notebook(notebook_dir, "03_second.ipynb", "print(open('trace.txt').read())")
    write_notebook(notebook_dir, "00_first.ipynb", "written = open('trace.txt', 'w').write('first was here')")
    (notebook_dir / "draft.ipynb").write_text("not a numbered notebook")

    code = reproduce(DEMO, {"run.seed": 11}, notebook_dir=notebook_dir)

    executed = nbformat.read(outputs / "demo" / "03_second.ipynb", as_version=4)
    assert code == 0
    assert "11 1 False\n" in stdout(executed)
    assert "first was here\n" in stdout(executed)
    assert [tag for cell in executed.cells for tag in cell.metadata.get("tags", [])] == [
        "parameters",
        "injected-parameters",
    ]
    printed = capsys.readouterr().out
    assert printed.index("00_first.ipynb ...") < printed.index("03_second.ipynb ...")
    assert printed.count(" s  ok") == 2


def test_the_first_failing_notebook_stops_the_run_with_its_cell_and_traceback(notebook_dir, outputs, capsys):
    write_notebook(notebook_dir, "00_fine.ipynb")
    write_notebook(notebook_dir, "03_broken.ipynb", "ratio = 1\nratio / 0", "print('never')")
    write_notebook(notebook_dir, "04_later.ipynb")

    code = reproduce(DEMO, {}, notebook_dir=notebook_dir)

    printed = capsys.readouterr()
    assert code == 1
    assert "FAILED 03_broken.ipynb, code cell 3 of 4:\n\n    ratio = 1\n    ratio / 0\n" in printed.err
    assert "ZeroDivisionError: division by zero" in printed.err
    assert "\x1b[" not in printed.err
    assert "04_later.ipynb" in printed.out
    assert "not run" in printed.out
    assert not (outputs / "demo" / "04_later.ipynb").exists()


def test_a_kernel_that_dies_is_a_failure(notebook_dir, capsys):
    write_notebook(notebook_dir, "00_dies.ipynb", "import os\nos._exit(1)")

    assert reproduce(DEMO, {}, notebook_dir=notebook_dir) == 1
    assert "the kernel died" in capsys.readouterr().err


def test_a_profile_that_does_not_fit_runs_nothing(notebook_dir, outputs):
    write_notebook(notebook_dir, "00_fine.ipynb")

    with pytest.raises(ParamsError, match=r"run\.seed: expected a whole number, found 'x'"):
        reproduce(DEMO, {"run.seed": "x"}, notebook_dir=notebook_dir)

    assert not outputs.exists()


def test_a_folder_without_notebooks_is_an_error(notebook_dir):
    with pytest.raises(DataError, match="no notebook of the form"):
        reproduce(DEMO, {}, notebook_dir=notebook_dir)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params", "params/absent.yaml"], "ParamsError: params/absent.yaml: no such parameter file"),
        (["--overrides", "{stage2.lora_rr: 1}"], "stage2.lora_rr: unknown key; did you mean `lora_r`?"),
        (["--overrides", "run.seed"], "expected a YAML mapping"),
        (["--overrides", "{"], "--overrides is not readable as YAML"),
    ],
)
def test_the_command_line_answers_bad_parameters_with_one_error(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_line_runs_the_notebooks_of_the_repository(notebook_dir, outputs, monkeypatch):
    (notebook_dir / "notebooks").mkdir()
    write_notebook(notebook_dir / "notebooks", "00_fine.ipynb")
    monkeypatch.setattr(program, "root", lambda: notebook_dir)

    assert main(["--overrides", "{run.seed: 4}"]) == 0
    assert "4 1 False\n" in stdout(nbformat.read(outputs / "demo" / "00_fine.ipynb", as_version=4))


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


def test_a_refresh_leaves_no_progress_bar_in_the_outputs(notebook_dir):
    write_notebook(notebook_dir, "00_bar.ipynb", "from tqdm.auto import tqdm\nbar = sum(tqdm(range(3), desc='train'))")

    refresh(notebook_dir)

    assert nbformat.read(notebook_dir / "00_bar.ipynb", as_version=4).cells[-1].outputs == []


def test_a_refresh_that_fails_writes_nothing_back(notebook_dir):
    write_notebook(notebook_dir, "00_fine.ipynb", "print('hello')")
    write_notebook(notebook_dir, "03_broken.ipynb", "1 / 0")
    before = [file.read_bytes() for file in sorted(notebook_dir.glob("*.ipynb"))]

    assert refresh(notebook_dir) == 1
    assert [file.read_bytes() for file in sorted(notebook_dir.glob("*.ipynb"))] == before


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
