"""The lesson on expert review in notebook 01: a rehearsal on planted errors, and what physicians sent back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.data.review.agreement import PairAgreement
from bimedix2_core.data.review.items import Review, ReviewItem, review_item
from bimedix2_core.data.review.outcome import Outcome, outcome
from bimedix2_core.data.review.reading import ReviewedSheet, read_sheet
from bimedix2_core.data.review.sample import Draw, draw
from bimedix2_core.data.review.scripted import scripted_reviews
from bimedix2_core.data.review.settlement import Conflict, Decision
from bimedix2_core.data.review.sheet import write_xlsx
from bimedix2_core.demo.translation_lesson import percent
from bimedix2_core.demo.translations import Parallel, Severity, planted
from bimedix2_core.paper.figures.translation import REPORTED_RATES
from bimedix2_core.paper.tables import Table

CAREFUL = {
    "none": {"none": 0.94, "minor": 0.06, "major": 0.0},
    "minor": {"none": 0.1, "minor": 0.86, "major": 0.04},
    "major": {"none": 0.02, "minor": 0.08, "major": 0.9},
}
"""How often a scripted reviewer gives each verdict (inner key) to each truth (outer key)."""


@dataclass(frozen=True)
class Rehearsal:
    """A review from draw to sheets, by reviewers who are scripted and errors that are planted."""

    drawn: Draw
    truth: dict[str, Severity]
    sheets: tuple[ReviewedSheet, ...]
    """As read back from the files that the reviewers filled in."""

    @property
    def reviews(self) -> list[Review]:
        """All verdicts."""
        return [review for sheet in self.sheets for review in sheet.reviews]

    def third_opinion(self, disputed: Iterable[Conflict]) -> list[Review]:
        """Verdicts on the conflicts by a reviewer who makes no mistakes."""
        ids = {conflict.id for conflict in disputed}
        shown = [item for item in self.drawn.items if item.id in ids]
        return list(scripted_reviews(shown, self.truth, name="third", seed=3))


def rehearse(parallel: Parallel, folder: Path, *, n: int, seed: int) -> Rehearsal:
    """Plant errors at the paper's rates, draw, let two careful scripted reviewers fill in sheets, read these back."""
    rates = {name: percent / 100 for name, percent in REPORTED_RATES.items()}
    spoiled, truth = planted(parallel.arabic, seed=seed, **rates)
    items = [review_item(row, spoiled[row.id]) for row in parallel.english]
    drawn = draw(items, "bimedix2", n=n, seed=seed)
    sheets = []
    for number, name in enumerate(("A", "B"), start=1):
        said = scripted_reviews(drawn.items, truth, name=name, seed=number, confusion=CAREFUL)
        file = folder / f"scripted_{name}.xlsx"
        write_xlsx(file, drawn.items, reviewer=said[0].reviewer, reviews=said)
        sheets.append(read_sheet(file, drawn.items))
    return Rehearsal(drawn, truth, tuple(sheets))


def returned_sheets(folder: Path, items: Sequence[ReviewItem]) -> list[ReviewedSheet]:
    """The sheets that physicians put into a folder, by name."""
    return [read_sheet(file, items) for file in sorted([*folder.glob("*.xlsx"), *folder.glob("*.csv")])]


def agreement_table(pairs: Iterable[PairAgreement]) -> Table:
    """Agreement of each pair of reviewers: share of equal verdicts and weighted kappa, with 95% intervals."""
    rows = tuple((f"{one.first} and {one.second}", one.n, str(one.same), str(one.quadratic)) for one in pairs)
    return Table(("reviewers", "both read", "same verdict", "kappa, quadratic weights"), rows, "Agreement")


def rate_table(found: Outcome, truth: Mapping[str, str] | None = None) -> Table:
    """Minor and major rates of a review, for the sample and for the whole, beside the truth and the paper's."""
    rows = [
        (
            rate.name,
            percent(rate.sample),
            percent(rate.whole),
            _share(truth, rate.name),
            REPORTED_RATES.get(rate.name),
        )
        for rate in found.rates
    ]
    columns = ("changes", "in the sample, %", "in the whole, %", "planted, %", "paper, %")
    return Table(columns, tuple(rows), f"{found.n_reviewed} of {found.n_items} reviewed, protocol {found.protocol}")


def returned_table(drawn: Draw, decisions: Mapping[str, Decision]) -> Table:
    """The rates of what physicians sent back; without rows as long as nothing came."""
    if not decisions:
        return Table(("changes",), (), "No sheet has come back: put those that were filled in into review/returned/")
    return rate_table(outcome(drawn, decisions))


def _share(truth: Mapping[str, str] | None, name: str) -> str:
    """Percent of the truth that one of the names in ``minor or major`` covers; empty where no truth is known."""
    if truth is None:
        return ""
    return f"{100 * sum(one in name.split(' or ') for one in truth.values()) / len(truth):.1f}"
