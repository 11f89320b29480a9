"""The outcome of a metric that was not measured: a value of its own, never a zero."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NotRun:
    """A metric nobody ran here; it has no number, and arithmetic with it fails.

    Args:
        what: the metric or scorer, such as ``RadGraph``.
        needs: what a reader must have or set for it to run, as the end of "not run: ...".
    """

    what: str
    """Name of the metric or the scorer."""
    needs: str
    """What it would take."""

    def __str__(self) -> str:
        """What a table shows in its place."""
        return f"not run: {self.needs}"
