"""Figure 9: what BiMed-V is made of, as the paper's sunburst and as bars in order of size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Wedge

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import axes_at, display_name, note, unique
from bimedix2_core.paper.figures.readings import Readings, readings
from bimedix2_core.paper.figures.style import (
    AMBER,
    AMBER_TINT,
    INK,
    MUTED,
    SLATE,
    TEAL,
    TEAL_TINT,
    WIDTH,
    canvas,
    new_figure,
    settings,
)  # fmt: skip
from bimedix2_core.paper.figures.text import Ruler, draw_title
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.tables import Table

_SAMPLES = "samples"
_DISC, _ROW = 330.0, 16.0
_RINGS = (34.0, 74.0, 122.0, 142.0)
"""Radii between which language, modality and source lie."""

_NAMED_FROM = 0.02
"""Share from which a source is named at the disc; all are named at the bars."""

_MODALITIES = {"image_text": "image-text"}
_FACES = {"en": (TEAL, "#8dbcc1", TEAL_TINT), "ar": (AMBER, "#ecc684", AMBER_TINT)}
"""Faces of language, modality and source; any other language is grey."""


@dataclass(frozen=True)
class Source:
    """What a source of samples is: one that was built, or one that Table 12 does not have."""

    name: str
    language: str
    """``en`` or ``ar``."""
    modality: str
    """``text`` or ``image_text``."""


@dataclass(frozen=True)
class _Part:
    """One source with its samples."""

    name: str
    language: str
    modality: str
    is_stated: bool
    """Whether the modality is stated, not only read by us."""
    samples: float
    text: str
    reported: float | None
    """The count of Table 12 where a measured one stands in its place."""

    @property
    def kind(self) -> str:
        """The modality in words; a star where it is our reading."""
        return _MODALITIES.get(self.modality, self.modality) + ("" if self.is_stated else "*")


def composition_sunburst(measured: Sequence[Measured] = (), sources: Mapping[str, Source] | None = None) -> Picture:
    """Figure 9: rings of language, modality and source, and below one bar for each source, the largest first.

    The paper states the modality of some sources only; the others are drawn as we read them and marked with a star. A
    line across the bar of a measured count marks the reported one.

    Args:
        measured: counts of the exhibit ``fig09``; they stand in place of the reported ones, a demo's stand alone.
        sources: what the measured rows are, by row; needed where Table 12 has no such row, and where the modality
            was counted it replaces our reading (``paper.composition.composition_sources``).

    Raises:
        PaperError: a cell stands in a column the exhibit does not have.
        DataError: the cells cannot be of one run, or a row is neither in Table 12 nor in ``sources``.
    """
    sources = sources or {}
    drawn = readings(exhibit("fig09"), measured)
    drawn = replace(
        drawn, names={row: sources[row].name if row in sources else name for row, name in drawn.names.items()}
    )
    parts = _parts(drawn, sources)
    total = sum(part.samples for part in parts)
    with mpl.rc_context(settings()):
        top = 30 + _DISC
        figure = new_figure(WIDTH, top + _ROW * len(parts) + 36)
        draw_title(figure, drawn.title, left=12, right=WIDTH - 12)
        _draw_disc(canvas(figure, 0, 30, WIDTH, _DISC), parts, total)
        left = 24 + max(Ruler().width(part.name, 8.5) for part in parts)
        _draw_bars(axes_at(figure, left, top, WIDTH - left - 156, _ROW * len(parts)), parts, total)
        note(figure, _remark(parts))
    return Picture(figure, _alt(drawn, parts, total), _table(drawn))


def _parts(drawn: Readings, sources: Mapping[str, Source]) -> list[_Part]:
    """The sources that have samples, or had some: language by language, modality by modality, the largest first."""
    column = drawn.column(_SAMPLES)
    parts = [_part(drawn, row, sources) for row, one in column.items() if one.value > 0 or _reported(drawn, row)]
    languages, modalities = unique(part.language for part in parts), ["text", "image_text"]
    modalities = unique([*modalities, *(part.modality for part in parts)])
    if not any(part.samples for part in parts):
        raise DataError(f"{drawn.exhibit.id}: no source has a sample; expected at least one")
    return sorted(
        parts, key=lambda part: (languages.index(part.language), modalities.index(part.modality), -part.samples)
    )


def _part(drawn: Readings, row: str, sources: Mapping[str, Source]) -> _Part:
    one, fig09 = drawn.cells[row, _SAMPLES], drawn.exhibit
    if row in sources:
        language, modality, is_stated = sources[row].language, sources[row].modality, True
    elif row in fig09.rows():
        stated, language = fig09.text(row, "modality"), fig09.text(row, "language")
        modality, is_stated = stated or fig09.text(row, "modality_inferred"), bool(stated)
    else:
        raise DataError(f"{fig09.id}: Table 12 has no source {row!r}; pass sources={{{row!r}: Source(...)}}")
    return _Part(_name(drawn, row), language, modality, is_stated, one.value, one.text, _reported(drawn, row))


def _name(drawn: Readings, row: str) -> str:
    """Its name, with a word on where the number comes from unless all come from there, as the title says."""
    is_mixed = len({one.source for one in drawn.cells.values()}) > 1
    return drawn.name(row) if is_mixed else drawn.names[row]


def _reported(drawn: Readings, row: str) -> float | None:
    """The reported count beside a measured one; a demo's stands beside none."""
    number = drawn.exhibit.number(row, _SAMPLES) if drawn.cells[row, _SAMPLES].source == "measured" else None
    return None if number is None else float(number)


def _table(drawn: Readings) -> Table:
    """What is drawn, row by row, with the reported counts where measured ones stand in their place."""
    table = drawn.table()
    reported = [drawn.exhibit.number(row, _SAMPLES) for row in drawn.names]
    if all(_reported(drawn, row) is None for row in drawn.names):
        return table
    rows = tuple((*cells, number) for cells, number in zip(table.rows, reported, strict=True))
    return replace(table, columns=(*table.columns, "reported"), rows=rows)


def _draw_disc(axes: Axes, parts: Sequence[_Part], total: float) -> None:
    """Three rings, clockwise from the top; an arc is as long as its share."""
    x, y = WIDTH / 2, _DISC / 2
    for ring, (words, part, start, share) in _arcs(parts, total):
        face = _FACES.get(part.language, (SLATE,) * 3)[ring]
        inner, outer = _RINGS[ring], _RINGS[ring + 1]
        axes.add_patch(
            Wedge((x, y), outer, -90 + 360 * start, -90 + 360 * (start + share), width=outer - inner, facecolor=face,
                  edgecolor="white", linewidth=1, gid=f"ring {ring}")
        )  # fmt: skip
        angle = 2 * np.pi * (start + share / 2)
        if ring < 2 and share > 0.04:
            middle = (inner + outer) / 2
            colour = "white" if part.language == "en" and ring == 0 else INK
            axes.text(x + middle * np.sin(angle), y - middle * np.cos(angle), words, ha="center", va="center",
                      fontsize=8, color=colour, linespacing=1.15)  # fmt: skip
        elif ring == 2 and share >= _NAMED_FROM:
            _name_arc(axes, (x, y), angle, words)
    axes.text(x, y, f"{total:,.0f}\nsamples", ha="center", va="center", fontsize=9.5, fontweight="bold", color=INK)


def _name_arc(axes: Axes, centre: tuple[float, float], angle: float, words: str) -> None:
    """A name outside the disc, with a short line to its arc."""
    right, up = np.sin(angle), np.cos(angle)
    near, far = _RINGS[3] + 1, _RINGS[3] + 9
    axes.plot([centre[0] + near * right, centre[0] + far * right], [centre[1] - near * up, centre[1] - far * up],
              color=MUTED, linewidth=0.7)  # fmt: skip
    axes.text(centre[0] + (far + 3) * right, centre[1] - (far + 3) * up, words, fontsize=8.5, color=INK, va="center",
              ha="left" if right > 0.05 else "right" if right < -0.05 else "center")  # fmt: skip


def _arcs(parts: Sequence[_Part], total: float) -> Iterator[tuple[int, tuple[str, _Part, float, float]]]:
    """Ring, and words, first part, start and share of each arc; the parts are in the order of the disc."""
    parts = [part for part in parts if part.samples]
    keys = (lambda one: one.language, lambda one: (one.language, one.modality), lambda one: one.name)
    for ring, key in enumerate(keys):
        start = 0.0
        for group in unique(key(part) for part in parts):
            members = [part for part in parts if key(part) == group]
            share = sum(part.samples for part in members) / total
            star = "*" if any(not part.is_stated for part in members) else ""
            modality = _MODALITIES.get(members[0].modality, members[0].modality)
            words = (display_name(members[0].language), f"{modality}{star}", members[0].name)[ring]
            yield ring, (words if ring == 2 else f"{words}\n{share:.1%}", members[0], start, share)
            start += share


def _draw_bars(axes: Axes, parts: Sequence[_Part], total: float) -> None:
    """One bar for each source, the largest first, with its count, its share and its modality."""
    ordered = sorted(parts, key=lambda part: -part.samples)
    for place, part in enumerate(ordered):
        axes.barh(place, part.samples, 0.72, color=_FACES.get(part.language, (SLATE,))[0],
                  hatch="///" if part.language == "ar" else "", edgecolor="white", linewidth=0)  # fmt: skip
        for x, side, words in ((44, "right", part.text), (84, "right", f"{part.samples / total:.1%}"),
                               (94, "left", part.kind)):  # fmt: skip
            axes.annotate(words, (1, place), (x, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                          ha=side, va="center", fontsize=8.5, color=INK)  # fmt: skip
    marks = {place: part.reported for place, part in enumerate(ordered) if part.reported is not None}
    for place, count in marks.items():
        axes.plot([count, count], [place - 0.46, place + 0.46], color=INK, linewidth=1.2, clip_on=False, gid="reported")
    axes.set(ylim=(len(ordered) - 0.5, -0.5), xlim=(0, max([ordered[0].samples, *marks.values()])), xticks=[])
    axes.set_yticks(range(len(ordered)), [part.name for part in ordered], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)


def _remark(parts: Sequence[_Part]) -> str:
    n_read = sum(not part.is_stated for part in parts)
    stated = f"{len(parts) - n_read} of {len(parts)} sources"
    star = f" * Modality as we read it: it is stated for {stated}." if n_read else ""
    line = " A line across a bar: the reported count." if any(part.reported is not None for part in parts) else ""
    return (
        f"Bars: English plain, Arabic hatched.{line} Sources under {_NAMED_FROM:.0%} are named at the bars only.{star}"
    )


def _alt(drawn: Readings, parts: Sequence[_Part], total: float) -> str:
    shares: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for ring, (_, part, _, share) in _arcs(parts, total):
        modality = f" {_MODALITIES.get(part.modality, part.modality)}" if ring else ""
        shares[ring].append(f"{display_name(part.language)}{modality} {share:.1%}")
    return (
        f"{drawn.title}. {drawn.exhibit.caption}, and one bar for each of {len(parts)} sources: {total:,.0f} samples. "
        f"By language: {', '.join(shares[0])}. By language and modality: {', '.join(shares[1])}. "
        f"{drawn.extremes([_SAMPLES])} {_remark(parts)}"
    )
