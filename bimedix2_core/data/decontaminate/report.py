"""Report: what training sources share with benchmarks, counted while the rows stream, and kept beside the data.

    for checked in scan(rows, index, tally): ... checked.row, checked.clean
    write_report(tally.report(), folder)

leaves ``report.json`` (settings, content keys, sizes, counts per source), ``counts.csv`` (source, benchmark, kind: rows
and distinct items) and ``items.csv`` (each item that was touched: rows of each kind). Items without a leak are the
clean subset of a benchmark; `clean_ids` reads it back.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bimedix2_core.data.decontaminate.index import KINDS, Index, Match
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row
from bimedix2_core.runs import content_key, write_atomic


@dataclass(frozen=True)
class Checked:
    """A training row and what was found of it."""

    row: Row
    matches: tuple[Match, ...]
    clean: bool
    """Whether no match is a leak."""


@dataclass(frozen=True)
class Count:
    """One source, one benchmark, one kind."""

    source: str
    benchmark: str
    kind: str
    rows: int
    """Training rows with at least one such match."""
    items: int
    """Distinct benchmark items that such a match touches."""


@dataclass(frozen=True)
class TouchedItem:
    """A benchmark item that at least one training row touches."""

    benchmark: str
    id: str
    language: str
    rows: dict[str, int]
    """Training rows by kind; kinds without one are left out."""


@dataclass(frozen=True)
class Report:
    """What was compared and what was found."""

    settings: dict[str, Any]
    index: dict[str, Any]
    """Sizes of the index: items, questions, runs, what was left out."""
    benchmarks: dict[str, dict[str, Any]]
    """By name: content key, items, items with a leak, items touched at all."""
    sources: dict[str, dict[str, Any]]
    """By name: content key, rows, rows with a leak."""
    counts: tuple[Count, ...]
    items: tuple[TouchedItem, ...]
    item_ids: dict[str, tuple[str, ...]]
    """Ids of all items of each benchmark, twins once."""

    def clean_ids(self, benchmark: str, leaks: Collection[str] | None = None) -> list[str]:
        """Ids of a benchmark's clean subset, in its order.

        An id is clean when none of its twins was touched by a leak: a model that learnt the English question knows the
        Arabic one.

        Args:
            benchmark: its name.
            leaks: the kinds that count; those of the settings if not given.

        Raises:
            DataError: the report has no such benchmark, or a kind is unknown.
        """
        if benchmark not in self.item_ids:
            raise DataError(f"the report has no benchmark {benchmark!r}; it has {', '.join(self.item_ids)}")
        unclean = {item.id for item in self.touched(benchmark, self.settings["leaks"] if leaks is None else leaks)}
        return [item_id for item_id in self.item_ids[benchmark] if item_id not in unclean]

    def touched(self, benchmark: str, kinds: Collection[str] = KINDS) -> list[TouchedItem]:
        """Items of a benchmark that a match of one of these kinds touches.

        Raises:
            DataError: a kind is unknown.
        """
        unknown = set(kinds) - set(KINDS)
        if unknown:
            raise DataError(f"no such kind: {', '.join(sorted(unknown))}; the kinds are {', '.join(KINDS)}")
        return [item for item in self.items if item.benchmark == benchmark and item.rows.keys() & set(kinds)]


class Tally:
    """Counts the matches of a stream of rows; memory grows with the items touched, not with the rows."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._rows: Counter[str] = Counter()
        self._unclean: Counter[str] = Counter()
        self._digests: dict[str, Any] = {}
        self._row_counts: Counter[tuple[str, str, str]] = Counter()
        self._item_counts: Counter[tuple[str, str, str, str, str]] = Counter()

    def add(self, source: str, row: Row, matches: Iterable[Match], *, clean: bool) -> None:
        """Count one row of a source."""
        matches = tuple(matches)
        self._rows[source] += 1
        self._unclean[source] += not clean
        digest = self._digests.setdefault(source, hashlib.sha256())
        digest.update(content_key(row.as_json()).encode())
        self._row_counts.update({(source, match.benchmark, match.kind) for match in matches})
        self._item_counts.update(
            (source, match.benchmark, match.kind, match.benchmark_id, match.language) for match in matches
        )

    def report(self) -> Report:
        """What was counted so far. The same rows give the same report, whatever the order of the sources."""
        per_item = self._per_item()
        ids: dict[str, dict[str, None]] = {benchmark: {} for benchmark in self._index.benchmark_keys}
        n_items = Counter(item.benchmark for item in self._index.items)
        for item in self._index.items:
            ids[item.benchmark][item.id] = None
        leaks = set(self._index.settings.leaks)
        n_touched = Counter(item.benchmark for item in per_item)
        n_leaked = Counter(item.benchmark for item in per_item if item.rows.keys() & leaks)
        return Report(
            settings=json.loads(json.dumps(asdict(self._index.settings))),
            index=self._index.summary(),
            benchmarks={
                name: {"key": key, "items": n_items[name], "leaked": n_leaked[name], "touched": n_touched[name]}
                for name, key in self._index.benchmark_keys.items()
            },
            sources={
                name: {"key": self._digests[name].hexdigest(), "rows": n_rows, "unclean": self._unclean[name]}
                for name, n_rows in sorted(self._rows.items())
            },
            counts=self._counts(),
            items=per_item,
            item_ids={benchmark: tuple(found) for benchmark, found in ids.items()},
        )

    def _counts(self) -> tuple[Count, ...]:
        n_items = Counter((source, benchmark, kind) for source, benchmark, kind, _, _ in self._item_counts)
        order = {name: number for number, name in enumerate(self._index.benchmark_keys)}
        keys = sorted(self._row_counts, key=lambda key: (key[0], order[key[1]], KINDS.index(key[2])))
        return tuple(Count(*key, rows=self._row_counts[key], items=n_items[key]) for key in keys)

    def _per_item(self) -> tuple[TouchedItem, ...]:
        """In the order of the benchmarks."""
        rows: dict[tuple[str, str, str], Counter[str]] = {}
        for (_, benchmark, kind, item_id, language), n_rows in self._item_counts.items():
            rows.setdefault((benchmark, item_id, language), Counter())[kind] += n_rows
        keys = [(item.benchmark, item.id, item.language) for item in self._index.items]
        return tuple(
            TouchedItem(*key, rows={kind: rows[key][kind] for kind in KINDS if rows[key][kind]})
            for key in keys
            if key in rows
        )


def scan(rows: Iterable[Row], index: Index, tally: Tally, *, source: str = "") -> Iterator[Checked]:
    """Check rows as they stream by, counting them on the way.

    Args:
        rows: training rows.
        index: the benchmarks.
        tally: takes the counts.
        source: what to count the rows under; each row's own source if empty.
    """
    for row in rows:
        matches = tuple(index.check(row))
        clean = index.is_clean(matches)
        tally.add(source or row.source, row, matches, clean=clean)
        yield Checked(row, matches, clean)


def write_report(report: Report, folder: Path) -> Path:
    """Write report.json, counts.csv and items.csv; the path of the first, which is written last."""
    counts = [asdict(count) for count in report.counts]
    write_atomic(folder / "counts.csv", _csv(("source", "benchmark", "kind", "rows", "items"), counts))
    items = [
        {"benchmark": item.benchmark, "id": item.id, "language": item.language}
        | {k: item.rows.get(k, 0) for k in KINDS}
        for item in report.items
    ]
    write_atomic(folder / "items.csv", _csv(("benchmark", "id", "language", *KINDS), items))
    head = asdict(report)
    del head["counts"], head["items"]
    return write_atomic(folder / "report.json", json.dumps(head, indent=1, ensure_ascii=False) + "\n")


def read_report(folder: Path) -> Report:
    """Read back what `write_report` wrote.

    Raises:
        DataError: a file is missing or is not of this form.
    """
    try:
        head = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        counts = [
            Count(line["source"], line["benchmark"], line["kind"], int(line["rows"]), int(line["items"]))
            for line in _csv_lines(folder / "counts.csv")
        ]
        items = [
            TouchedItem(
                line["benchmark"], line["id"], line["language"], {k: int(line[k]) for k in KINDS if line[k] != "0"}
            )
            for line in _csv_lines(folder / "items.csv")
        ]
        ids = {benchmark: tuple(found) for benchmark, found in head.pop("item_ids").items()}
        return Report(**head, counts=tuple(counts), items=tuple(items), item_ids=ids)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder}: no decontamination report that can be read ({error}); run the scan again"
        ) from error


def _csv(columns: Iterable[str], lines: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _csv_lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
