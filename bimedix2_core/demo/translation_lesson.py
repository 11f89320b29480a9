"""The lesson of notebook 01: three protocols on data whose truth is known, and what expert review makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bimedix2_core.data.review.items import ReviewItem, review_item
from bimedix2_core.data.review.sample import draw
from bimedix2_core.data.translate.checks import CHECKS
from bimedix2_core.data.translate.protect import mask
from bimedix2_core.data.translate.spans import find
from bimedix2_core.data.translate.summary import summary
from bimedix2_core.demo.translations import Parallel, Severity, severity
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import TranslationParams
from bimedix2_core.records import Row, row_of, text_of
from bimedix2_core.statistics import Estimate, proportion

SEVERITIES: tuple[Severity, ...] = ("none", "minor", "major")


@dataclass(frozen=True)
class Judged:
    """The results of one protocol beside the truth."""

    protocol: str
    results: tuple[dict[str, Any], ...]
    truth: dict[str, Severity]
    """What is really wrong with each, by id; a row without a whole translation is major."""
    n_read: int
    """Rows that the protocol shows to physicians."""
    left: dict[str, Severity]
    """The same after the physicians corrected what they were shown."""

    def rate(self, name: Severity, *, after_review: bool = False) -> Estimate:
        """Share of the rows with this error."""
        found = (self.left if after_review else self.truth).values()
        return proportion(sum(one == name for one in found), len(self.truth))


def judge_all(
    found: Mapping[str, Sequence[dict[str, Any]]], parallel: Parallel, settings: TranslationParams, *, seed: int
) -> list[Judged]:
    """Compare the results of each protocol with the truth, all under the same settings."""
    how = {"n": settings.n_reviewed, "seed": seed, "threshold": settings.threshold}
    return [judge(name, results, parallel, **how) for name, results in found.items()]


def error_classes(judged: Sequence[Judged]) -> dict[str, dict[str, Estimate]]:
    """Rates by error class and protocol, before the review and, of major errors, after it."""
    return {
        "minor": {one.protocol: one.rate("minor") for one in judged},
        "major": {one.protocol: one.rate("major") for one in judged},
        "major, after review": {one.protocol: one.rate("major", after_review=True) for one in judged},
    }


def judge(
    protocol: str, results: Iterable[dict[str, Any]], parallel: Parallel, *, n: int, seed: int, threshold: float
) -> Judged:
    """Compare a protocol's results with the true twins, and let faultless physicians correct what it shows them."""
    kept = tuple(results)
    truth = {result["id"]: _severity(result, parallel) for result in kept}
    items = review_items(kept)
    scored = threshold if protocol != "bimedix2" else None
    shown = {item.id for item in draw(items, protocol, n=n, seed=seed, threshold=scored).items}
    left: dict[str, Severity] = {name: "none" if name in shown else found for name, found in truth.items()}
    return Judged(protocol, kept, truth, len(shown), left)


def review_items(results: Iterable[dict[str, Any]]) -> list[ReviewItem]:
    """What physicians are shown of the results: every row that has a whole translation."""
    items = []
    for result in results:
        if result["row"] is not None:
            taken = result["attempts"][result["best"]]
            flags = tuple(dict.fromkeys(name for name, _ in taken["failures"]))
            english, arabic = row_of(result["english"]), row_of(result["row"])
            items.append(review_item(english, arabic, score=taken["score"], flags=flags))
    return items


def protect_table(sentence: str) -> Table:
    """What of a sentence must survive, and the sentence as the translator sees it."""
    rows = tuple((span.kind, span.text) for span in find(sentence))
    return Table(("kind", "text"), rows, mask(sentence).text)


def most_tried(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the most different attempts."""
    return max(results, key=lambda result: len({str(attempt["texts"]) for attempt in result["attempts"]}))


def attempt_table(result: Mapping[str, Any]) -> Table:
    """Every attempt at a row: what it says, its score, and what was found wrong."""
    rows = [
        (
            number + 1,
            " / ".join(text for text in attempt["texts"] if text),
            _score(attempt["score"]),
            "; ".join([*(f"{name}: {detail}" for name, detail in attempt["failures"]), *attempt["reasons"]]),
            "taken" if number == result["best"] else "",
        )
        for number, attempt in enumerate(result["attempts"])
    ]
    english = " ".join(text_of(turn) for turn in row_of(result["english"]).messages).strip()
    return Table(("attempt", "translation", "score", "what is wrong with it", ""), tuple(rows), english)


def protocol_table(judged: Sequence[Judged]) -> Table:
    """Each protocol: attempts, what passed, errors before and after review, and how many rows physicians read."""
    columns = ("protocol", "rows", "attempts", "passed", "minor, %", "major, %", "read by doctors", "major left, %")
    rows = tuple(
        (
            one.protocol,
            len(one.results),
            sum(len(result["attempts"]) for result in one.results),
            sum(result["passed"] for result in one.results),
            percent(one.rate("minor")),
            percent(one.rate("major")),
            one.n_read,
            percent(one.rate("major", after_review=True)),
        )
        for one in judged
    )
    return Table(columns, rows, "Errors with known truth (95% intervals), before and after the physicians' review")


def check_table(judged: Sequence[Judged]) -> Table:
    """How often each rule check failed in the attempts taken, by protocol; what never failed is left out."""
    counts = {one.protocol: summary(one.results).failures for one in judged}
    names = [name for name in CHECKS if any(found[name] for found in counts.values())]
    rows = tuple((name, *(found[name] for found in counts.values())) for name in names)
    return Table(("failed check", *counts), rows, "Rows whose translation failed a rule check")


def scores(judged: Judged) -> dict[str, list[float]]:
    """Scores of the attempts taken, by what is really wrong."""
    taken = [(judged.truth[r["id"]], r["attempts"][r["best"]]["score"]) for r in judged.results if r["row"] is not None]
    return {name: [score for truth, score in taken if truth == name and score is not None] for name in SEVERITIES}


def worst(judged: Judged, n: int) -> Table:
    """Rows with an error of meaning, beside the truth they should have had."""
    found = [result for result in judged.results if judged.truth[result["id"]] == "major" and result["row"] is not None]
    rows = tuple(
        (_last(result["english"]), _last(result["row"]), _score(result["attempts"][result["best"]]["score"]))
        for result in found[:n]
    )
    return Table(
        ("English", "translation", "score"), rows, f"{len(found)} translations change the meaning; the first {n}"
    )


def summary_table(results: Iterable[Mapping[str, Any]]) -> Table:
    """What came of a profile's own translation."""
    found = summary(results)
    rows = [
        ("rows", found.n),
        ("passed", found.n_passed),
        ("low or with failed checks", found.n_low),
        ("no whole translation", found.n_failed),
        ("no score asked for or read", found.n_unscored),
        *((f"failed check: {name}", n) for name, n in found.failures.items() if n),
        *((f"attempts: {n_attempts}", n) for n_attempts, n in found.rounds.items()),
    ]
    return Table(("what came of the rows", "n"), tuple(rows))


def _severity(result: Mapping[str, Any], parallel: Parallel) -> Severity:
    return severity(parallel.arabic[result["id"]], row_of(result["row"])) if result["row"] else "major"


def _last(stored: Mapping[str, Any]) -> str:
    row: Row = row_of(stored)
    return text_of(row.messages[-1])


def _score(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.1f}")


def percent(found: Estimate) -> str:
    """A rate in percent with its interval."""
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}-{100 * found.high:.1f})"
