"""Gaps: English minus Arabic on the same questions, paired by id; never two intervals compared by eye."""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bimedix2_core.bench.mbench.facts import image_of
from bimedix2_core.bench.mbench.items import Item, check_once, items_of, judge_of
from bimedix2_core.bench.mbench.judged import Judged
from bimedix2_core.bench.mbench.metrics import (
    MEAN_OF_RATIOS,
    RATIO_OF_MEANS,
    bounds_of,
    definition,
    groups,
    warn_of_few,
)
from bimedix2_core.bench.statistics import Comparison, FewClustersWarning, bootstrap, compare
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES
from bimedix2_core.statistics import Estimate


@dataclass(frozen=True)
class Gap:
    """English minus Arabic relative score over the questions that were scored in both."""

    kind: str
    """``all``, a type or a domain (in which a question with two domains counts twice)."""
    comparison: Comparison
    """Of the means of ratios; with test and smallest difference that shows."""
    ratio_of_means: Estimate
    """The difference of the ratios of means; bootstrap of images."""
    n_left_out: int
    """Questions that were asked in both languages and excluded, or unscored in one."""
    judge: str

    @property
    def definitions(self) -> tuple[str, str]:
        """Names of the definitions of `comparison` and of `ratio_of_means`."""
        return definition(MEAN_OF_RATIOS, self.judge), definition(RATIO_OF_MEANS, self.judge)


def gaps(judged: Sequence[Judged], *, excluded: Collection[str] = frozenset()) -> list[Gap]:
    """The gap as a whole, by type and by domain.

    Args:
        judged: verdicts on one model's answers in both languages.
        excluded: ids of questions that are no twins, such as those with a part left in English (`Audit.ids`).

    Raises:
        DataError: there is no answer, they are of several judges, a question has two verdicts of one order and draw, or
            no question is scored in both languages.
    """
    judge = judge_of(judged)
    check_once(judged)
    english, arabic = (
        {one.row.id: one for one in items_of(judged) if one.row.language == language} for language in LANGUAGES
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        for group in groups(one for id, one in english.items() if id in arabic):
            pairs = [
                (one, arabic[one.row.id])
                for one in group.items
                if one.row.id not in excluded and one.is_scored and arabic[one.row.id].is_scored
            ]
            if pairs:
                found.append(Gap(group.kind, _compared(pairs), _ratio_gap(pairs), len(group.items) - len(pairs), judge))
    if not found:
        raise DataError("no question was scored in English and in Arabic; the twins must share their id")
    warn_of_few([gap.comparison.difference for gap in found])
    return found


def _compared(pairs: Sequence[tuple[Item, Item]]) -> Comparison:
    english, arabic = ([pair[place].ratio for pair in pairs] for place in (0, 1))
    bounds = bounds_of([*english, *arabic], [one.reference for pair in pairs for one in pair])
    return compare(english, arabic, [image_of(one.row) for one, _ in pairs], bounds=bounds)


def _ratio_gap(pairs: Sequence[tuple[Item, Item]]) -> Estimate:
    scores = np.array([[(one.reference, one.answer) for one in pair] for pair in pairs])  # float[N, 2 languages, 2]

    def gap(times: np.ndarray) -> np.ndarray:
        reference, answer = (times @ scores[:, :, text] for text in (0, 1))
        ratio = answer / reference
        return ratio[:, 0] - ratio[:, 1]

    return bootstrap(gap, len(pairs), [image_of(one.row) for one, _ in pairs])
