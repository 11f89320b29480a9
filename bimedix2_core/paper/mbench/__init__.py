"""BiMed-MBench's questions, verdicts and numbers as a notebook shows them."""

from bimedix2_core.paper.mbench.comparisons import draw_table, floors, gap_table, resolution_table
from bimedix2_core.paper.mbench.numbers import (
    answer_table,
    arabic,
    definition_marks,
    group_marks,
    judge_word,
    problem_line,
    result_table,
    scored,
    summary,
    table_cells,
    translation_cells,
    way_table,
)
from bimedix2_core.paper.mbench.questions import (
    audit_table,
    lost_line,
    mean_table,
    prompt_table,
    question_table,
    size_table,
    verdict_table,
)

__all__ = [
    "answer_table",
    "arabic",
    "audit_table",
    "definition_marks",
    "draw_table",
    "floors",
    "gap_table",
    "group_marks",
    "judge_word",
    "lost_line",
    "mean_table",
    "problem_line",
    "prompt_table",
    "question_table",
    "resolution_table",
    "result_table",
    "scored",
    "size_table",
    "summary",
    "table_cells",
    "translation_cells",
    "verdict_table",
    "way_table",
]
