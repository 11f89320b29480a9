"""Compare two runs: which exhibits moved, by how much against their intervals, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import Exhibit, exhibits
from bimedix2_core.paper.measured import Measured, intervals_apart, load_measured, measured_file
from bimedix2_core.paper.protocol import diff

SAME_PROTOCOL = "the protocols agree: seed, hardware, libraries and code remain"


@dataclass(frozen=True)
class Pair:
    """One number, measured by two runs."""

    a: Measured
    b: Measured

    @property
    def moved(self) -> bool:
        """Whether the two are different numbers."""
        return self.a.value != self.b.value

    @property
    def apart(self) -> bool:
        """Whether they differ by more than sampling explains: their 95% intervals do not touch; of counts, always."""
        apart = intervals_apart(self.a, self.b)
        return self.moved if apart is None else apart

    @property
    def difference(self) -> float:
        """The second minus the first, in the unit of the column."""
        return self.b.value - self.a.value


@dataclass(frozen=True)
class ExhibitPair:
    """One exhibit of two runs; its cells matched by row and column."""

    exhibit: Exhibit
    pairs: tuple[Pair, ...]
    only_a: tuple[Measured, ...]
    only_b: tuple[Measured, ...]

    def __str__(self) -> str:
        """A headline, the numbers that moved, and why."""
        moved = [pair for pair in self.pairs if pair.moved]
        apart = [pair for pair in moved if pair.apart]
        head = f"{self.exhibit.id} ({self.exhibit.label}): {len(moved)} of {len(self.pairs)} numbers moved"
        head += f", {len(apart)} by more than their intervals" if moved else ""
        lines = [self._line(pair) for pair in moved]
        lines += _only("first", self.only_a) + _only("second", self.only_b)
        return "\n".join([head, *lines, *_why(moved, self.pairs)])

    def _line(self, pair: Pair) -> str:
        column = self.exhibit.column(pair.a.column)
        word = "not by more than their intervals" if not pair.apart else "more than their intervals"
        word = "a count, which has no interval" if pair.a.low is None or pair.b.low is None else word
        return f"  {pair.a.row}, {column.heading}: {_said(pair.a)} -> {_said(pair.b)}, {pair.difference:+.4g}; {word}"


def compare_runs(folder_a: Path, folder_b: Path) -> str:
    """Two runs side by side, as text: each exhibit that both measured, then what only one of them has.

    Args:
        folder_a: outputs/<profile>/ of one run.
        folder_b: of the other.

    Raises:
        DataError: a folder is not there or holds no measured exhibit, none is in both, or a file is damaged.
    """
    found_a, found_b = _measured_in(folder_a), _measured_in(folder_b)
    both = [exhibit for exhibit in exhibits() if exhibit.id in found_a and exhibit.id in found_b]
    if not both:
        raise DataError(
            f"no exhibit was measured in both runs: {folder_a} has {', '.join(found_a)}; {folder_b} has "
            f"{', '.join(found_b)}; run the same notebooks in both"
        )
    parts = [f"{folder_a} -> {folder_b}"]
    parts += [str(_matched(exhibit, found_a[exhibit.id], found_b[exhibit.id])) for exhibit in both]
    for folder, mine, other in ((folder_a, found_a, found_b), (folder_b, found_b, found_a)):
        extra = [exhibit_id for exhibit_id in mine if exhibit_id not in other]
        parts += [f"only in {folder}: {', '.join(extra)}"] if extra else []
    return "\n\n".join(parts)


def _measured_in(folder: Path) -> dict[str, tuple[Measured, ...]]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected the outputs of a run, such as outputs/demo")
    there = [exhibit for exhibit in exhibits() if measured_file(folder, exhibit).is_file()]
    found = {exhibit.id: load_measured(measured_file(folder, exhibit), exhibit) for exhibit in there}
    if not found:
        raise DataError(
            f"{folder}: no measured exhibit there, no file such as table05.json; expected the outputs of a run, such "
            "as outputs/demo, whose notebooks measured something"
        )
    return found


def _matched(exhibit: Exhibit, cells_a: Sequence[Measured], cells_b: Sequence[Measured]) -> ExhibitPair:
    by_place = {(cell.row, cell.column): cell for cell in cells_b}
    pairs = [
        Pair(cell, by_place.pop((cell.row, cell.column))) for cell in cells_a if (cell.row, cell.column) in by_place
    ]
    alone = [cell for cell in cells_a if not any(pair.a is cell for pair in pairs)]
    return ExhibitPair(exhibit, tuple(pairs), tuple(alone), tuple(by_place.values()))


def _why(moved: Sequence[Pair], pairs: Sequence[Pair]) -> list[str]:
    """How the protocols differ, each sentence once with the number of cells it is true of."""
    sentences: dict[str, int] = {}
    for pair in moved or pairs:
        for sentence in diff(pair.a.card, pair.b.card) or ([SAME_PROTOCOL] if moved else []):
            sentences[sentence] = sentences.get(sentence, 0) + 1
    n = len(moved or pairs)
    head = "why:" if moved else "though measured differently:"
    lines = [
        f"  - {text}" if count == n else f"  - {text} ({count} of {n} numbers)" for text, count in sentences.items()
    ]
    return [f"  {head}", *lines] if lines else []


def _only(which: str, cells: Sequence[Measured]) -> list[str]:
    places = ", ".join(f"{cell.row} {cell.column}" for cell in cells)
    return [f"  only in the {which}: {places}"] if cells else []


def _said(cell: Measured) -> str:
    interval = "" if cell.low is None else f" [{cell.low:.4g}, {cell.high:.4g}]"
    unscored = f", {cell.n_unscored:,} unscored" if cell.n_unscored else ""
    return f"{cell.value:.4g}{interval} (n {cell.n:,}{unscored})"
