"""Resolution: the smallest difference of two models that a judge's scores can show, and what it would take to halve it.

The difference of two models on a question varies for three reasons, told apart from the scores themselves:

- the image: all questions of a figure lean the same way;
- the question;
- the draw: the judge, asked again, says something else.

More draws make only the last smaller, more questions of the same figures only the last two.
"""

import warnings
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

import numpy as np

from bimedix2_core.bench.mbench.facts import image_of
from bimedix2_core.bench.mbench.items import check_once, is_usable, items_of, judge_of
from bimedix2_core.bench.mbench.judged import Judged
from bimedix2_core.bench.mbench.metrics import bounds_of, groups, warn_of_few
from bimedix2_core.bench.statistics import Comparison, FewClustersWarning, compare
from bimedix2_core.bench.statistics.layout import layout_of
from bimedix2_core.bench.statistics.paired import DETECTABLE
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES


@dataclass(frozen=True)
class Variances:
    """Where the differences of two models come from; squares of relative scores."""

    image: float
    question: float
    """With the draw, where no question was drawn twice in one order: then the two cannot be told apart."""
    draw: float | None
    """None where no question was drawn twice in one order."""


@dataclass(frozen=True)
class Resolved:
    """What a judge's scores can show of two models on one kind of question."""

    kind: str
    language: str
    comparison: Comparison
    """First minus second model; `detectable` is the smallest true difference that shows in 80 of 100 such tests."""
    variances: Variances
    n_unscored: int
    """Questions that are unscored for one of the models, and so left out."""


def resolved(first: Sequence[Judged], second: Sequence[Judged]) -> list[Resolved]:
    """The paired difference of two models with what it could have shown, for each language as a whole, type and domain.

    Args:
        first: verdicts on one model's answers.
        second: the other's, by the same judge on the same questions.

    Raises:
        DataError: the judges differ, the models were not asked the same, a verdict comes twice, or no question is
            scored for both.
    """
    judges = {judge_of(first), judge_of(second)}
    if len(judges) > 1:
        raise DataError(f"two models judged by {' and '.join(sorted(judges))}; a difference needs one judge")
    for judged in (first, second):
        check_once(judged)
    _check_same_questions(first, second)
    draws = _differences(first, second)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        for language in LANGUAGES:
            ours, theirs = ([one for one in judged if one.row.language == language] for judged in (first, second))
            found += _of_language(ours, theirs, draws, language)
    if not found:
        raise DataError("no question is scored for both models; ask the judge again")
    warn_of_few([one.comparison.difference for one in found])
    return found


def detectable(n: int, n_clusters: int, variances: Variances, *, n_draws: int = 1) -> float:
    """The smallest true difference that shows at 5% in 80 of 100 comparisons on such a benchmark.

    Args:
        n: questions.
        n_clusters: figures they are about, as many questions each.
        variances: as measured.
        n_draws: how often the judge is asked each.

    Raises:
        DataError: fewer than one question, figure or draw, more figures than questions, or several draws where the
            variance of one was not measured.
    """
    if not 1 <= n_clusters <= n or n_draws < 1:
        raise DataError(
            f"{n} questions on {n_clusters} figures, {n_draws} draws; expected a question for each figure and a draw"
        )
    if n_draws > 1 and variances.draw is None:
        raise DataError(f"{n_draws} draws, but how draws differ was not measured; ask the judge twice or more")
    single = variances.question + (variances.draw or 0.0) / n_draws
    return DETECTABLE * sqrt(variances.image / n_clusters + single / n)


def variances(values: Sequence[Sequence[float]], clusters: Sequence[Hashable]) -> Variances:
    """The variances within questions, between questions of an image, and between images, from a nested analysis.

    Where each image has one question, all of it is the image's: the two cannot be told apart.

    Args:
        values: for each question, the differences of its draws; all of one draw, or some of several.
        clusters: the image of each question.

    Raises:
        DataError: no question, one without a value, or not one image for each.

    Source:
        Searle, Casella and McCulloch, Variance Components (1992), section 3.6: estimates from the mean squares of an
        unbalanced one-way layout; a negative one is 0.
    """
    layout = layout_of(len(values), clusters)
    if not all(len(draws) for draws in values):
        raise DataError("a question without a value; leave unscored questions out, and count them")
    repeated = [draws for draws in values if len(draws) > 1]
    freedom = sum(len(draws) - 1 for draws in repeated)
    draw = sum(variance(draws) * (len(draws) - 1) for draws in repeated) / freedom if repeated else None
    means = np.array([fmean(draws) for draws in values])
    sizes, n_images, n = layout.counts[:, 0], layout.n_clusters, layout.n
    image_means = layout.sums(means)[:, 0] / sizes
    between = (sizes * (image_means - means.mean()) ** 2).sum() / max(1, n_images - 1)
    within = ((means - image_means[layout.cell]) ** 2).sum() / (n - n_images) if n > n_images else 0.0
    typical = (n - (sizes**2).sum() / n) / max(1, n_images - 1)
    image = max(0.0, (between - within) / typical) if n_images > 1 else 0.0
    of_draws = 0.0 if draw is None else draw * fmean(1 / len(draws) for draws in values)
    return Variances(float(image), float(max(0.0, within - of_draws)), None if draw is None else float(draw))


def _of_language(
    first: Sequence[Judged],
    second: Sequence[Judged],
    draws: dict[tuple[str, str], list[float]],
    language: str,
) -> list[Resolved]:
    theirs = {one.row.id: one for one in items_of(second)}
    found = []
    for group in groups(items_of(first)):
        pairs = [(one, theirs[one.row.id]) for one in group.items if one.is_scored and theirs[one.row.id].is_scored]
        if not pairs:
            continue
        images = [image_of(one.row) for one, _ in pairs]
        ours, others = ([pair[place].ratio for pair in pairs] for place in (0, 1))
        bounds = bounds_of([*ours, *others], [one.reference for pair in pairs for one in pair])
        own = [draws.get((language, one.row.id)) or [one.ratio - other.ratio] for one, other in pairs]
        found.append(
            Resolved(
                group.kind,
                language,
                compare(ours, others, images, bounds=bounds),
                variances(own, images),
                len(group.items) - len(pairs),
            )
        )
    return found


def _differences(first: Sequence[Judged], second: Sequence[Judged]) -> dict[tuple[str, str], list[float]]:
    """The differences of the models' ratios by question, one for each draw; both orders of a draw make one."""
    ratios = ({_place(one): one.answer_score / one.reference_score for one in judged if is_usable(one)}
              for judged in (first, second))  # fmt: skip
    ours, theirs = ratios
    by_draw: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for place in ours.keys() & theirs.keys():
        language, id, repeat, _ = place
        by_draw[language, id, repeat].append(ours[place] - theirs[place])
    n_orders = max((len(orders) for orders in by_draw.values()), default=0)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (language, id, _), differences in sorted(by_draw.items()):
        if len(differences) == n_orders:  # a draw that lacks an order is of another kind
            found[language, id].append(fmean(differences))
    return dict(found)


def _place(one: Judged) -> tuple[str, str, int, str]:
    return one.row.language, one.row.id, one.repeat, one.order


def _check_same_questions(first: Sequence[Judged], second: Sequence[Judged]) -> None:
    ours, theirs = ({(one.row.language, one.row.id) for one in judged} for judged in (first, second))
    if ours != theirs:
        language, id = min(ours ^ theirs)
        raise DataError(
            f"{len(ours ^ theirs)} questions were asked of one model only, first {id!r} ({language}); compare both on "
            "the same questions"
        )
