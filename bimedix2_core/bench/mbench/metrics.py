"""Metrics of BiMed-MBench, each named, with n, what was left unscored, and an interval clustered by image.

A relative score of 1 means as good as the reference in the eyes of the judge; the exhibits print it times 100, and it
may be above. Two definitions are in use, and they differ by points:

- `MEAN_OF_RATIOS`: the mean over questions of answer score / reference score, the paper's. A question on which the
  reference itself scored low weighs more.
- `RATIO_OF_MEANS`: mean answer score / mean reference score.

`AS_PUBLISHED` is the paper's whole script: mean of ratios with 1e-100 added to each reference score, English `type`
labels only (36 Arabic descriptions drop out of the mean by type), the first of two domains, the first draw with the
reference read first. A verdict it could not read would have stopped it; here it is unscored and counted.

The name of the judge is part of every definition: numbers of two judges are not of one kind.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

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
)
from bimedix2_core.bench.mbench.items import Item, check_once, is_usable, items_of, judge_of
from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST, Judged
from bimedix2_core.bench.mbench.orders import order_results
from bimedix2_core.bench.statistics import FewClustersWarning, bootstrap, interval
from bimedix2_core.bench.statistics.layout import FEW_CLUSTERS
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Row
from bimedix2_core.statistics import Estimate

RELATIVE = "relative score"
MEAN_OF_RATIOS, RATIO_OF_MEANS, AS_PUBLISHED = "mean of ratios", "ratio of means", "as published"
FIRST_DOMAIN = "first domain"
"""Joined to a definition where a question with two domains counts in the first only."""

WIN, TIE, LOSS = "better than the reference", "as good as the reference", "worse than the reference"
UNREAD = "verdicts that could not be read"

COLUMNS = {
    "conversation": "conversation",
    "detailed_description": "description",
    "chest_xray": "cxr",
    "mri": "mri",
    "histology": "histology",
    "gross": "gross",
    "ct_scan": "ct",
    "all": "overall",
}
"""Column of Tables 3 and 4 by kind of result."""

ADDED = 1e-100
"""What the published script adds to a reference score before it divides."""


@dataclass(frozen=True)
class Group:
    """A kind of question under a rule, and its members."""

    kind: str
    rule: str
    """Nothing, or `FIRST_DOMAIN`."""
    items: tuple[Item, ...]


def definition(name: str, judge: str, rule: str = "") -> str:
    """Name of a definition, the judge's included."""
    return f"{name}{', ' if rule else ''}{rule}; judge {judge}"


def results(judged: Sequence[Judged]) -> list[Result]:
    """Every metric under every definition, for each language.

    Kinds are ``all``, the two types and the five domains. A group in which nothing was asked, or all is unscored, has
    no row. Where images are fewer than intervals are checked for, as in a single domain, one warning says how many
    numbers rest on them.

    Args:
        judged: all verdicts on one model's answers: both languages, orders and draws together.

    Raises:
        DataError: there is no answer, they are of several judges, a question has two verdicts of one order and draw, or
            all in a language are unscored.
    """
    judge = judge_of(judged)
    check_once(judged)
    found: list[Result] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        for language in LANGUAGES:
            mine = [one for one in judged if one.row.language == language]
            if mine:
                found += _of_language(mine, judge, language)
    warn_of_few([one.estimate for one in found])
    return found


def groups(items: Iterable[Item], *, first_domain: bool = False) -> list[Group]:
    """The items as a whole, by type and by domain; those that nothing belongs to are left out.

    Args:
        items: of one language.
        first_domain: also the domains under the paper's rule, as further groups.
    """
    items = tuple(items)
    found = [Group("all", "", items)]
    found += [Group(name, "", tuple(one for one in items if kind(one.row, OURS) == name)) for name in TYPES]
    found += [Group(name, "", tuple(one for one in items if name in domains(one.row, ALL_FLAGS))) for name in DOMAINS]
    if first_domain:
        found += [
            Group(name, FIRST_DOMAIN, tuple(one for one in items if name in domains(one.row, FIRST_FLAG)))
            for name in DOMAINS
        ]
    return [group for group in found if group.items]


def warn_of_few(estimates: Sequence[Estimate]) -> None:
    """Warn once of the numbers that rest on fewer images than intervals are checked for."""
    n_few = sum((one.n_clusters or one.n) < FEW_CLUSTERS for one in estimates)
    if n_few:
        warnings.warn(
            f"{n_few} of {len(estimates)} numbers of BiMed-MBench rest on fewer than {FEW_CLUSTERS} images: read their "
            "intervals with care",
            FewClustersWarning,
            stacklevel=3,
        )


def mean_of_ratios(items: Sequence[Item]) -> Estimate:
    """Mean of answer / reference over scored items; Student's interval, clustered by image."""
    return _mean([one.ratio for one in items], [one.reference for one in items], [one.row for one in items])


def ratio_of_means(items: Sequence[Item]) -> Estimate:
    """Mean answer / mean reference over scored items; percentile bootstrap of images."""
    reference, answer = np.array([one.reference for one in items]), np.array([one.answer for one in items])
    return bootstrap(
        lambda times: (times @ answer) / (times @ reference), len(items), [image_of(one.row) for one in items]
    )


def _of_language(judged: Sequence[Judged], judge: str, language: str) -> list[Result]:
    items = items_of(judged)
    if not any(one.is_scored for one in items):
        problem = judged[0].problem or f"scores {judged[0].reference_score} and {judged[0].answer_score}"
        raise DataError(
            f"BiMed-MBench ({language}): none of {len(judged)} verdicts has two scores that could be read; the first: "
            f"{problem}; ask the judge again"
        )
    found: list[Result] = []
    for name, estimate in ((MEAN_OF_RATIOS, mean_of_ratios), (RATIO_OF_MEANS, ratio_of_means)):
        for group in groups(items, first_domain=True):
            found += _result(RELATIVE, definition(name, judge, group.rule), group.kind, language, group.items, estimate)
    found += _as_published(judged, judge, language)
    for group in groups(items):
        found += _shares(definition(OURS, judge), group.kind, language, group.items)
    found.append(_unread(judged, definition(OURS, judge), language))
    return found + order_results(judged, definition(OURS, judge), language)


def _as_published(judged: Sequence[Judged], judge: str, language: str) -> list[Result]:
    """The numbers that the paper's script would print, with intervals that it does not have."""
    first = [one for one in judged if (one.order, one.repeat) == ("reference_first", 0)]
    found = []
    for name in ("all", *TYPES, *DOMAINS):
        part = [one for one in first if name in ("all", kind(one.row, PAPER), *domains(one.row, FIRST_FLAG))]
        read = [one for one in part if one.is_scored]
        if read:
            ratios = [one.answer_score / (one.reference_score + ADDED) for one in read]
            estimate = _mean(ratios, [one.reference_score for one in read], [one.row for one in read])
            found.append(
                Result(RELATIVE, definition(AS_PUBLISHED, judge), name, language, estimate, len(part) - len(read))
            )
    return found


def _shares(definition: str, kind: str, language: str, items: Sequence[Item]) -> list[Result]:
    """Shares of the scored answers that are better than, as good as and worse than the reference."""
    tests = (
        (WIN, lambda one: one.answer > one.reference),
        (TIE, lambda one: one.answer == one.reference),
        (LOSS, lambda one: one.answer < one.reference),
    )
    return [
        row
        for metric, test in tests
        for row in _result(metric, definition, kind, language, items, lambda part, test=test: _share(part, test))
    ]


def _share(items: Sequence[Item], test: Callable[[Item], bool]) -> Estimate:
    return interval([float(test(one)) for one in items], [image_of(one.row) for one in items])


def _unread(judged: Sequence[Judged], definition: str, language: str) -> Result:
    """Share of all verdicts that could not be used."""
    values = [float(not is_usable(one)) for one in judged]
    return Result(UNREAD, definition, "all", language, interval(values, [image_of(one.row) for one in judged]))


def _result(
    metric: str,
    definition: str,
    kind: str,
    language: str,
    items: Sequence[Item],
    estimate: Callable[[Sequence[Item]], Estimate],
) -> list[Result]:
    """The metric over the scored items; no row where there is none."""
    scored = [one for one in items if one.is_scored]
    if not scored:
        return []
    return [Result(metric, definition, kind, language, estimate(scored), len(items) - len(scored))]


def bounds_of(ratios: Iterable[float], references: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest ratio that the references leave possible; scores off the scale widen it.

    A reference with 10 leaves 0.1 to 1, one with 5 leaves 0.2 to 2.
    """
    references, ratios = [max(one, ADDED) for one in references], list(ratios)
    return min(*ratios, LOWEST / max(references)), max(*ratios, HIGHEST / max(LOWEST, min(references)))


def _mean(ratios: Sequence[float], references: Sequence[float], rows: Sequence[Row]) -> Estimate:
    return interval(ratios, [image_of(row) for row in rows], bounds=bounds_of(ratios, references))
