"""The paper audit: every claim recomputed from the printed tables, in seconds and without a model.

``audit()`` gives one finding for each claim, in the order of the files. A check sees the tables its claim names and
nothing else: not the expected outcome, not the expected value.
"""

from collections.abc import Callable, Mapping, Sequence

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.checks import (
    ablations,
    abstracts,
    agreement,
    averages,
    bimedix1,
    data,
    headline,
    vqa_reports,
)
from bimedix2_core.paper.audit.claims import Claim, all_claims
from bimedix2_core.paper.audit.findings import Finding, Recomputed
from bimedix2_core.paper.audit.sources import Tables
from bimedix2_core.paper.reported import read

Check = Callable[[Tables], Recomputed]

CHECKS: Mapping[str, Check] = {
    claim_id: check
    for group in (headline, vqa_reports, ablations, data, averages, agreement, bimedix1, abstracts)
    for claim_id, check in group.CHECKS.items()
}
"""The check of each claim, by the claim's id."""


def audit() -> tuple[Finding, ...]:
    """A finding for each claim of both files, in their order.

    Raises:
        DataError: a claim file is not of the right form, a claim has no check, or a check no claim.
    """
    return check_claims(all_claims(), CHECKS)


def check_claims(claims: Sequence[Claim], checks: Mapping[str, Check]) -> tuple[Finding, ...]:
    """A finding for each claim.

    Raises:
        DataError: claims and checks do not pair up one to one.
    """
    ids = [claim.id for claim in claims]
    unchecked = [claim_id for claim_id in ids if claim_id not in checks]
    unclaimed = [claim_id for claim_id in checks if claim_id not in ids]
    if unchecked or unclaimed:
        raise DataError(
            f"claims without a check: {unchecked}; checks without a claim: {unclaimed}; expected one check for each "
            "claim; write the missing one in paper/audit/checks, or the claim in paper/reported/more_claims.yaml"
        )
    return tuple(_finding(claim, checks[claim.id]) for claim in claims)


def _finding(claim: Claim, check: Check) -> Finding:
    found = check({name: read(name) for name in claim.tables})
    return Finding(
        claim=claim,
        outcome=found.outcome,
        values=found.values,
        arithmetic=found.arithmetic,
        how=claim.check,
        caveat=found.caveat,
        settle=found.settle,
    )
