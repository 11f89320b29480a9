"""Scope: which notebooks a profile runs, which it cannot, and which exhibits it measures there."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from bimedix2_core.errors import PaperError, ParamsError
from bimedix2_core.model.shapes import published_name
from bimedix2_core.paper.exhibits import catalogue, exhibit, exhibits
from bimedix2_core.paper.exhibits.schema import NONE, Exhibit, Notebook
from bimedix2_core.params import Params, root

Why = Callable[[str], str | None]
"""Gives the reason why a notebook, by its name, is run; None where it is up to date."""

ABLATION_OF = {"table09": "bimedix2_8b"}
"""Whose stages the rows of an exhibit are, where their ids do not say it."""

MIXTURE_ROWS = ("base", "mixture")
"""Rows that a profile with a mixture adds to BiMediX's own tables: before and after its training."""

MIXTURE = "mixture"
"""What the notebook of the mixture of experts trains."""

_TRAINS = re.compile(r"from bimedix2_core\.training\.(stage[12]|mixture) import")
_LOADS_MODEL = re.compile(r"from bimedix2_core\.recipe import [^\n]*\bload_base\b")
_ABLATES = re.compile(r"from bimedix2_core\.ablation_recipe import")
_READS = re.compile(r"run\.need\([^)]*notebook=\\?[\"']([0-9]{2}_[a-z0-9_]+)")


def every_run(name: str) -> str:
    """The reason where nobody looks at what is up to date."""
    return "every run executes it"


@dataclass(frozen=True)
class Scope:
    """What a profile does with one notebook."""

    notebook: Notebook
    runs: bool
    """Whether it would be executed now."""
    can_run: bool
    """Whether it is written and has what it reads from earlier ones."""
    why: str
    """Why it is, or is not."""
    stages: tuple[str, ...]
    """What it trains: ``stage1``, ``stage2`` or ``mixture``."""
    loads_model: bool
    """Whether it works with the profile's model."""
    exhibits: tuple[Exhibit, ...]
    """What the profile measures there, now or once the notebook is written."""


def scopes(params: Params, why: Why = every_run) -> tuple[Scope, ...]:
    """All notebooks in their order.

    Raises:
        ParamsError: ``model.checkpoints`` names an exhibit or a row the papers do not have.
    """
    _check_checkpoints(params)
    found: list[Scope] = []
    for notebook in catalogue().notebooks:
        source = _source(notebook)
        stages = tuple(dict.fromkeys(_TRAINS.findall(source)))
        barred = {scope.notebook.name for scope in found if not scope.can_run}
        loads = bool(_LOADS_MODEL.search(source))
        reads = sorted(barred & set(_READS.findall(source)))
        reason = _why_not(params, notebook, stages, reads=reads, loads_model=loads)
        if not reason and params.trains and params.ablations is None and _ABLATES.search(source):
            reason = "no variants are trained: ablations is null in the profile"
        asked = None if reason else why(notebook.name)
        own = tuple(one for one in exhibits() if one.notebook.name == notebook.name and is_measured(params, one))
        said = reason or asked or "up to date"
        found.append(Scope(notebook, bool(asked), not reason, said, stages, loads, own))
    return tuple(found)


def is_measured(params: Params, one: Exhibit) -> bool:
    """Whether a profile measures or draws an exhibit; demo and smoke profiles measure none of the paper's."""
    if params.run.kind != "paper":
        return False
    if one.needs.gpu_memory == NONE:
        return True
    if not params.trains:
        return one.id in params.model.checkpoints
    return one.paper == "bimedix2" and (one.reported is None or n_rows(params, one) > 0)


def n_rows(params: Params, one: Exhibit) -> int:
    """How many rows of an exhibit a profile measures: those named after its model, or those it has weights for.

    In the tables of BiMediX also the mixture that the profile trains, and what that is made of.
    """
    if not params.trains:
        own = len(MIXTURE_ROWS) if params.mixture and one.paper == "bimedix1" else 0
        return own + len(params.model.checkpoints.get(one.id, ()))
    model = published_name(params)
    if model is None:
        return 1
    own = [row for row in one.rows() if row.startswith(model) or ABLATION_OF.get(one.id) == model]
    return len(own)


def _why_not(
    params: Params, notebook: Notebook, stages: tuple[str, ...], *, reads: list[str], loads_model: bool
) -> str:
    """Why a notebook cannot be run with this profile; empty where it can."""
    if notebook.planned:
        return "notebook not written yet"
    if MIXTURE in stages and params.mixture is None:
        return "no mixture is trained: mixture is null in the profile"
    if set(stages) - {MIXTURE} and not params.trains:
        return "nothing is trained: the profile measures finished weights"
    if reads:
        return f"it reads what {', '.join(reads)} would leave"
    return "it loads a base, and the profile measures finished weights" if loads_model and not params.trains else ""


def _source(notebook: Notebook) -> str:
    """All code of a notebook; empty where it is not written."""
    file = root() / "notebooks" / f"{notebook.name}.ipynb"
    if notebook.planned or not file.is_file():
        return ""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _check_checkpoints(params: Params) -> None:
    problems = []
    for exhibit_id, rows in params.model.checkpoints.items():
        try:
            known = exhibit(exhibit_id).rows()
        except PaperError as error:
            problems.append(f"model.checkpoints.{exhibit_id}: {error}")
            continue
        problems += [f"model.checkpoints.{exhibit_id}: no row {row!r}; known: {', '.join(known)}" for row in rows
                     if known and row not in known]  # fmt: skip
    if problems:
        raise ParamsError("\n".join([f"profile {params.run.profile} names what the papers do not have:", *problems]))
