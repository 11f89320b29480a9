"""Comparisons on BiMed-MBench: the languages, two models, what a judge can show, and what must hold."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

from bimedix2_core.bench import mbench
from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.mbench import Judged, Resolved
from bimedix2_core.bench.statistics import Comparison, FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError
from bimedix2_core.paper.clinical import p_text
from bimedix2_core.paper.mbench.numbers import name_of, relative, scored
from bimedix2_core.paper.mbench.questions import TITLES
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES

N_IMAGES = 50
"""Figures of the published benchmark."""


def gap_table(judged: Mapping[str, Sequence[Judged]]) -> Table:
    """English minus Arabic on the same questions, for each model that was asked in both languages."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        for row, ours in judged.items():
            if _languages(ours) < set(LANGUAGES):
                continue
            rows += [(row, TITLES[gap.kind], *_compared(gap.comparison)) for gap in mbench.gaps(ours)]
    columns = ("model", "questions", "English minus Arabic", "from", "to", "p", "smallest seen", "n")
    name = name_of(next(iter(judged.values())))
    return Table(columns, tuple(rows), f"{name}: English against Arabic, the same questions; relative score")


def resolution_table(first: Sequence[Judged], second: Sequence[Judged]) -> Table:
    """The difference of two models in each group, and the smallest that the group could have shown.

    Args:
        first: verdicts on one model.
        second: on the other; the languages that both were asked in are compared.

    Raises:
        DataError: they share no language, or were asked different questions in one.
    """
    found = _resolved(first, second)
    rows = tuple((language_name(one.language), TITLES[one.kind], *_compared(one.comparison)) for one in found)
    columns = ("language", "questions", "difference", "from", "to", "p", "smallest seen", "n")
    caption = f"{name_of(first)}: two models, and what so many questions can show; relative score"
    return Table(columns, rows, caption)


def draw_table(first: Sequence[Judged], second: Sequence[Judged]) -> Table:
    """What more draws, more questions or more images would make of the smallest difference seen.

    The variances are those of all questions in the first language that both models were asked in. Where the judge was
    asked once, it is not known how a difference on one question changes from draw to draw: a spread is then supposed on
    top of what was measured, in points of the relative score, and the table says so. Of a judge that has such a spread
    what was measured holds it already, so that the supposed rows are too large rather than too small.

    Args:
        first: verdicts on one model.
        second: on the other.

    Raises:
        DataError: as for `resolution_table`.
    """
    overall = next(one for one in _resolved(first, second) if one.kind == "all")
    known = overall.variances
    spreads = [0.1, 0.2] if known.draw is None else [known.draw**0.5]
    said = "supposed" if known.draw is None else "measured"
    n, n_images = mbench.N_QUESTIONS, N_IMAGES
    rows = []
    for spread in spreads:
        noisy = mbench.Variances(known.image, known.question, spread**2)
        for draws, questions, images in ((1, n, n_images), (3, n, n_images), (10, n, n_images), (1, 4 * n, n_images),
                                         (1, 4 * n, 4 * n_images)):  # fmt: skip
            seen = 100 * mbench.detectable(questions, images, noisy, n_draws=draws)
            rows.append((f"{100 * spread:.0f} points ({said})", draws, questions, images, seen))
    columns = ("spread of the judge's draws", "draws", "questions", "images", "smallest difference seen (points)")
    of = f"{name_of(first)}, {language_name(overall.language)}"
    return Table(columns, tuple(rows), f"Draws, questions, images: what helps; variances as in {of}")


def floors(judged: Mapping[str, Sequence[Judged]], known: Mapping[str, Sequence[Judged]], *, rises: bool) -> str:
    """What has to hold on every machine.

    Args:
        judged: verdicts by row, the base first and the trained model second.
        known: verdicts on the ``references`` themselves and on ``shuffled`` ones of other images; empty where only a
            paid judge could give them.
        rises: whether the second row must be above the first.
    """
    found = scored({**known, **judged})
    sentences = [Floor("every question that was asked has a verdict or is counted without", _is_whole(judged, found))]
    value = {
        (row, language): one.estimate
        for row, results in found.items()
        for language in LANGUAGES
        for one in relative(results, language)
        if one.kind == "all"
    }
    base, trained = list(judged)[:2] if rises else ("", "")
    for language in LANGUAGES:
        name = language_name(language)
        if known:
            own, other = value["references", language], value["shuffled", language]
            sentences += [
                Floor(f"the references as answers have a relative score of 100 in {name}", own.value == 1),
                Floor(f"references of other images score lower in {name}, intervals apart", other.high < own.low),
            ]
        if rises:
            above = value[trained, language].value > value[base, language].value
            sentences.append(Floor(f"the trained model scores above the base in {name}", above))
    return lines(sentences)


def _is_whole(judged: Mapping[str, Sequence[Judged]], found: Mapping[str, Sequence[Result]]) -> bool:
    """Whether each model has all questions of the languages that it was asked in, those without verdict counted."""
    places = {(one.row.language, one.row.id) for ours in judged.values() for one in ours}
    asked = Counter(language for language, _ in places)
    return all(
        one.estimate.n + one.n_unscored == asked[language]
        for row, ours in judged.items()
        for language in _languages(ours)
        for one in relative(found[row], language)
        if one.kind == "all"
    )


def _resolved(first: Sequence[Judged], second: Sequence[Judged]) -> list[Resolved]:
    """The differences in the languages that both models were asked in: a row of the paper may have one only."""
    shared = _languages(first) & _languages(second)
    if not shared:
        raise DataError(
            f"one model was asked in {', '.join(sorted(_languages(first)))}, the other in "
            f"{', '.join(sorted(_languages(second)))}; a difference needs a language in common: compare two others"
        )
    ours, theirs = ([one for one in judged if one.row.language in shared] for judged in (first, second))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return mbench.resolved(ours, theirs)


def _languages(judged: Sequence[Judged]) -> set[str]:
    return {one.row.language for one in judged}


def _compared(found: Comparison) -> tuple[float | int | str, ...]:
    difference = found.difference
    return (
        100 * difference.value, 100 * difference.low, 100 * difference.high, p_text(found.p_value),
        100 * found.detectable, difference.n,
    )  # fmt: skip
