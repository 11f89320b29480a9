"""Guards: when a run stops by itself, and what it leaves for the search for the cause.

Every stop first writes ``stopped.json`` into the run's folder: the reason and the samples of the step at fault. Every
process may write it, since all see the same step: the content is the same, and each write is whole.
"""

import json
import math
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.runs import write_atomic
from bimedix2_core.training.step_log import StepRecord

WINDOW = 20
"""Steps whose mean loss is compared: many enough that noise averages out, few enough to stop soon.

One step alone cannot lift their mean by ``RISE`` unless its loss is 20 nats above the others; to guess evenly among the
128,256 tokens of Llama 3.1 costs 11.8.
"""

RISE = 1.0
"""Nats the mean may stand above the lowest mean so far.

Chance does not get there: if the losses of single steps scatter by 0.4 nat (assumed), their means scatter by 0.09, and
the lowest and the highest of 60,000 such means lie some 0.7 apart (tested). A healthy run does not either: one nat
more is 2.7 times the perplexity. A run that diverges passes it and goes on rising.
"""


def stop_file(folder: Path) -> Path:
    """Where a stop in this folder is written down."""
    return folder / "stopped.json"


def forget_stop(folder: Path) -> None:
    """Remove what an earlier run of this folder left when it stopped: called when a run begins or goes on."""
    stop_file(folder).unlink(missing_ok=True)


def check_labels(folder: Path, *, step: int, ids: Sequence[str], n_supervised: int) -> None:
    """Stop before a step that nothing can be learnt from.

    Args:
        folder: of the run.
        step: counted from 0.
        ids: of all samples of the step, over all processes.
        n_supervised: supervised tokens of the step, over all processes.

    Raises:
        DataError: there is none; the ids are in ``stopped.json``.
    """
    if n_supervised == 0:
        reason = (
            f"step {step}: no supervised token in any of its {len(ids)} samples; expected at least one; look whether "
            "their answers are empty or cut off at max_length"
        )
        raise DataError(_stopped(folder, step, ids, reason))


def check_finite(folder: Path, *, step: int, ids: Sequence[str], loss: float, norm: float) -> None:
    """Stop before a step that would spread a number that is none to every weight.

    Args:
        folder: of the run.
        step: counted from 0.
        ids: of all samples of the step, over all processes.
        loss: of the step, in nats.
        norm: of its gradient, before clipping.

    Raises:
        ModelError: loss or norm is not finite; the ids are in ``stopped.json``.
    """
    if not (math.isfinite(loss) and math.isfinite(norm)):
        reason = (
            f"step {step}: loss {loss}, gradient norm {norm}: not finite, so the step was not taken; lower the "
            "learning rate, or look at the samples of the step"
        )
        raise ModelError(_stopped(folder, step, ids, reason, loss=loss, norm=norm))


class Divergence:
    """Stops a run whose loss has risen for good: see ``WINDOW`` and ``RISE``.

    It knows nothing but the losses of the steps so far, so a resumed run feeds it the records of its log and goes on
    as if it had never stopped.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: deque[float] = deque(maxlen=WINDOW)
        self._best, self._best_end = math.inf, -1

    def feed(self, records: Iterable[StepRecord]) -> None:
        """Take note of the steps before a resume."""
        for record in records:
            self._add(record.step, record.loss)

    def check(self, *, step: int, ids: Sequence[str], loss: float, norm: float) -> None:
        """Take note of a step's loss, and stop if the run has diverged.

        Args:
            step: counted from 0.
            ids: of all samples of the step, over all processes.
            loss: of the step, in nats.
            norm: of its gradient, before clipping.

        Raises:
            ModelError: the mean of the last ``WINDOW`` losses is more than ``RISE`` above the lowest such mean.
        """
        mean = self._add(step, loss)
        if mean - self._best > RISE:
            first, last = self._best_end - WINDOW + 1, self._best_end
            reason = (
                f"diverged at step {step}: the mean loss of the last {WINDOW} steps is {mean:.2f} nats, more than "
                f"{RISE:g} above the {self._best:.2f} of steps {first} to {last}, when it was best; lower the learning "
                f"rate, or go on with a lower one from a checkpoint near step {last}"
            )
            raise ModelError(_stopped(self.folder, step, ids, reason, loss=loss, norm=norm))

    def _add(self, step: int, loss: float) -> float:
        """The mean of the last steps, endless while there are too few to compare."""
        self._last.append(loss)
        if len(self._last) < WINDOW:
            return -math.inf
        mean = math.fsum(self._last) / WINDOW
        if mean < self._best:
            self._best, self._best_end = mean, step
        return mean


def _stopped(folder: Path, step: int, ids: Sequence[str], reason: str, **numbers: float) -> str:
    """Write the stop down; return the reason and where the ids are. JSON has no NaN: it is written as text."""
    file = stop_file(folder)
    known = {name: value if math.isfinite(value) else str(value) for name, value in numbers.items()}
    content = {"reason": reason, "step": step, **known, "ids": list(ids)}
    write_atomic(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return f"{reason}; their ids are in {file.parent.name}/{file.name}"
