"""Packing: samples lie side by side in rows without padding, and conversations about one image share its prefix.

    lengths --> plan: steps of samples --> trees (shared prefix, branches) --> rows (best fit) --> tensors

    one tree   [ system, user, image | English | Arabic | a question ... ]
    positions    0 ............. P-1   P ...     P ...    P ...
    attention    a token sees the prefix and its own branch up to itself, and nothing else

A sample alone is a tree of one branch. What is computed for a sample in a row is what is computed for it alone:
positions restart, no attention crosses samples, and the loss pairs each supervised token with the state before it. For
the first token of a branch that is the last state of the prefix. Equal to rounding, as long as no dropout is on: with
dropout, branches share the mask of their prefix.

Prior art: sequence packing with document masks (Krell et al. 2021, arXiv 2107.02027); message trees of multi-annotated
images (Molmo, arXiv 2409.17146). No trainer packs LLaVA samples so (shared/notes/training.md, section 6).
"""

from bimedix2_core.training.packing.plan import Lengths, Plan, Tree
from bimedix2_core.training.packing.rows import PackedRow, pack_row

__all__ = ["Lengths", "PackedRow", "Plan", "Tree", "pack_row"]
