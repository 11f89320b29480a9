"""Progress: all that is told of a run while it runs: the bar, the step log, TensorBoard, and who else watches."""

from collections.abc import Callable
from pathlib import Path

from tqdm.auto import tqdm

from bimedix2_core.training.step_log import StepLog, StepRecord
from bimedix2_core.training.tensorboard import TensorBoard

Watch = Callable[[StepRecord], None]
"""Is told of each step, as it is done; of those before a resume, too."""


class Progress:
    """The steps of a run, told as they are done. Processes other than the main one only remember them."""

    def __init__(
        self, folder: Path, *, n_done: int, n_steps: int, title: str, is_main: bool, board: bool, watch: Watch | None
    ):
        """Go on after ``n_done`` of ``n_steps`` steps.

        Raises:
            DataError: the step log has fewer steps than were done.
            ParamsError: TensorBoard is asked for and not installed.
        """
        self._is_main, self._log, self._watch = is_main, StepLog(folder / "steps.jsonl"), watch if is_main else None
        self.records = self._log.resume(n_done) if is_main else self._log.read(n_done)
        self._board = TensorBoard(folder / "tensorboard", n_steps=n_done) if board and is_main else None
        self._bar = tqdm(total=n_steps, initial=n_done, desc=title, unit="step", disable=not is_main or None)
        for record in self.records if self._watch else ():
            self._watch(record)

    def __enter__(self) -> "Progress":
        """Nothing more: all is open."""
        return self

    def __exit__(self, *stopped: object) -> None:
        """Close bar and TensorBoard, however the run ends."""
        self._bar.close()
        if self._board:
            self._board.close()

    def tell(self, record: StepRecord) -> None:
        """Tell of one step."""
        self.records.append(record)
        if self._is_main:
            self._log.append(record)
        if self._board:
            self._board.write(record)
        if self._watch:
            self._watch(record)
        self._bar.set_postfix(loss=f"{record.loss:.3f}", tok_s=f"{record.tokens_per_second:,.0f}")
        self._bar.update()

    def sync(self) -> None:
        """Wait until the disk has every step: before a checkpoint that counts on them."""
        if self._is_main:
            self._log.sync()
        if self._board:
            self._board.sync()
