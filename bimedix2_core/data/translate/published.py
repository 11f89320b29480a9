"""Published: from the results of a translation to Arabic rows, and to benchmark files as the readers read them.

No row is silently missing: what has no whole translation is named with its reasons, and a run that is not through gives
nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bimedix2_core.data.review.corrections import Correction, apply_corrections
from bimedix2_core.data.review.settlement import Decision
from bimedix2_core.data.rollouts import Outcome, results
from bimedix2_core.data.sources.reading import Place
from bimedix2_core.data.sources.writing import LAYOUTS, write_bimed_mbench, write_mcq
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, row_of
from bimedix2_core.runs import json_lines, write_atomic

MBENCH = "bimed_mbench"

PUBLISHED = (MBENCH, *(name.removesuffix("_ar") for name in LAYOUTS if name.endswith("_ar")))
"""Benchmarks whose Arabic twins have a published layout."""

WITHOUT_IDS = ("mmlu_medical", "medqa")
"""Of these, those whose rows are found by file name and position: a file has all of its rows, or is not written."""

NO_DECISIONS: Mapping[str, Decision] = MappingProxyType({})

Result = Mapping[str, Any]
"""What `Translation` came to for one row."""


@dataclass(frozen=True)
class Untranslated:
    """A row without a whole translation."""

    id: str
    source: str
    reasons: tuple[str, ...]
    """What its last attempt failed, and why the rounds ended early."""


@dataclass(frozen=True)
class Published:
    """A benchmark file and what stands in it."""

    path: Path
    n_english: int
    """Rows that were to be translated."""
    n_rows: int
    """Rows in the file."""
    n_low: int
    """Of these, translations that their protocol did not let pass and no expert decided on."""
    n_corrected: int
    """Of these, rows that experts corrected."""
    untranslated: tuple[Untranslated, ...]
    """The rows that the file lacks; they are listed beside it."""


def twins(
    run: Outcome, untranslated: list[Untranslated], *, decisions: Mapping[str, Decision] = NO_DECISIONS
) -> Iterator[Row]:
    """The Arabic rows of a run, in the order of the English ones, streamed.

    Args:
        run: of a `Translation`.
        untranslated: takes, while the rows pass, those that have no whole translation.
        decisions: `settlement.Settled.decisions`; what experts corrected is applied.

    Raises:
        DataError: at once where the run is not through, or a correction does not fit its row.
    """
    _check_through(run)
    whole = (row_of(result["row"]) for result in results(run.folder) if result["row"] is not None)
    corrections = apply_corrections(whole, decisions) if decisions else {}
    return _corrected(results(run.folder), untranslated, corrections)


def write_translated_benchmark(
    run: Outcome, path: Path, source_id: str, *, decisions: Mapping[str, Decision] = NO_DECISIONS
) -> Published:
    """Write the Arabic twin of a benchmark in its published layout.

    ``read_source(f"{source_id}_ar", path)`` reads it. Rows without a whole translation are not in the file. They are
    listed beside it, one JSON object a line, in ``<file name>.untranslated.jsonl``, which a complete file has not.

    Args:
        run: of a `Translation`; it may have had other rows as well.
        path: the file; for MMLU and MedQA named like the English one, whose rows alone are taken.
        source_id: of the English rows, one of `PUBLISHED`.
        decisions: `settlement.Settled.decisions`; those on other rows of the run are left out.

    Raises:
        DataError: the run is not through, no such layout, no row for this file, a correction that does not fit its
            row, or rows are untranslated and the layout keeps no ids (they are listed all the same).
    """
    _check_through(run)
    if source_id not in PUBLISHED:
        raise DataError(f"no published layout for twins of {source_id!r}; known: {', '.join(PUBLISHED)}")
    own, others = [], set()
    for result in results(run.folder):
        if _belongs(result, path, source_id):
            own.append(result)
        elif result["id"] in decisions:
            others.add(result["id"])
    if not own:
        raise DataError(f"no row of {source_id} was translated that belongs to {path.name}; name the file as it was")
    others -= {result["id"] for result in own}
    decisions = {id: decision for id, decision in decisions.items() if id not in others}

    untranslated: list[Untranslated] = []
    whole = [row_of(result["row"]) for result in own if result["row"] is not None]
    corrections = apply_corrections(whole, decisions)
    rows = list(_corrected(own, untranslated, corrections))
    _list_beside(path, untranslated)
    if untranslated and source_id in WITHOUT_IDS:
        raise DataError(_gaps(path, len(own), untranslated))
    if source_id == MBENCH:
        write_bimed_mbench(rows, path)
    else:
        write_mcq(rows, path, f"{source_id}_ar")
    is_low = (result["row"] is not None and not result["passed"] and result["id"] not in decisions for result in own)
    return Published(path, len(own), len(rows), sum(is_low), len(corrections), tuple(untranslated))


def _corrected(
    found: Iterable[Result], untranslated: list[Untranslated], corrections: Mapping[str, Correction]
) -> Iterator[Row]:
    for result in found:
        if result["row"] is None:
            untranslated.append(Untranslated(result["id"], result["source"], _reasons(result)))
            continue
        row = row_of(result["row"])
        yield corrections[row.id].row if row.id in corrections else row


def _reasons(result: Result) -> tuple[str, ...]:
    last = result["attempts"][-1]["failures"] if result["attempts"] else []
    reasons = [f"{check}: {detail}" for check, detail in last]
    return tuple(reasons + ([result["failed"]] if result["failed"] else []))


def _check_through(run: Outcome) -> None:
    if run.n_done < run.n_rows:
        raise DataError(
            f"{run.n_done} of {run.n_rows} rows have a result ({run.stopped}); run the translation to its end first"
        )


def _belongs(result: Result, path: Path, source_id: str) -> bool:
    if result["source"] != source_id:
        return False
    return source_id not in WITHOUT_IDS or result["id"].rpartition("-")[0] == Place(path.name, "", 0).stem


def _list_beside(path: Path, untranslated: list[Untranslated]) -> None:
    beside = path.with_name(f"{path.name}.untranslated.jsonl")
    if untranslated:
        write_atomic(beside, json_lines(map(asdict, untranslated)))
    else:
        beside.unlink(missing_ok=True)


def _gaps(path: Path, n: int, untranslated: list[Untranslated]) -> str:
    first = untranslated[0]
    return (
        f"{path.name} is not written: {len(untranslated)} of its {n} rows have no whole translation, the first is "
        f"{first.id!r} ({'; '.join(first.reasons)}). The layout keeps no ids, so the rows after a gap would be read as "
        f"others. Translate again with more rounds or another model; {path.name}.untranslated.jsonl lists them all"
    )
