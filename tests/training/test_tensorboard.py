import importlib.util
import sys

import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.training.step_log import StepRecord
from bimedix2_core.training.tensorboard import TensorBoard, scalars

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is optional and not installed here"
)


def record(step: int, *, loss: float = 2.0, mfu: float | None = 0.5) -> StepRecord:
    return StepRecord(
        step=step,
        loss=loss,
        learning_rate=0.25,
        gradient_norm=0.75,
        seconds=0.5,
        useful_tokens=4000,
        padding_share=0.125,
        tokens_per_second=8000.0,
        mfu=mfu,
        memory_gb=61.5,
        losses={"en": loss - 0.5, "image_text": loss + 0.5},
    )


def points(folder, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard shows under a tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return [(event.step, event.value) for event in EventAccumulator(str(folder)).Reload().Scalars(tag)]


def run(folder, steps: range, *, n_steps: int = 0, loss: float = 2.0) -> None:
    board = TensorBoard(folder, n_steps=n_steps)
    for step in steps:
        board.write(record(step, loss=loss))
    board.close()


def test_every_number_of_a_step_has_a_tag():
    assert scalars(record(3)) == {
        "loss/all": 2.0,
        "loss/en": 1.5,
        "loss/image_text": 2.5,
        "optimizer/learning_rate": 0.25,
        "optimizer/gradient_norm": 0.75,
        "speed/tokens_per_second": 8000.0,
        "speed/padding_share": 0.125,
        "speed/mfu": 0.5,
        "speed/memory_gb": 61.5,
    }


def test_an_unknown_mfu_is_left_out_and_not_drawn_as_zero():
    assert "speed/mfu" not in scalars(record(3, mfu=None))


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ParamsError, match="pip install tensorboard"):
        TensorBoard(tmp_path)


def test_the_module_alone_imports_no_writer():
    assert "SummaryWriter" not in vars(sys.modules[TensorBoard.__module__])


@needs_tensorboard
def test_what_is_written_can_be_read_back(tmp_path):
    run(tmp_path, range(3))

    assert points(tmp_path, "loss/en") == [(0, 1.5), (1, 1.5), (2, 1.5)]
    assert points(tmp_path, "speed/tokens_per_second") == [(0, 8000.0), (1, 8000.0), (2, 8000.0)]


@needs_tensorboard
def test_points_before_a_checkpoint_are_in_the_file_though_the_run_is_killed(tmp_path):
    board = TensorBoard(tmp_path)
    board.write(record(0))
    board.sync()

    assert points(tmp_path, "loss/all") == [(0, 2.0)]


@needs_tensorboard
def test_points_a_killed_run_drew_beyond_its_checkpoint_vanish(tmp_path):
    run(tmp_path, range(5), loss=9.0)
    run(tmp_path, range(2, 4), n_steps=2, loss=3.0)

    assert points(tmp_path, "loss/all") == [(0, 9.0), (1, 9.0), (2, 3.0), (3, 3.0)]


@needs_tensorboard
def test_a_run_that_begins_anew_takes_the_place_of_the_one_before(tmp_path):
    run(tmp_path, range(5), loss=9.0)
    run(tmp_path, range(2), loss=3.0)

    assert points(tmp_path, "loss/all") == [(0, 3.0), (1, 3.0)]
