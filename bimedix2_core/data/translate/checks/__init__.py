"""Checks: what is wrong with a translation that no reader is needed for, each check with its name.

A check passes what it cannot judge: the score and the physicians come after it. The unit is the sample; a failure says
where (turn or option) and what. The thresholds are `CheckSettings`; their defaults were set on 880 published
translations and 209 published failures (tests/data/translate/test_checks_on_real_data.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bimedix2_core.data.translate.checks import form, kept, language
from bimedix2_core.data.translate.checks.settings import Check, CheckSettings

if TYPE_CHECKING:
    from bimedix2_core.data.translate.segments import Segment

__all__ = ["CHECKS", "DEFAULTS", "CheckSettings", "Failure", "check", "count"]

DEFAULTS = CheckSettings()

CHECKS: Mapping[str, Check] = MappingProxyType({**kept.CHECKS, **language.CHECKS, **form.CHECKS})
"""Every check by its name, in the order in which failures are listed."""


@dataclass(frozen=True)
class Failure:
    """A check that a translation did not pass."""

    check: str
    detail: str


def check(
    source: Sequence[Segment], translation: Sequence[Segment], settings: CheckSettings = DEFAULTS
) -> list[Failure]:
    """Everything that the checks find, in the order of `CHECKS`; empty where all pass."""
    return [Failure(name, detail) for name, rule in CHECKS.items() for detail in rule(source, translation, settings)]


def count(checked: Iterable[Iterable[Failure]]) -> dict[str, int]:
    """How many samples failed each check, by name, zeros included; a sample that fails it twice counts once."""
    n_failed = Counter(name for failures in checked for name in {failure.check for failure in failures})
    return {name: n_failed[name] for name in CHECKS}
