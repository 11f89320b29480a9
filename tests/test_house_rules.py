"""The house rules as tests: each failure says what to do. Every rule is also broken on purpose once."""

import ast
import base64
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bimedix2_core.params import root
from bimedix2_core.reproduce.execute import NOTEBOOK_PATTERN
from bimedix2_core.reproduce.refresh import EXTERNAL_DATA, KEPT_CELL_METADATA

CORE = root() / "bimedix2_core"
MODULES = sorted(CORE.rglob("*.py"))
NOTEBOOKS = sorted((root() / "notebooks").glob(NOTEBOOK_PATTERN))

LEVELS = {
    "errors": 0,
    "records": 1, "params": 1,
    "runs": 2, "environment": 2, "statistics": 2,
    "endpoint": 3,
    "data": 4,
    "bench": 5, "model": 5,
    "paper": 6, "training": 6, "inference": 6,
    "demo": 7, "plan": 7,
    "recipe": 8, "rollout_recipe": 8, "composition_recipe": 8,
    "respondents": 9, "score": 9, "reproduce": 9, "seeds": 9, "training.__main__": 9,
    "benchmark_recipe": 10, "multimodal_recipe": 10,
    "ablation_recipe": 11, "mixture_recipe": 11,
}  # fmt: skip
"""Rooms of the core and their level: a room imports from lower levels and from itself, never from its neighbours.

A command line that needs more than its room has a level of its own: it stands above the room, which never imports it.
"""

LIGHT_MODULES = (
    "errors", "records", "params", "runs", "statistics", "reproduce.__main__", "demo.phantoms", "demo.corpus",
)  # fmt: skip
MAX_CELL_LINES = 25
MAX_PNG_BYTES = 250_000
MAX_FILE_BYTES = 10_000_000
MIN_COMPARED = 0.6
MACHINE_PATH = re.compile(r"(/home/|/root/|/Users/|/work/|/tmp/|/var/folders/|[A-Z]:\\\\?Users)")
IMPORT_NAMES = {"pil": "pillow", "yaml": "pyyaml"}


# --- modules -------------------------------------------------------------------------------------------------------


def room_of(module: Path) -> str:
    parts = module.relative_to(CORE).with_suffix("").parts
    return ".".join(parts) if ".".join(parts) in LEVELS else parts[0]


def imported_names(source: str) -> list[str]:
    """Dotted names of everything a module imports, inside functions too."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def upward_imports(source: str, room: str) -> list[str]:
    rooms = {name.split(".")[1] for name in imported_names(source) if name.startswith("bimedix2_core.")}
    return sorted(other for other in rooms & set(LEVELS) - {room} if LEVELS[other] >= LEVELS[room])


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(CORE).as_posix())
def test_imports_point_strictly_downward(module):
    room = room_of(module)
    if room == "__init__":
        return
    assert room in LEVELS, f"{room} is a new room: give it a level in tests/test_house_rules.py, as design.md draws it"

    up = upward_imports(module.read_text(), room)

    assert not up, f"{module.name} imports {up}, which stand above or beside {room}: move the shared part further down"


def test_an_upward_import_is_noticed():
    source = "def f():\n    from bimedix2_core.demo.corpus import x\n    import bimedix2_core.model.assemble\n"

    assert upward_imports(source, "bench") == ["demo", "model"]
    assert upward_imports(source, "reproduce") == []
    assert upward_imports("from bimedix2_core import runs, params", "data") == []
    assert upward_imports("from bimedix2_core import runs", "params") == ["runs"]


def test_a_command_line_may_stand_above_its_room_and_only_what_is_above_both_may_not_be_imported():
    source = "from bimedix2_core.recipe import load_base\nfrom bimedix2_core.training.loop import train\n"

    assert room_of(CORE / "training" / "__main__.py") == "training.__main__"
    assert room_of(CORE / "training" / "loop.py") == room_of(CORE / "training" / "packing" / "rows.py") == "training"
    assert upward_imports(source, "training.__main__") == []
    assert upward_imports(source, "training") == ["recipe"]
    assert upward_imports("from bimedix2_core.multimodal_recipe import x", "training.__main__") == ["multimodal_recipe"]


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(CORE).as_posix())
def test_a_module_says_what_it_is_in_ascii_and_without_assert(module):
    source = module.read_text(encoding="utf-8")
    tree = ast.parse(source)

    foreign = sorted({character for character in source if ord(character) > 127})
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]

    assert ast.get_docstring(tree), f"{module.name}: open the module with a docstring"
    assert not foreign, f"{module.name}: not ASCII: {foreign}; Arabic and other scripts live in data files"
    assert not asserts, f"{module.name}: assert in lines {asserts}; raise one of bimedix2_core.errors"


def third_party(source: str) -> set[str]:
    tops = {name.split(".")[0].lower() for name in imported_names(source)}
    own = {name.lower() for name in sys.stdlib_module_names} | {"bimedix2_core"}
    return {IMPORT_NAMES.get(top, top) for top in tops - own}


def test_what_the_core_imports_is_declared():
    project = tomllib.loads((root() / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=!\[ ]", text)[0].lower() for text in project["dependencies"]}
    declared |= {"nbclient"}  # papermill's own engine, for its exceptions

    undeclared = {module.name: extra for module in MODULES if (extra := third_party(module.read_text()) - declared)}

    assert not undeclared, f"add these to pyproject.toml and requirements.lock, or do without: {undeclared}"


def light_modules() -> list[str]:
    names = [f"bimedix2_core.{name}" for name in LIGHT_MODULES if (CORE / f"{name.replace('.', '/')}.py").exists()]
    return names + [f"bimedix2_core.bench.{file.stem}" for file in sorted((CORE / "bench").glob("[a-z]*.py"))]


def test_light_modules_come_without_torch():
    names = light_modules()
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'torch', 'transformers', 'datasets'} & set(sys.modules)\n"
        "    sys.exit(f'{name} brings {sorted(heavy)}') if heavy else None\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"import heavy libraries inside the functions that use them: {done.stderr}"


# --- notebooks -----------------------------------------------------------------------------------------------------


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


DEFAULTS = ["params = 'params/demo.yaml'", "overrides = {}"]
"""What the parameters cell says, quotes and comments aside."""


def layout_problems(notebook: NotebookNode) -> list[str]:
    """Title, one parameters cell with the demo as its default, one start and one end."""
    problems = []
    cells = notebook.cells
    headings = [
        line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines() if line[:2] == "# "
    ]
    if not (cells and cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")):
        problems.append("begin with a markdown cell whose first line is the H1 title")
    if len(headings) != 1:
        problems.append(f"keep exactly one H1, found {headings}")
    parameters = [cell.source for cell in code_cells(notebook) if "parameters" in tags(cell)]
    if len(parameters) != 1:
        problems.append(f"tag exactly one cell `parameters`, found {len(parameters)}")
    statements = [ast.unparse(node) for source in parameters for node in ast.parse(source).body]
    if statements != DEFAULTS:
        problems.append(f"write {' and '.join(DEFAULTS)} into the parameters cell, nothing else")
    problems += [
        f"call {name} in exactly one cell"
        for name in ("load_params", "start_run", "finish_run")
        if sum(f"{name}(" in cell.source for cell in code_cells(notebook)) != 1
    ]
    return problems


FORBIDDEN = {
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.Lambda: "lambda",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
}


def thickness_problems(notebook: NotebookNode) -> list[str]:
    """Code that belongs in the core."""
    problems = []
    for number, cell in enumerate(code_cells(notebook), start=1):
        if len(cell.source.splitlines()) > MAX_CELL_LINES:
            problems.append(f"code cell {number}: more than {MAX_CELL_LINES} lines; move the work into the core")
        if cell.source.rstrip().endswith(";"):
            problems.append(f"code cell {number}: no closing `;`, nbval cannot see it; end with plt.show()")
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            problems.append(f"code cell {number}: plain Python only, no magics and no shell")
            continue
        found = {FORBIDDEN[type(node)] for node in ast.walk(tree) if type(node) in FORBIDDEN}
        problems += [f"code cell {number}: `{word}` belongs in the core" for word in sorted(found)]
    return problems


def text_of(output: NotebookNode) -> str:
    """All text of an output, pictures left out."""
    data = output.get("data", {})
    return "".join(
        [output.get("text", ""), *(str(data[kind]) for kind in sorted(data) if not kind.startswith("image/"))]
    )


def png_bytes(output: NotebookNode) -> int:
    return len(base64.b64decode(output.get("data", {}).get("image/png", "")))


def hygiene_problems(notebook: NotebookNode) -> list[str]:
    """What must not be committed with a notebook; `make refresh` writes all of it right."""
    problems = []
    cells = code_cells(notebook)
    counts = [None if EXTERNAL_DATA in tags(cell) else number for number, cell in enumerate(cells, start=1)]
    if [cell.execution_count for cell in cells] != counts:
        problems.append("execution counts are not 1..n (null at external-data cells): run `make refresh`")
    if set(notebook.metadata) - {"kernelspec", "language_info"} or "version" in notebook.metadata.get(
        "language_info", {}
    ):
        problems.append("metadata of a machine or a tool: run `make refresh`")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("kernelspec is not python3: run `make refresh`")
    if any(set(cell.metadata) - set(KEPT_CELL_METADATA) or cell.metadata.get("tags") == [] for cell in notebook.cells):
        problems.append(f"cells carry metadata other than {KEPT_CELL_METADATA}: run `make refresh`")
    for number, cell in enumerate(cells, start=1):
        problems += [f"code cell {number}: {problem}" for problem in cell_problems(cell)]
    return problems


def cell_problems(cell: NotebookNode) -> list[str]:
    problems = []
    if "raises-exception" in tags(cell) or "nbval-raises-exception" in tags(cell):
        problems.append("show an expected error with try, except and print: papermill stops at raises-exception")
    if "nbval-skip" in tags(cell):
        problems.append("do not skip cells; tag nbval-ignore-output with a reason")
    if "nbval-ignore-output" in tags(cell) and not cell.metadata.get("reason"):
        problems.append('nbval-ignore-output needs `"reason": "..."` in the metadata of the cell')
    if EXTERNAL_DATA in tags(cell) and cell.outputs:
        problems.append("an external-data cell is committed without outputs: run `make refresh`")
    if any(output.output_type == "error" for output in cell.outputs):
        problems.append("an error is committed: mend it and run `make refresh`")
    paths = [match.group() for output in cell.outputs for match in MACHINE_PATH.finditer(text_of(output))]
    if paths:
        problems.append(f"a path of this machine in the output ({paths[0]}): show paths from the repository")
    if any("widget" in kind for output in cell.outputs for kind in output.get("data", {})):
        problems.append("a widget is committed, which no reader sees: run `make refresh`, which hides progress bars")
    large = [size for output in cell.outputs if (size := png_bytes(output)) > MAX_PNG_BYTES]
    if large:
        problems.append(f"a picture of {large[0]} bytes, at most {MAX_PNG_BYTES}: fewer pixels or fewer panels")
    return problems


def share_compared(notebooks: list[NotebookNode]) -> float:
    """Share of the cells with output that nbval compares: there is text in it, and no tag to ignore it."""
    with_output = [cell for notebook in notebooks for cell in code_cells(notebook) if cell.outputs]
    compared = [
        cell
        for cell in with_output
        if "nbval-ignore-output" not in tags(cell)
        and cell.execution_count
        and any(text_of(output).strip() for output in cell.outputs)
    ]
    return len(compared) / len(with_output) if with_output else 1.0


def vacuity_problems(notebook: NotebookNode) -> list[str]:
    share = share_compared([notebook])
    if not any(cell.outputs for cell in code_cells(notebook)):
        return ["no output is committed, so nothing is compared: run `make refresh`"]
    if share < MIN_COMPARED:
        return [
            f"{share:.0%} of the cells with output are compared, at least {MIN_COMPARED:.0%}: print what is stable "
            "(sizes, digests, whether a floor is met) in cells of its own, and tag fewer with nbval-ignore-output"
        ]
    return []


@pytest.mark.parametrize("problems_of", [layout_problems, thickness_problems, hygiene_problems, vacuity_problems])
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_keeps_the_house_rules(notebook, problems_of):
    problems = problems_of(nbformat.read(notebook, as_version=4))

    assert not problems, "\n".join([f"{notebook.name}:", *problems])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_imports_from_the_core_only_what_is_there_and_is_valid(notebook):
    content = nbformat.read(notebook, as_version=4)

    nbformat.validate(content)
    assert len({cell.id for cell in content.cells}) == len(content.cells), "two cells have one id"


PARAMETERS = 'params = "params/demo.yaml"\noverrides = {}'


def good_notebook() -> NotebookNode:
    """A notebook all rules accept."""
    start = "params = load_params(params, overrides)\nrun = start_run('00_x', params)"
    cells = [
        new_markdown_cell("# Title\n\nWhat the paper says."),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}, execution_count=1),
        new_code_cell(start, execution_count=2, outputs=[new_output("stream", name="stdout", text="00_x | demo\n")]),
        new_code_cell("finish_run(run)", execution_count=3),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "x"}})


def all_problems(notebook: NotebookNode) -> str:
    rules = (layout_problems, thickness_problems, hygiene_problems, vacuity_problems)
    return "\n".join(problem for rule in rules for problem in rule(notebook))


def test_a_good_notebook_has_no_problem():
    assert all_problems(good_notebook()) == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(): pass", "`def` belongs in the core"),
        ("class A: pass", "`class` belongs in the core"),
        ("f = lambda x: x", "`lambda` belongs in the core"),
        ("for sample in samples:\n    print(sample)", "`for` belongs in the core"),
        ("while True:\n    break", "`while` belongs in the core"),
        ("%matplotlib inline", "no magics"),
        ("!pip install x", "no magics"),
        ("plt.plot();", "no closing `;`"),
        ("x = 1\n" * 26, "more than 25 lines"),
        ("params = load_params(params)", "call load_params in exactly one cell"),
    ],
)
def test_a_thick_cell_is_noticed(source, expected):
    notebook = good_notebook()
    notebook.cells[3].source += "\n" + source

    assert expected in all_problems(notebook)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (new_output("error", ename="E", evalue="", traceback=[]), "an error is committed"),
        (
            new_output("stream", name="stdout", text="in /home/me/x"),
            "a path of this machine in the output (/home",
        ),
        (
            new_output("display_data", {"text/html": "<a href='/tmp/x'>"}),
            "of this machine in the output (/tmp/)",
        ),
        (new_output("display_data", {"image/png": "A" * 400_000}), "a picture of 300000 bytes"),
        (new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}), "a widget is committed"),
    ],
)
def test_an_output_that_must_not_be_committed_is_noticed(output, expected):
    notebook = good_notebook()
    notebook.cells[3].outputs = [output]

    assert expected in all_problems(notebook)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"tags": ["nbval-ignore-output"]}, 'needs `"reason"'),
        ({"tags": ["nbval-skip"]}, "do not skip cells"),
        ({"tags": ["raises-exception"]}, "papermill stops at raises-exception"),
        ({"tags": ["parameters"]}, "tag exactly one cell `parameters`, found 2"),
        ({"tags": []}, "cells carry metadata other than"),
        ({"papermill": {}}, "cells carry metadata other than"),
        ({"tags": [EXTERNAL_DATA]}, "an external-data cell is committed without outputs"),
    ],
)
def test_a_cell_tagged_or_marked_wrongly_is_noticed(metadata, expected):
    notebook = good_notebook()
    notebook.cells[2].metadata = nbformat.from_dict(metadata)

    assert expected in all_problems(notebook)


def test_an_external_data_cell_without_outputs_and_count_is_right():
    notebook = good_notebook()
    notebook.cells[3].update(metadata=nbformat.from_dict({"tags": [EXTERNAL_DATA]}), execution_count=None)

    assert all_problems(notebook) == ""


def test_a_notebook_without_counts_or_with_a_gap_is_noticed():
    stripped_of_counts, with_gap = good_notebook(), good_notebook()
    stripped_of_counts.cells[2].execution_count = None
    with_gap.cells[3].execution_count = 7

    assert "execution counts" in all_problems(stripped_of_counts)
    assert "execution counts" in all_problems(with_gap)


@pytest.mark.parametrize(
    ("default", "found"),
    [
        (PARAMETERS.replace("demo", "paper_8b"), True),
        (PARAMETERS + "\nseed = 1", True),
        ("params = 'params/demo.yaml'", True),
        (PARAMETERS + "  # papermill replaces this", False),
    ],
)
def test_the_default_profile_is_the_demo(default, found):
    notebook = good_notebook()
    notebook.cells[1].source = default

    assert ("into the parameters cell" in all_problems(notebook)) == found


def test_a_second_title_and_a_missing_title_are_noticed():
    notebook = good_notebook()
    notebook.cells[0].source = "## Title"
    assert "H1 title" in all_problems(notebook)

    notebook.cells[0].source = "# One\n# Two"
    assert "exactly one H1" in all_problems(notebook)


def test_a_picture_alone_does_not_count_as_compared():
    picture = new_output("display_data", {"image/png": "AAAA"})
    text = new_output("stream", name="stdout", text="n = 400")
    cells = [
        new_code_cell("a", execution_count=1, outputs=[picture]),
        new_code_cell("b", execution_count=2, outputs=[picture, text]),
        new_code_cell("c", execution_count=3, outputs=[text], metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell("d", execution_count=4),
    ]

    assert share_compared([new_notebook(cells=cells)]) == pytest.approx(1 / 3)
    assert "33% of the cells with output are compared" in all_problems(new_notebook(cells=cells))


# --- repository ----------------------------------------------------------------------------------------------------


def committed_files() -> list[Path]:
    """Files git tracks or would add; none where this is no git repository."""
    command = ["git", "-C", str(root()), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [root() / name for name in done.stdout.split("\0") if name and (root() / name).is_file()]


def test_no_file_is_too_large_for_the_repository():
    large = {file.name: size for file in committed_files() if (size := file.stat().st_size) > MAX_FILE_BYTES}

    assert not large, f"over {MAX_FILE_BYTES} bytes, make them smaller or build them: {large}"


def test_the_commands_of_the_readme_exist():
    readme = root() / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not there yet")
    targets = set(re.findall(r"^([a-z]+):", (root() / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"```.*?```|`[^`\n]+`", readme.read_text(), re.DOTALL)

    named = {name for part in code for name in re.findall(r"\bmake (?:[A-Z_0-9]+=\S+ )*([a-z]+)", part)}

    assert named, "README.md names no make command"
    assert named <= targets, f"README.md names targets the Makefile lacks: {named - targets}"
