"""Step log: what each optimizer step did, one line of JSON a step, so that a killed run keeps its curve.

The log belongs to the checkpoints beside it: a run that goes on after step n keeps the first n lines and writes the
others anew, with the numbers that an uninterrupted run writes.
"""

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bimedix2_core.errors import DataError, listed
from bimedix2_core.runs import write_atomic


@dataclass(frozen=True)
class StepRecord:
    """What one optimizer step did, over all micro-batches and processes."""

    step: int
    """Counted from 0."""
    loss: float
    """Mean negative log-likelihood per supervised token, in nats."""
    learning_rate: float
    """Of the first parameter group."""
    gradient_norm: float
    """Euclidean, over all trained weights, before clipping."""
    seconds: float
    """Wall time of the step, with the wait for its data."""
    useful_tokens: int
    """Computed tokens that are not padding; a shared prefix counts once."""
    padding_share: float
    """Of all computed tokens, from 0 to 1."""
    tokens_per_second: float
    """Useful tokens per second of wall time."""
    mfu: float | None
    """Model FLOPs per second as a share of the devices' peak, from 0 to 1; None where the peak is not known."""
    memory_gb: float
    """Largest memory so far, in 10^9 bytes: of the device on a GPU, of the process on a CPU."""
    losses: dict[str, float] = field(default_factory=dict)
    """Loss of the step's languages (``en``, ``ar``) and modalities (``image_text``, ``text``), each in nats per
    supervised token of its own; only those in the step. Of a mixture also ``balance``, the load-balance loss of its
    router without its weight: the number of experts a token passes where all are chosen equally, more otherwise."""


@dataclass(frozen=True)
class TrainingLog:
    """The steps of a run, and how fast they went."""

    steps: tuple[StepRecord, ...]
    seconds: float
    """Wall time of the steps that this process ran (a resumed run counts from where it resumed)."""
    tokens_per_second: float
    """Useful tokens per second of that time."""

    @property
    def curve(self) -> list[tuple[int, float]]:
        """The loss of each step, as (step, loss)."""
        return [(record.step, record.loss) for record in self.steps]

    @property
    def parts(self) -> list[str]:
        """The languages and modalities that have a curve, sorted."""
        return sorted({name for record in self.steps for name in record.losses})

    def curve_of(self, name: str) -> list[tuple[int, float]]:
        """The loss of one language or modality, as (step, loss), for the steps it is part of.

        Raises:
            DataError: it is part of no step; the message names those that are.
        """
        curve = [(record.step, record.losses[name]) for record in self.steps if name in record.losses]
        if not curve:
            raise DataError(f"no step has a loss of {name!r}; there are losses of {listed(self.parts) or 'none'}")
        return curve


@dataclass(frozen=True)
class StepLog:
    """A file of step records, one JSON object a line, in the order of the steps and from step 0 on.

    Only one process of a run writes it; any may read it. Numbers come back bit for bit.
    """

    file: Path

    def read(self, n_steps: int) -> list[StepRecord]:
        """The records of the first ``n_steps`` steps; what stands behind them is not looked at.

        Raises:
            DataError: there are fewer lines, or they are not those of steps 0, 1, 2 ...
        """
        return self._records(self._first_lines(n_steps))

    def resume(self, n_steps: int) -> list[StepRecord]:
        """As ``read``, and drop from the file what a killed run wrote beyond, half a line or many.

        The file is replaced as a whole; with ``n_steps`` 0 the log begins anew.

        Raises:
            DataError: as ``read``; the file is left as it was.
        """
        lines = self._first_lines(n_steps)
        records = self._records(lines)
        write_atomic(self.file, "".join(f"{line}\n" for line in lines))
        return records

    def append(self, record: StepRecord) -> None:
        """Write one record behind the others; it is out of this process when this returns.

        Raises:
            DataError: a number is not finite, which JSON cannot say.
        """
        line = _line(record)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line)

    def sync(self) -> None:
        """Wait until the disk has every record: before a checkpoint that counts on them is saved."""
        with self.file.open("ab") as stream:
            os.fsync(stream.fileno())

    def _first_lines(self, n_steps: int) -> Sequence[str]:
        if n_steps == 0:
            return []
        content = self.file.read_text(encoding="utf-8", errors="replace") if self.file.is_file() else ""
        lines = content.split("\n")[:-1]  # behind the last line end stands nothing, or half a line
        if len(lines) < n_steps:
            raise DataError(
                f"{self.file.name}: {len(lines)} whole lines, but the checkpoint was made after {n_steps} steps; "
                f"{_REMEDY}"
            )
        return lines[:n_steps]

    def _records(self, lines: Sequence[str]) -> list[StepRecord]:
        return [_record(line, step=step, where=f"{self.file.name}, line {step + 1}") for step, line in enumerate(lines)]


_REMEDY = "restore the file, or remove the folder's checkpoints to train from the start"


def _line(record: StepRecord) -> str:
    values = dataclasses.asdict(record)
    numbers = values | {f"losses[{name!r}]": loss for name, loss in record.losses.items()}
    floats = {name: value for name, value in numbers.items() if isinstance(value, float)}
    wrong = [f"{name} {value}" for name, value in floats.items() if not math.isfinite(value)]
    if wrong:
        raise DataError(
            f"step {record.step}: {', '.join(wrong)}; a step log holds finite numbers only; leave out the loss of a "
            "language or modality without a supervised token, and stop a run whose loss is not finite"
        )
    return json.dumps(values, allow_nan=False) + "\n"


def _record(line: str, *, step: int, where: str) -> StepRecord:
    try:
        record = StepRecord(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} is no step record ({error}); {_REMEDY}") from None
    if record.step != step:
        raise DataError(f"{where} is of step {record.step}; expected step {step}; {_REMEDY}")
    return record
