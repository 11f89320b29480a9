"""Refresh: run all notebooks with their own defaults, write their outputs back, publish the demo's exhibits."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from bimedix2_core.reproduce.execute import execute, kernel_environment, notebooks_in
from bimedix2_core.reproduce.folder import claimed
from bimedix2_core.reproduce.summary import Outcome, print_summary
from bimedix2_core.runs import DEMO_ENVIRONMENT, QUIET_ENVIRONMENT, RUNNER_ENVIRONMENT, output_dir, write_atomic

EXTERNAL_DATA = "external-data"
"""Tag of cells that read a reader's own files: committed without outputs, never compared."""

KEPT_CELL_METADATA = ("tags", "reason")
"""What a committed cell may carry: its tags, and the reason of ``nbval-ignore-output``."""


def refresh(notebook_dir: Path) -> int:
    """Execute all notebooks with their defaults; when all ran through, write their outputs back and publish exhibits.

    Returns:
        0 when all ran through, else 1; then it stopped at the first that failed, and nothing was written back.

    Raises:
        DataError: there is no notebook, the outputs cannot be written, or another run is at work there.
    """
    results = output_dir("demo")
    notebooks = notebooks_in(notebook_dir)
    environment = RUNNER_ENVIRONMENT | DEMO_ENVIRONMENT | QUIET_ENVIRONMENT
    with claimed(results), kernel_environment(environment):
        outcomes = _execute_all(notebooks, results)
        print_summary(outcomes, results)
        if any(not outcome.ok for outcome in outcomes):
            print("nothing was written back")
            return 1
        for notebook in notebooks:
            clean = stripped(nbformat.read(results / notebook.name, as_version=4))
            write_atomic(notebook, nbformat.writes(clean) + "\n")
        print(f"{len(notebooks)} notebooks written back to {notebook_dir.name}/")
        _publish(results / "exhibits", results.parent / "reference")
    return 0


def stripped(notebook: NotebookNode) -> NotebookNode:
    """The notebook as it is committed: outputs, counts, ids and tags stay; times, versions and widgets go.

    Cells tagged ``external-data`` lose outputs and count, so that nbval does not compare them.
    """
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code_cells, start=1):
        external = EXTERNAL_DATA in cell.metadata.get("tags", [])
        cell.execution_count = None if external else count
        cell.outputs = [] if external else _joined_streams(cell.outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
        cell.metadata = nbformat.from_dict(kept)
    return notebook


def _execute_all(notebooks: Sequence[Path], results: Path) -> list[Outcome]:
    """Execute one after the other, and none after the first that fails."""
    outcomes: list[Outcome] = []
    for notebook in notebooks:
        failed = next((one.notebook for one in outcomes if one.failure), "")
        if failed:
            outcomes.append(Outcome(notebook.name, f"not run: {failed} failed"))
            continue
        print(f"{notebook.name} ...", flush=True)
        outcomes.append(Outcome.of(execute(notebook, results / notebook.name, {})))
    return outcomes


def _publish(exhibits: Path, reference: Path) -> None:
    """Replace the notebooks' exhibits in ``reference``; what other commands published there stays."""
    if not exhibits.is_dir():
        print(f"no exhibits in {exhibits}, {reference.name}/ is left as it is")
        return
    for old in reference.glob(f"{exhibits.parent.name}_*"):
        old.unlink()
    shutil.copytree(exhibits, reference, dirs_exist_ok=True)
    print(f"{sum(file.is_file() for file in reference.rglob('*'))} files published in {reference}")


def _joined_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Outputs with neighbouring pieces of one stream joined: where a stream is split depends on the clock."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined
