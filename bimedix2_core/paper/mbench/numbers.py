"""Numbers of BiMed-MBench: tables, marks of plots, and cells of the exhibits."""

import warnings
from collections.abc import Mapping, Sequence

from bimedix2_core.bench import mbench
from bimedix2_core.bench.judge import count_problems
from bimedix2_core.bench.language_fidelity import IN_LANGUAGE, MIXED, fidelity
from bimedix2_core.bench.mbench import Judged
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.bench.task import Result
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import Exhibit
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.mbench.questions import TITLES
from bimedix2_core.paper.measured import Measured
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES
from bimedix2_core.runs import Run

TABLE8 = "bimed_mbench_ar_overall"


def scored(judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[Result]]:
    """Every metric of every model, and the language of its answers, each counted once; n and images stand beside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return {row: mbench.results(ours) + _spoken(ours) for row, ours in judged.items()}


def answer_table(judged: Sequence[Judged], *, n: int = 8) -> Table:
    """Some answers with their scores, evenly from the whole list."""
    step = max(1, len(judged) // n) | 1
    shown = tuple(
        (mbench.question_of(one.row), mbench.reference_of(one.row), one.answer or "(nothing)",
         f"{one.reference_score:g}" if one.is_scored else "unscored", f"{one.answer_score:g}" if one.is_scored else "")
        for one in judged[::step][:n]
    )  # fmt: skip
    columns = ("question", "reference", "answer", "reference score", "answer score")
    return Table(columns, shown, f"{name_of(judged)}: some answers")


def judge_word(judged: Mapping[str, Sequence[Judged]]) -> str:
    """Name of the judge, without version."""
    return next(iter(judged.values()))[0].judge.partition(",")[0]


def arabic(judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[Judged]]:
    """The verdicts on the Arabic answers, by row; the first of each question, in their order."""
    return {row: [one for one in _once(ours) if one.row.language == "ar"] for row, ours in judged.items()}


def name_of(judged: Sequence[Judged]) -> str:
    """Name of the set that was answered; a stand-in says that it is one."""
    return title_of([judged[0].row])


def result_table(judged: Mapping[str, Sequence[Judged]], found: Mapping[str, Sequence[Result]]) -> Table:
    """The relative score over all questions under every definition, and the other metrics, of each model.

    Args:
        judged: verdicts by row.
        found: what `scored` made of them.
    """
    rows = tuple(
        (row, language_name(one.language), one.metric, one.definition, *_scaled(one), one.estimate.n,
         one.estimate.n_clusters, one.n_unscored)
        for row, results in found.items()
        for one in results
        if one.kind == "all"
    )  # fmt: skip
    columns = ("model", "language", "metric", "definition", "value", "from", "to", "n", "images", "unscored")
    name = name_of(next(iter(judged.values())))
    return Table(columns, rows, f"{name} under every definition; relative scores and shares times 100")


def group_marks(found: Mapping[str, Sequence[Result]], language: str) -> list[Mark]:
    """The relative score of each model by type and domain, as marks of a dot plot; mean of ratios, all domains."""
    return [
        Mark(row, TITLES[one.kind], one.estimate)
        for row, results in found.items()
        for one in relative(results, language)
    ]


def definition_marks(found: Sequence[Result], language: str) -> list[Mark]:
    """One model's relative score under each definition, by type and overall."""
    return [
        Mark(one.definition.partition(";")[0], TITLES[one.kind], one.estimate)
        for one in found
        if one.metric == mbench.RELATIVE
        and one.language == language
        and one.kind in ("all", *mbench.TYPES)
        and mbench.FIRST_DOMAIN not in one.definition
    ]


def table_cells(
    run: Run, exhibit: Exhibit, answered: Sequence[Answered], found: Mapping[str, Sequence[Result]], language: str
) -> list[Measured]:
    """The relative scores of every model in one language, as cells of Table 3, Table 4 or Figure 1.

    Args:
        run: of the notebook.
        exhibit: where they belong; Figure 1 has an Arabic column for each domain.
        answered: each model, and what it was asked.
        found: results by row.
        language: ``en`` or ``ar``.
    """
    suffix = "_ar" if exhibit.id == "fig01" and language == "ar" else ""
    known = {column.id for column in exhibit.columns}
    cells = []
    for one in answered:
        columns = {
            mbench.COLUMNS[result.kind] + suffix: result
            for result in _named(found[one.row], language, mbench.AS_PUBLISHED)
        }
        cells += result_cells(run, exhibit, one, {name: each for name, each in columns.items() if name in known})
    return cells


def translation_cells(
    run: Run, exhibit: Exhibit, answered: Sequence[Answered], found: Mapping[str, Sequence[Result]]
) -> list[Measured]:
    """The Arabic score over all questions of every row of Table 8."""
    return [
        cell
        for one in answered
        for result in _named(found[one.row], "ar", mbench.AS_PUBLISHED)
        if result.kind == "all"
        for cell in result_cells(run, exhibit, one, {TABLE8: result})
    ]


def way_table(ways: Mapping[str, Sequence[mbench.TranslatedAnswer]], *, n: int = 4) -> Table:
    """Some questions on their way through English and back, and how many got no answer, by row."""
    columns = ("row", "asked", "in English", "answered", "in Arabic")
    rows, without = [], []
    for row, answers in ways.items():
        step = max(1, len(answers) // n)
        rows += [
            (row, one.question, one.english_question, one.english_answer, one.answer or f"(nothing: {one.problem})")
            for one in answers[::step][:n]
        ]
        without.append(f"{row}: {sum(not one.answer for one in answers)} of {len(answers)} without an answer")
    return Table(columns, tuple(rows), f"There and back; {'; '.join(without)}")


def problem_line(judged: Mapping[str, Sequence[Judged]]) -> str:
    """How many verdicts could not be read, and why."""
    verdicts = [one for ours in judged.values() for one in ours]
    problems = count_problems(one.problem for one in verdicts if not one.is_scored)
    said = ", ".join(f"{reason}: {count}" for reason, count in problems.items()) or "none"
    return f"{len(verdicts):,} verdicts by {judge_word(judged)}, not read: {said}"


def summary(found: Mapping[str, Sequence[Result]]) -> dict[str, float]:
    """The relative scores by model, language and kind of question, for run.json; mean of ratios, all domains."""
    return {
        f"{row} {language} {TITLES[one.kind]}": one.estimate.value
        for row, results in found.items()
        for language in LANGUAGES
        for one in relative(results, language)
    }


def relative(found: Sequence[Result], language: str) -> list[Result]:
    """Mean of ratios; a question with two domains counts in both."""
    named = _named(found, language, mbench.MEAN_OF_RATIOS)
    return [one for one in named if mbench.FIRST_DOMAIN not in one.definition]


def _named(found: Sequence[Result], language: str, definition: str) -> list[Result]:
    return [
        one
        for one in found
        if one.metric == mbench.RELATIVE and one.language == language and one.definition.startswith(definition)
    ]


def _spoken(judged: Sequence[Judged]) -> list[Result]:
    """The language of each answer, however often it was judged."""
    answers = _once(judged)
    found = fidelity([one.row.language for one in answers], [one.answer for one in answers])
    return [one for one in found if one.metric in (IN_LANGUAGE, MIXED)]


def _once(judged: Sequence[Judged]) -> list[Judged]:
    """The first verdict on each answer."""
    found: dict[tuple[str, str], Judged] = {}
    for one in judged:
        found.setdefault((one.row.language, one.row.id), one)
    return list(found.values())


def _scaled(one: Result) -> tuple[float, float, float]:
    scale = 1.0 if one.metric == mbench.FIRST_PLACE else 100.0
    return scale * one.estimate.value, scale * one.estimate.low, scale * one.estimate.high
