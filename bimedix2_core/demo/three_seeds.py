"""Three seeds: the demo's figures over several seeds, as ``python -m bimedix2_core.seeds`` published them."""

import csv

from bimedix2_core.errors import DataError
from bimedix2_core.paper.tables import Table
from bimedix2_core.runs import root

REFERENCE_FILE = "outputs/reference/three_seeds.csv"


def published() -> Table:
    """The table as last published, for the notebook.

    Raises:
        DataError: it was never published.
    """
    file = root() / REFERENCE_FILE
    if not file.is_file():
        raise DataError(f"{REFERENCE_FILE} is not there; make it with `python -m bimedix2_core.seeds`")
    header, *rows = csv.reader(file.read_text(encoding="utf-8").splitlines())
    cells = tuple((name, *(float(value) for value in values)) for name, *values in rows)
    return Table(tuple(header), cells, "The demo over three seeds, as last published")
