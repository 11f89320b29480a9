"""Figure 5: how English samples became Arabic ones, and who checked them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import matplotlib as mpl
from matplotlib.axes import Axes

from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.diagrams import Box, draw_arrow, draw_box, height_needed
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import note
from bimedix2_core.paper.figures.style import WIDTH, canvas, new_figure, require, settings
from bimedix2_core.paper.figures.text import draw_title

_REMARK = (
    "Not in our sources: the size of the random checks, an agreement statistic, any threshold of a score, and the "
    "wording of the paper's example, a CT angiography caption."
)
_TOP, _GAP, _MARGIN = 40.0, 26.0, 12.0


@dataclass(frozen=True)
class Step:
    """One step of the framework."""

    name: str
    text: tuple[str, ...]
    """What happens, one paragraph each."""
    by_doctors: bool = False
    """Whether people do it: drawn with a thick edge."""


REPORTED_RATES = {"minor": 22, "major": 5}
"""Percent of BiMed-MBench's Arabic samples that doctors changed, on average (paper, A.4; facts.md, section 5)."""

FRAMEWORK = (
    Step("English samples", ("of BiMed-V and BiMed-MBench",)),
    Step("GPT-4o translates", ("asked to translate to Arabic with medical context",)),
    Step("Arabic samples", ("Modern Standard Arabic",)),
    Step("Bilingual doctors check a random subset",
         ("minor changes: wording, format, style", "major changes: a wrong clinical term, a misreading",
          "they look at consistency and terminology"), by_doctors=True),
    Step("BiMed-MBench is corrected by hand",
         ("on average {minor}% minor and {major}% major changes".format(**REPORTED_RATES),), by_doctors=True),
)  # fmt: skip
"""The framework as BiMediX2 describes it (section A.4 of the paper); it names no automatic score and no threshold."""


def translation_framework(steps: Sequence[Step] = FRAMEWORK) -> Picture:
    """Figure 5: the steps in rows of three, in reading order.

    Args:
        steps: what is drawn; those of the paper, or those of a run with what it did in their texts.

    Raises:
        DataError: there is no step.
    """
    require(steps, "steps")
    drawn = exhibit("fig05")
    whose = "as the paper describes it" if tuple(steps) == FRAMEWORK else "with other steps than the paper"
    title = f"{drawn.label}, {whose}"
    with mpl.rc_context(settings()):
        boxes = _boxes(steps)
        height = max(box.bottom for box in boxes) + 40
        figure = new_figure(WIDTH, height)
        draw_title(figure, title, left=_MARGIN, right=WIDTH - _MARGIN)
        axes = canvas(figure, 0, 0, WIDTH, height)
        for box in boxes:
            draw_box(axes, box)
        for before, after in pairwise(boxes):
            _draw_step(axes, before, after)
        note(figure, _REMARK)
    return Picture(figure, _alt(title, steps))


def _boxes(steps: Sequence[Step]) -> list[Box]:
    """Rows of three; the second row runs back from the right, so that each arrow is short."""
    width = (WIDTH - 2 * _MARGIN - 2 * _GAP) / 3
    boxes, top = [], _TOP
    for start in range(0, len(steps), 3):
        row = steps[start : start + 3]
        height = max(height_needed(step.name, step.text, width) for step in row)
        for index, step in enumerate(row):
            column = 2 - index if start // 3 % 2 else index
            left = _MARGIN + column * (width + _GAP)
            boxes.append(Box(step.name, step.text, left, top, width, height, "accent" if step.by_doctors else "plain"))
        top += height + _GAP
    return boxes


def _draw_step(axes: Axes, before: Box, after: Box) -> None:
    """An arrow to the next box: along the row, or down to the next row."""
    if after.top > before.top:
        middle = before.left + before.width / 2
        draw_arrow(axes, (middle, before.bottom), (middle, after.top))
        return
    y, is_forward = before.top + before.height / 2, after.left > before.left
    draw_arrow(axes, (before.right if is_forward else before.left, y), (after.left if is_forward else after.right, y))


def _alt(title: str, steps: Sequence[Step]) -> str:
    said = " ".join(f"{number}. {step.name}: {'; '.join(step.text)}." for number, step in enumerate(steps, start=1))
    return f"{title}: {len(steps)} steps. {said} Thick edges mark what doctors do. {_REMARK}"
