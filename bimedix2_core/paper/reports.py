"""Radiology reports, their metrics and what was not run, as a notebook shows them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from bimedix2_core.bench.floors import Floor, lines
from bimedix2_core.bench.radiology_reports import radcliq
from bimedix2_core.bench.radiology_reports.measured import OURS, NotMeasured
from bimedix2_core.bench.radiology_reports.overlap import multimedeval_rouge, rouge
from bimedix2_core.bench.radiology_reports.private import shown
from bimedix2_core.bench.radiology_reports.protocols import Protocol, findings_of, protocols, reference_of
from bimedix2_core.bench.radiology_reports.results import results
from bimedix2_core.bench.radiology_reports.sizes import size_remark
from bimedix2_core.bench.radiology_reports.table import (
    ASSUMPTION,
    COLUMNS,
    RAW,
    assumed_rescaled,
    rescaled_radcliq,
    table_columns,
)
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Row, n_images
from bimedix2_core.runs import Run
from bimedix2_core.statistics import Estimate

Found = Sequence[Result | NotMeasured]

TITLES = {"mimic_cxr": "MIMIC-CXR", "mimic_iii": "MIMIC-III", "iu_xray": "IU X-ray"}
TASKS = {"report_generation": "images to findings", "report_summarisation": "findings to impression"}

PLOTTED = ("BLEU-1", "ROUGE-L")

ARABIC = (
    "\u0644\u0627 \u064a\u0648\u062c\u062f \u062f\u0644\u064a\u0644 \u0639\u0644\u0649 "
    "\u0627\u0644\u062a\u0647\u0627\u0628 \u0631\u0626\u0648\u064a \u062d\u0627\u062f"
)
"""No evidence of acute pneumonia."""


def title_of(rows: Sequence[Row]) -> str:
    """Name of a set, as the paper spells it; a stand-in says that it is one."""
    return TITLES.get(rows[0].source, rows[0].source)


def set_table(sets: Mapping[str, Sequence[Row]], left_out: Mapping[str, Mapping[str, int]]) -> Table:
    """What is measured: reports of each set, what is asked, what was left out and how the published size compares."""
    cells = tuple(
        (title_of(rows), TASKS[rows[0].task], " and ".join(dict.fromkeys(language_name(row.language) for row in rows)),
         len(rows), ", ".join(f"{count:,} {reason}" for reason, count in left_out.get(name, {}).items()) or "none",
         size_remark(rows) or ("as published" if rows[0].source in TITLES else "drawn"))
        for name, rows in sets.items()
    )  # fmt: skip
    return Table(("set", "task", "language", "reports", "left out", "size"), cells, "Reports")


def report_table(sets: Mapping[str, Sequence[Row]], *, may_show: bool) -> Table:
    """One report of each set and language; of credentialed ones only hashes, unless the profile allows more."""
    cells = []
    for rows in sets.values():
        for row in {row.language: row for row in reversed(rows)}.values():
            given = f"{n_images(row.messages)} images" if n_images(row.messages) else findings_of(row)
            texts = (shown(row, text, may_show=may_show) for text in (given, reference_of(row)))
            cells.append((title_of(rows), *texts))
    return Table(("set", "given", "expected"), tuple(cells), "One report of each")


def protocol_table(asked: Mapping[tuple[str, str], Protocol]) -> Table:
    """Every protocol, and which are used here."""
    used = {one.id for one in asked.values()}
    cells = tuple(
        (one.id, TASKS[one.task], language_name(one.language), one.request, one.origin, "yes" if one.id in used else "")
        for one in protocols().values()
    )
    return Table(("protocol", "task", "language", "request", "whose", "used"), cells, "How a report is asked for")


def tokenizer_table() -> Table:
    """ROUGE of an Arabic sentence against itself: with the published tokenizer, and with ours."""
    shorter = " ".join(ARABIC.split()[:-1])
    cells = tuple(
        (words, said or "(nothing)", multimedeval_rouge(said, ARABIC)["ROUGE-L"], rouge(said, ARABIC)["ROUGE-L"])
        for words, said in (("the reference itself", ARABIC), ("without its last word", shorter), ("nothing", ""))
    )
    return Table(("answer", "text", "ROUGE-L, published tokenizer", "ROUGE-L, ours"), cells, "Arabic and a tokenizer")


def answer_table(sets: Mapping[str, Sequence[Row]], written: Mapping[str, Any], *, may_show: bool, n: int = 3) -> Table:
    """Some answers of one model beside what was expected, evenly from each set (``respondents.Written`` by set)."""
    cells = []
    for name, rows in sets.items():
        pairs = list(zip(rows, written[name].texts, strict=True))
        step = max(1, len(pairs) // n)
        cells += [
            (title_of(rows), *(shown(row, one, may_show=may_show) or "(nothing)" for one in (reference_of(row), text)))
            for row, text in pairs[step // 2 :: step][:n]
        ]
    return Table(("set", "expected", "written"), tuple(cells), "Some answers")


def result_table(found: Mapping[tuple[str, str], Found]) -> Table:
    """Every metric under every definition, by model and set; what was not run says what it needs."""
    cells = []
    for (model, name), metrics in found.items():
        for one in metrics:
            numbers = _numbers(one) if isinstance(one, Result) else (None, None, None, None)
            why = "" if isinstance(one, Result) else one.why
            cells.append((TITLES[name], model, language_name(one.language), one.metric, one.definition, *numbers, why))
    columns = ("set", "model", "language", "metric", "definition", "value", "from", "to", "n", "no number because")
    return Table(columns, tuple(cells), "Reports under every definition")


def overview_table(found: Mapping[tuple[str, str], Found], model: str) -> Table:
    """One model's metrics side by side for each set and language; what has no number says why."""
    places: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    keys: dict[tuple[str, str], None] = {}
    for (who, name), metrics in found.items():
        for one in metrics:
            if who == model:
                key = (one.metric, one.definition)
                said = _said(one.estimate) if isinstance(one, Result) else one.why
                places.setdefault((name, one.language), {})[key] = said
                keys[key] = None
    heads = [f"{TITLES[name]}, {language_name(language)}" for name, language in places]
    cells = tuple((*key, *(place.get(key, "") for place in places.values())) for key in keys)
    return Table(("metric", "definition", *heads), cells, f"Metrics of {model}: value, and 95% interval")


def marks(found: Mapping[tuple[str, str], Found]) -> list[Mark]:
    """BLEU-1 and ROUGE-L of each model, set and language, as marks of a dot plot; our definition."""
    return [
        Mark(model, f"{TITLES[name]}, {language_name(one.language)}: {one.metric}", one.estimate)
        for (model, name), metrics in found.items()
        for one in metrics
        if isinstance(one, Result) and one.definition == OURS and one.metric in PLOTTED
    ]


def column_table(found: Mapping[tuple[str, str], Found], name: str) -> Table:
    """What stands in the columns of the paper's table for one set, what cannot, and what is assumed instead."""
    cells = []
    for (model, set_id), metrics in found.items():
        if set_id != name:
            continue
        columns = table_columns(metrics)
        columns += [assumed_rescaled(cell) for cell in columns if cell.column in RAW]
        cells += [
            (model, cell.column, cell.estimate.value if cell.estimate else None, cell.why or cell.definition)
            for cell in columns
        ]
    return Table(("model", "column", "value", "definition, or why there is none"), tuple(cells), TITLES[name])


def radcliq_table() -> Table:
    """RadCliQ-v1 at its two ends and between, raw and on the assumed line."""
    names = radcliq.feature_names()
    points = (("all features 0", [0.0] * len(names)), ("all features 1/2", [0.5] * len(names)),
              ("all features 1", [1.0] * len(names)))  # fmt: skip
    cells = []
    for words, values in points:
        raw = radcliq.radcliq_v1({name: [value] for name, value in zip(names, values, strict=True)})
        cells.append((words, float(raw[0]), float(rescaled_radcliq(raw)[0])))
    return Table(("", "RadCliQ-v1, lower is better", "on the assumed line"), tuple(cells), ASSUMPTION)


def table_cells(
    run: Run, exhibit: Exhibit, answered: Sequence[Answered], found: Mapping[str, Found]
) -> list[Measured]:  # fmt: skip
    """What of the results stands in the columns of Table 6 or 7; what was not run has no cell.

    Args:
        run: of the notebook.
        exhibit: Table 6 or 7.
        answered: each model and the reports it was asked for.
        found: English results by row.
    """
    cells = []
    for one in answered:
        by_name = {(each.metric, each.definition): each for each in found[one.row] if each.language == "en"}
        columns = {column: by_name[key] for column, key in COLUMNS.items()}
        cells += result_cells(
            run, exhibit, one, {column: each for column, each in columns.items() if isinstance(each, Result)}
        )
    return cells


def floors(
    sets: Mapping[str, Sequence[Row]], found: Mapping[tuple[str, str], Found], *, trained: str, base: str
) -> str:
    """What has to hold on every machine."""
    sentences = []
    for name, rows in sets.items():
        perfect = quiet_results(rows, [reference_of(row) for row in rows])
        ours = [one.estimate.value for one in perfect if isinstance(one, Result) and one.definition == OURS]
        at_one = [value for value in ours if value] and min(value for value in ours if value) == 1.0
        sentences.append(Floor(f"{title_of(rows)}: references score 1 in our metrics, in each language", bool(at_one)))
        if rows[0].task == "report_generation":
            after, before = (_estimate(found[model, name], "ROUGE-L") for model in (trained, base))
            words = f"{title_of(rows)}: ROUGE-L rises with training, intervals apart"
            sentences.append(Floor(words, after.low > before.high))
    zeros = [one for metrics in found.values() for one in metrics if isinstance(one, NotMeasured)]
    sentences.append(Floor("what was not run has no number", all(one.why for one in zeros)))
    return lines(sentences)


def quiet_results(rows: Sequence[Row], texts: Sequence[str]) -> Found:
    """Text metrics of reports; how many patients a number rests on stands in the table, so no warning is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return results(rows, texts)


def summary(found: Mapping[tuple[str, str], Found]) -> dict[str, float]:
    """ROUGE-L, ours, by model, set and language, for run.json."""
    return {
        f"{model} {TITLES[name]} {one.language} ROUGE-L": one.estimate.value
        for (model, name), metrics in found.items()
        for one in metrics
        if isinstance(one, Result) and (one.metric, one.definition) == ("ROUGE-L", OURS)
    }


def _estimate(metrics: Found, metric: str) -> Estimate:
    return next(
        one.estimate
        for one in metrics
        if isinstance(one, Result) and (one.metric, one.definition, one.language) == (metric, OURS, "en")
    )


def _numbers(one: Result) -> tuple[float | int, ...]:
    return one.estimate.value, one.estimate.low, one.estimate.high, one.estimate.n


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
