"""Ablation recipe: the variants of the two stages that Tables 9 and 10 compare, trained, asked and graded.

    base - projector on non-medical pairs        -> baseline
         - projector on medical pairs            -> stage_1
               - adapters on all instructions    -> stage_2 (Table 9), bi (Table 10)
               - adapters on the English ones    -> eng
               - adapters on the Arabic ones     -> ara

A variant changes one thing: the pairs of Stage 1, or the rows of Stage 2. Every row is seen as often as in the whole
run, so a variant with half of the rows has half of the steps. Table 10 states no budget; this is assumed, as it is
what the same settings with one epoch (Table 11) come to.

A run that was killed goes on where it stopped, and a variant whose data, settings, base and code are as they were is
not trained again.
"""

from bimedix2_core.ablation_recipe.budgets import AblationData, budget_table
from bimedix2_core.ablation_recipe.measuring import (
    Entry,
    ablated,
    answers,
    entries,
    entry_table,
    examinations,
    said_by_baseline,
)
from bimedix2_core.ablation_recipe.training import Trained, trained_variants
from bimedix2_core.ablation_recipe.variants import TABLES, Variant, all_variants, variants

__all__ = [
    "TABLES",
    "AblationData",
    "Entry",
    "Trained",
    "Variant",
    "ablated",
    "all_variants",
    "answers",
    "budget_table",
    "entries",
    "entry_table",
    "examinations",
    "said_by_baseline",
    "trained_variants",
    "variants",
]
