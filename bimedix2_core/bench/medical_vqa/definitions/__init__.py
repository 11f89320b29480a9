"""Definitions: every published way to score an answer about a medical image, each a small function of two texts.

    llava_med     closed before and after its fix #35, unclipped overlap
    multimedeval  the paper's Table 5
    medevalkit    substrings, equal strings, columns under exchanged names
    plain         exact match in lmms-eval's style, the first whole yes or no
    ours          polarity with abstention, clipped overlap, both languages

The defects of a published definition are kept, named in its module, and tested. Ours are the default for new results.
"""

from bimedix2_core.bench.medical_vqa.definitions import llava_med, medevalkit, multimedeval, ours, plain
from bimedix2_core.bench.medical_vqa.definitions.definition import (
    ALL,
    BLEU_1,
    CHRF,
    CLOSED,
    CLOSED_ANSWER,
    CLOSED_LABEL,
    F1,
    OPEN_ACCURACY,
    OPEN_ANSWER,
    OPEN_EXACT,
    OPEN_F1,
    OPEN_LABEL,
    OPEN_PRECISION,
    OPEN_RECALL,
    RECALL,
    Definition,
    Group,
    polarity_of,
)

DEFINITIONS: tuple[Definition, ...] = (
    *ours.DEFINITIONS,
    *multimedeval.DEFINITIONS,
    *llava_med.DEFINITIONS,
    *medevalkit.DEFINITIONS,
    *plain.DEFINITIONS,
)
"""All of them, ours first."""

__all__ = [
    "ALL",
    "BLEU_1",
    "CHRF",
    "CLOSED",
    "CLOSED_ANSWER",
    "CLOSED_LABEL",
    "DEFINITIONS",
    "F1",
    "OPEN_ACCURACY",
    "OPEN_ANSWER",
    "OPEN_EXACT",
    "OPEN_F1",
    "OPEN_LABEL",
    "OPEN_PRECISION",
    "OPEN_RECALL",
    "RECALL",
    "Definition",
    "Group",
    "polarity_of",
]
