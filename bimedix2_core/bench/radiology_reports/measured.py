"""Measured: the reports of one language, a metric over them, and a metric that has no number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.bench.statistics import interval
from bimedix2_core.bench.task import Result

OURS, MULTIMEDEVAL, SACREBLEU = "ours", "MultiMedEval", "sacrebleu, all reports together"
EARLY_MULTIMEDEVAL = "early MultiMedEval, all reports together"
"""Definitions; what they are is said in `results`."""

UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class NotMeasured:
    """A metric that has no number here, and why; never a 0."""

    metric: str
    definition: str
    language: str
    why: str
    """``not run: needs ...`` or ``not defined in Arabic: ...``."""


@dataclass(frozen=True)
class Reports:
    """The reports of one language, in one order."""

    language: str
    hypotheses: list[str]
    references: list[str]
    clusters: list[str]
    """The patient of each, or its study where the patient is not known."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(hypothesis, reference)."""
        return list(zip(self.hypotheses, self.references, strict=True))

    def result(
        self, metric: str, definition: str, values: Sequence[float], bounds: tuple[float, float] = UNIT
    ) -> Result:
        """The mean over reports; values a rounding error outside their bounds are taken for the bound."""
        estimate = interval(np.clip(values, *bounds).tolist(), self.clusters, bounds=bounds)
        return Result(metric, definition, "all", self.language, estimate)

    def none(self, metric: str, definition: str, why: str | NotRun) -> NotMeasured:
        """The metric without a number."""
        return NotMeasured(metric, definition, self.language, str(why))
