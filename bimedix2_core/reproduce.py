"""Run the notebooks in order with one profile, or refresh the outputs they are committed with.

``python -m bimedix2_core.reproduce --params params/demo.yaml`` executes notebooks/NN_*.ipynb by papermill into
outputs/<profile>/ and stops at the first one that fails. ``--refresh`` runs them with their own defaults and writes
their outputs back into notebooks/, and the demo's exhibits to outputs/reference/.
"""

import argparse
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from bimedix2_core.errors import CompanionError, DataError, ParamsError
from bimedix2_core.params import DEFAULT_PROFILE, load_params, read_profile, root
from bimedix2_core.runs import DEMO_ENVIRONMENT, QUIET_ENVIRONMENT, RUNNER_ENVIRONMENT, output_dir, write_atomic

NOTEBOOK_PATTERN = "[0-9][0-9]_*.ipynb"
EXTERNAL_DATA = "external-data"
"""Tag of cells that read a reader's own files: committed without outputs, never compared."""

KEPT_CELL_METADATA = ("tags", "reason")
"""What a committed cell may carry: its tags, and the reason of ``nbval-ignore-output``."""


@dataclass(frozen=True)
class Executed:
    """How one notebook ended."""

    notebook: str
    """File name."""
    seconds: float
    """Wall time."""
    failure: str = ""
    """Cell, source and traceback; empty when it ran through."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 when every notebook ran through, 1 when one failed, 2 when the parameters do not fit."""
    options = _parser().parse_args(arguments)
    try:
        if options.refresh:
            return refresh(root() / "notebooks")
        return reproduce(options.params, _overrides(options.overrides), notebook_dir=root() / "notebooks")
    except ParamsError as error:
        print(f"ParamsError: {error}", file=sys.stderr)
        return 2
    except CompanionError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def reproduce(profile: str | Path, overrides: Mapping[str, Any], *, notebook_dir: Path) -> int:
    """Execute all notebooks of ``notebook_dir`` with one profile, and print how long each took.

    Args:
        profile: the parameter file, named as it stands: ``BIMEDIX2_PARAMS`` does not replace it.
        overrides: values to change, as ``load_params`` takes them.
        notebook_dir: where the notebooks are; also the working folder of their kernels.

    Returns:
        0 when all ran through, else 1.

    Raises:
        ParamsError: the profile does not fit; nothing is executed.
        DataError: there is no notebook.
    """
    params = load_params(profile, overrides, environment={})
    values, _ = read_profile(profile, environment={})
    injected = {"params": values, "overrides": dict(overrides)}
    environment = RUNNER_ENVIRONMENT | (DEMO_ENVIRONMENT if params.run.kind == "demo" else {})
    executed = _execute_all(notebook_dir, output_dir(params.run.profile), injected, environment)
    return int(bool(executed[-1].failure))


def refresh(notebook_dir: Path) -> int:
    """Execute all notebooks with their defaults; when all ran through, write their outputs back and publish exhibits.

    Returns:
        0 when all ran through, else 1; then nothing was written back.

    Raises:
        DataError: there is no notebook.
    """
    results = output_dir("demo")
    environment = RUNNER_ENVIRONMENT | DEMO_ENVIRONMENT | QUIET_ENVIRONMENT
    executed = _execute_all(notebook_dir, results, {}, environment)
    if executed[-1].failure:
        print("nothing was written back")
        return 1
    for one in executed:
        clean = stripped(nbformat.read(results / one.notebook, as_version=4))
        write_atomic(notebook_dir / one.notebook, nbformat.writes(clean) + "\n")
    print(f"{len(executed)} notebooks written back to {notebook_dir.name}/")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bimedix2_core.reproduce", description="Run the notebooks in order."
    )
    parser.add_argument("--params", default=DEFAULT_PROFILE, help="profile file (default: %(default)s)")
    parser.add_argument("--overrides", default="{}", help="YAML mapping of values to change: '{stage2.lora_r: 16}'")
    parser.add_argument(
        "--refresh", action="store_true", help="run with the notebooks' defaults and write their outputs back"
    )
    return parser


def _overrides(text: str) -> dict[str, Any]:
    try:
        overrides = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"--overrides is not readable as YAML: {error}") from None
    if not isinstance(overrides, dict):
        raise ParamsError(f"--overrides is {text!r}; expected a YAML mapping such as '{{run.seed: 1}}'")
    return overrides


def _execute_all(
    notebook_dir: Path, output: Path, injected: Mapping[str, Any], environment: Mapping[str, str]
) -> list[Executed]:
    """Execute in order of the names, stop at the first failure, print as it goes; at least one notebook ran."""
    notebooks = sorted(notebook_dir.glob(NOTEBOOK_PATTERN))
    if not notebooks:
        raise DataError(f"{notebook_dir}: no notebook of the form NN_name.ipynb; run from a complete clone")
    output.mkdir(parents=True, exist_ok=True)
    executed: list[Executed] = []
    with _environment(environment):
        for notebook in notebooks:
            print(f"{notebook.name} ...", flush=True)
            executed.append(_execute(notebook, output / notebook.name, injected))
            if executed[-1].failure:
                break
    _print_summary(executed, [notebook.name for notebook in notebooks], output)
    return executed


def _execute(notebook: Path, target: Path, injected: Mapping[str, Any]) -> Executed:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    start = time.monotonic()
    failure = ""
    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(target),
            parameters=dict(injected),
            cwd=str(notebook.parent),
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        traceback = _without_colour("\n".join(error.traceback)) or f"{error.ename}: {error.evalue}"
        failure = _failure(notebook, error.source, traceback)
    except (DeadKernelError, CellTimeoutError) as error:
        remedy = "the kernel died; often the memory was not enough" if isinstance(error, DeadKernelError) else ""
        failure = f"{notebook.name}, see the last cell with a count in {target}: {error}\n{remedy}"
    return Executed(notebook.name, time.monotonic() - start, failure)


def _failure(notebook: Path, source: str, traceback: str) -> str:
    """Notebook, number of the code cell in the source notebook, its source and the traceback."""
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    where = f"code cell {cells.index(source) + 1} of {len(cells)}" if source in cells else "the injected parameters"
    return f"{notebook.name}, {where}:\n\n{textwrap.indent(source, '    ')}\n\n{traceback}"


def _print_summary(executed: Sequence[Executed], names: Sequence[str], output: Path) -> None:
    width = max(len(name) for name in names)
    print()
    for one in executed:
        print(f"{one.notebook:<{width}}  {one.seconds:7.1f} s  {'FAILED' if one.failure else 'ok'}")
    for name in names[len(executed) :]:
        print(f"{name:<{width}}  {'':>7}    not run")
    print(f"{'total':<{width}}  {sum(one.seconds for one in executed):7.1f} s  {output}", flush=True)
    if executed[-1].failure:
        print(f"\nFAILED {executed[-1].failure}", file=sys.stderr, flush=True)


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


def _literal(path: Path) -> str:
    """The path as papermill has to be told: it would fill in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Kernels started inside inherit ``values``, and no ``BIMEDIX2_PARAMS``: the profile is given or the default."""
    before = dict(os.environ)
    os.environ.update(values)
    os.environ.pop("BIMEDIX2_PARAMS", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    sys.exit(main())
