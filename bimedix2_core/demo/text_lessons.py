"""Text lessons: what notebook 06 shows beside the tables of the paper, small enough to be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from IPython.display import display

from bimedix2_core.bench import stored_runs
from bimedix2_core.bench.clinical_qa.examined import Examined, accuracies, measured
from bimedix2_core.bench.clinical_qa.orders import orders, robustness
from bimedix2_core.bench.clinical_qa.protocols import compared
from bimedix2_core.bench.clinical_qa.reading import read_set
from bimedix2_core.bench.clinical_qa.scoring import grade_options
from bimedix2_core.bench.clinical_qa.sets import SETS
from bimedix2_core.bench.clinical_qa.tables import BILINGUAL
from bimedix2_core.bench.floors import LANGUAGE_NAMES, Floor, is_above, lines
from bimedix2_core.bench.statistics import resolution
from bimedix2_core.data.alignment import Audit, audit
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.multiple_choice import LETTERS
from bimedix2_core.demo.clinical_sets import N_OPTIONS, Planted, planted
from bimedix2_core.paper import clinical
from bimedix2_core.paper.figures.forest import forest, resolution_curve
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.params import Params, root
from bimedix2_core.records import LANGUAGES, Row
from bimedix2_core.statistics import Estimate

MEASURES = ("Brier score", "calibration error")

ABSENT = "not here: {place} is not there; put the published sets beside the repository to see this part"

MMLU = "MMLU-medical"
RUNS = "mmlu_medical_ar_predictions"


@dataclass(frozen=True)
class PlantedAudit:
    """An audit of a copy in which some rows were spoilt on purpose."""

    planted: Planted
    audit: Audit

    @property
    def sentence(self) -> str:
        """How many of the spoilt rows were found, and how many others."""
        found, spoilt = set(self.audit.not_translations), set(self.planted.ids)
        return (
            f"{len(found & spoilt)} of {len(spoilt)} spoilt rows found among {len(self.planted.rows)}; "
            f"{len(found - spoilt)} others called no translations"
        )


def short_question(sets: Mapping[str, Sequence[Row]], language: str) -> Row:
    """The shortest question of the first set that has this language."""
    rows = next(rows for rows in sets.values() if any(row.language == language for row in rows))
    return min((row for row in rows if row.language == language), key=lambda row: len(str(row.messages)))


def answers_to(row: Row) -> list[str]:
    """Some ways to answer a question: plainly, in words, with a trap, by refusing, not at all."""
    other = LETTERS[(LETTERS.index(row.answer) + 1) % len(row.choices)]
    right = row.choices[LETTERS.index(row.answer)]
    return [
        row.answer,
        f"The answer is {row.answer}.",
        f"{row.answer}. {right}",
        right,
        f"Certainly not {other}: the answer is ({row.answer}).",
        "I cannot answer medical questions.",
        "",
    ]


def planted_audit(sets: Mapping[str, Sequence[Row]], *, share: float, seed: int) -> PlantedAudit:
    """The audit of all four-option sets together, a share of their Arabic rows replaced by one prompt example."""
    rows = [row for questions in sets.values() for row in questions if len(row.choices) == N_OPTIONS]
    spoilt = planted(rows, share, seed)
    english = [row for row in rows if row.language == "en"]
    return PlantedAudit(spoilt, audit(english, spoilt.rows))


def chance(sets: Mapping[str, Sequence[Row]]) -> float:
    """What guessing reaches as mean over the sets."""
    shares = [sum(1 / len(row.choices) for row in rows) / len(rows) for rows in sets.values()]
    return sum(shares) / len(shares)


def of_protocol(examined: Mapping[tuple[str, str], Examined], protocol: str) -> list[Examined]:
    """Every model under one protocol, in their order."""
    return [one for (_, used), one in examined.items() if used == protocol]


def not_translations(audits: Mapping[str, Audit]) -> frozenset[str]:
    """Ids that an audit of any set found to be no translations."""
    return frozenset(id for audit_ in audits.values() for id in audit_.not_translations)


def bilingual_table(examined: Sequence[Examined]) -> Table:
    """Accuracy of the last model by set: English, Arabic, and their mean."""
    last = examined[-1]
    found = {(result.kind, result.language): result.estimate for result in accuracies(last)}
    titles = {row.kind: clinical.title_of(row) for row in last.rows}
    kinds = [kind for kind in dict.fromkeys(kind for kind, _ in found) if kind in SETS or kind == "macro"]
    rows = [
        (titles.get(kind, "mean over sets"),
         *(_interval_text(found.get((kind, language))) for language in ("en", "ar", BILINGUAL)))
        for kind in kinds
    ]  # fmt: skip
    return Table(
        ("set", "English", "Arabic", "both"), tuple(rows), f"{last.row}, protocol {last.protocol.id}: accuracy"
    )


def moved_questions(sets: Mapping[str, Sequence[Row]], set_id: str) -> tuple[Row, ...]:
    """The questions of one set in every cyclic order of their options."""
    return orders(sets[set_id])


def beside_table(examined: Examined, moved: Examined) -> Table:
    """Calibration over all sets, and what changes when options change places, by language."""
    found = [result for result in measured(examined) if result.metric in MEASURES]
    rows = []
    for language in LANGUAGES:
        of_language = [result for result in found if result.language == language]
        means = [
            sum(result.estimate.value for result in of_language if result.metric == metric)
            / max(1, sum(result.metric == metric for result in of_language))
            for metric in MEASURES
        ]
        asked = [
            (row, scores) for row, scores in zip(moved.rows, moved.predictions, strict=True) if row.language == language
        ]
        letters = [grade_options(row, scores, compared(row, moved.protocol)).prediction for row, scores in asked]
        order = robustness([row for row, _ in asked], letters)
        favourite = max(order.letters, key=lambda share: share.chosen.value)
        rows.append((language_name(language), *means, order.accuracy.value, order.alike.value,
                     f"{favourite.letter}, in {100 * favourite.chosen.value:.0f}% of all orders"))  # fmt: skip
    columns = (
        "language",
        "Brier score, mean over sets",
        "calibration error, mean over sets",
        f"accuracy in all orders ({moved.protocol.id})",
        "same option in every order",
        "favourite letter",
    )
    return Table(columns, tuple(rows), f"{examined.row}: beside accuracy")


def clinical_floors(
    examined: Mapping[tuple[str, str], Examined], sets: Mapping[str, Sequence[Row]], protocols: Sequence[str]
) -> str:
    """What the last model has to reach: above chance under the first protocol, and above itself under the second."""
    row = list(examined)[-1][0]
    first, second = (means_of(examined[row, protocol]) for protocol in protocols[:2])
    guessing = chance(sets)
    floors = [
        Floor(f"mean over sets above chance under {protocols[0]} in {name}, interval included",
              first[language].low > guessing)
        for language, name in LANGUAGE_NAMES.items()
    ]  # fmt: skip
    floors += [
        Floor(f"the same model is better under {protocols[0]} than under {protocols[1]} in {name}, intervals apart",
              is_above(first[language], second[language]))
        for language, name in LANGUAGE_NAMES.items()
    ]  # fmt: skip
    return lines(floors)


def means_of(examined: Examined) -> dict[str, Estimate]:
    """Mean over sets by language."""
    return {result.language: result.estimate for result in accuracies(examined) if result.kind == "macro"}


def summary(examined: Sequence[Examined]) -> dict[str, float]:
    """The mean accuracies by model and language, for run.json."""
    return {f"{one.row} {language}": mean.value for one in examined for language, mean in means_of(one).items()}


# --- published sets --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """The published question sets of a folder; none where it is not there."""

    folder: Path
    sets: dict[str, tuple[Row, ...]]
    """By name; English and Arabic rows of one set together."""

    @property
    def mmlu_audit(self) -> Audit:
        """The alignment audit of the Arabic MMLU."""
        rows = self.sets[MMLU]
        return audit([row for row in rows if row.language == "en"], [row for row in rows if row.language == "ar"])


def published_sets(params: Params) -> Published:
    """PubMedQA's official 500, medical MMLU in both languages and Apollo's development set, where they are.

    Raises:
        DataError: a set is there, and is not whole.
    """
    named = params.benchmarks.clinical_qa.published
    folder = root() / (named or "none")
    if named is None or not folder.is_dir():
        return Published(folder, {})
    mmlu = [
        row
        for language in LANGUAGES
        for one in SETS.values()
        if one.form == "mmlu"
        for row in read_set(one.id, folder / f"mmlu_medical_{language}", language)
    ]
    return Published(
        folder,
        {
            "PubMedQA": read_set("pubmedqa", folder / "pubmedqa", "en"),
            MMLU: tuple(mmlu),
            "Apollo, development": read_set("apollo_dev", folder / "apollo", "en"),
        },
    )


def published_table(published: Published, answered: Mapping[str, Examined]) -> Table:
    """Accuracy of the model on each published set; on the Arabic MMLU with and without the rows that are none."""
    if not answered:
        return _absent(published)
    excluded = {MMLU: frozenset(published.mmlu_audit.not_translations)}
    rows = []
    for name, one in answered.items():
        for result in accuracies(one, excluded=excluded.get(name, frozenset())):
            if result.kind in ("pubmedqa", "apollo_dev", "micro") and result.language in LANGUAGES:
                estimate = result.estimate
                rows.append((name, language_name(result.language), result.definition, estimate.value, estimate.low,
                             estimate.high, estimate.n))  # fmt: skip
    columns = ("set", "language", "definition", "accuracy", "from", "to", "n")
    return Table(columns, tuple(rows), "The demo's model on published questions, protocol harness")


def stored_analysis(published: Published) -> stored_runs.Analysis | None:
    """The stored runs on the Arabic MMLU scored and compared; None where they are not there."""
    folder = published.folder / RUNS
    if not folder.is_dir():
        return None
    place = published.folder / "mmlu_medical_ar"
    rows = [
        row
        for file in sorted(place.glob("*_test.csv"))
        for row in read_source("mmlu_medical_ar", file, bad_rows=BadRows(0))
    ]
    runs = [stored_runs.read_run(file, rows) for file in sorted(folder.glob("*.jsonl"))]
    return stored_runs.analyse(runs, rows, published.mmlu_audit.subsets())


def show_stored(published: Published, analysis: stored_runs.Analysis | None) -> Table:
    """The stored runs as a dot plot, which is displayed, and every pair of them as a table, which is returned."""
    if analysis is None:
        return _absent(published)
    ours = list(stored_runs.DEFINITIONS)[-1]
    marks = clinical.stored_marks(analysis, definition=ours, subject=stored_runs.MICRO)
    display(forest(marks, title="Three stored runs on Arabic MMLU-medical", lines={"chance": 0.25}))
    return clinical.stored_pair_table(analysis, definition=ours)


def resolution_picture() -> Picture:
    """What sets of the usual sizes can tell apart, at 60% right and three answers of four alike."""
    names = {100: "Medical genetics", 272: "Professional medicine", 500: "PubMedQA", 1089: MMLU, 4183: "MedMCQA"}
    points = [resolution(n, 0.6, agreement=0.75) for n in names]
    return resolution_curve(points, title="What so many questions can show", names=names)


def _absent(published: Published) -> Table:
    return Table(("published sets",), ((ABSENT.format(place=published.folder.name),),))


def _interval_text(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    value, low, high = (100 * number for number in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"
