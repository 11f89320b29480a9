"""Figure 6: the ten clinical sets, stacked as in the paper and each from a zero of its own."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bimedix2_core.paper.exhibits import Column, exhibit
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import axes_at, note
from bimedix2_core.paper.figures.readings import Readings, number_text, readings
from bimedix2_core.paper.figures.style import INK, LINE, SLATE, TEAL, TEAL_TINT, WIDTH, new_figure, settings
from bimedix2_core.paper.figures.text import Ruler, draw_title
from bimedix2_core.paper.measured import Measured

_AVERAGE = "average"
_ROW, _RIGHT, _HEAD = 18.0, 34.0, 58.0
_OWN_FACES, _FACES = (TEAL, "#4f9aa3"), (SLATE, "#aebac1")
"""Faces of neighbouring pieces of a bar: of ours, and of the others."""


def clinical_stack(measured: Sequence[Measured] = ()) -> Picture:
    """Figure 6: one bar for each model, a tenth of each of its ten scores long, so that its length is their mean.

    Below, each set has its own zero, so that the models can be compared set by set. The column ``average`` is not
    drawn: the length of a bar is it.

    Args:
        measured: cells of the exhibit ``fig06``; they stand in place of the reported numbers, a demo's stand alone.

    Raises:
        PaperError: a cell stands in a column the exhibit does not have.
        DataError: the cells cannot be of one run.
    """
    drawn = readings(exhibit("fig06"), measured)
    sets = [column for column in drawn.columns if column.id != _AVERAGE]
    order = _order(drawn, sets)
    high = _ROW * len(order)
    with mpl.rc_context(settings()):
        names, ruler = _names(drawn, sets, order), Ruler()
        left = 24 + max(ruler.width(name, 8.5, weight="bold") for name in names)
        below = _HEAD + high + 84
        figure = new_figure(WIDTH, below + high + 32)
        draw_title(figure, drawn.title, left=12, right=WIDTH - 12)
        _draw_stack(axes_at(figure, left, _HEAD, WIDTH - left - _RIGHT, high), drawn, sets, order)
        _draw_columns(figure, drawn, sets, order, left, below)
        hatched = any(one.source == "measured" for one in drawn.cells.values())
        note(figure, "Below: each set from its own zero to 100; the highest of each set in bold."
             + (" Hatched: measured here." if hatched else ""))  # fmt: skip
    return Picture(figure, _alt(drawn, sets, order), drawn.table())


def _order(drawn: Readings, sets: Sequence[Column]) -> list[str]:
    """Models that have all sets first, the highest mean first; a model that has none of them is left out."""
    ids = [column.id for column in sets]
    counts = {row: sum((row, one) in drawn.cells for one in ids) for row in drawn.names}
    rows = [row for row in drawn.by_mean(ids) if counts[row]]
    return sorted(rows, key=lambda row: counts[row] < len(ids))


def _names(drawn: Readings, sets: Sequence[Column], order: Sequence[str]) -> list[str]:
    ids = [column.id for column in sets]
    return [drawn.name(row, ids) for row in order]


def _draw_stack(axes: Axes, drawn: Readings, sets: Sequence[Column], order: Sequence[str]) -> None:
    """Pieces in the order of the sets, named above the first bar; the mean at the end of a bar that has all sets."""
    for place, row in enumerate(order):
        found, left = drawn.row(row), 0.0
        for index, column in enumerate(sets):
            if column.id in found:
                width = found[column.id].value / len(sets)
                axes.barh(place, width, 0.78, left=left, color=_faces(row)[index % 2], edgecolor="white",
                          linewidth=0.8, hatch=_hatch(found[column.id].source))  # fmt: skip
                left += width
        n_sets = sum(column.id in found for column in sets)
        mean = number_text(sets[0], drawn.mean(row, [column.id for column in sets]))
        end = mean if n_sets == len(sets) else f"{n_sets} of {len(sets)} sets"
        axes.annotate(end, (left, place), (4, 0), textcoords="offset points", va="center", fontsize=8.5,
                      fontweight="bold" if _is_own(row) else "normal", color=INK)  # fmt: skip
    _name_pieces(axes, drawn, sets, order[0])
    axes.set(xlim=(0, 100), ylim=(len(order) - 0.5, -0.5), xlabel=f"mean of {len(sets)} sets, %")
    _name_rows(axes, drawn, sets, order)
    axes.grid(visible=True, axis="x")


def _name_pieces(axes: Axes, drawn: Readings, sets: Sequence[Column], row: str) -> None:
    """The sets above the pieces of the first bar."""
    left = 0.0
    for column in sets:
        if (row, column.id) in drawn.cells:
            width = drawn.cells[row, column.id].value / len(sets)
            axes.annotate(column.title, (left + width / 2, -0.5), (0, 3), textcoords="offset points", ha="left",
                          va="bottom", rotation=28, rotation_mode="anchor", fontsize=8, color=INK)  # fmt: skip
            left += width


def _draw_columns(
    figure: Figure, drawn: Readings, sets: Sequence[Column], order: Sequence[str], left: float, top: float
) -> None:
    """One small axes for each set, its number in each bar."""
    step = (WIDTH - left - _RIGHT) / len(sets)
    for index, column in enumerate(sets):
        axes = axes_at(figure, left + index * step, top, step - 5, _ROW * len(order))
        found = drawn.column(column.id)
        best = max(one.value for one in found.values())
        for place, row in enumerate(order):
            if row not in found:
                continue
            one = found[row]
            axes.barh(place, one.value, 0.78, color=TEAL_TINT if _is_own(row) else LINE, hatch=_hatch(one.source),
                      edgecolor="white", linewidth=0)  # fmt: skip
            axes.annotate(one.text, (0, place), (2, 0), textcoords="offset points", va="center", fontsize=8,
                          fontweight="bold" if one.value == best else "normal", color=INK)  # fmt: skip
        axes.set(xlim=(0, 100), ylim=(len(order) - 0.5, -0.5), xticks=[], yticks=[])
        axes.annotate(column.title, (0, -0.5), (4, 3), textcoords="offset points", va="bottom", rotation=28,
                      rotation_mode="anchor", fontsize=8, color=INK, annotation_clip=False)  # fmt: skip
        axes.spines["bottom"].set_visible(False)
        if index == 0:
            _name_rows(axes, drawn, sets, order)


def _name_rows(axes: Axes, drawn: Readings, sets: Sequence[Column], order: Sequence[str]) -> None:
    axes.set_yticks(range(len(order)), _names(drawn, sets, order), fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    for label, row in zip(axes.get_yticklabels(), order, strict=True):
        label.set(color=TEAL if _is_own(row) else INK, fontweight="bold" if _is_own(row) else "normal")


def _is_own(row: str) -> bool:
    return row.startswith("bimedix2")


def _faces(row: str) -> tuple[str, str]:
    return _OWN_FACES if _is_own(row) else _FACES


def _hatch(source: str) -> str:
    return "///" if source == "measured" else ""


def _alt(drawn: Readings, sets: Sequence[Column], order: Sequence[str]) -> str:
    ids = [column.id for column in sets]
    means = [
        f"{drawn.name(row, ids)} {number_text(sets[0], drawn.mean(row, ids))}"
        for row in order
        if all((row, one) in drawn.cells for one in ids)
    ]
    return (
        f"{drawn.title}. {drawn.exhibit.caption}, as bars whose length is the mean, and set by set below: "
        f"{', '.join(column.title for column in sets)}. Means in percent, highest first: {'; '.join(means)}. "
        f"Single sets: {drawn.extremes(ids)}"
    )
