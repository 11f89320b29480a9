"""Measured cells: numbers of this machine, each with its interval, its n and its protocol card.

There are two types, and none is made from the other: a ``Reproduced`` cell may stand beside a reported number, a
``Demo`` cell never does. Their constructors look at the card.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits.schema import UNITS, Exhibit
from bimedix2_core.paper.protocol import ProtocolCard, diff
from bimedix2_core.runs import write_atomic
from bimedix2_core.statistics import Estimate


@dataclass(frozen=True)
class _Cell:
    row: str
    """Id of the row, such as ``bimedix2_8b``; it may be one the paper does not have."""
    column: str
    """Id of the column."""
    value: float
    """In the unit of the column."""
    low: float | None
    """Lower end of the 95% interval; None for a plain count."""
    high: float | None
    """Upper end of it."""
    n: int
    """Samples that were scored."""
    n_unscored: int
    """Samples that were asked and could not be scored."""
    card: ProtocolCard
    """How it was measured."""

    is_reproduction: ClassVar[bool]
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    def __post_init__(self) -> None:
        """Refuse a number of no samples, a number outside its interval, and a card of the other type of cell."""
        if self.n < 1 or self.n_unscored < 0:
            raise DataError(
                f"{self}: {self.n} samples scored and {self.n_unscored} not; a score of no samples is no number: "
                "leave the cell out, or score at least one sample"
            )
        if self.n + self.n_unscored != self.card.n:
            raise DataError(
                f"{self}: {self.n} scored + {self.n_unscored} unscored samples, but its card says that {self.card.n} "
                "were asked; count each sample once"
            )
        ends = (self.value if self.low is None else self.low, self.value if self.high is None else self.high)
        if (self.low is None) != (self.high is None) or not all(math.isfinite(one) for one in (self.value, *ends)):
            raise DataError(f"{self}: value {self.value}, interval {self.low} to {self.high}; expected finite numbers, "
                            "and both ends or none")  # fmt: skip
        if not ends[0] <= self.value <= ends[1]:
            raise DataError(f"{self}: value {self.value} outside its interval {ends}; check the order")
        if getattr(self, "is_reproduction", None) is not self.card.is_reproduction:
            raise DataError(
                f"{self}: its card is of profile {self.card.profile!r}, kind {self.card.kind!r}; "
                "only a profile of kind 'paper' makes a Reproduced cell, and every other a Demo cell"
            )

    def __str__(self) -> str:
        return f"{type(self).__name__} cell {self.row}, {self.column}"


@dataclass(frozen=True)
class Reproduced(_Cell):
    """A number of a paper profile: it may stand beside the reported one."""

    is_reproduction: ClassVar[bool] = True


@dataclass(frozen=True)
class Demo(_Cell):
    """A number of any other profile: it shows that the method works, and is no result of the paper."""

    is_reproduction: ClassVar[bool] = False


Measured = Reproduced | Demo


def measured(
    exhibit: Exhibit, row: str, column: str, estimate: Estimate, *, n_unscored: int, card: ProtocolCard
) -> Measured:
    """The cell of a metric, of the type its card allows.

    Args:
        exhibit: where it belongs.
        row: id of the row.
        column: id of the column.
        estimate: the metric as ``bench`` gives it; a share of 1 becomes what the column prints, such as percent.
        n_unscored: samples that were asked and could not be scored.
        card: how it was measured.

    Raises:
        PaperError: the exhibit has no such column.
        DataError: the column holds text, or the number and its card do not agree.
    """
    unit = exhibit.column(column).unit
    if unit is None:
        raise DataError(f"{exhibit.id}, column {column} holds text; expected a column of numbers")
    scale = UNITS[unit].scale
    value, low, high = (float(number) * scale for number in (estimate.value, estimate.low, estimate.high))
    kind = Reproduced if card.is_reproduction else Demo
    return kind(row, column, value, low, high, estimate.n, n_unscored, card)


def check_cells(exhibit: Exhibit, cells: Sequence[Measured]) -> None:
    """Refuse cells that cannot all be of this exhibit and of one run.

    Raises:
        PaperError: a column is unknown.
        DataError: a cell is given twice, stands in a column of text, is larger than its unit allows, or cells of
            several profiles are mixed.
    """
    profiles = sorted({f"{cell.card.profile} ({cell.card.kind})" for cell in cells})
    if len(profiles) > 1:
        raise DataError(f"{exhibit.id}: cells of {', '.join(profiles)} are mixed; expected one profile at a time")
    places = [(cell.row, cell.column) for cell in cells]
    for cell in cells:
        column = exhibit.column(cell.column)
        if column.unit is None:
            raise DataError(f"{exhibit.id}: {cell} stands in a column of text; expected a column of numbers")
        if places.count((cell.row, cell.column)) > 1:
            raise DataError(f"{exhibit.id}: {cell} is given twice; expected one number for each place")
        highest = UNITS[column.unit].highest
        if highest is not None and not 0 <= cell.value <= highest:
            raise DataError(f"{exhibit.id}: {cell} is {cell.value}; expected 0 to {highest}, the unit is {column.unit}")


def measured_file(shared: Path, exhibit: Exhibit) -> Path:
    """Where the measured cells of an exhibit are kept: ``outputs/<profile>/<exhibit>.json``."""
    return shared / f"{exhibit.id}.json"


def save_measured(path: Path, exhibit: Exhibit, cells: Sequence[Measured]) -> Path:
    """Write the measured cells of an exhibit as JSON, whole or not at all.

    Raises:
        PaperError: a column is unknown.
        DataError: as ``check_cells`` says, or there is no cell.
    """
    check_cells(exhibit, cells)
    if not cells:
        raise DataError(f"{path.name}: no measured cell to write; expected at least one")
    kind = type(cells[0]).__name__.lower()
    record = {"exhibit": exhibit.id, "type": kind, "cells": [asdict(cell) for cell in cells]}
    return write_atomic(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def load_measured(path: Path, exhibit: Exhibit) -> tuple[Measured, ...]:
    """The measured cells that ``save_measured`` wrote.

    Raises:
        PaperError: a column is unknown.
        DataError: there is no such file, it is no such record or one of another exhibit, or a cell is refused.
    """
    if not path.is_file():
        raise DataError(f"{path.name}: no measured cells there; run notebook {exhibit.notebook.name} first")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = (record["exhibit"], record["type"])
        kind = {"reproduced": Reproduced, "demo": Demo}[record["type"]]
        cells = TypeAdapter(tuple[kind, ...]).validate_json(json.dumps(record["cells"]), strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise DataError(f"{path.name}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} is no record of measured cells ({error!r}); make it again") from None
    if found[0] != exhibit.id:
        raise DataError(f"{path.name}: cells of exhibit {found[0]!r}, expected {exhibit.id!r}")
    check_cells(exhibit, cells)
    return cells


def explain(cell_a: Measured, cell_b: Measured) -> str:
    """Why two measured numbers differ: what they are, whether their intervals touch, and how their protocols differ."""
    lines = [f"{_said(cell_a)} against {_said(cell_b)}; {_overlap(cell_a, cell_b)}"]
    sentences = diff(cell_a.card, cell_b.card)
    lines += [f"- {sentence}" for sentence in sentences] or [
        "- the protocols agree: seed, hardware and libraries remain"
    ]
    return "\n".join(lines)


def _said(cell: Measured) -> str:
    interval = "" if cell.low is None else f" [{cell.low:.4g}, {cell.high:.4g}]"
    return f"{cell.value:.4g}{interval} (n {cell.n:,}, unscored {cell.n_unscored:,})"


def intervals_apart(a: Measured, b: Measured) -> bool | None:
    """Whether the 95% intervals of two cells do not touch; None where one is a count, which has none."""
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return None
    return a.low > b.high or b.low > a.high


def _overlap(a: Measured, b: Measured) -> str:
    apart = intervals_apart(a, b)
    if apart is None:
        return "a count has no interval"
    return "their 95% intervals do not touch" if apart else "their 95% intervals overlap"
