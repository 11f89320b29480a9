"""The curves of a training run: what they draw, and how they come into a notebook."""

import base64
import io
import subprocess
import sys

import nbclient
import numpy as np
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from traitlets.config import Config

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures import live
from bimedix2_core.paper.figures.curves import MAX_POINTS, training_curves
from bimedix2_core.paper.figures.live import LiveCurves, interval, training_picture
from bimedix2_core.paper.figures.output import MAX_PNG_BYTES
from bimedix2_core.training.step_log import StepRecord
from tests.paper.figures.drawing import cut_off, overlapping, words


def record(step: int, *, loss: float = 2.0, speed: float = 17_000.0, **losses: float) -> StepRecord:
    return StepRecord(step, loss, 2.0e-4, 1.0, 0.5, 8500, 0.02, speed, 0.5, 61.0, losses)


def run_of(n_steps: int) -> list[StepRecord]:
    """A run that learns, noisily, from all there is."""
    draw = np.random.default_rng(0)
    losses = 1.2 + 6.0 * np.exp(-np.linspace(0, 8, n_steps)) + 0.2 * draw.standard_normal(n_steps)
    parts = {"en": -0.2, "ar": 0.3, "image_text": -0.4, "text": 0.3}
    return [
        record(step, loss=loss, **{part: loss + more for part, more in parts.items()})
        for step, loss in enumerate(losses.tolist())
    ]


def curves_of(figure) -> dict[str, list]:
    """Points of each named curve of the upper plot, by the name in its legend."""
    return {
        line.get_label().split("  ")[0]: line.get_xydata().tolist()
        for line in figure.axes[0].lines
        if not line.get_label().startswith("_")
    }


def legend_of(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """What is sent to the page of a notebook, from a shell that believes to be its kernel's."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    publisher = CapturingDisplayPublisher()
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}, "IPKernelApp": {}}))
    monkeypatch.setattr(shell, "display_pub", publisher)
    monkeypatch.setattr(InteractiveShell, "_instance", shell)
    return publisher.outputs


def png_of(output: dict) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))


# ---- the figure ----


def test_each_language_and_modality_has_a_curve_of_the_steps_it_is_in():
    steps = [record(0, loss=3.0, en=2.5), record(1, loss=2.0, en=2.25, ar=3.5), record(2, loss=1.0, ar=3.0, text=1.5)]

    figure = training_curves(steps, title="Stage 2")

    assert curves_of(figure) == {
        "all": [[0, 3.0], [1, 2.0], [2, 1.0]],
        "English": [[0, 2.5], [1, 2.25]],
        "Arabic": [[1, 3.5], [2, 3.0]],
        "text alone": [[2, 1.5]],
    }
    assert legend_of(figure) == ["all  1.00", "English  2.25", "Arabic  3.00", "text alone  1.50"]
    assert "Stage 2" in words(figure)


def test_the_small_plots_tell_the_last_value_and_the_highest():
    steps = [record(0, speed=500.0), record(1, speed=17_500.0), record(2, speed=16_999.6)]

    rate, speed = training_curves(steps).axes[1:]

    assert rate.get_title(loc="left") == "learning rate  0.0002"
    assert speed.get_title(loc="left") == "tokens per second  17,000"
    assert [label.get_text() for label in speed.get_yticklabels()] == ["0", "17,500"]
    assert speed.lines[0].get_ydata().tolist() == [500.0, 17_500.0, 16_999.6]


def test_a_longer_run_is_drawn_as_moving_means_over_its_faint_losses():
    steps = [record(step, loss=float(step % 2), en=float(step % 2) + 1) for step in range(100)]

    figure = training_curves(steps)

    faint = figure.axes[0].lines[0]
    assert faint.get_ydata().tolist() == [float(step % 2) for step in range(100)]
    assert curves_of(figure)["all"][50] == [50, pytest.approx(0.4)]  # 0 1 0 1 0: two steps to either side
    assert curves_of(figure)["English"][50] == [50, pytest.approx(1.4)]
    assert figure.axes[0].get_legend().get_title().get_text() == "moving mean, at the end"


def test_a_run_of_many_steps_is_drawn_with_few_points_and_no_spike_is_lost():
    losses = np.full(60_000, 2.0)
    losses[[12_345, 48_000]] = 9.0, 0.5

    figure = training_curves([record(step, loss=loss) for step, loss in enumerate(losses.tolist())])

    lines = [line for axes in figure.axes for line in axes.lines]
    assert max(len(line.get_xdata()) for line in lines) == 2 * MAX_POINTS
    faint = figure.axes[0].lines[0]
    assert (faint.get_ydata().max(), faint.get_ydata().min()) == (9.0, 0.5)
    assert faint.get_xdata()[faint.get_ydata().argmax()] == pytest.approx(12_345, abs=100)
    assert len(curves_of(figure)["all"]) == MAX_POINTS


@pytest.mark.parametrize("n_steps", [1, 2, 51, 400, 60_000])
def test_all_words_are_on_the_page_and_none_over_another(n_steps):
    figure = training_curves(run_of(n_steps), title="Stage 2: adapters and projector")
    losses = figure.axes[0]
    losses.set_yticks(
        [tick for tick in losses.get_yticks() if tick <= losses.get_ylim()[1]]
    )  # the others are not drawn

    assert cut_off(figure) == []
    assert overlapping(figure) == []


@pytest.mark.parametrize("n_steps", [1, 2])
def test_the_first_steps_are_numbered_in_whole_numbers(n_steps):
    figure = training_curves(run_of(n_steps))
    cut_off(figure)  # draws it

    assert [label.get_text() for label in figure.axes[0].get_xticklabels() if label.get_text()] == ["0", "1"]


def test_a_run_without_a_step_cannot_be_drawn():
    with pytest.raises(DataError, match="steps"):
        training_curves([])


def test_the_picture_of_a_run_has_words_and_can_be_saved(tmp_path):
    png, svg = training_picture(run_of(100), title="Stage 1").save(tmp_path / "stage1")

    with Image.open(png) as picture:
        assert picture.info["Description"].startswith("Stage 1, step by step: the loss")
    assert png.stat().st_size <= MAX_PNG_BYTES
    assert svg.exists()


# ---- in a notebook ----


def test_pictures_take_the_place_of_the_first_and_say_the_same(notebook, monkeypatch):
    monkeypatch.setattr(live, "interval", lambda _: 0.0)
    with LiveCurves("Stage 1") as curves:
        for step in run_of(3):
            curves.update(step)

    assert [output["update"] for output in notebook] == [False, True, True, True]
    assert len({output["transient"]["display_id"] for output in notebook}) == 1
    assert len({output["data"]["text/plain"] for output in notebook}) == 1
    assert notebook[0]["data"]["text/plain"].startswith("Figure: Stage 1, step by step")
    assert all(output["metadata"]["image/png"]["width"] == 800 for output in notebook)
    assert notebook[0]["metadata"]["image/png"]["alt"].startswith("Stage 1, step by step")
    assert [png_of(output).width for output in notebook] == [800, 800, 800, 1600]  # the last is as sharp as any


def test_steps_that_follow_quickly_are_drawn_once_and_all_at_the_end(notebook, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        live, "training_curves", lambda steps, **how: drawn.append(len(steps)) or training_curves(steps, **how)
    )
    curves = LiveCurves("Stage 1")
    for step in run_of(500):
        curves.update(step)
    curves.close()
    curves.close()

    assert drawn == [1, 500]
    assert len(notebook) == 2


def test_a_run_that_fails_leaves_its_curves(notebook):
    def train(watch):
        watch(record(0))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), LiveCurves("Stage 1") as curves:
        train(curves.update)

    assert [output["update"] for output in notebook] == [False, True]


def test_a_run_without_a_step_shows_nothing(notebook):
    with LiveCurves("Stage 1"):
        pass

    assert notebook == []


@pytest.mark.parametrize(("seconds", "wait"), [(0.001, 2.0), (0.06, 2.0), (0.12, 3.88), (1.5, 48.5)])
def test_the_wait_for_the_next_picture_grows_with_the_time_one_takes(seconds, wait):
    assert interval(seconds) == pytest.approx(wait)
    assert seconds / (seconds + interval(seconds)) <= 0.03 + 1e-9


def test_outside_of_a_notebook_nothing_is_kept_drawn_or_said():
    code = (
        "import sys\n"
        "from bimedix2_core.paper.figures.live import LiveCurves\n"
        "with LiveCurves('Stage 1') as curves:\n"
        "    curves.update('no step at all')\n"
        "sys.exit(bool({'matplotlib.pyplot', 'torch'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr.strip()) == (0, "", "")


def test_the_ipython_of_a_terminal_is_no_notebook(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    monkeypatch.setattr(InteractiveShell, "_instance", shell)

    with LiveCurves("Stage 1") as curves:
        curves.update(record(0))

    assert publisher.outputs == []


def test_an_executed_notebook_keeps_one_picture_the_last(tmp_path):
    code = (
        "from types import SimpleNamespace as Step\n"
        "from bimedix2_core.paper.figures import live\n"
        "live.MIN_INTERVAL, live.MAX_SHARE = 0.0, 1.0\n"
        "with live.LiveCurves('Stage 1') as curves:\n"
        "    for n in range(4):\n"
        "        curves.update(Step(step=n, loss=3.0 - n, learning_rate=1e-4, tokens_per_second=9.0, losses={}))\n"
    )
    executed = new_notebook(cells=[new_code_cell(code)])

    nbclient.NotebookClient(executed, kernel_name="python3", timeout=60).execute()

    (output,) = executed.cells[0].outputs
    assert output.output_type == "display_data"
    assert png_of(output).width == 1600
