"""Tiny notebooks without a model, and a call that runs them."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bimedix2_core.reproduce.profile_run import explain, reproduce

DEMO = "params/demo.yaml"
PARAMETERS = 'params = "params/demo.yaml"\noverrides = {}'
SETUP = (
    "import os\n"
    "from bimedix2_core.params import load_params\n"
    "params = load_params(params, overrides)\n"
    "print(params.run.seed, os.environ['HF_HUB_OFFLINE'], 'BIMEDIX2_PARAMS' in os.environ)"
)
RUN = (
    "from bimedix2_core.runs import Run, output_dir, write_atomic\n"
    "shared = output_dir(params.run.profile)\n"
    "run = Run('x', params, {}, shared / 'x', shared, '', 0.0)"
)
"""A run without torch."""


def write_notebook(folder, name, *sources, tags=None):
    """A notebook with a title, a parameters cell, a setup cell, and one code cell per source."""
    cells = [new_markdown_cell("# Title"), new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(source, metadata={"tags": tags} if tags else {}) for source in (SETUP, *sources)]
    kernel = {"display_name": "x", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / name)


def write_chain(folder, *, stage1="params.stage1.max_steps"):
    """03 leaves stage1, 04 needs it and leaves stage2, 05 needs nothing."""
    write_notebook(folder, "03_one.ipynb", RUN, f"write_atomic(shared / 'stage1' / 'w.txt', str({stage1}))")
    need = "got = run.need('stage1', notebook='03_one')"
    write_notebook(
        folder, "04_two.ipynb", RUN, need, "write_atomic(shared / 'stage2' / 'w.txt', str(params.stage2.lora_r))"
    )
    write_notebook(folder, "05_three.ipynb", "print('alone')")


def stdout(notebook):
    return ["".join(o.text for o in cell.outputs if o.output_type == "stream") for cell in notebook.cells[1:]]


def words(capsys):
    """How each notebook ended, as the summary says, by number."""
    lines = capsys.readouterr().out.rpartition("\n\n")[2].splitlines()
    return {line[:2]: line.split(".ipynb", 1)[1].split(" s ")[-1].strip() for line in lines if ".ipynb" in line}


def run(folder, overrides=None, **choice):
    return reproduce(DEMO, overrides or {}, notebook_dir=folder, **choice)


def explained(folder, capsys, overrides=None, **choice):
    """What ``explain`` says of each notebook, by number."""
    capsys.readouterr()
    explain(DEMO, overrides or {}, notebook_dir=folder, **choice)
    lines = capsys.readouterr().out.splitlines()
    return {line[:2]: line.partition(" ")[2].strip() for line in lines}
