"""Plan: what a profile would run, why, what it needs and what is missing here, before anything is started.

Everything is worked out: from weights counted on the meta device, from tokens, and from what the exhibits declare.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2_core import environment
from bimedix2_core.model.shapes import SHAPES, count, count_lora, shape_of
from bimedix2_core.paper.exhibits.schema import Exhibit
from bimedix2_core.params import BaseParts, Params, RandomBase, load_params, root
from bimedix2_core.plan import estimates, needs, training
from bimedix2_core.plan.estimates import Estimate, Model
from bimedix2_core.plan.mixture import mixture_model
from bimedix2_core.plan.needs import Here
from bimedix2_core.plan.planned import NotebookPlan, Plan, largest
from bimedix2_core.plan.quantities import BYTES, RETRAINED, questions
from bimedix2_core.plan.scope import MIXTURE, Scope, Why, every_run, n_rows, scopes
from bimedix2_core.plan.text import text_of

__all__ = ["Here", "NotebookPlan", "Plan", "Why", "plan", "print_plan", "text_of"]


def plan(params: Params, *, why: Why = every_run, here: Here | None = None) -> Plan:
    """What a profile would run, why, what it needs and what is missing here; nothing is started or fetched.

    Args:
        params: the profile.
        why: gives the reason why a notebook is run, or None where it is up to date.
        here: what the machine has; by default this one is looked at.

    Raises:
        ParamsError: the profile names weights for an exhibit or a row that the papers do not have.
    """
    here = here or needs.look_around()
    models = _models(params)
    mixture = mixture_model(params, models)
    stages = _stages(params, models, mixture, here)
    notebooks = tuple(
        _notebook(params, scope, [mixture] if mixture and MIXTURE in scope.stages else models, stages)
        for scope in scopes(params, why)
    )
    measured = [one for notebook in notebooks for one in notebook.scope.exhibits]
    weights = needs.weight_downloads(params)
    keys = needs.credentials(weights, measured)
    disk = estimates.total([*(one.size for one in weights if one.size), *(one.disk for one in stages.values())], "GB")
    memory = largest(notebook.memory for notebook in notebooks)
    lacking = needs.missing(params, here, memory=memory, disk=disk, keys=keys)
    downloads = (*weights, *needs.data_downloads(params, measured))
    return Plan(params.run.profile, params.run.kind, notebooks, downloads, tuple(keys), disk, tuple(lacking))


def print_plan(profile: str | Path, overrides: Mapping[str, Any], *, why: Why = every_run) -> int:
    """Print the plan of a profile, named as it stands (``BIMEDIX2_PARAMS`` does not replace it).

    Returns:
        0; a plan is no failure, whatever is missing.

    Raises:
        ParamsError: the profile does not fit.
    """
    params = load_params(profile, overrides, environment={})
    sys.stdout.write(f"{text_of(plan(params, why=why))}\n")
    return 0


@dataclass(frozen=True)
class _Stage:
    """What training once takes."""

    memory: Estimate
    hours: Estimate
    disk: Estimate


def _stages(params: Params, models: Sequence[Model], mixture: Model | None, here: Here) -> dict[str, _Stage]:
    """What each stage takes, by name; none where nothing is trained, or what is trained is not known."""
    trained = dict.fromkeys(("stage1", "stage2"), models[0]) if params.trains and models else {}
    if mixture:
        trained[MIXTURE] = mixture
    return {
        name: _Stage(
            training.memory_estimate(training.stage_memory(params, name, model), len(here.gpus_gb)),
            training.training_hours(params, name, model, peak=here.peak),
            training.kept_on_disk(params, name, model),
        )
        for name, model in trained.items()
    }


def _notebook(params: Params, scope: Scope, models: Sequence[Model], stages: Mapping[str, _Stage]) -> NotebookPlan:
    asking = [one for one in scope.exhibits if questions(one.id) != questions("")]
    names = [*scope.stages, *(RETRAINED[one.id] for one in scope.exhibits if one.id in RETRAINED)]
    trained = [stages[name] for name in names if name in stages]
    memories = [stage.memory for stage in trained]
    answers = scope.loads_model or MIXTURE in scope.stages
    if asking or (answers and scope.can_run):
        memories += [estimates.answering_memory(model, params.inference) for model in models]
    hours = [stage.hours for stage in trained]
    hours += [estimates.answering_hours(params, questions(one.id), models[0], rows=n_rows(params, one))
              for one in asking if models]  # fmt: skip
    return NotebookPlan(scope, tuple(memories), tuple(hours), tuple(_costs(params, asking)))


def _costs(params: Params, asking: Sequence[Exhibit]) -> list[Estimate]:
    found = [estimates.judge_cost(one.needs.judge, questions(one.id).written * n_rows(params, one)) for one in asking]
    return [cost for cost in found if cost]


def _models(params: Params) -> list[Model]:
    """The models of a profile whose shapes are known, each shape once."""
    base = params.model.base
    if isinstance(base, RandomBase):
        shapes = [SHAPES[base.random_weights]]
    else:
        trained = base.language_model if isinstance(base, BaseParts) else base
        names = [trained] if trained else environment.weights(params)
        shapes = list({id(shape): shape for name in names if (shape := shape_of(name, root()))}.values())
    rank = params.stage2.lora_r if params.stage2 else 0
    return [Model(shape, count(shape), count_lora(shape, rank=rank) if rank else 0, BYTES[params.model.dtype])
            for shape in shapes]  # fmt: skip
