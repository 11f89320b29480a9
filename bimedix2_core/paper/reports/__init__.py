"""Radiology reports, their metrics and what was not run, as a notebook shows them."""

from bimedix2_core.paper.reports.columns import column_table, radcliq_table, table_cells
from bimedix2_core.paper.reports.numbers import floors, marks, overview_table, reasons, result_table, summary
from bimedix2_core.paper.reports.texts import answer_table, protocol_table, report_table, set_table, tokenizer_table
from bimedix2_core.paper.set_titles import REPORTS as TITLES

__all__ = [
    "TITLES",
    "answer_table",
    "column_table",
    "floors",
    "marks",
    "overview_table",
    "protocol_table",
    "radcliq_table",
    "reasons",
    "report_table",
    "result_table",
    "set_table",
    "summary",
    "table_cells",
    "tokenizer_table",
]
