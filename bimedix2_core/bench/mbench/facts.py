"""Facts: what a row of BiMed-MBench says of itself: its question, reference, figure, mentions, domains and type."""

import json
from collections.abc import Sequence

from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, text_of

TYPES = ("conversation", "detailed_description")
DOMAINS = ("chest_xray", "mri", "histology", "gross", "ct_scan")
"""In the order of the published summary script, which matters: of two, the first counts."""

ALL_FLAGS, FIRST_FLAG = "all flags", "first flag"
DOMAIN_RULES = (ALL_FLAGS, FIRST_FLAG)
"""A question with two domains counts in both (ours), or in the first of `DOMAINS` only (the paper)."""

OURS, PAPER = "ours", "paper"
KIND_RULES = (OURS, PAPER)
"""A translated `type` is understood (ours), or leaves the question out of the means by type (the paper)."""


def question_of(row: Row) -> str:
    """The text of the question."""
    return text_of(row.messages[0])


def reference_of(row: Row) -> str:
    """The reference answer."""
    return text_of(row.messages[-1])


def mentions_of(row: Row) -> tuple[str, ...]:
    """The sentences of the article that mention the figure; none where it has none (null or "").

    Raises:
        DataError: they are published in another form than a list of objects with `tokens`.
    """
    published = row.facts.get("in_text_mention", "")
    if not published.strip():
        return ()
    try:
        return tuple(mention["tokens"] for mention in json.loads(published))
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"question {row.id!r} ({row.language}): in_text_mention is {published!r:.80}; expected a list of objects "
            "with tokens, null or an empty text"
        ) from None


def image_of(row: Row) -> str:
    """What a figure's questions have in common, in both languages: they are not independent."""
    return row.facts.get("image") or row.images[0]


def domains(row: Row, rule: str = ALL_FLAGS) -> tuple[str, ...]:
    """The domains that a question counts in, in the order of `DOMAINS`; none where no flag is set.

    Raises:
        DataError: no such rule, the row has no flags, or a flag is neither true nor false.
    """
    _check_rule("domain", rule, DOMAIN_RULES)
    if "domain" not in row.facts:
        raise DataError(f"row {row.id!r} of {row.source} is no BiMed-MBench row: it has no domain flags")
    flags = json.loads(row.facts["domain"])
    wrong = {name: flag for name, flag in flags.items() if not isinstance(flag, bool)}
    if wrong:
        raise DataError(f"question {row.id!r} ({row.language}): domain flags {wrong}; expected true or false")
    found = tuple(name for name in DOMAINS if flags.get(name))
    return found if rule == ALL_FLAGS else found[:1]


def kind(row: Row, rule: str = OURS) -> str:
    """The type that a question counts in; empty where the paper's script knows none of that name.

    Raises:
        DataError: no such rule.
    """
    _check_rule("type", rule, KIND_RULES)
    if rule == OURS:
        return row.kind
    published = row.facts.get("type", row.kind)
    return published if published in TYPES else ""


def _check_rule(what: str, rule: str, known: Sequence[str]) -> None:
    if rule not in known:
        raise DataError(f"no {what} rule {rule!r} of BiMed-MBench; known: {', '.join(known)}")
