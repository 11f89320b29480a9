"""Claims: statements of the two papers that can be recomputed, read from YAML and checked for their form.

Numbers keep the digits they are written with: a check is compared with half of the last one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported

CLAIM_FILES = (reported.FOLDER / "claims.yaml", reported.FOLDER / "more_claims.yaml")
"""The claims we were given, and those of abstracts and READMEs that we added."""

REQUIRED = ("id", "group", "statement", "where", "tables", "check", "expected", "caveat")
OPTIONAL = ("value",)


class Outcome(StrEnum):
    """What a check of a claim comes to."""

    HOLDS = "holds"
    CAVEAT = "holds with caveat"
    DOES_NOT_HOLD = "does not hold"
    NOT_AUDITED = "not audited"
    """The claim is not arithmetic, or our sources lack what the arithmetic needs; the caveat says which."""


@dataclass(frozen=True)
class Claim:
    """One statement, where it stands, and how to check it."""

    id: str
    group: str
    statement: str
    where: str
    tables: tuple[str, ...]
    """Reported tables the check reads; it sees no others."""
    check: str
    """How it is checked, in words."""
    expected: str
    """The outcome the file states; only compared with ours, never read by a check."""
    caveat: str
    value: Mapping = field(default_factory=dict)
    """Numbers the file states, as they are written; only compared with ours."""


def all_claims() -> tuple[Claim, ...]:
    """The claims of both files.

    Raises:
        DataError: a file does not hold claims of the right form, or two claims have one id.
    """
    claims = [claim for file in CLAIM_FILES for claim in read_claims(file)]
    _refuse(CLAIM_FILES[-1], _repeated(claim.id for claim in claims))
    return tuple(claims)


def read_claims(file: str | Path) -> tuple[Claim, ...]:
    """The claims of one file.

    Raises:
        DataError: the file is not YAML or has no list ``claims``; a claim lacks a key, has an unknown one, names an
            unknown table or outcome, or repeats an id. All problems are listed at once.
    """
    file = Path(file)
    try:
        # BaseLoader keeps every number as it is written: 18.0 stays 18.0.
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise DataError(f"{file.name}: not YAML: {error}; expected a list `claims`") from error
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
        raise DataError(f"{file.name}: no list `claims`; expected one entry for each claim")
    entries = content["claims"]
    problems = [problem for number, entry in enumerate(entries, 1) for problem in _problems(entry, number)]
    _refuse(file, problems or _repeated(entry["id"] for entry in entries))
    return tuple(Claim(**{**entry, "tables": tuple(entry["tables"])}) for entry in entries)


def _problems(entry: object, number: int) -> list[str]:
    """What is wrong with the form of one claim."""
    if not isinstance(entry, dict):
        return [f"claim {number}: {entry!r} is no mapping of keys"]
    name = entry.get("id") or f"claim {number}"
    problems = [f"{name}: `{key}` is missing" for key in REQUIRED if key not in entry]
    problems += [f"{name}: unknown key `{key}`" for key in entry if key not in (*REQUIRED, *OPTIONAL)]
    kinds = {"tables": list, "value": dict}
    problems += [
        f"{name}: `{key}` is no {'list' if kinds.get(key) is list else 'mapping' if key in kinds else 'text'}"
        for key in (*REQUIRED, *OPTIONAL)
        if key in entry and not isinstance(entry[key], kinds.get(key, str))
    ]
    if problems:
        return problems
    problems += [
        f"{name}: unknown table {table!r}; known: {', '.join(reported.names())}"
        for table in entry["tables"]
        if table not in reported.names()
    ]
    if entry["expected"] not in list(Outcome):
        problems.append(f"{name}: expected {entry['expected']!r}; known: {', '.join(Outcome)}")
    return problems


def _repeated(ids) -> list[str]:
    return [f"{name}: {count} claims have this id" for name, count in Counter(ids).items() if count > 1]


def _refuse(file: Path, problems: Sequence[str]) -> None:
    """One error for all problems of a file."""
    if problems:
        raise DataError("\n  ".join([f"{file.name}: claims of the wrong form; mend these:", *problems]))
