import nbformat
import pytest
from tiny_notebooks import stdout, write_chain, write_notebook

from bimedix2_core.reproduce import __main__ as program
from bimedix2_core.reproduce.__main__ import main


@pytest.fixture
def clone(notebook_dir, monkeypatch):
    """The notebooks folder of what the command line takes for the repository."""
    (notebook_dir / "notebooks").mkdir()
    monkeypatch.setattr(program, "root", lambda: notebook_dir)
    return notebook_dir / "notebooks"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--params", "params/absent.yaml"], "ParamsError: params/absent.yaml: no such parameter file"),
        (["--overrides", "{stage2.lora_rr: 1}"], "stage2.lora_rr: unknown key; did you mean `lora_r`?"),
        (["--overrides", "run.seed"], "expected a YAML mapping"),
        (["--overrides", "{"], "--overrides is not readable as YAML"),
        (["--plan", "--only", "09"], "--only, --from and --force choose what is run or explained; leave them out here"),
        (["--refresh", "--force"], "leave them out here"),
        (["--compare", "a", "b", "--from", "04"], "leave them out here"),
    ],
)
def test_the_command_line_answers_bad_parameters_with_one_error(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_params_file_that_is_no_yaml_is_one_error(tmp_path, capsys):
    (tmp_path / "x.yaml").write_text("params: [")

    assert main(["--params", str(tmp_path / "x.yaml")]) == 2
    assert "x.yaml is not readable as YAML" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "tabel05"], "unknown notebook or exhibit 'tabel05'; did you mean table05?"),
        (["--from", "17"], "unknown notebook or exhibit '17'"),
        (["--explain", "--only", "table13"], "table13 is made in notebook 13_variants, which is not written yet"),
        (["--compare", "absent/a", "absent/b"], "DataError: absent/a: no such folder"),
    ],
)
def test_the_command_line_answers_what_is_not_there_with_one_error(arguments, message, capsys):
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_one_error(clone, tmp_path, monkeypatch, capsys):
    write_notebook(clone, "00_fine.ipynb")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BIMEDIX2_OUTPUTS", str(tmp_path / "file"))

    assert main([]) == 1
    assert "no place for outputs, Not a directory" in capsys.readouterr().err


def test_the_command_line_runs_the_notebooks_of_the_repository(clone, outputs):
    write_notebook(clone, "00_fine.ipynb")

    assert main(["--overrides", "{run.seed: 4}"]) == 0
    assert "4 1 False\n" in stdout(nbformat.read(outputs / "demo" / "00_fine.ipynb", as_version=4))


def test_explain_says_what_would_run_and_runs_nothing(clone, outputs, capsys):
    write_chain(clone)

    assert main(["--explain", "--from", "04"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "04_two    would run: no finished run of it is known here",
        "05_three  would run: no finished run of it is known here",
    ]
    assert not outputs.exists()


def test_plan_says_what_would_run_and_runs_nothing(outputs, capsys):
    assert main(["--plan"]) == 0

    assert "03_stage1_alignment: no finished run of it is known here" in capsys.readouterr().out
    assert not outputs.exists()


def test_an_interrupted_run_says_that_the_next_goes_on(clone, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "reproduce", interrupted)

    assert main([]) == 130
    assert capsys.readouterr().err == "interrupted; finished notebooks are kept, the next run goes on\n"
