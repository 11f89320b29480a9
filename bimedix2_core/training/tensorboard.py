"""TensorBoard, for those who watch with it: the numbers of the step log once more, as its scalars.

The package ``tensorboard`` is no dependency; it is imported only when a profile asks for it.
"""

from pathlib import Path

from bimedix2_core.errors import ParamsError
from bimedix2_core.training.step_log import StepRecord


class TensorBoard:
    """Writes step records as scalars.

    Args:
        folder: of the event files; several runs of one training write into one folder.
        n_steps: steps done before this run: points that a killed run drew at or behind them vanish from the page.

    Raises:
        ParamsError: the package is not installed.
    """

    def __init__(self, folder: Path, *, n_steps: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ParamsError(
                f"the profile says `tensorboard: true`, but the package cannot be imported ({error}); run "
                "`pip install tensorboard`, or say false: the step log has the same numbers"
            ) from error
        self._writer = SummaryWriter(log_dir=str(folder), purge_step=n_steps)

    def write(self, record: StepRecord) -> None:
        """Add the points of one step."""
        for tag, value in scalars(record).items():
            self._writer.add_scalar(tag, value, record.step)

    def sync(self) -> None:
        """Write what is still held back: before a checkpoint is saved, so that a kill leaves no hole before it."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is still held back, and end the file."""
        self._writer.close()


def scalars(record: StepRecord) -> dict[str, float]:
    """The numbers of a step by their tags; a tag's first word is its section on the page."""
    values = {
        "loss/all": record.loss,
        **{f"loss/{name}": loss for name, loss in record.losses.items()},
        "optimizer/learning_rate": record.learning_rate,
        "optimizer/gradient_norm": record.gradient_norm,
        "speed/tokens_per_second": record.tokens_per_second,
        "speed/padding_share": record.padding_share,
        "speed/mfu": record.mfu,
        "speed/memory_gb": record.memory_gb,
    }
    return {tag: value for tag, value in values.items() if value is not None}
