"""Report sections: the findings and the impression of a radiology report, by our rule or by MIMIC's published one.

Ours takes headings in any case, at the beginning of a line or (in capitals) behind a sentence; joins a section that
comes twice; leaves an addendum out; and keeps "FINDINGS AND IMPRESSION" apart, which is neither of the two.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

BLANK = "___"
"""What stands where a name or date was taken out, in MIMIC-CXR and here."""

Rule = Literal["ours", "published"]

_TAKEN_OUT = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)
_RULER = re.compile(r"^[ \t]*[_-]{4,}[ \t]*$", re.MULTILINE)
_UNDERSCORES = re.compile(r"_{3,}")
_PAGE_BREAK = re.compile(r"\(Over\).*?\(Cont\)", re.DOTALL | re.IGNORECASE)
_FINAL_REPORT = "FINAL REPORT"
_PUBLISHED_HEADING = re.compile(r"\n ([A-Z ()/,-]+):\s")


@dataclass(frozen=True)
class Sections:
    """What a report says, in one line each; empty where it has no such section."""

    findings: str = ""
    impression: str = ""
    both: str = ""
    """Findings and impression under one heading, where nobody can tell them apart."""
    n_impressions: int = 0
    """Impressions that have a text; several belong to several examinations in one report."""


def sections(text: str, rule: Rule = "ours") -> Sections:
    r"""The sections of a report.

    Args:
        text: of the report, as its file holds it.
        rule: ``ours``, or ``published``: the parser of MIMIC-CXR that MultiMedEval took over.

    Example:
        >>> sections("Findings: Clear lungs.\nIMPRESSION: Normal.")
        Sections(findings='Clear lungs.', impression='Normal.', both='', n_impressions=1)
    """
    return _published(text) if rule == "published" else _ours(text)


def one_line(text: str) -> str:
    """A text in one line, with `BLANK` where something was taken out, whichever way the file marks it."""
    return " ".join(_UNDERSCORES.sub(BLANK, _TAKEN_OUT.sub(BLANK, _RULER.sub(" ", text))).split())


def final_report(text: str) -> str:
    """A note from its first FINAL REPORT on, without the headers that page breaks put in between.

    Without those words the whole note: an outpatient report may have none.
    """
    _, _, final = text.partition(_FINAL_REPORT)
    return _PAGE_BREAK.sub(" ", final or text)


def _ours(text: str) -> Sections:
    text = final_report(text)
    found: dict[str, list[str]] = {"findings": [], "impression": [], "both": []}
    headings = [match for match in _heading().finditer(text) if _is_heading(match)]
    is_addendum = False
    for number, heading in enumerate(headings):
        role = _roles()[_name(heading)]
        if role in ("addendum", "opening"):
            is_addendum = role == "addendum"
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        said = one_line(text[heading.end() : end])
        if role in found and said and not is_addendum and said not in found[role]:
            found[role].append(said)
    joined = {role: " ".join(texts) for role, texts in found.items()}
    return Sections(**joined, n_impressions=len(found["impression"]))


def _published(text: str) -> Sections:
    """The first findings and the first impression that are not empty, under the parser's own names.

    Source:
        ``section_text`` of MIMIC-CXR's section_parser.py (MIT-LCP/mimic-cxr), as in MultiMedEval's utils.py.
    """
    headings, start = [], 0
    while heading := _PUBLISHED_HEADING.search(text, start):
        headings.append(heading)
        line_end = text.find("\n", heading.end())
        start = heading.end() if line_end < 0 else line_end  # a heading just below another one is not seen
    found: dict[str, list[str]] = {"findings": [], "impression": []}
    for number, heading in enumerate(headings):
        name = _published_name(heading[1])
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        said = one_line(text[heading.end() : end])
        if name in found and said:
            found[name].append(said)
    first = {name: texts[0] if texts else "" for name, texts in found.items()}
    return Sections(**first, n_impressions=len(found["impression"]))


def _published_name(heading: str) -> str:
    name, known = heading.lower().strip(), _listed()
    if name in known["published_exact"]:
        return known["published_exact"][name]
    role = _roles().get(name, "")
    if role in ("findings", "impression"):
        return role
    within = next((word for word in known["published_within"] if word in name), "")
    return within or ("findings" if any(view in name for view in known["published_views"]) else name)


def _is_heading(match: re.Match) -> bool:
    """Whether it is one: small letters need the beginning of a line, a missing colon capitals and their own line."""
    is_capital = match["name"].isupper()
    return is_capital or (match["colon"] == ":" and match["inside"] is None)


def _name(match: re.Match) -> str:
    return " ".join(match["name"].lower().split())


@cache
def _heading() -> re.Pattern:
    names = "|".join(re.escape(name).replace(r"\ ", r"[ \t]+") for name in sorted(_roles(), key=len, reverse=True))
    return re.compile(
        rf"(?:^[ \t]*|(?P<inside>(?<=[.;:])[ \t]+))(?P<name>{names})[ \t]*(?P<colon>:|$)", re.IGNORECASE | re.MULTILINE
    )


@cache
def _roles() -> dict[str, str]:
    """Role of each heading."""
    roles = ("findings", "impression", "both", "opening", "addendum", "other")
    return {name: role for role in roles for name in _listed()[role]}


@cache
def _listed() -> dict:
    return yaml.safe_load(Path(__file__).with_name("report_headings.yaml").read_text(encoding="utf-8"))
