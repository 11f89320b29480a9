"""Set titles: what a set of questions or reports is called in a table."""

from collections.abc import Sequence

from bimedix2_core.data.sources import SOURCES
from bimedix2_core.records import Row

REPORTS = {"mimic_cxr": "MIMIC-CXR", "mimic_iii": "MIMIC-III", "iu_xray": "IU X-ray"}
"""Sets of reports, which have readers of their own, as the paper spells them."""


def title_of(rows: Sequence[Row]) -> str:
    """Name of a set, as the paper spells it; a stand-in says in its source that it is one, and goes by that."""
    source = rows[0].source
    return SOURCES[source].card.name if source in SOURCES else REPORTS.get(source, source)
