"""Comparisons on BiMed-MBench: the languages, two models, what a judge can show, and what must hold."""

import warnings
from collections.abc import Mapping, Sequence

from bimedix2_core.bench import mbench
from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.bench.statistics import Comparison, FewClustersWarning
from bimedix2_core.paper.clinical import p_text
from bimedix2_core.paper.mbench.numbers import relative, scored
from bimedix2_core.paper.mbench.questions import TITLES
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES

N_IMAGES = 50
"""Figures of the published benchmark."""


def gap_table(judged: Mapping[str, Sequence[Judged]]) -> Table:
    """English minus Arabic on the same questions."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        for row, ours in judged.items():
            rows += [(row, TITLES[gap.kind], *_compared(gap.comparison)) for gap in mbench.gaps(ours)]
    columns = ("model", "questions", "English minus Arabic", "from", "to", "p", "smallest seen", "n")
    return Table(columns, tuple(rows), "English against Arabic, the same questions; relative score")


def resolution_table(first: Sequence[Judged], second: Sequence[Judged]) -> Table:
    """The difference of two models in each group, and the smallest that the group could have shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        found = mbench.resolved(first, second)
    rows = tuple((language_name(one.language), TITLES[one.kind], *_compared(one.comparison)) for one in found)
    columns = ("language", "questions", "difference", "from", "to", "p", "smallest seen", "n")
    return Table(columns, rows, "Two models, and what so many questions can show; relative score")


def draw_table(first: Sequence[Judged], second: Sequence[Judged]) -> Table:
    """What more draws, more questions or more images would make of the smallest difference seen.

    Where the judge was asked once, the spread of its draws is not known: it is then supposed, in points of the relative
    score, and the table says so.

    Args:
        first: verdicts on one model.
        second: on the other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        overall = next(one for one in mbench.resolved(first, second) if one.kind == "all")
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
    return Table(columns, tuple(rows), "Draws, questions, images: what helps")


def floors(judged: Mapping[str, Sequence[Judged]], known: Mapping[str, Sequence[Judged]], *, rises: bool) -> str:
    """What has to hold on every machine.

    Args:
        judged: verdicts by row, the base first and the trained model second.
        known: verdicts on the ``references`` themselves and on ``shuffled`` ones of other images; empty where only a
            paid judge could give them.
        rises: whether the second row must be above the first.
    """
    counts = {row: len({(one.row.language, one.row.id) for one in ours}) for row, ours in judged.items()}
    sentences = [Floor("every question that was asked has a verdict or is counted without", min(counts.values()) > 0)]
    found = scored({**known, **judged})
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


def _compared(found: Comparison) -> tuple[float | int | str, ...]:
    difference = found.difference
    return (
        100 * difference.value, 100 * difference.low, 100 * difference.high, p_text(found.p_value),
        100 * found.detectable, difference.n,
    )  # fmt: skip
