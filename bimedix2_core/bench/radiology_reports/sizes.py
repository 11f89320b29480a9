"""Sizes: how many reports each published set has, and a remark where the one that was read has another number."""

from collections.abc import Sequence

from bimedix2_core.data.sources.reports import GENERATION, IU_XRAY, MIMIC_CXR, MIMIC_III, SUMMARISATION
from bimedix2_core.records import Row

PUBLISHED = {
    (MIMIC_CXR, GENERATION): {"MultiMedEval": 2_347},
    (MIMIC_III, SUMMARISATION): {"MultiMedEval": 13_054},
    (IU_XRAY, GENERATION): {"MedEvalKit (both sections)": 296, "most papers": 590},
}
"""Studies or notes of a test set by who counts them."""


def size_remark(rows: Sequence[Row]) -> str:
    """What to say beside a set that is read whole and has not a published size; empty where it has, or none is known.

    A different size is no error: a newer release, another section rule or a smaller selection gives one.
    """
    counts = {key: sum((row.source, row.task) == key for row in rows) for key in PUBLISHED}
    remarks = [
        f"{source}: {n:,} reports read; published sizes are "
        + ", ".join(f"{size:,} ({who})" for who, size in PUBLISHED[source, task].items())
        for (source, task), n in counts.items()
        if n and n not in PUBLISHED[source, task].values()
    ]
    return "; ".join(remarks)
