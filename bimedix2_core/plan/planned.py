"""Planned: what a plan says, as plain records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bimedix2_core.plan import estimates
from bimedix2_core.plan.estimates import Estimate
from bimedix2_core.plan.needs import Credential, Download
from bimedix2_core.plan.scope import Scope


@dataclass(frozen=True)
class NotebookPlan:
    """What one notebook would do."""

    scope: Scope
    """Whether it runs, and why."""
    memories: tuple[Estimate, ...]
    """Of one GPU (or of the CPU): of training, then of answering; none where no model works, or its shape is not
    known."""
    hours: tuple[Estimate, ...]
    """Of one card (or of the CPU), by stage or exhibit."""
    judge: tuple[Estimate, ...]
    """What graders take."""

    @property
    def memory(self) -> Estimate | None:
        """The largest of ``memories``."""
        return largest(self.memories)


@dataclass(frozen=True)
class Plan:
    """What a profile would run and need; sums count the notebooks that are not written yet as well."""

    profile: str
    kind: str
    notebooks: tuple[NotebookPlan, ...]
    """All of them, in their order."""
    downloads: tuple[Download, ...]
    credentials: tuple[Credential, ...]
    disk: Estimate
    """Weights and what training leaves; the size of the data is not stated."""
    missing: tuple[str, ...]
    """What this machine lacks; empty where the profile can run."""

    @property
    def memory(self) -> Estimate | None:
        """The largest need of a notebook."""
        return largest(one.memory for one in self.notebooks)

    def hours(self, *, now: bool = False) -> Estimate:
        """Time of all notebooks, or of those that would run now."""
        return estimates.total((hours for one in self._chosen(now=now) for hours in one.hours), "h")

    def judge(self, *, now: bool = False) -> Estimate:
        """What graders take in all notebooks, or in those that would run now."""
        return estimates.total((cost for one in self._chosen(now=now) for cost in one.judge), "USD")

    def _chosen(self, *, now: bool) -> Iterator[NotebookPlan]:
        return (one for one in self.notebooks if one.scope.runs or not now)


def largest(found: Iterable[Estimate | None]) -> Estimate | None:
    """The largest of some estimates; those that are None do not count."""
    return max((one for one in found if one), key=lambda one: one.value, default=None)
