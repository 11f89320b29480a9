"""The schema of the declarations: what is said about an exhibit, and what follows from it and the reported CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bimedix2_core.errors import PaperError
from bimedix2_core.paper import reported
from bimedix2_core.paper.reported import ReportedTable

NOT_STATED = "not stated"
NONE = "none"

Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


@dataclass(frozen=True)
class Unit:
    """How the numbers of a column are scaled."""

    sign: str
    """What stands behind the title of a column."""
    scale: int = 1
    """A share of 1 is printed as this number."""
    highest: int | None = None
    """No number of this unit is larger."""


UNITS = {
    "percent": Unit("%", 100, 100),
    "relative_score": Unit("% of the reference", 100),
    "fraction": Unit("0 to 1", 1, 1),
    "samples": Unit("samples"),
    "tokens_per_second": Unit("tokens/s"),
    "milliseconds": Unit("ms"),
    "gigabytes": Unit("GB"),
}


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Notebook(_Declared):
    """A notebook, there or still to be written."""

    name: Annotated[str, Field(pattern=r"^[0-9][0-9]_[a-z0-9_]+$")]
    """Name of its file without ending."""
    shows: Text
    """What a reader sees there."""
    role: Literal["guide", "step", "audit", "collector"] | None = None
    """What it is for beside its exhibits: leads in, makes what later ones need, audits, collects."""
    planned: bool = False
    """Whether it is still to be written."""


class Dataset(_Declared):
    """Something a full reproduction has to fetch."""

    name: Text
    """What it is."""
    licence: Text = NOT_STATED
    """Under what terms, as far as the papers or their artefacts say."""


class Needs(_Declared):
    """What a full reproduction of an exhibit needs, as far as it is stated anywhere."""

    gpu_memory: Text = NOT_STATED
    """How much, or what the paper had."""
    data: tuple[Dataset, ...] = Field(default=(), strict=False)
    """What to fetch."""
    credentials: Text = NONE
    """Accounts and keys."""
    judge: Text = NONE
    """Who grades the answers."""
    hours: Text = NOT_STATED
    """How long it takes."""

    def __str__(self) -> str:
        """What is needed and stated, in one line."""
        data = ", ".join(dataset.name for dataset in self.data)
        parts = {"data": data, "credentials": self.credentials, "judge": self.judge, "GPU memory": self.gpu_memory,
                 "hours": self.hours}  # fmt: skip
        known = [f"{name}: {text}" for name, text in parts.items() if text not in ("", NONE, NOT_STATED)]
        return "; ".join(known) or "no data, no key and no judge"


class Column(_Declared):
    """A column: of numbers where it has decimals, else of text."""

    id: Id
    """Its name in the reported CSV, unless ``cells`` says otherwise."""
    title: Text
    """What stands above it."""
    unit: Literal[tuple(UNITS)] | None = None  # type: ignore[valid-type]
    """How its numbers are scaled; text has none."""
    decimals: Annotated[int, Field(ge=0)] | None = None
    """Decimals of every printed number; null for text."""
    direction: Literal["higher", "lower", "none"] = "none"
    """Which number is better."""
    share_of: Annotated[int, Field(ge=1)] | None = None
    """Number of questions a cell is the share of that were answered right; null where it is not that or not known."""
    cells: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")] | None = None
    """``table.column`` where its cells stand in another reported table."""
    not_comparable: Text | None = None
    """Why nobody can measure the same thing; null where one can."""
    printed: bool = True
    """Whether the paper prints it; other columns are remarks of the CSV."""

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.decimals is not None

    @property
    def heading(self) -> str:
        """Title with the unit."""
        return f"{self.title} ({UNITS[self.unit].sign})" if self.unit else self.title

    def rounded(self, value: float | Decimal) -> Decimal:
        """A number with the decimals of the column, halves away from zero."""
        exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        return exact.quantize(Decimal(1).scaleb(-(self.decimals or 0)), ROUND_HALF_UP)


class Exhibit(_Declared):
    """One table or figure of a paper."""

    id: Id
    """Such as ``table05``, ``fig04``, ``bimedix1_english``."""
    paper: Literal["bimedix2", "bimedix1"]
    """Which of the two."""
    label: Text
    """What the paper calls it."""
    caption: Text
    """What it shows, in our words."""
    notebook: Notebook
    """Where it is made again."""
    reported: Id | None = None
    """Reported table of its cells; null where no numbers are reported."""
    columns: tuple[Column, ...] = Field(default=(), strict=False)
    """In the order of the paper; the two columns of ids and names are not among them."""
    rows_left_out: tuple[Id, ...] = Field(default=(), strict=False)
    """Rows of the reported table that this exhibit does not show."""
    rows_not_comparable: dict[str, Text] = Field(default_factory=dict)
    """Why nobody can measure the same thing, by row."""
    needs: Needs = Needs()
    """What a full reproduction needs."""

    @property
    def planned(self) -> bool:
        """Whether its notebook is still to be written."""
        return self.notebook.planned

    @property
    def is_figure(self) -> bool:
        """Whether it is a figure of the paper, not a table."""
        return self.id.startswith("fig")

    @property
    def owns_its_cells(self) -> bool:
        """Whether the reported table is this exhibit's own, not that of the table it draws."""
        return self.reported is not None and f"{self.reported}_".startswith(f"{self.id}_")

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The columns of numbers."""
        return tuple(column for column in self.columns if column.is_number)

    def rows(self) -> dict[str, str]:
        """Printed name of each row by its id, in the order of the reported table; empty where nothing is reported."""
        if self.reported is None:
            return {}
        table = reported.read(self.reported)
        return {
            row_id: table.cell(row_id, table.columns[1]) for row_id in table.ids if row_id not in self.rows_left_out
        }

    def column(self, column_id: str) -> Column:
        """One column.

        Raises:
            PaperError: there is none of this id; the message lists those there are.
        """
        return find(column_id, {column.id: column for column in self.columns}, f"{self.id} has no column")

    def cells(self, column_id: str) -> tuple[ReportedTable, str]:
        """The reported table and the column of it where the cells of a column stand.

        Raises:
            PaperError: there is no column of this id, or nothing is reported.
        """
        column = self.column(column_id)
        if column.cells:
            table, name = column.cells.split(".")
            return reported.read(table), name
        if self.reported is None:
            raise PaperError(f"{self.id} ({self.label}): no numbers are reported, so it has no cells")
        return reported.read(self.reported), column_id

    def text(self, row_id: str, column_id: str) -> str:
        """A cell as printed; empty where nothing is printed, or where the paper has no such row.

        Raises:
            PaperError: there is no column of this id.
        """
        table, name = self.cells(column_id)
        return table.cell(row_id, name) if row_id in self.rows() and row_id in table.ids else ""

    def number(self, row_id: str, column_id: str) -> Decimal | None:
        """The number of a cell; None where nothing is printed, or where the paper has no such row.

        Raises:
            PaperError: there is no column of this id.
            DataError: the cell holds text.
        """
        table, name = self.cells(column_id)
        return table.number(row_id, name) if row_id in self.rows() and row_id in table.ids else None

    def why_not_comparable(self, row_id: str, column_id: str) -> str | None:
        """Why a cell cannot be measured again as the paper did; None where it can."""
        return self.rows_not_comparable.get(row_id) or self.column(column_id).not_comparable

    def file(self, shared: Path, ending: str) -> Path:
        """Where a form of it is written: ``<shared>/exhibits/<profile>_<id>.<ending>``.

        Args:
            shared: folder of the profile, as ``Run.shared`` and ``output_dir`` give it.
            ending: such as ``csv``, without its dot.
        """
        return shared / "exhibits" / f"{shared.name}_{self.id}.{ending}"


class Catalogue(_Declared):
    """All declarations."""

    notebooks: tuple[Notebook, ...] = Field(strict=False)
    """In reading order."""
    profiles: dict[str, Text]
    """What each profile is for, by name."""
    exhibits: tuple[Exhibit, ...] = Field(strict=False)
    """Tables, figures, then BiMediX's tables."""


def find(name: str, known: Mapping[str, Any], problem: str) -> Any:
    """What is known by this name.

    Raises:
        PaperError: nothing is; the message begins with ``problem`` and lists the names there are.
    """
    if name in known:
        return known[name]
    raise PaperError(f"{problem} {name!r}; known: {', '.join(known)}{reported.likely(name, known)}")
