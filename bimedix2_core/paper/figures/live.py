"""Curves in the notebook while a model trains: one picture that is drawn anew, and stays when the run is done."""

import base64
import io
import time
from collections.abc import Sequence
from typing import Self

import matplotlib as mpl
from matplotlib.figure import Figure

from bimedix2_core.paper.figures.curves import Step, training_curves
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.style import DPI, settings

MIN_INTERVAL = 2.0
"""Seconds between two pictures at least."""

MAX_SHARE = 0.03
"""Share of the time that may go into drawing; the interval grows where a picture takes long."""


def training_picture(steps: Sequence[Step], *, title: str) -> Picture:
    """The curves of a whole run, to be shown or saved.

    Raises:
        DataError: there is no step.
    """
    return Picture(training_curves(steps, title=title), _alt(title))


class LiveCurves:
    """Draws the curves of a run while it runs; does nothing outside of a notebook.

    All its pictures take the place of the first, and have one text: a notebook keeps one output, the last picture, and
    a second run says the same, whether papermill executes it or nbval, which looks at the first picture alone.

    Args:
        title: of the figure, such as ``Stage 1: the projector alone``.

    Example:
        ``with LiveCurves("Stage 1") as curves:`` train, and call ``curves.update(record)`` after each step.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._steps: list[Step] = []
        self._handle = None
        self._is_on = _in_notebook()
        self._next = 0.0

    def update(self, step: Step) -> None:
        """Take note of a step; draw, if the last picture is old enough."""
        if not self._is_on:
            return
        self._steps.append(step)
        if time.perf_counter() >= self._next:
            self._draw()

    def close(self) -> None:
        """Draw the whole run as sharp as any other figure; a second call does nothing."""
        if self._steps:
            self._show(training_picture(self._steps, title=self.title))
        self._is_on, self._steps = False, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Draw what there is, of a run that failed too."""
        self.close()

    def _draw(self) -> None:
        started = time.perf_counter()
        self._show(_Sketch(training_curves(self._steps, title=self.title), _alt(self.title)))
        ended = time.perf_counter()
        self._next = ended + interval(ended - started)

    def _show(self, picture: object) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)


def interval(seconds: float) -> float:
    """Seconds to wait before the next picture, if the last one took so many."""
    return max(MIN_INTERVAL, seconds * (1 - MAX_SHARE) / MAX_SHARE)


class _Sketch:
    """A picture that will soon be replaced: as it comes, without the work that makes it light."""

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure, self.alt = figure, alt

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        stream = io.BytesIO()
        with mpl.rc_context(settings()):
            self.figure.savefig(stream, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})
        png = base64.b64encode(stream.getvalue()).decode("ascii")
        width = round(self.figure.get_figwidth() * DPI)
        return {"image/png": png, "text/plain": f"Figure: {self.alt}"}, {"image/png": {"alt": self.alt, "width": width}}


def _alt(title: str) -> str:
    """The same for every picture of a run."""
    return (
        f"{title}, step by step: the loss with its moving mean, of all samples and of each language and modality; "
        "below it the learning rate and the tokens per second."
    )


def _in_notebook() -> bool:
    """Whether there is a kernel that shows pictures; a terminal's IPython has none."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
