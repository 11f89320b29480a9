"""Errors a reader can act on: one class per kind of mistake, one base for all.

A message says what was found, what was expected, where, and what to do.
"""

from collections.abc import Sequence


class CompanionError(Exception):
    """Base of every error this package raises on purpose."""


class ParamsError(CompanionError, ValueError):
    """A parameter file does not fit its schema; the message lists every problem at once."""


class DataError(CompanionError, ValueError):
    """A file, an image or a sample is not what was promised."""


class PaperError(CompanionError, LookupError):
    """The paper has no such exhibit, row or column."""


class ModelError(CompanionError, RuntimeError):
    """Checkpoint and code do not belong together, or a loss is not finite."""


class JudgeError(CompanionError, RuntimeError):
    """The judge cannot be reached; a verdict nobody can parse is unscored instead, not an error."""


class EndpointError(CompanionError, RuntimeError):
    """A model endpoint cannot be used any further: it is down, refuses the key, or the budget is spent."""


class RequestError(CompanionError, RuntimeError):
    """One request got no usable answer; the others may, so the failure is recorded and the run goes on."""


def listed(names: Sequence[str], *, shown: int = 5) -> str:
    """The first names of a message, quoted, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], shown=2)
        "'a', 'b' and 1 more"
    """
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(map(repr, names[:shown])) + more
