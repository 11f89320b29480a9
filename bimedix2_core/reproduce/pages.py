"""Pages: executed notebooks as HTML that opens from the disk with no network; the collector becomes ``index.html``."""

import re
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from bimedix2_core.errors import DataError
from bimedix2_core.runs import write_atomic

COLLECTOR = "99_all_exhibits"
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
"""Formulas, diagrams and widgets, fetched from the network; the notebooks have none."""

_NOTEBOOK_LINK = re.compile(r"""(href=["'])(\d\d_\w+)\.ipynb""")


def write_page(notebook: Path) -> Path:
    """One executed notebook as HTML beside it, whole or not at all; the collector without its code, as index.html.

    Raises:
        DataError: the notebook is not there, or no notebook.
    """
    try:
        content = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError) as error:
        raise DataError(f"{notebook}: no executed notebook to make a page of ({error}); run it first") from None
    is_index = notebook.stem == COLLECTOR
    exporter = HTMLExporter(exclude_input=is_index, exclude_input_prompt=True, exclude_output_prompt=True)
    text, _ = exporter.from_notebook_node(content, {"metadata": {"name": notebook.stem}})
    text = _SCRIPT.sub("", text)
    links = {COLLECTOR: "index"}
    text = _NOTEBOOK_LINK.sub(lambda match: f"{match[1]}{links.get(match[2], match[2])}.html", text)
    return write_atomic(notebook.with_name("index.html" if is_index else f"{notebook.stem}.html"), text)
