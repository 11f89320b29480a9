"""Index: the notebooks and their exhibits as the README shows them, and what nobody has declared."""

from collections.abc import Iterable

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.exhibits import catalogue, exhibits
from bimedix2_core.paper.exhibits.forms import markdown
from bimedix2_core.paper.exhibits.schema import Notebook
from bimedix2_core.paper.tables import Table

MARKERS = ("<!-- exhibits: begin (generated from the declarations) -->\n", "<!-- exhibits: end -->")


def index_markdown() -> str:
    """One row per notebook: a link where it is written, what a reader sees there, its exhibits."""
    head = "| notebook | what you see | exhibits |\n|---|---|---|\n"
    return head + "".join(f"| {_link(one)} | {one.shows} | {_labels(one)} |\n" for one in catalogue().notebooks)


def exhibits_markdown() -> str:
    """One row per exhibit: the paper's label, what it shows, where it is made, what a full reproduction needs."""
    rows = tuple((one.label, one.caption, one.notebook.name, "notebook not written yet" if one.planned else "",
                  str(one.needs)) for one in exhibits())  # fmt: skip
    return markdown(Table(("exhibit", "what it shows", "notebook", "waits for", "a full reproduction needs"), rows))


def with_index(readme: str) -> str:
    """The text of a README with the index between its markers made again; everything else stays as it is.

    Raises:
        DataError: as ``between`` says.
    """
    return between(readme, MARKERS, index_markdown())


def between(readme: str, markers: tuple[str, str], generated: str) -> str:
    """The text of a README with what is generated between two markers; everything else stays as it is.

    Raises:
        DataError: the two markers are not there once each, in this order.
    """
    begin, end = markers
    if readme.count(begin) != 1 or readme.count(end) != 1 or readme.index(begin) > readme.index(end):
        raise DataError(
            f"README: {readme.count(begin)} times {begin.strip()!r} and {readme.count(end)} times {end!r}; expected "
            "each once, in this order, on a line of its own; put them where what is generated belongs"
        )
    before, rest = readme.split(begin)
    return f"{before}{begin}{generated}{rest[rest.index(end) :]}"


def undeclared(*, notebooks: Iterable[str], profiles: Iterable[str]) -> list[str]:
    """What is there and nobody has declared, one sentence each: notebooks, parameter files, reported tables.

    Args:
        notebooks: names of the notebooks that are there, without ending.
        profiles: names of the parameter files that are there, without ending.
    """
    return [
        *_unknown("notebook", notebooks, {one.name for one in catalogue().notebooks}),
        *_unknown("profile", profiles, set(catalogue().profiles)),
        *_unknown("reported table", reported.names(), {one.reported for one in exhibits() if one.owns_its_cells}),
    ]


def _unknown(what: str, found: Iterable[str], declared: set[str]) -> list[str]:
    return [f"{what} {name} is not declared; declare it in declarations.yaml" for name in sorted(set(found) - declared)]


def _link(notebook: Notebook) -> str:
    return f"{notebook.name} (not written yet)" if notebook.planned else (
        f"[{notebook.name}](notebooks/{notebook.name}.ipynb)")  # fmt: skip


def _labels(notebook: Notebook) -> str:
    labels = [one.label for one in exhibits() if one.notebook.name == notebook.name]
    return ", ".join(labels) or {"audit": "the audit", "collector": "all of them"}.get(notebook.role or "", "")
