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
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES
from bimedix2_core.runs import Run

TABLE8 = "bimed_mbench_ar_overall"


def scored(judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[Result]]:
    """Every metric of every model, and the language of its answers; n and images stand in the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewClustersWarning)
        return {row: mbench.results(ours) + _spoken(ours) for row, ours in judged.items()}


def answer_table(judged: Sequence[Judged], *, n: int = 8) -> Table:
    """Some answers with their scores, evenly from the whole list."""
    step = max(1, len(judged) // n) | 1
    shown = tuple(
        (mbench.question_of(one.row), mbench.reference_of(one.row), one.answer or "(nothing)", one.reference_score,
         one.answer_score)
        for one in judged[::step][:n]
    )  # fmt: skip
    return Table(("question", "reference", "answer", "reference score", "answer score"), shown, "Some answers")


def judge_word(judged: Mapping[str, Sequence[Judged]]) -> str:
    """Name of the judge, without version."""
    return next(iter(judged.values()))[0].judge.partition(",")[0]


def arabic(judged: Mapping[str, Sequence[Judged]]) -> dict[str, list[Judged]]:
    """The verdicts on the Arabic answers, by row; the first of each question."""
    return {
        row: list({one.row.id: one for one in reversed(ours) if one.row.language == "ar"}.values())[::-1]
        for row, ours in judged.items()
    }


def result_table(found: Mapping[str, Sequence[Result]]) -> Table:
    """The relative score over all questions under every definition, and the other metrics, of each model."""
    rows = tuple(
        (row, language_name(one.language), one.metric, one.definition, *_scaled(one), one.estimate.n,
         one.estimate.n_clusters, one.n_unscored)
        for row, results in found.items()
        for one in results
        if one.kind == "all"
    )  # fmt: skip
    columns = ("model", "language", "metric", "definition", "value", "from", "to", "n", "images", "unscored")
    return Table(columns, rows, "BiMed-MBench under every definition; relative scores and shares times 100")


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


def share_table(found: Mapping[str, Sequence[Result]]) -> Table:
    """How often each model is better than, as good as, or worse than the reference."""
    rows = [
        (row, language_name(one.language), one.metric, *_scaled(one), one.estimate.n)
        for row, results in found.items()
        for one in results
        if one.metric in (mbench.WIN, mbench.TIE, mbench.LOSS) and one.kind == "all"
    ]
    return Table(("model", "language", "", "percent", "from", "to", "n"), tuple(rows), "Against the reference answer")


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
        columns = {mbench.COLUMNS[result.kind] + suffix: result for result in _papers(found[one.row], language)}
        cells += result_cells(run, exhibit, one, {name: each for name, each in columns.items() if name in known})
    return cells


def translation_cells(
    run: Run, exhibit: Exhibit, answered: Sequence[Answered], found: Mapping[str, Sequence[Result]]
) -> list[Measured]:
    """The Arabic score over all questions of every row of Table 8."""
    return [
        cell
        for one in answered
        for result in _papers(found[one.row], "ar")
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
    """The relative scores over all questions by model and language, for run.json."""
    return {
        f"{row} {language} {TITLES[one.kind]}": one.estimate.value
        for row, results in found.items()
        for language in LANGUAGES
        for one in relative(results, language)
    }


def relative(found: Sequence[Result], language: str) -> list[Result]:
    """Mean of ratios; a question with two domains counts in both."""
    return [one for one in _named(found, language) if mbench.FIRST_DOMAIN not in one.definition]


def _papers(found: Sequence[Result], language: str) -> list[Result]:
    """Mean of ratios; a question with two domains counts in the first, as the paper counts it."""
    domains = [
        one for one in _named(found, language) if mbench.FIRST_DOMAIN in one.definition and one.kind in mbench.DOMAINS
    ]
    others = [one for one in relative(found, language) if one.kind not in mbench.DOMAINS]
    return [*others, *domains]


def _named(found: Sequence[Result], language: str) -> list[Result]:
    return [
        one
        for one in found
        if one.metric == mbench.RELATIVE
        and one.language == language
        and one.definition.startswith(mbench.MEAN_OF_RATIOS)
    ]


def _spoken(judged: Sequence[Judged]) -> list[Result]:
    found = fidelity([one.row.language for one in judged], [one.answer for one in judged])
    return [one for one in found if one.metric in (IN_LANGUAGE, MIXED)]


def _scaled(one: Result) -> tuple[float, float, float]:
    scale = 1.0 if one.metric == mbench.FIRST_PLACE else 100.0
    return scale * one.estimate.value, scale * one.estimate.low, scale * one.estimate.high
