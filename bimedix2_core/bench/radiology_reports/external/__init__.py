"""External scorers: RadGraph and CheXbert in a process of their own, and what is counted from their annotations.

    pairs -> annotate -> cache -> Worker (worker.py, its own Python) -> cache -> rewards, chexbert -> ExternalScores

Both models break under the transformers this project uses, so they live in an environment of their own, made from
requirements.lock as README.md says. Where it is not there, each score is a `NotRun` that names what it needs.
"""

from bimedix2_core.bench.radiology_reports.external.process import ScorerError
from bimedix2_core.bench.radiology_reports.external.rewards import HEAD, PACKAGE
from bimedix2_core.bench.radiology_reports.external.scores import (
    CHEXBERT_OVERALL,
    CHEXBERT_SCORES,
    RADGRAPH_SCORES,
    ExternalScores,
    annotate,
)

__all__ = [
    "CHEXBERT_OVERALL",
    "CHEXBERT_SCORES",
    "HEAD",
    "PACKAGE",
    "RADGRAPH_SCORES",
    "ExternalScores",
    "ScorerError",
    "annotate",
]
