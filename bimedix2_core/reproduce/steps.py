"""Steps: the notebooks in order, which results of earlier ones each needs, and which of them a command means."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper.exhibits import catalogue, exhibits
from bimedix2_core.paper.reported import likely
from bimedix2_core.reproduce.execute import notebooks_in

NEEDS = {"need": "", "need_trained": "trains", "need_synthesised": "synthesises"}
"""Methods of a run that hand out what an earlier notebook left, and the property of a profile that wants it so."""


@dataclass(frozen=True)
class Need:
    """A result that a notebook reads by ``run.need(result, notebook=maker)`` or its kin."""

    result: str
    """Name below outputs/<profile>/."""
    maker: str
    """Notebook that leaves it, without ending."""
    wanted_if: str = ""
    """Property of the profiles that need it, ``trains`` or ``synthesises``; empty where all do."""


@dataclass(frozen=True)
class Step:
    """One notebook and what ties it to the others."""

    notebook: Path
    needs: tuple[Need, ...] = ()
    leaves: tuple[str, ...] = ()
    """Results of it that others need."""
    collects: tuple[str, ...] = ()
    """For the collector: all other notebooks, whose records it shows whether or not they ran through."""

    @property
    def name(self) -> str:
        """Name of the notebook without ending."""
        return self.notebook.stem

    @property
    def makers(self) -> tuple[str, ...]:
        """Notebooks whose results it needs."""
        return tuple(dict.fromkeys(need.maker for need in self.needs))


def code_cells(notebook: Path) -> tuple[str, ...]:
    """The code of a notebook, cell by cell.

    Raises:
        DataError: it is no notebook.
    """
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError, UnicodeDecodeError):
        raise DataError(f"{notebook}: no notebook of Jupyter's format 4; restore it, `git restore` helps") from None
    return tuple(cell.source for cell in cells if cell.cell_type == "code")


def steps_in(notebook_dir: Path) -> tuple[Step, ...]:
    """The notebooks of a folder, in order; which results each needs is read from its cells.

    Raises:
        DataError: there is no notebook, one cannot be read, or one needs a result of no earlier notebook.
    """
    notebooks = notebooks_in(notebook_dir)
    needs = {notebook.stem: tuple(_needs(notebook)) for notebook in notebooks}
    for name, wanted in needs.items():
        for need in wanted:
            if need.maker not in needs or need.maker >= name:
                raise DataError(
                    f"{name} needs {need.result!r} of notebook {need.maker!r}; expected an earlier notebook, there are "
                    f"{', '.join(other for other in needs if other < name) or 'none'}"
                )
    leaves = {name: sorted({n.result for all_ in needs.values() for n in all_ if n.maker == name}) for name in needs}
    collectors = {one.name for one in catalogue().notebooks if one.role == "collector"}
    steps = [Step(notebook, needs[notebook.stem], tuple(leaves[notebook.stem])) for notebook in notebooks]
    return tuple(
        replace(step, collects=tuple(name for name in needs if name != step.name)) if step.name in collectors else step
        for step in steps
    )


def for_profile(steps: Sequence[Step], *, trains: bool, synthesises: bool) -> tuple[Step, ...]:
    """The steps as a profile takes them: what it does not make is not needed either.

    Args:
        steps: all of them.
        trains: whether the profile trains its base; else it measures finished weights.
        synthesises: whether it makes samples from others.
    """
    holds = {"": True, "trains": trains, "synthesises": synthesises}
    return tuple(replace(step, needs=tuple(need for need in step.needs if holds[need.wanted_if])) for step in steps)


def chosen(steps: Sequence[Step], *, only: Sequence[str] = (), start: str | None = None) -> tuple[Step, ...]:
    """The steps that a command means; all where it names none.

    Args:
        steps: all of them.
        only: numbers or names of notebooks, or ids of exhibits.
        start: the notebook to begin from, named in the same ways.

    Raises:
        PaperError: there is no such notebook or exhibit, or its notebook is not written yet.
    """
    if start is not None:
        first = _named(steps, start)
        return tuple(step for step in steps if step.name >= first)
    names = {_named(steps, name) for name in only}
    return tuple(step for step in steps if not names or step.name in names)


def _named(steps: Sequence[Step], name: str) -> str:
    """The notebook that a number, a name or the id of an exhibit means."""
    there = [step.name for step in steps]
    wanted = name.removesuffix(".ipynb")
    made_in = {exhibit.id: exhibit.notebook.name for exhibit in exhibits()}
    notebook = made_in.get(wanted, wanted)
    found = [one for one in there if one == notebook or one.startswith(f"{notebook}_")]
    if len(found) == 1:
        return found[0]
    if wanted in made_in:
        raise PaperError(f"{wanted} is made in notebook {notebook}, which is not written yet; there are {_list(there)}")
    hint = likely(wanted, [*there, *made_in])
    ready = [exhibit_id for exhibit_id, maker in made_in.items() if maker in there]
    raise PaperError(
        f"unknown notebook or exhibit {name!r}{hint}\n  notebooks, by number or name: {_list(there)}\n"
        f"  exhibits: {_list(ready) or 'none'}"
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _needs(notebook: Path) -> Iterator[Need]:
    """Every ``anything.need("result", notebook="maker")`` of the cells, and of its kin."""
    for number, source in enumerate(code_cells(notebook), start=1):
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue  # runs into its error when it is executed
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NEEDS:
                yield _need(node, where=f"{notebook.name}, code cell {number}")


def _need(call: ast.Call, *, where: str) -> Need:
    makers = [keyword.value for keyword in call.keywords if keyword.arg == "notebook"]
    names = [node.value for node in (*call.args, *makers) if isinstance(node, ast.Constant)]
    if len(call.args) != 1 or len(makers) != 1 or not all(isinstance(name, str) for name in names) or len(names) != 2:
        raise DataError(
            f"{where}: {ast.unparse(call)}; expected need('stage1', notebook='03_stage1_alignment') with both names "
            "written out, because the order of the notebooks is read from them"
        )
    return Need(*names, wanted_if=NEEDS[call.func.attr])
