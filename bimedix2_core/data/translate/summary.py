"""Summary: what came of a translation, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bimedix2_core.data.translate.checks import Failure, count


@dataclass(frozen=True)
class Summary:
    """Rows of one run, as a protocol left them."""

    n: int
    n_passed: int
    """With a whole translation that the protocol lets pass."""
    n_low: int
    """With a whole translation that it does not let pass."""
    n_failed: int
    """Without a whole translation."""
    n_unscored: int
    """Whose taken attempt has no score."""
    failures: dict[str, int]
    """By rule check, in the order of `checks.CHECKS`: rows whose taken attempt failed it, looked at or not."""
    first_failures: dict[str, int]
    """As `failures`, of the first attempts."""
    scores: dict[float, int]
    """Rows by the score of the taken attempt, from the lowest."""
    rounds: dict[int, int]
    """Rows by the number of attempts made; 0 where none came to an end."""


def summary(results: Iterable[Mapping[str, Any]]) -> Summary:
    """Count the results of a `Translation`, streaming."""
    rows, failures, first_failures, scores, rounds = (Counter() for _ in range(5))
    for result in results:
        attempts = result["attempts"]
        taken = attempts[result["best"]] if attempts else None
        rows["failed" if result["row"] is None else "passed" if result["passed"] else "low"] += 1
        rounds[len(attempts)] += 1
        scores[taken["score"] if taken else None] += 1
        failures.update(count([_failures(taken)]))
        first_failures.update(count([_failures(attempts[0] if attempts else None)]))
    n_unscored = scores.pop(None, 0)
    return Summary(
        n=rows.total(),
        n_passed=rows["passed"],
        n_low=rows["low"],
        n_failed=rows["failed"],
        n_unscored=n_unscored,
        failures=dict(failures) or count([]),
        first_failures=dict(first_failures) or count([]),
        scores=dict(sorted(scores.items())),
        rounds=dict(sorted(rounds.items())),
    )


def _failures(attempt: Mapping[str, Any] | None) -> list[Failure]:
    return [Failure(check, detail) for check, detail in attempt["failures"]] if attempt else []
