"""Findings: what the check of each claim came to, with the arithmetic a reader can follow by hand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from bimedix2_core.paper.audit.arithmetic import agrees
from bimedix2_core.paper.audit.claims import Claim, Outcome
from bimedix2_core.paper.tables import Table

NOTHING_OPEN = "Nothing more is needed: the numbers used are public."

Values = Mapping[str, object]
"""Recomputed numbers, texts and lists of them, nested by name."""


@dataclass(frozen=True)
class Recomputed:
    """What a check function found, from the tables alone."""

    holds: bool | None
    """None: not audited, and the caveat says why."""
    arithmetic: tuple[str, ...]
    """The computation, one readable line for each step."""
    values: Values = field(default_factory=dict)
    caveat: str = ""
    """What a reader should know before repeating the claim, or why it does not hold."""
    settle: str = NOTHING_OPEN
    """What would settle what is left open."""

    @property
    def outcome(self) -> Outcome:
        """The outcome that follows."""
        if self.holds is None:
            return Outcome.NOT_AUDITED
        if not self.holds:
            return Outcome.DOES_NOT_HOLD
        return Outcome.CAVEAT if self.caveat else Outcome.HOLDS


@dataclass(frozen=True)
class Finding:
    """A claim and what came of checking it."""

    claim: Claim
    outcome: Outcome
    values: Values
    arithmetic: tuple[str, ...]
    how: str
    """How it was checked, in words."""
    caveat: str
    settle: str

    def __str__(self) -> str:
        parts = [
            f"{self.claim.id}: {self.outcome}",
            f"Claim: {self.claim.statement} ({self.claim.where})",
            f"Check: {self.how}",
            *(f"  {line}" for line in self.arithmetic),
            f"Note: {self.caveat}" if self.caveat else "",
            f"To settle it: {self.settle}",
        ]
        return "\n".join(part for part in parts if part)


def disagreements(finding: Finding) -> list[str]:
    """Where the recomputed values differ from those the claim file states, by more than half its last digit.

    Values the file does not state are not compared.
    """
    return list(_differences(finding.claim.value, finding.values, finding.claim.id))


def count_outcomes(findings: Iterable[Finding]) -> dict[str, int]:
    """How many claims came to each outcome, in the order of ``Outcome``."""
    counts = Counter(finding.outcome for finding in findings)
    return {outcome.value: counts[outcome] for outcome in Outcome}


def about(findings: Iterable[Finding], tables: Iterable[str]) -> tuple[Finding, ...]:
    """The findings whose check reads one of these reported tables, in their order."""
    wanted = set(tables)
    return tuple(finding for finding in findings if wanted.intersection(finding.claim.tables))


def outcome_table(findings: Sequence[Finding]) -> Table:
    """Claim, statement, outcome and note of each finding."""
    columns = ("claim", "statement", "outcome", "what to know", "what would settle it")
    rows = [
        (finding.claim.id, finding.claim.statement, str(finding.outcome), finding.caveat, finding.settle)
        for finding in findings
    ]
    return Table(columns, tuple(rows), "The claims of the two papers, recomputed from the printed tables")


def arithmetic_table(findings: Sequence[Finding]) -> Table:
    """How each claim was checked, and the computation line by line."""
    columns = ("claim", "where", "how it was checked", "arithmetic")
    rows = [(finding.claim.id, finding.claim.where, finding.how, "\n".join(finding.arithmetic)) for finding in findings]
    return Table(columns, tuple(rows), "How each claim was checked")


def _differences(stated: object, found: object, place: str) -> Iterable[str]:
    """Differences between a stated value and a found one, item by item."""
    if isinstance(stated, Mapping):
        for key, value in stated.items():
            if not isinstance(found, Mapping) or key not in found:
                yield f"{place}.{key}: stated {value}, not recomputed"
            else:
                yield from _differences(value, found[key], f"{place}.{key}")
    elif isinstance(stated, list):
        if not isinstance(found, list | tuple) or len(stated) != len(found):
            yield f"{place}: stated {stated}, found {found}"
            return
        for index, (left, right) in enumerate(zip(stated, found, strict=True)):
            yield from _differences(left, right, f"{place}[{index}]")
    elif not _same(str(stated), found):
        yield f"{place}: stated {stated}, found {found}"


def _same(stated: str, found: object) -> bool:
    """Equal texts, or numbers equal as far as the stated one is written."""
    try:
        written = Decimal(stated)
    except InvalidOperation:
        return stated == found
    return isinstance(found, Decimal | int) and agrees(Decimal(found), written)
