"""Tasks: the notebooks as tasks of doit, which runs what is stale and, of a failure, leaves out what depends on it.

doit decides by the record of each notebook, never by times of files. Two habits of it do not fit and are changed here:
it writes its records once, at the end, and not as a whole; and it forgets that of a task it did not start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doit.control import TaskControl
from doit.dependency import DatabaseException, Dependency, JsonDB
from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.reporter import ZeroReporter
from doit.runner import Runner
from doit.task import Task

from bimedix2_core.errors import DataError
from bimedix2_core.reproduce.execute import Executed, execute
from bimedix2_core.reproduce.folder import STATE
from bimedix2_core.reproduce.inputs import Inputs, Site, inputs_of
from bimedix2_core.reproduce.stale import Record, Snapshot, record_of, snapshot, why_stale
from bimedix2_core.reproduce.steps import Step
from bimedix2_core.reproduce.summary import FAILED, UP_TO_DATE, Outcome
from bimedix2_core.runs import write_atomic

FORCED = "asked for by --force"
MAX_REASONS = 8
"""More reasons than this are counted, not listed."""


def run_stale(
    steps: Sequence[Step], site: Site, *, injected: dict[str, Any], force: bool = False
) -> tuple[Outcome, ...]:
    """Execute the notebooks that are not up to date; each prints why.

    Args:
        steps: those a command means; results of others are taken as they are.
        site: of the run.
        injected: values of the parameters cell.
        force: whether all are executed, stale or not.

    Returns:
        How each ended, in the order of ``steps``.

    Raises:
        DataError: the records of earlier runs are damaged.
    """
    jobs = {step.name: _Job(step, site, injected) for step in steps}
    reporter = _Reporter(jobs)
    runner = Runner(records_in(site.shared), reporter, continue_=True, always_execute=force)
    tasks = [
        Task(
            step.name,
            actions=[jobs[step.name].run],
            task_dep=[maker for maker in step.makers if maker in jobs],
            uptodate=[jobs[step.name].is_up_to_date],
            io={"capture": False},
        )
        for step in steps
    ]
    control = TaskControl(tasks)
    control.process(None)
    runner.run_all(control.task_dispatcher())
    return tuple(reporter.outcomes[step.name] for step in steps)


def records_in(shared: Path) -> "_Records":
    """What is known of earlier runs in an output folder: ``get_values`` gives the record of a notebook by its name.

    Raises:
        DataError: the file is damaged.
    """
    file = shared / STATE / "records.json"
    try:
        return _Records(_WholeJson, str(file))
    except (DatabaseException, UnicodeDecodeError):
        raise DataError(
            f"{file} is damaged, so nothing is known of earlier runs; delete it, and every notebook runs again"
        ) from None


def reasons_text(reasons: Sequence[str]) -> str:
    """The reasons in one line; the first few, where there are many."""
    more = len(reasons) - MAX_REASONS
    return "; ".join(reasons[:MAX_REASONS]) + (f"; and {more} more" if more > 0 else "")


class _WholeJson(JsonDB):
    """doit's JSON file, replaced as a whole."""

    def dump(self) -> None:
        write_atomic(self.name, self.codec.encode(self._db))


class _Records(Dependency):
    """doit's records, on the disk as soon as a notebook is through."""

    def save_success(self, task: Task, result_hash: str | None = None) -> None:
        super().save_success(task, result_hash)
        self.backend.dump()

    def remove_success(self, task: Task) -> None:
        if task.executed:  # one that was not started left its results as they were
            super().remove_success(task)
            self.backend.dump()


@dataclass
class _Job:
    """One notebook: whether it is up to date, its execution, its record."""

    step: Step
    site: Site
    injected: dict[str, Any]
    reasons: list[str] = field(default_factory=list)
    executed: Executed | None = None
    _inputs: Inputs = field(default_factory=dict)
    _before: Snapshot = field(default_factory=dict)

    def is_up_to_date(self, task: Task, values: Record) -> bool:
        """What doit asks when the notebooks before it are through."""
        self._inputs = inputs_of(self.step, self.site)
        self.reasons = why_stale(values, self.step, self.site, now=self._inputs)
        task.value_savers.append(self._record)
        return not self.reasons

    def run(self) -> TaskFailed | None:
        self._before = snapshot(self.site.shared)
        notebook = self.step.notebook
        target = self.site.shared / notebook.name
        self.executed = execute(notebook, target, self.injected)
        if self.executed.failure:
            return TaskFailed(self.executed.failure)
        from bimedix2_core.reproduce.pages import write_page  # takes a second to import

        write_page(target)
        return None

    def _record(self) -> Record:
        record = record_of(self.step, self.site, inputs=self._inputs, before=self._before)
        self.site.keys.save()
        return record


class _Reporter(ZeroReporter):
    """Prints what is started and why, and keeps how each notebook ended."""

    def __init__(self, jobs: dict[str, _Job]) -> None:
        self.jobs = jobs
        self.outcomes: dict[str, Outcome] = {}

    def execute_task(self, task: Task) -> None:
        job = self.jobs[task.name]
        print(f"{job.step.notebook.name} ... because {reasons_text(job.reasons or [FORCED])}", flush=True)

    def add_success(self, task: Task) -> None:
        self.outcomes[task.name] = Outcome.of(self.jobs[task.name].executed)

    def skip_uptodate(self, task: Task) -> None:
        self._keep(task, UP_TO_DATE)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        job = self.jobs[task.name]
        if isinstance(fail, UnmetDependency):
            unmet = [maker for maker in job.step.makers if maker in self.outcomes and not self.outcomes[maker].ok]
            self._keep(task, f"not run: needs {', '.join(unmet)}")
        elif job.executed:
            self.outcomes[task.name] = Outcome.of(job.executed)
        else:
            self._keep(task, FAILED, failure=f"{job.step.notebook.name}: {fail.get_msg()}")

    def _keep(self, task: Task, word: str, failure: str = "") -> None:
        self.outcomes[task.name] = Outcome(self.jobs[task.name].step.notebook.name, word, failure=failure)
