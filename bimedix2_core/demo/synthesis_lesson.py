"""The lesson on synthesis in notebook 02: what was made, what the checks refused, and some of each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bimedix2_core.data.synthesize.summary import ALL, summary
from bimedix2_core.paper.tables import Table
from bimedix2_core.records import row_of, text_of

Results = Sequence[Mapping[str, Any]]


def outcome_table(made: Mapping[str, Results]) -> Table:
    """Of each synthesis the rows, those made, and why the others were given up.

    Args:
        made: results by name.
    """
    rows = []
    for name, results in made.items():
        counted = summary(results)
        refused = ", ".join(f"{one['check']} {one['lost']}" for one in counted if one["check"] != ALL and one["lost"])
        rows.append((name, len(results), sum(result["row"] is not None for result in results), refused))
    return Table(("synthesis", "rows read", "rows made", "given up, by check"), tuple(rows), "New samples from others")


def example_table(results: Results, *, is_made: bool) -> Table:
    """One result of each language: the turns of what was made, or what was written and why it was refused."""
    rows = []
    for language in ("en", "ar"):
        found = [one for one in results if one["language"] == language and (one["row"] is not None) == is_made]
        rows += _turns(found[0]) if found and is_made else _refused(found[:1])
    columns = ("id", "role", "text") if is_made else ("id", "what was written", "why it was refused")
    return Table(columns, tuple(rows), "Made" if is_made else "Refused")


def _turns(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(result["id"], turn["role"], text_of(turn)) for turn in row_of(result["row"]).messages]


def _refused(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (one["id"], one["attempts"][-1]["text"], "; ".join(f"{name}: {why}" for name, why in one["failures"]))
        for one in results
        if one["attempts"]
    ]
