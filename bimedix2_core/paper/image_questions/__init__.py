"""Medical VQA's questions, definitions and numbers as a notebook shows them."""

from bimedix2_core.paper.image_questions.controls import clean_table, control_table, floors
from bimedix2_core.paper.image_questions.numbers import (
    definition_marks,
    disagreement_table,
    own_table,
    spread_lines,
    summary,
    table5_cells,
)
from bimedix2_core.paper.image_questions.questions import (
    definition_list,
    imagined_table,
    prompt_table,
    set_table,
    yes_or_no_question,
)
from bimedix2_core.paper.set_titles import title_of

__all__ = [
    "clean_table",
    "control_table",
    "definition_list",
    "definition_marks",
    "disagreement_table",
    "floors",
    "imagined_table",
    "own_table",
    "prompt_table",
    "set_table",
    "spread_lines",
    "summary",
    "table5_cells",
    "title_of",
    "yes_or_no_question",
]
