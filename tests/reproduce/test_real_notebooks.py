"""What the notebooks of the repository depend on, found without executing them."""

import ast
import modulefinder
import shutil
import subprocess
import sys
import time
import warnings

import pytest

from bimedix2_core.params import load_params, root
from bimedix2_core.reproduce.folder import STATE
from bimedix2_core.reproduce.inputs import Site, changes, inputs_of
from bimedix2_core.reproduce.keys import Keys
from bimedix2_core.reproduce.reach import Core, code_of
from bimedix2_core.reproduce.stale import record_of
from bimedix2_core.reproduce.steps import code_cells, steps_in
from bimedix2_core.reproduce.tasks import records_in

STEPS = steps_in(root() / "notebooks")
NOTEBOOKS = {step.name[:2] for step in STEPS}
DEMO = load_params("params/demo.yaml", environment={})


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the core, to be changed."""
    folder = tmp_path_factory.mktemp("copy") / "bimedix2_core"
    return shutil.copytree(root() / "bimedix2_core", folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def site(copy, tmp_path_factory):
    keys = Keys(tmp_path_factory.mktemp("keys") / "keys.json")
    return Site(copy.parent / "outputs", DEMO, Core(copy), keys, root() / "requirements.lock")


def reached_by(step):
    names = {name for source in code_cells(step.notebook) for name in code_of(source, is_module=False).imports}
    return Core().reached(names)


def stale_after(site, change):
    """Numbers of the notebooks that ``change`` makes stale, and what each says."""
    before = {step.name: inputs_of(step, site) for step in STEPS}
    change()
    said = {step.name[:2]: changes(before[step.name], inputs_of(step, site)) for step in STEPS}
    return {number: reasons for number, reasons in said.items() if reasons}


@pytest.mark.parametrize(
    ("module", "notebooks"),
    [
        ("training/stage1.py", {"03"}),
        ("training/stage2.py", {"04"}),
        ("training/loop.py", {"03", "04"}),
        ("demo/conversations.py", {"04", "05"}),
        ("demo/exam.py", {"04", "09"}),
        ("runs.py", NOTEBOOKS),
        ("seeds.py", set()),
        ("reproduce/tasks.py", set()),
    ],
)
def test_a_change_in_one_module_runs_exactly_the_notebooks_that_reach_it(site, copy, module, notebooks):
    file = copy / module

    said = stale_after(site, lambda: file.write_text(file.read_text() + f"\nCHANGED = {time.monotonic_ns()}\n"))

    ours = {number: reasons for number, reasons in said.items() if number in {"00", "03", "04", "05", "09"}}
    assert set(ours) == notebooks & {"00", "03", "04", "05", "09"}
    assert all(reasons == [f"module {module} changed"] for reasons in said.values())


def test_a_comment_or_a_docstring_in_a_module_runs_nothing(site, copy):
    file = copy / "runs.py"

    assert stale_after(site, lambda: file.write_text(f"# a remark\n{file.read_text()}")) == {}


def test_data_that_ships_with_a_module_counts(site, copy):
    grammar = copy / "demo" / "grammar.yaml"

    said = stale_after(site, lambda: grammar.write_text(f"{grammar.read_text()}\n# changed\n"))

    assert {"00", "03", "04", "05", "09"} <= set(said)
    assert said["03"] == ["file demo/grammar.yaml changed"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_what_is_reached_is_what_pythons_own_module_finder_finds(step, tmp_path):
    script = tmp_path / "cells.py"
    script.write_text("\n".join(code_cells(step.notebook)))
    finder = modulefinder.ModuleFinder(path=[str(root())])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        finder.run_script(str(script))

    found = {module.__file__ for name, module in finder.modules.items() if name.startswith("bimedix2_core")}
    assert {str(file) for file in reached_by(step)} == found


def test_who_needs_whose_results():
    makers = {step.name[:2]: {maker[:2] for maker in step.makers} for step in STEPS}

    assert {number: makers[number] for number in ("00", "03", "04", "05", "09")} == {
        "00": set(),
        "03": set(),
        "04": {"03"},
        "05": {"03", "04"},
        "09": {"03", "04"},
    }


@pytest.mark.parametrize(
    ("overrides", "notebooks"),
    [
        ({"run.seed": 1}, {"00", "03", "04", "05", "09"}),
        ({"stage1.max_steps": 10}, {"00", "03", "04"}),
        ({"stage2.lora_r": 16}, {"00", "04"}),
        ({"benchmarks.medical_vqa.n_follow_up": 2}, {"00", "04", "09"}),
        ({"data.reader_images": "photos"}, {"00", "05"}),
    ],
)
def test_a_value_runs_the_notebooks_that_read_it_and_the_first_which_shows_all(site, overrides, notebooks):
    changed = Site(
        site.shared, load_params("params/demo.yaml", overrides, environment={}), site.core, site.keys, site.lock
    )

    stale = {step.name[:2] for step in STEPS if changes(inputs_of(step, site), inputs_of(step, changed))}

    assert stale & {"00", "03", "04", "05", "09"} == notebooks


def test_a_profile_is_called_params_wherever_a_notebook_reaches():
    """The values a notebook reads are found by this name."""
    other = [
        f"{file.name}: {argument.arg}"
        for file in {file for step in STEPS for file in reached_by(step)}
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.annotation and ast.unparse(argument.annotation) == "Params" and argument.arg != "params"
    ]

    assert not other, f"call a whole profile `params`, so that reproduce sees what is read from it: {other}"


def test_nothing_but_a_cell_asks_for_results_of_other_notebooks():
    """The order of the notebooks is read from their cells."""
    core = root() / "bimedix2_core"
    asking = {file.relative_to(core).as_posix() for file in core.rglob("*.py") if "run.need(" in file.read_text()}

    commands = {"training/__main__.py"}  # no notebook reaches it
    assert asking <= {"reproduce/steps.py", "plan/scope.py"} | commands, (
        "call run.need in the notebook and hand the path on"
    )


def leave_records_of_a_good_run(shared):
    """What the runner keeps when all notebooks are through, without the minutes they take."""
    site = Site(shared, DEMO, Core(), Keys(shared / STATE / "keys.json"), root() / "requirements.lock")
    records = records_in(shared)
    for step in STEPS:
        for name in (f"{step.name}/run.json", *(f"{result}/weights" for result in step.leaves), step.notebook.name):
            (shared / name).parent.mkdir(parents=True, exist_ok=True)
            (shared / name).write_text("{}")
        record = record_of(step, site, inputs=inputs_of(step, site), before={})
        records.backend.set(step.name, "_values_:", record)
    records.close()


def test_an_up_to_date_run_of_all_notebooks_does_nothing_within_ten_seconds(outputs):
    leave_records_of_a_good_run(outputs / "demo")
    before = {file: file.read_bytes() for file in outputs.rglob("*.ipynb")}

    start = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "bimedix2_core.reproduce"], capture_output=True, text=True, check=True)

    assert time.monotonic() - start < 10
    assert done.stdout.count("  up to date\n") == len(STEPS)
    assert "..." not in done.stdout
    assert {file: file.read_bytes() for file in outputs.rglob("*.ipynb")} == before
