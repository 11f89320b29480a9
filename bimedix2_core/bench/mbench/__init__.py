"""BiMed-MBench: open questions on figures in two languages, answers compared with a reference by a judge.

    read -> rows (figure, question, reference) -> a model's answers -> PairwiseJudge or a verdict file -> Judged
                                                                                                            |
                    Tables 3 and 4, Figure 1: results      English minus Arabic: gaps      two models: resolved

Mullappilly et al., BiMediX2, arXiv 2412.07769, 3.2; questions and protocol of LLaVA-Med, Li et al., NeurIPS 2023.
"""

from bimedix2_core.bench.mbench.audit import FINDINGS, Audit, Finding
from bimedix2_core.bench.mbench.facts import (
    ALL_FLAGS,
    DOMAINS,
    FIRST_FLAG,
    OURS,
    PAPER,
    TYPES,
    domains,
    image_of,
    kind,
    mentions_of,
    question_of,
    reference_of,
)
from bimedix2_core.bench.mbench.gaps import Gap, gaps
from bimedix2_core.bench.mbench.items import Item, items_of
from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST, Judged, Order
from bimedix2_core.bench.mbench.metrics import (
    AS_PUBLISHED,
    COLUMNS,
    FIRST_DOMAIN,
    LOSS,
    MEAN_OF_RATIOS,
    RATIO_OF_MEANS,
    RELATIVE,
    TIE,
    UNREAD,
    WIN,
    definition,
    results,
)
from bimedix2_core.bench.mbench.orders import FIRST_PLACE, FLIPPED
from bimedix2_core.bench.mbench.pairwise import ORDERS, PairwiseJudge, pairwise_prompts
from bimedix2_core.bench.mbench.published import read_answer_file, read_verdict_file, write_verdict_file
from bimedix2_core.bench.mbench.questions import N_QUESTIONS, Questions, pairs, query, read
from bimedix2_core.bench.mbench.resolution import Resolved, Variances, detectable, resolved, variances
from bimedix2_core.bench.mbench.translated import TranslatedAnswer, translate_then_answer
from bimedix2_core.bench.mbench.verdict import Scores, original_scores, strict_scores

__all__ = [
    "ALL_FLAGS",
    "AS_PUBLISHED",
    "COLUMNS",
    "DOMAINS",
    "FINDINGS",
    "FIRST_DOMAIN",
    "FIRST_FLAG",
    "FIRST_PLACE",
    "FLIPPED",
    "HIGHEST",
    "LOSS",
    "LOWEST",
    "MEAN_OF_RATIOS",
    "N_QUESTIONS",
    "ORDERS",
    "OURS",
    "PAPER",
    "RATIO_OF_MEANS",
    "RELATIVE",
    "TIE",
    "TYPES",
    "UNREAD",
    "WIN",
    "Audit",
    "Finding",
    "Gap",
    "Item",
    "Judged",
    "Order",
    "PairwiseJudge",
    "Questions",
    "Resolved",
    "Scores",
    "TranslatedAnswer",
    "Variances",
    "definition",
    "detectable",
    "domains",
    "gaps",
    "image_of",
    "items_of",
    "kind",
    "mentions_of",
    "original_scores",
    "pairs",
    "pairwise_prompts",
    "query",
    "question_of",
    "read",
    "read_answer_file",
    "read_verdict_file",
    "reference_of",
    "resolved",
    "results",
    "strict_scores",
    "translate_then_answer",
    "variances",
    "write_verdict_file",
]
