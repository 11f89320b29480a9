"""Problems: why verdicts are unscored, counted by reason for a table."""

import re
from collections import Counter
from collections.abc import Iterable

CUT_OFF = "cut off at max_tokens"
FILTERED = "stopped by a content filter"
EMPTY = "empty reply"
REFUSAL = "refusal"
NOT_IN_RECORD = "not in the record"
FAILED = "no usable answer"
"""How a problem begins where all tries failed; `endpoint` has the words."""
REJECTED = "refused with status"
"""How a problem begins where the endpoint refused this one request."""

REASONS = (NOT_IN_RECORD, CUT_OFF, FILTERED, EMPTY, REFUSAL, FAILED, REJECTED)
"""What hides behind what a benchmark says of a verdict ("no label in the verdict (cut off at max_tokens)")."""

_DETAIL = re.compile(r"""[\s,]*(?:[(:;"'\[]|\d).*""", re.DOTALL)


def reason(problem: str) -> str:
    """What a problem has in common with others: one of `REASONS`, or its words up to the first detail.

    Example:
        >>> reason("not judged: no usable answer in 6 tries; the last one: status 500")
        'no usable answer'
        >>> reason("unknown label 'perhaps' in the verdict")
        'unknown label'
    """
    known = [one for one in REASONS if one in problem]
    return known[0] if known else _DETAIL.sub("", problem) or problem


def count_problems(problems: Iterable[str]) -> dict[str, int]:
    """How often each reason occurs, the most frequent first; no problem (an empty text) is not counted.

    Args:
        problems: one for each verdict that is unscored, as the benchmark says it; empty for the others.
    """
    counts = Counter(reason(problem) for problem in problems if problem)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
