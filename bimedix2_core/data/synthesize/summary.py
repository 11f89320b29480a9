"""Summary: what came of a synthesis, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bimedix2_core.data.synthesize.checks import CHECKS
from bimedix2_core.data.synthesize.rollout import NO_ANSWER, UNSUITABLE

ALL = "all"


def summary(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Count results by check, streaming.

    Returns:
        One record for each check that something failed, in the checks' order, then ``unsuitable`` and ``no_answer``:
        ``check``, ``attempts`` (that failed it), ``rows`` (of which an attempt failed it), ``lost`` (rows given up
        with this failure). An attempt or row counts once for each check. The last record, ``all``, has all attempts,
        all rows and all rows lost.
    """
    attempts, rows, lost = Counter(), Counter(), Counter()
    for result in results:
        tried = [{check for check, _ in attempt["failures"]} for attempt in result["attempts"]]
        ended = {check for check, _ in result["failures"]}
        attempts[ALL] += len(tried)
        for failed in tried:
            attempts.update(failed)
        rows.update({ALL}.union(ended, *tried))
        lost.update(ended | {ALL} if ended else ())
    names = [name for name in (*CHECKS, UNSUITABLE, NO_ANSWER) if rows[name]]
    return [
        {"check": name, "attempts": attempts[name], "rows": rows[name], "lost": lost[name]} for name in [*names, ALL]
    ]
