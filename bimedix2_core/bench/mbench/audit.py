"""Audit: what the published files have wrong, question by question; counted and listed, never mended silently."""

from collections import Counter
from dataclasses import dataclass

from bimedix2_core.bench.mbench.facts import TYPES, domains, mentions_of
from bimedix2_core.data.language import language_of
from bimedix2_core.records import Row

TWO_DOMAINS, NO_DOMAIN = "two domains", "no domain"
NO_MENTION, EMPTY_MENTION, ENGLISH_MENTION = "no mention (null)", "no mention (empty text)", "mention left in English"
TRANSLATED_TYPE, NO_MARKER, NO_FILE = "type translated", "no image marker", "no image file"
UNPAIRED, OTHER_IMAGE = "in one language only", "another image in the other language"
FINDINGS = (
    TWO_DOMAINS,
    NO_DOMAIN,
    NO_MENTION,
    EMPTY_MENTION,
    ENGLISH_MENTION,
    TRANSLATED_TYPE,
    NO_MARKER,
    NO_FILE,
    UNPAIRED,
    OTHER_IMAGE,
)


@dataclass(frozen=True)
class Finding:
    """Something to know about one question."""

    name: str
    """One of `FINDINGS`."""
    language: str
    id: str
    detail: str = ""
    """Which domains, which label, which file."""


@dataclass(frozen=True)
class Audit:
    """What was found in the files, question by question."""

    findings: tuple[Finding, ...]

    def ids(self, name: str, language: str) -> tuple[str, ...]:
        """The questions of a language with this finding, in file order."""
        return tuple(one.id for one in self.findings if (one.name, one.language) == (name, language))

    def details(self, name: str, language: str) -> dict[str, int]:
        """How often each detail of a finding occurs: the translated labels, the pairs of domains."""
        return dict(Counter(one.detail for one in self.findings if (one.name, one.language) == (name, language)))

    def counts(self) -> dict[tuple[str, str], int]:
        """How many questions have each finding, by name and language; those that none has are left out."""
        return dict(Counter((one.name, one.language) for one in self.findings))


def findings_of(row: Row) -> list[Finding]:
    """What is to know about a row by itself."""
    found = domains(row)
    published = row.facts["type"]
    in_english = row.language != "en" and any(language_of(mention) == "en" for mention in mentions_of(row))
    seen = {
        TWO_DOMAINS: ", ".join(found) if len(found) > 1 else None,
        NO_DOMAIN: "" if not found else None,
        NO_MENTION: "" if "in_text_mention" not in row.facts else None,
        EMPTY_MENTION: "" if "in_text_mention" in row.facts and not mentions_of(row) else None,
        ENGLISH_MENTION: "" if in_english else None,
        TRANSLATED_TYPE: published if published not in TYPES else None,
    }
    return [Finding(name, row.language, row.id, detail) for name, detail in seen.items() if detail is not None]
