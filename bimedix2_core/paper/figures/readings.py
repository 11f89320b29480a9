"""What a figure of the paper draws: the reported numbers, measured ones in their place, or a demo's alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import Column, Exhibit
from bimedix2_core.paper.measured import Demo, Measured, check_cells
from bimedix2_core.paper.tables import Table

Place = tuple[str, str]
"""Row and column."""


@dataclass(frozen=True)
class Reading:
    """One number of a figure."""

    value: float
    """In the unit of its column."""
    text: str
    """With the decimals of its column, whole numbers with thousands."""
    source: Literal["reported", "measured", "demo"]
    """Whose number it is."""
    low: float | None = None
    """Lower end of the 95% interval; None for a reported number and for a count."""
    high: float | None = None
    """Upper end of it."""


@dataclass(frozen=True)
class Readings:
    """All numbers of a figure."""

    exhibit: Exhibit
    names: Mapping[str, str]
    """Printed name of each row that has a number."""
    cells: Mapping[Place, Reading]

    def __post_init__(self) -> None:
        """Refuse to draw nothing, and a demo's numbers beside any other."""
        sources = {reading.source for reading in self.cells.values()}
        if not sources:
            raise DataError(f"{self.exhibit.id}: no number to draw; expected reported or measured ones")
        if "demo" in sources and sources != {"demo"}:
            raise DataError(
                f"{self.exhibit.id}: numbers of a demo beside {', '.join(sorted(sources - {'demo'}))} ones; "
                "a demo is no result of the paper: draw it alone"
            )

    @property
    def is_demo(self) -> bool:
        """Whether the numbers are a demo's."""
        return any(reading.source == "demo" for reading in self.cells.values())

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that have a number, in the order of the exhibit."""
        return tuple(column for column in self.exhibit.numbers if any(c == column.id for _, c in self.cells))

    @property
    def title(self) -> str:
        """What stands above the figure: the paper's label and whose numbers are drawn."""
        sources = {reading.source for reading in self.cells.values()}
        words = {"reported": "as reported", "measured": "measured here", "demo": "demo (no result of the paper)"}
        both = "measured here where it says so, otherwise as reported"
        return f"{self.exhibit.label}, {both if len(sources) > 1 else words[sources.pop()]}"

    def row(self, row: str) -> dict[str, Reading]:
        """The numbers of one row by column, in the order of the exhibit."""
        return {column.id: self.cells[row, column.id] for column in self.columns if (row, column.id) in self.cells}

    def column(self, column: str) -> dict[str, Reading]:
        """The numbers of one column by row."""
        return {row: self.cells[row, column] for row in self.names if (row, column) in self.cells}

    def name(self, row: str, columns: Sequence[str] | None = None) -> str:
        """Name of a row, with a word on how much of it (or of some of its columns) was measured here."""
        found = [one for column, one in self.row(row).items() if columns is None or column in columns]
        measured = sum(one.source == "measured" for one in found)
        if not measured:
            return self.names[row]
        part = "measured" if measured == len(found) else f"{measured} of {len(found)} measured"
        return f"{self.names[row]} ({part})"

    def mean(self, row: str, columns: Sequence[str]) -> float:
        """Mean of the numbers a row has in some columns, exact for printed ones; minus infinity where it has none."""
        values = [Decimal(repr(one.value)) for column, one in self.row(row).items() if column in columns]
        return float(sum(values) / len(values)) if values else -math.inf

    def by_mean(self, columns: Sequence[str]) -> list[str]:
        """The rows, the one with the highest mean in these columns first; equal ones keep their order."""
        return sorted(self.names, key=lambda row: -self.mean(row, columns))

    def extremes(self, columns: Sequence[str] | None = None) -> str:
        """One sentence: the highest and the lowest number, and whose they are."""
        places = {place: one for place, one in self.cells.items() if columns is None or place[1] in columns}
        values = [one.value for one in places.values()]
        return f"Highest: {self._said(places, max(values))}; lowest: {self._said(places, min(values))}."

    def table(self) -> Table:
        """Row by row what the figure draws, and where it comes from."""
        rows = []
        for row, name in self.names.items():
            found = self.row(row)
            sources = [one.source for one in found.values()]
            counts = [f"{sources.count(one)} {one}" for one in ("reported", "measured", "demo") if one in sources]
            numbers = [Decimal(found[c.id].text.replace(",", "")) if c.id in found else None for c in self.columns]
            rows.append((name, *numbers, sources[0] if len(counts) == 1 else ", ".join(counts)))
        headings = [column.heading for column in self.columns]
        return Table(("row", *headings, "source"), tuple(rows), f"{self.title}. {self.exhibit.caption}")

    def _said(self, places: Mapping[Place, Reading], value: float) -> str:
        titles = {column.id: column.title for column in self.columns}
        found = {(row, column): one for (row, column), one in places.items() if one.value == value}
        text = next(iter(found.values())).text
        one_column = len({column for _, column in places}) == 1
        whose = [self.names[row] if one_column else f"{self.names[row]} on {titles[column]}" for row, column in found]
        return f"{text}, {' and '.join(whose)}"


def readings(exhibit: Exhibit, measured: Sequence[Measured] = ()) -> Readings:
    """The numbers a figure draws: a measured one in place of the reported one; a demo's are drawn alone.

    Args:
        exhibit: the declaration of the figure.
        measured: cells of one profile; empty for the figure as reported.

    Raises:
        PaperError: a cell stands in a column the exhibit does not have.
        DataError: the cells cannot be of one run of this exhibit, or there is no number at all.
    """
    check_cells(exhibit, measured)
    is_demo = any(isinstance(cell, Demo) for cell in measured)
    printed = {} if is_demo else _printed(exhibit)
    cells = printed | {(cell.row, cell.column): _measured(exhibit, cell) for cell in measured}
    reported_names = exhibit.rows()
    rows = dict.fromkeys([*reported_names, *(cell.row for cell in measured)])
    names = {row: reported_names.get(row, row) for row in rows if any(place[0] == row for place in cells)}
    return Readings(exhibit, names, cells)


def number_text(column: Column, value: float | Decimal) -> str:
    """A number as its column prints it, with thousands."""
    return f"{column.rounded(value):,}"


def _printed(exhibit: Exhibit) -> dict[Place, Reading]:
    numbers = {(row, column.id): exhibit.number(row, column.id) for row in exhibit.rows() for column in exhibit.numbers}
    return {
        place: Reading(float(number), number_text(exhibit.column(place[1]), number), "reported")
        for place, number in numbers.items()
        if number is not None
    }


def _measured(exhibit: Exhibit, cell: Measured) -> Reading:
    text = number_text(exhibit.column(cell.column), cell.value)
    return Reading(cell.value, text, "demo" if isinstance(cell, Demo) else "measured", cell.low, cell.high)
