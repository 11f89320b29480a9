"""Profile run: the notebooks with one profile, executed as far as they are stale, or explained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bimedix2_core.errors import DataError
from bimedix2_core.params import Params, load_params, read_profile, root
from bimedix2_core.reproduce.execute import kernel_environment
from bimedix2_core.reproduce.folder import STATE, claimed
from bimedix2_core.reproduce.inputs import Site
from bimedix2_core.reproduce.keys import Keys
from bimedix2_core.reproduce.reach import Core
from bimedix2_core.reproduce.stale import why_stale
from bimedix2_core.reproduce.steps import Step, chosen, for_profile, steps_in
from bimedix2_core.reproduce.summary import UP_TO_DATE, Outcome, print_summary
from bimedix2_core.reproduce.tasks import FORCED, reasons_text, records_in, run_stale
from bimedix2_core.runs import DEMO_ENVIRONMENT, RUNNER_ENVIRONMENT, output_dir


def reproduce(
    profile: str | Path,
    overrides: Mapping[str, Any],
    *,
    notebook_dir: Path,
    only: Sequence[str] = (),
    start: str | None = None,
    force: bool = False,
) -> int:
    """Execute the notebooks that are not up to date with one profile, and print how each ended.

    Args:
        profile: the parameter file, named as it stands: ``BIMEDIX2_PARAMS`` does not replace it.
        overrides: values to change, as ``load_params`` takes them.
        notebook_dir: where the notebooks are; also the working folder of their kernels.
        only: notebooks or exhibits that are meant, and no others; results of the others are taken as they are.
        start: the notebook or exhibit from which on all are meant.
        force: whether those meant are executed, stale or not.

    Returns:
        0 when all that were meant and that the profile can run are up to date now, else 1.

    Raises:
        ParamsError: the profile does not fit; nothing is executed.
        PaperError: there is no such notebook or exhibit; nothing is executed.
        DataError: there is no notebook, the output folder cannot be written, another run is at work there, or a
            result is missing that no notebook meant would make; nothing is executed.
    """
    site = _site(profile, overrides)
    steps = _steps(site.params, notebook_dir)
    asked = chosen(steps, only=only, start=start)
    barred = _barred(site.params)
    meant = tuple(step for step in asked if step.name not in barred)
    values, _ = read_profile(profile, environment={})
    environment = RUNNER_ENVIRONMENT | (DEMO_ENVIRONMENT if site.params.run.kind == "demo" else {})
    with claimed(site.shared), kernel_environment(environment):
        _say_what_is_taken(steps, meant, site)
        injected = {"params": values, "overrides": dict(overrides)}
        ended = {outcome.notebook: outcome for outcome in run_stale(meant, site, injected=injected, force=force)}
        site.keys.save()
        left_out = {f"{name}.ipynb": Outcome(f"{name}.ipynb", f"not run: {why}") for name, why in barred.items()}
        print_summary([(left_out | ended)[step.notebook.name] for step in asked], site.shared)
    return int(any(not outcome.ok for outcome in ended.values()))


def explain(
    profile: str | Path,
    overrides: Mapping[str, Any],
    *,
    notebook_dir: Path,
    only: Sequence[str] = (),
    start: str | None = None,
    force: bool = False,
) -> int:
    """Print what ``reproduce`` would execute and why; nothing is executed or written.

    Returns:
        0.

    Raises:
        ParamsError, PaperError, DataError: as ``reasons``.
    """
    found = reasons(profile, overrides, notebook_dir=notebook_dir, only=only, start=start, force=force)
    width = max(map(len, found))
    for name, why in found.items():
        print(f"{name:<{width}}  {UP_TO_DATE if why is None else f'would run: {why}'}")
    return 0


def reasons(
    profile: str | Path,
    overrides: Mapping[str, Any],
    *,
    notebook_dir: Path,
    only: Sequence[str] = (),
    start: str | None = None,
    force: bool = False,
) -> dict[str, str | None]:
    """Why ``reproduce`` would execute each notebook that is meant, by its name; None for one that is up to date.

    Raises:
        ParamsError: the profile does not fit.
        PaperError: there is no such notebook or exhibit.
        DataError: there is no notebook, or the records of earlier runs are damaged.
    """
    site = _site(profile, overrides)
    records = records_in(site.shared)
    found: dict[str, str | None] = {}
    steps = _steps(site.params, notebook_dir)
    for step in chosen(steps, only=only, start=start):
        why = why_stale(records.get_values(step.name), step, site) or ([FORCED] if force else [])
        first = [name for name in (*step.makers, *step.collects) if found.get(name)]
        doubt = f"if {' or '.join(first)}, running first, leaves other results" if first else None
        found[step.name] = reasons_text(why) if why else doubt
    return found


def _site(profile: str | Path, overrides: Mapping[str, Any]) -> Site:
    params = load_params(profile, overrides, environment={})
    shared = output_dir(params.run.profile)
    return Site(shared, params, Core(), Keys(shared / STATE / "keys.json"), root() / "requirements.lock")


def _barred(params: Params) -> dict[str, str]:
    """Why a profile cannot run a notebook, by its name: that one trains or loads what the profile does not have."""
    if params.trains and params.ablations and params.mixture:
        return {}
    from bimedix2_core.plan.scope import scopes  # knows model shapes, which takes seconds to import

    return {scope.notebook.name: scope.why for scope in scopes(params) if not scope.can_run}


def _say_what_is_taken(steps: Sequence[Step], meant: Sequence[Step], site: Site) -> None:
    """Say which stale results of other notebooks are taken as they are; one that is missing is an error."""
    names = {step.name for step in meant}
    needs = {need: step.name for step in meant for need in step.needs if need.maker not in names}
    for need, name in needs.items():
        if not (site.shared / need.result).exists():
            raise DataError(
                f"{name} needs {need.result} of {need.maker}, which is not in {site.shared}; run {need.maker} first: "
                f"leave out --only, or begin with --from {need.maker[:2]}"
            )
    records, by_name = records_in(site.shared), {step.name: step for step in steps}
    for maker in dict.fromkeys(need.maker for need in needs):
        reasons = why_stale(records.get_values(maker), by_name[maker], site)
        if reasons:
            print(f"{maker} is not up to date ({reasons_text(reasons)}); its results are taken as they are")


def _steps(params: Params, notebook_dir: Path) -> tuple[Step, ...]:
    return for_profile(steps_in(notebook_dir), trains=params.trains, synthesises=params.synthesises)
