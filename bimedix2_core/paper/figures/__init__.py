"""The pictures the notebooks show: conversations, images with captions, tokens with their mask, curves and bars.

Every function returns a figure and leaves no trace in matplotlib's settings. The figures of the paper stand beside
them: Figure 1 in ``radar``, 2 in ``architecture``, 4 in ``uphill``, 5 in ``translation``, 6 in ``stacked``, 9 in
``sunburst``; the pictures of the audit in ``audit``, the experts of a mixture in ``routing``. They are imported from
there, so that a notebook depends on nothing but what it draws.
"""

from bimedix2_core.paper.figures.bars import Bar, accuracy_bars, true_against_shuffled
from bimedix2_core.paper.figures.conversations import Dialogue, Exchange, dialogue_grid, dialogue_panel
from bimedix2_core.paper.figures.curves import loss_curves
from bimedix2_core.paper.figures.images import image_grid
from bimedix2_core.paper.figures.output import save, show
from bimedix2_core.paper.figures.tokens import token_mask

__all__ = [
    "Bar", "Dialogue", "Exchange", "accuracy_bars", "dialogue_grid", "dialogue_panel", "image_grid", "loss_curves",
    "save", "show", "token_mask", "true_against_shuffled",
]  # fmt: skip
