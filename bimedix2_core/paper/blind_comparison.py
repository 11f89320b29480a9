"""Blind comparison: the paper's printed preferences beside measured ones, and what so few choices can show.

The paper prints three shares and no number of cases. Which numbers of cases give these shares is inferred from the
rounding, and every interval of a printed share rests on that inference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bimedix2_core.bench.blind_comparison.agreement import PairAgreement
from bimedix2_core.bench.blind_comparison.shares import Share, Shares, shares_of
from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.arithmetic import HUNDRED, counts_behind
from bimedix2_core.paper.audit.checks.ablations import MOST_CASES
from bimedix2_core.paper.audit.sources import PREFERENCE_SHARES
from bimedix2_core.paper.figures.forest import Mark
from bimedix2_core.paper.tables import Table

PAPER = "paper, A.5.1"


@dataclass(frozen=True)
class Printed:
    """The paper's shares, and the smallest number of choices behind them [inferred]."""

    percent: dict[str, Decimal]
    """As printed, by model."""
    shares: tuple[Share, ...]
    """The same as whole choices of the smallest number that gives all of them, with intervals."""

    @property
    def n(self) -> int:
        """The smallest number of choices."""
        return self.shares[0].alone.n


def printed() -> Printed:
    """The shares of section A.5.1.

    Raises:
        DataError: no number of choices gives the printed shares.
    """
    percent = list(PREFERENCE_SHARES.values())
    fitting = (counts for n in range(1, MOST_CASES + 1) if (counts := counts_behind(percent, n)))
    counts = next(fitting, None)
    if counts is None:
        raise DataError(f"no number of cases up to {MOST_CASES} gives {percent}; compare them with the paper")
    chosen = [model for model, count in zip(PREFERENCE_SHARES, counts, strict=True) for _ in range(count)]
    return Printed(dict(PREFERENCE_SHARES), shares_of(chosen, tuple(PREFERENCE_SHARES)))


def remark() -> str:
    """What is inferred from the printed shares, and how wide the interval of so few choices is."""
    found = printed()
    first = found.shares[0]
    *counts, last = (share.n_chosen for share in found.shares)
    low, high = (_percent(end) for end in (first.alone.low, first.alone.high))
    return (
        f"[inferred] The printed shares are exactly {', '.join(map(str, counts))} and {last} of {found.n}, or of a "
        f"multiple of {found.n}; the number of cases and raters is not stated. With {found.n} independent choices the "
        f"95% interval of {first.name}'s {found.percent[first.name]} is {low} to {high}, {high - low} points wide."
    )


def preference_table(measured: Sequence[Shares], *, name: str) -> Table:
    """Percent chosen best, the paper's rows before the measured ones, each with both intervals.

    Args:
        measured: the groups of `shares.preference_shares`.
        name: what the measured rows are called, and by whom they were made (``demo, scripted reviewers``).
    """
    found = printed()
    rows = [(PAPER, "all", *_cells(share, found.percent[share.name])) for share in found.shares]
    rows += [(name, one.group, *_cells(share, _percent(share.alone.value))) for one in measured for share in one.shares]
    columns = ("whose", "over", "model", "percent", "from", "to", "jointly from", "jointly to", "chosen", "choices")
    caption = (
        "Chosen best, in percent of the clear choices; 95% intervals of each share alone and of all shares jointly. "
        f"The paper prints the shares only: {found.n} choices are inferred from them"
    )
    return Table(columns, tuple(rows), caption)


def count_table(measured: Sequence[Shares]) -> Table:
    """What the shares rest on: clear choices, ties, rows without a choice, questions and reviewers, by group."""
    rows = [(one.group, one.n_chosen, one.n_ties, one.n_open, one.n_items, one.n_reviewers) for one in measured]
    columns = ("over", "clear choices", "ties", "not chosen", "questions", "reviewers")
    return Table(columns, tuple(rows), "What the shares rest on; the paper states none of this")


def agreement_table(pairs: Iterable[PairAgreement]) -> Table:
    """How often two reviewers preferred the same model, and Cohen's kappa; empty where kappa is 0 / 0."""
    rows = []
    for pair in pairs:
        same, kappa = pair.same, pair.kappa
        ends = (kappa.value, kappa.low, kappa.high) if kappa else (None, None, None)
        rows.append((f"{pair.first} and {pair.second}", same.n, same.value, same.low, same.high, *ends))
    columns = ("reviewers", "shared questions", "same", "from", "to", "kappa", "kappa from", "kappa to")
    return Table(columns, tuple(rows), "Agreement of reviewers")


def preference_marks(measured: Shares, *, name: str) -> list[Mark]:
    """The paper's shares and the measured ones as marks of a dot plot, a band for each, with their joint intervals."""
    return [Mark(share.name, PAPER, share.jointly) for share in printed().shares] + [
        Mark(share.name, name, share.jointly) for share in measured.shares
    ]


def _cells(share: Share, percent: Decimal) -> tuple[str | Decimal | int, ...]:
    ends = (share.alone.low, share.alone.high, share.jointly.low, share.jointly.high)
    return (share.name, percent, *map(_percent, ends), share.n_chosen, share.alone.n)


def _percent(share: float) -> Decimal:
    return round(Decimal(share) * HUNDRED, 1)
