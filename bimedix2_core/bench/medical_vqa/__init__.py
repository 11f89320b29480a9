"""Medical VQA: Rad-VQA, SLAKE and Path-VQA under every published definition, and our own questions by kind.

    read_source -> rows -> protocols -> a model's answers -> results (all definitions), table5, spread, disagreements
                    |                                           |
                    '-> controls, overlaps with training -------'-> clean_results

`by_kind` scores the project's own questions about phantoms.
"""

from bimedix2_core.bench.medical_vqa.clean_subset import OVERLAPS, CleanSubset, Overlap, clean_results, overlaps
from bimedix2_core.bench.medical_vqa.controls import majority_answers, text_only, wrong_image
from bimedix2_core.bench.medical_vqa.definitions import DEFINITIONS, Definition, Group
from bimedix2_core.bench.medical_vqa.disagreements import Disagreement, disagreements, examples
from bimedix2_core.bench.medical_vqa.metrics import LEFT_OUT, Spread, group_sizes, image_of, results, spread, table5
from bimedix2_core.bench.medical_vqa.protocols import (
    PROTOCOLS,
    Protocol,
    prompt_key,
    prompt_of,
    protocol_named,
    query_of,
)

__all__ = [
    "DEFINITIONS",
    "LEFT_OUT",
    "OVERLAPS",
    "PROTOCOLS",
    "CleanSubset",
    "Definition",
    "Disagreement",
    "Group",
    "Overlap",
    "Protocol",
    "Spread",
    "clean_results",
    "disagreements",
    "examples",
    "group_sizes",
    "image_of",
    "majority_answers",
    "overlaps",
    "prompt_key",
    "prompt_of",
    "protocol_named",
    "query_of",
    "results",
    "spread",
    "table5",
    "text_only",
    "wrong_image",
]
