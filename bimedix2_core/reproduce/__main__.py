"""The command line: run the notebooks of one profile, as far as they are stale; explain, plan, refresh or compare.

``python -m bimedix2_core.reproduce --params params/demo.yaml`` executes notebooks/NN_*.ipynb into outputs/<profile>/.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.errors import CompanionError, ParamsError
from bimedix2_core.params import DEFAULT_PROFILE, root
from bimedix2_core.reproduce.compare_runs import compare_runs
from bimedix2_core.reproduce.profile_run import explain, reasons, reproduce
from bimedix2_core.reproduce.refresh import refresh


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked.

    Returns:
        0 when every notebook asked for is up to date, 1 when one is not or a folder or file is wrong, 2 when the
        parameters do not fit, 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return _do(options, notebook_dir=root() / "notebooks")
    except ParamsError as error:
        print(f"ParamsError: {error}", file=sys.stderr)
        return 2
    except CompanionError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; finished notebooks are kept, the next run goes on", file=sys.stderr)
        return 130


def _do(options: argparse.Namespace, *, notebook_dir: Path) -> int:
    if (options.only or options.start or options.force) and (options.plan or options.refresh or options.compare):
        raise ParamsError("--only, --from and --force choose what is run or explained; leave them out here")
    if options.compare:
        print(compare_runs(*map(Path, options.compare)))
        return 0
    if options.refresh:
        return refresh(notebook_dir)
    overrides = _overrides(options.overrides)
    if options.plan:
        return _plan(options.params, overrides, notebook_dir)
    choice = {"only": options.only, "start": options.start, "force": options.force}
    do = explain if options.explain else reproduce
    return do(options.params, overrides, notebook_dir=notebook_dir, **choice)


def _plan(profile: str, overrides: Mapping[str, Any], notebook_dir: Path) -> int:
    from bimedix2_core.plan import print_plan  # counts weights, which needs torch

    why = reasons(profile, overrides, notebook_dir=notebook_dir)
    return print_plan(profile, overrides, why=why.get)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bimedix2_core.reproduce", description="Run the notebooks in order, as far as they are stale."
    )
    parser.add_argument("--params", default=DEFAULT_PROFILE, help="profile file (default: %(default)s)")
    parser.add_argument("--overrides", default="{}", help="YAML mapping of values to change: '{stage2.lora_r: 16}'")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", nargs="+", default=[], metavar="WHAT", help="notebooks (09) or exhibits (table05), and nothing else"
    )
    which.add_argument("--from", dest="start", metavar="WHAT", help="this notebook and those after it")
    parser.add_argument("--force", action="store_true", help="run them, stale or not")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--explain", action="store_true", help="say what would run and why; run nothing")
    instead.add_argument("--plan", action="store_true", help="say what the profile needs and costs; run nothing")
    instead.add_argument(
        "--refresh", action="store_true", help="run all with the notebooks' defaults and write their outputs back"
    )
    instead.add_argument(
        "--compare", nargs=2, metavar="FOLDER", help="say which exhibits differ between two runs, how much and why"
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


if __name__ == "__main__":
    sys.exit(main())
