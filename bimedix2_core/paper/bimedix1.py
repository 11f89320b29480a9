"""BiMediX: the predecessor's three tables, English, Arabic and bilingual, as printed, as recomputed and as measured."""

from collections.abc import Mapping, Sequence

from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.bench.clinical_qa.tables import BILINGUAL
from bimedix2_core.paper import reported
from bimedix2_core.paper.audit.recomposition import Average, averages
from bimedix2_core.paper.audit.wording import rounded
from bimedix2_core.paper.clinical import clinical_cells
from bimedix2_core.paper.compare import Comparison, compare
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import measured_file, save_measured
from bimedix2_core.paper.tables import Table, save_table
from bimedix2_core.runs import Run

TABLES = {"bimedix1_english": "en", "bimedix1_arabic": "ar", "bimedix1_bilingual": BILINGUAL}
"""The exhibits, and what each is about: a language, or the mean of both."""


def average_table() -> Table:
    """Every average that the three tables print, beside the mean of its own nine cells."""
    found = [(name, one) for name in TABLES for one in averages(reported.read(name))]
    rows = [(exhibit(name).label, one.name, one.printed, rounded(one.recomputed), _verdict(one)) for name, one in found]
    columns = ("table", "model", "average as printed", "mean of its nine cells", "agrees")
    return Table(columns, tuple(rows), "The printed averages of BiMediX's tables, recomputed")


def compared(run: Run, exhibit_id: str, examined: Sequence[Examined], rows: Mapping[str, Sequence[str]]) -> Comparison:
    """One of the three tables, reported beside measured; written to the run's exhibits.

    Args:
        run: of the notebook.
        exhibit_id: one of ``TABLES``.
        examined: the models under one protocol.
        rows: the models that belong into each table, by its id.
    """
    shown, wanted = exhibit(exhibit_id), rows[exhibit_id]
    own = [one for one in examined if one.row in wanted]
    cells = clinical_cells(run, shown, own, TABLES[exhibit_id])
    save_measured(measured_file(run.shared, shown), shown, cells)
    comparison = compare(shown, cells)
    save_table(comparison.table(), shown.file(run.shared, "csv").with_suffix(""), kind=run.params.run.kind)
    return comparison


def _verdict(average: Average) -> str:
    return "yes" if average.agrees else f"NO, {average.gap:+.1f}"
