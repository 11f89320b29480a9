"""Summary: how each notebook of a run ended, one line each, and the failures in full."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bimedix2_core.reproduce.execute import Executed

OK, FAILED, UP_TO_DATE = "ok", "FAILED", "up to date"


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended."""

    notebook: str
    """File name."""
    word: str
    """``ok``, ``FAILED``, ``up to date``, or ``not run: ...`` with what stood in the way."""
    seconds: float | None = None
    """Wall time; None where it was not executed."""
    failure: str = ""
    """Cell, source and traceback of one that failed."""

    @property
    def ok(self) -> bool:
        """Whether its results are there and up to date."""
        return self.word in (OK, UP_TO_DATE)

    @classmethod
    def of(cls, executed: Executed) -> Self:
        """The outcome of a notebook that was executed."""
        return cls(executed.notebook, FAILED if executed.failure else OK, executed.seconds, executed.failure)


def print_summary(outcomes: Sequence[Outcome], output: Path) -> None:
    """Print one line per notebook and the total, then each failure to stderr.

    Args:
        outcomes: at least one, in the order of the notebooks.
        output: folder of the profile.
    """
    width = max(len(outcome.notebook) for outcome in outcomes)
    print()
    for one in outcomes:
        print(f"{one.notebook:<{width}}  {_seconds(one.seconds)}  {one.word}")
    total = sum(one.seconds or 0.0 for one in outcomes)
    print(f"{'total':<{width}}  {_seconds(total)}  {output}", flush=True)
    for one in outcomes:
        if one.failure:
            print(f"\nFAILED {one.failure}", file=sys.stderr, flush=True)


def _seconds(seconds: float | None) -> str:
    return " " * 9 if seconds is None else f"{seconds:7.1f} s"
