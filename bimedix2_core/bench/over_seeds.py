"""Over seeds: several trainings of one variant as one row of a table, question by question.

A question's score is its mean over the seeds; the benchmark's own interval of these means follows. It says what other
questions would have changed, with these seeds. What another seed would have changed is seen beside it, in the numbers
of each: two or three are too few for an interval.

Of a judge only the paper's draw counts, the first one with the reference read first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from bimedix2_core.bench import mbench
from bimedix2_core.bench.clinical_qa.examined import Examined, graded
from bimedix2_core.bench.clinical_qa.sets import SETS
from bimedix2_core.bench.clinical_qa.tables import AVERAGES, cells, results
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.bench.statistics import Comparison, compare_macro
from bimedix2_core.bench.task import Result, Score
from bimedix2_core.errors import DataError

FAMILY = "bimedix2"
"""Whose sets the clinical average is over: the ten of Table 2."""

ENGLISH = "en"
"""Language of Table 2."""


def mbench_overall(seeds: Sequence[Sequence[Judged]], language: str) -> Result:
    """The relative score over all questions of a language, as the paper's script has it; 1 is as good as the reference.

    Args:
        seeds: the verdicts on the answers of each seed's model, all by one judge.
        language: ``en`` or ``ar``.

    Raises:
        DataError: no verdict of this language can be used, or the judges differ.
    """
    published = mbench.definition(mbench.MEAN_OF_RATIOS, seeds[0][0].judge)
    judged = [one for one in _as_draws(seeds) if one.row.language == language]
    for one in mbench.results(judged):
        if (one.metric, one.definition, one.kind) == (mbench.RELATIVE, published, "all"):
            return replace(one, definition=_named(mbench.definition(mbench.AS_PUBLISHED, judged[0].judge), len(seeds)))
    raise DataError(f"BiMed-MBench ({language}): none of {len(judged)} verdicts counts; ask the judge again")


def clinical_average(seeds: Sequence[Examined]) -> Result | None:
    """Table 2's average over ten English sets; None where not all ten were asked.

    Args:
        seeds: what each seed's model gave under one protocol.

    Raises:
        DataError: there is no scored question, or predictions do not fit their questions.
    """
    definition = seeds[0].definition
    found = cells(results(definition, _means(seeds)), FAMILY, definition, ENGLISH)
    average = next((cell for cell in found if cell.column == AVERAGES[FAMILY]), None)
    if average is None:
        return None
    named = _named(f"{definition}, protocol {seeds[0].protocol.id}", len(seeds))
    return Result("accuracy", named, "macro", ENGLISH, average.estimate, average.n_unscored)


def mbench_difference(
    first: Sequence[Sequence[Judged]], second: Sequence[Sequence[Judged]], language: str
) -> Comparison:
    """First minus second variant on the same questions; a difference of relative scores, clustered by figure.

    Raises:
        DataError: the judges differ, or the two were not asked the same.
    """
    ours, theirs = ([one for one in _as_draws(seeds) if one.row.language == language] for seeds in (first, second))
    return next(one.comparison for one in mbench.resolved(ours, theirs) if one.kind == "all")


def clinical_difference(first: Sequence[Examined], second: Sequence[Examined]) -> Comparison:
    """First minus second variant in the mean over the ten sets, question by question.

    Raises:
        DataError: the two were not asked the same questions.
    """
    ours, theirs = ({(one.kind, one.sample_id): one.value for one in _means(seeds)} for seeds in (first, second))
    if ours.keys() != theirs.keys():
        raise DataError(
            f"{len(ours.keys() ^ theirs.keys())} questions were asked of one variant only; compare both on the same"
        )
    asked = [place for place in ours if ours[place] is not None and theirs[place] is not None]
    return compare_macro([ours[one] for one in asked], [theirs[one] for one in asked], [kind for kind, _ in asked])


def _as_draws(seeds: Sequence[Sequence[Judged]]) -> list[Judged]:
    """The paper's verdict on each answer, numbered by seed as if the judge had been asked so often."""
    return [
        replace(one, repeat=number)
        for number, judged in enumerate(seeds)
        for one in judged
        if (one.order, one.repeat) == ("reference_first", 0)
    ]


def _means(seeds: Sequence[Examined]) -> list[Score]:
    """Each English question of Table 2's sets once, with its mean over the seeds that have a score."""
    found: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for examined in seeds:
        for one in graded(examined)[examined.definition]:
            if one.language == ENGLISH and FAMILY in SETS[one.kind].columns:
                found[one.kind, one.sample_id].append(one)
    return [replace(scores[0], value=_mean([one.value for one in scores])) for scores in found.values()]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _named(definition: str, n_seeds: int) -> str:
    return definition if n_seeds == 1 else f"{definition}; mean of {n_seeds} seeds"
