"""Numbers of reports: every metric under every definition, what was not run, and what must hold."""

import warnings
from collections.abc import Mapping, Sequence

from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.radiology_reports.measured import OURS, NotMeasured
from bimedix2_core.bench.radiology_reports.protocols import reference_of
from bimedix2_core.bench.radiology_reports.results import EMPTY, results
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Row
from bimedix2_core.statistics import Estimate

Sets = Mapping[str, Sequence[Row]]
"""Reports by set."""

Found = Sequence[Result | NotMeasured]
"""Metrics of one model on one set."""

AllFound = Mapping[tuple[str, str], Found]
"""By model and set."""

PLOTTED = ("BLEU-1", "ROUGE-L")


def result_table(sets: Sets, found: AllFound) -> Table:
    """Every metric under every definition, by model and set; what was not run says what it needs."""
    cells = []
    for (model, name), metrics in found.items():
        for one in metrics:
            numbers = _numbers(one) if isinstance(one, Result) else (None, None, None, None)
            why = "" if isinstance(one, Result) else one.why
            cells.append(
                (title_of(sets[name]), model, language_name(one.language), one.metric, one.definition, *numbers, why)
            )
    columns = ("set", "model", "language", "metric", "definition", "value", "from", "to", "n", "no number because")
    return Table(columns, tuple(cells), "Reports under every definition")


def overview_table(sets: Sets, found: AllFound, model: str) -> Table:
    """One model's metrics side by side for each set and language; what has no number says so, and why in `reasons`."""
    places: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    keys: dict[tuple[str, str], None] = {}
    for (who, name), metrics in found.items():
        for one in metrics:
            if who == model:
                key = (one.metric, one.definition)
                said = _said(one.estimate) if isinstance(one, Result) else one.why.partition(":")[0]
                places.setdefault((name, one.language), {})[key] = said
                keys[key] = None
    heads = [f"{title_of(sets[name])}, {language_name(language)}" for name, language in places]
    cells = tuple((*key, *(place.get(key, "") for place in places.values())) for key in keys)
    return Table(("metric", "definition", *heads), cells, f"Metrics of {model}: value, and 95% interval")


def reasons(found: AllFound) -> str:
    """Why metrics have no number, a line for each reason."""
    metrics: dict[str, dict[str, None]] = {}
    for measured in found.values():
        for one in measured:
            if isinstance(one, NotMeasured):
                metrics.setdefault(one.why, {})[one.metric] = None
    return "\n".join(f"{', '.join(names)}: {why}" for why, names in metrics.items())


def marks(sets: Sets, found: AllFound) -> list[Mark]:
    """BLEU-1 and ROUGE-L of each model, set and language, as marks of a dot plot; our definition."""
    return [
        Mark(model, f"{title_of(sets[name])}, {language_name(one.language)}: {one.metric}", one.estimate)
        for (model, name), metrics in found.items()
        for one in metrics
        if isinstance(one, Result) and one.definition == OURS and one.metric in PLOTTED
    ]


def floors(sets: Sets, found: AllFound, *, trained: str, base: str) -> str:
    """What has to hold on every machine.

    Args:
        sets: reports by set.
        found: results by model and set.
        trained: the model after training.
        base: before it; the same where nothing was trained, and then nothing needs to rise.
    """
    sentences = []
    for name, rows in sets.items():
        sentences.append(
            Floor(
                f"{title_of(rows)}: references score 1 in our metrics, in each language", min(_of_references(rows)) == 1
            )
        )
        if rows[0].task == "report_generation" and trained != base:
            after, before = (_estimate(found[model, name], "ROUGE-L") for model in (trained, base))
            words = f"{title_of(rows)}: ROUGE-L rises with training, intervals apart"
            sentences.append(Floor(words, after.low > before.high))
    sentences.append(Floor("what was not run has no number", all(map(_has_number_or_reason, found.values()))))
    return lines(sentences)


def summary(sets: Sets, found: AllFound) -> dict[str, float]:
    """ROUGE-L, ours, by model, set and language, for run.json."""
    return {
        f"{model} {title_of(sets[name])} {one.language} ROUGE-L": one.estimate.value
        for (model, name), metrics in found.items()
        for one in metrics
        if isinstance(one, Result) and (one.metric, one.definition) == ("ROUGE-L", OURS)
    }


def _of_references(rows: Sequence[Row]) -> list[float]:
    """Our overlap metrics of the references themselves; how many are empty is no such metric."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        found = results(rows, [reference_of(row) for row in rows])
    return [
        one.estimate.value
        for one in found
        if isinstance(one, Result) and one.definition == OURS and one.metric != EMPTY
    ]


def _has_number_or_reason(metrics: Found) -> bool:
    """Whether no metric has both a number and a reason for having none, and no reason is missing."""
    measured = {(one.metric, one.definition, one.language) for one in metrics if isinstance(one, Result)}
    others = [one for one in metrics if isinstance(one, NotMeasured)]
    return all(one.why and (one.metric, one.definition, one.language) not in measured for one in others)


def _estimate(metrics: Found, metric: str) -> Estimate:
    """Of our definition in English."""
    return next(
        one.estimate
        for one in metrics
        if isinstance(one, Result) and (one.metric, one.definition, one.language) == (metric, OURS, "en")
    )


def _numbers(one: Result) -> tuple[float | int, ...]:
    return one.estimate.value, one.estimate.low, one.estimate.high, one.estimate.n


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
