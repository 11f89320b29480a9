"""Spans: what must survive a translation, found in a text of either language."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bimedix2_core.data.translate.quantities import quantity_pattern

KINDS = ("image", "latex", "url", "email", "code", "icd", "date", "quantity", "option", "gene", "drug")
"""What is found; where two overlap, the earlier kind wins."""

VERBATIM = frozenset({"image", "latex", "url", "email", "code", "icd"})
"""Kinds that an Arabic text has letter for letter, masked or not."""


@dataclass(frozen=True)
class Span:
    """A stretch of a text that must survive."""

    start: int
    end: int
    kind: str
    text: str


def find(text: str, *, drugs: Iterable[str] = ()) -> list[Span]:
    """What must survive in a text of either language, in reading order and without overlap.

    Of two that overlap the earlier kind of `KINDS` is taken, then the leftmost, then the longest.

    Args:
        text: any text.
        drugs: names besides those of names.yaml and the endings of the international nonproprietary names.

    Example:
        >>> [(span.kind, span.text) for span in find("HER2 status; give 5 mg of ramipril")]
        [('gene', 'HER2'), ('quantity', '5 mg'), ('drug', 'ramipril')]
    """
    taken = bytearray(len(text))
    spans = []
    for kind in KINDS:
        found = list(_FINDERS[kind](text)) if kind not in _HINTS or _HINTS[kind].search(text) else []
        if kind == "drug" and drugs:
            found += [match.span() for match in _listed(frozenset(drugs)).finditer(text)]
        for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                spans.append(Span(start, end, kind, text[start:end]))
    return sorted(spans, key=lambda span: span.start)


Finder = Callable[[str], Iterator[tuple[int, int]]]


def _matching(*patterns: str, flags: int = 0) -> Finder:
    """Finds what any of the patterns matches: its first group that took part, or all of it."""
    compiled = [re.compile(pattern, flags) for pattern in patterns]

    def places(text: str) -> Iterator[tuple[int, int]]:
        for pattern in compiled:
            for found in pattern.finditer(text):
                yield found.span(found.lastindex or 0)

    return places


_IMAGE = _matching(r"<(?:image|img)(?:[ _-]?\d+)?>")

_LATEX = _matching(
    r"\$\$[^$]+\$\$",
    r"(?<![\\$])\$(?=[^\s$])(?=[^$\n]*[A-Za-z\\^_{=])[^$\n]*[^\s$\\]\$(?![\d$])",  # not "$5 or $10"
    r"\\\(.+?\\\)",
    r"\\\[.+?\\\]",
    flags=re.DOTALL,
)

_TRAILING = re.compile("[.,;:!?'\")\\]}>\u060c\u061b\u061f]+$")


def _url(text: str) -> Iterator[tuple[int, int]]:
    """Addresses, without the punctuation of the sentence they stand in."""
    for found in re.finditer(r"(?:https?://|ftp://|www\.)[^\s<>]+", text, re.IGNORECASE):
        yield found.start(), found.start() + len(_TRAILING.sub("", found.group()))


_EMAIL = _matching(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")

_CODE = _matching(
    r"\b10\.\d{4,9}/[^\s<>\"]*[^\s<>\".,;:)\]}]",  # DOI
    r"\bPMID:?\s?(\d{1,8})\b",
    r"\b(PMC\d{5,8})\b",
    r"\b(NCT\d{8})\b",
    r"\b(rs\d{4,})\b",
    r"\bLOINC(?:\s+codes?)?:?\s*(\d{1,5}-\d)\b",
    r"\bSNOMED(?:[\s-]?CT)?(?:\s+(?:codes?|ids?|concept))?:?\s*(\d{6,18})\b",
    r"\bCUI:?\s*(C\d{7})\b",
)

_DOTTED = re.compile(r"(?<![\w.])[A-TV-Z]\d[0-9AB]\.[0-9A-Z]{1,4}(?![\w]|\.\d)")
_UNDOTTED = re.compile(r"(?<![\w.])[A-TV-Z]\d[0-9AB](?![\w]|\.\w)")
_ICD_NAMED = re.compile(r"\bICD(?:[\s-]?(?:9|10|11)(?:[\s-]?CM)?\b|\s+codes?\b)[^.;\n]*(?:\.\d[^.;\n]*)*")
_VITAMIN = re.compile("(?:vitamins?|\u0641\u064a\u062a\u0627\u0645\u064a\u0646)[\\s-]*$", re.IGNORECASE)
_BODY_PART = re.compile(
    r"[\s-]*(?:vertebra|level|dermatome|spin|nerve|root|disc|disk|fracture|lesion|cell|deficien)", re.I
)


def _icd(text: str) -> Iterator[tuple[int, int]]:
    """ICD-10: with its point anywhere (C50.9), without (I10) only in a sentence that names ICD before it."""
    found = list(_DOTTED.finditer(text))
    for context in _ICD_NAMED.finditer(text):
        found += _UNDOTTED.finditer(text, context.start(), context.end())
    for match in found:
        if not _VITAMIN.search(text[: match.start()][-20:]) and not _BODY_PART.match(text, match.end()):
            yield match.span()


_DATE = _matching(
    r"(?<![\d/.-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\d/-])",
    *(rf"(?<![\d/.-])[0-3]?\d{mark}[0-3]?\d{mark}(?:19|20)?\d\d(?![\d/-]|\.\d)" for mark in ("/", "-", r"\.")),
)


def _quantity(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in quantity_pattern().finditer(text))


_OPTION_SHUT = re.compile(r"^[ \t]*(\([A-H]\)|[A-H]\))(?=\s|$)", re.MULTILINE)
_OPTION_OPEN = re.compile(r"^[ \t]*([A-H][.:])(?=\s|$)", re.MULTILINE)


def _option(text: str) -> Iterator[tuple[int, int]]:
    """Letters of options that begin a line; "E. coli" is none: a lone letter before a lower-case word is a genus."""
    for found in _OPTION_SHUT.finditer(text):
        yield found.span(1)
    letters = list(_OPTION_OPEN.finditer(text))
    for found in letters:
        if len(letters) > 1 or not re.match(r"\s*[a-z]", text[found.end() :]):
            yield found.span(1)


@cache
def _names() -> dict[str, list[str]]:
    return yaml.safe_load(Path(__file__).with_name("names.yaml").read_text(encoding="utf-8"))


@cache
def _gene_pattern() -> re.Pattern:
    listed = "|".join(re.escape(name) for name in sorted(_names()["genes"], key=len, reverse=True))
    stop = "|".join(_names()["not_genes"])
    rule = rf"(?!(?:{stop})-?\d)[A-Z]{{2,6}}-?\d{{1,3}}(?:[A-Z]\d{{0,2}})?"
    return re.compile(rf"(?<![\w-])(?:{listed}|{rule})(?![^\W_]|-[A-Za-z]*\d)")


def _gene(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _gene_pattern().finditer(text))


_LATIN_WORD = re.compile(r"(?<![^\W_])[A-Za-z]{5,}(?![^\W_])")


def _drug(text: str) -> Iterator[tuple[int, int]]:
    listed, stopped, beginnings, endings = _drug_rules()
    for found in _LATIN_WORD.finditer(text):
        word = found.group().lower()
        if word in listed or (word not in stopped and (word.endswith(endings) or word.startswith(beginnings))):
            yield found.span()


@cache
def _drug_rules() -> tuple[frozenset[str], frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Names, words that are none, beginnings and endings; an ending alone is no name."""
    names = _names()
    stopped = frozenset([*names["not_drugs"], *names["drug_endings"]])
    return frozenset(names["drugs"]), stopped, tuple(names["drug_beginnings"]), tuple(names["drug_endings"])


@cache
def _listed(drugs: frozenset[str]) -> re.Pattern:
    names = sorted(drugs, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, names))})(?![^\W_])", re.IGNORECASE)


_FINDERS: dict[str, Finder] = {
    "image": _IMAGE,
    "latex": _LATEX,
    "url": _url,
    "email": _EMAIL,
    "code": _CODE,
    "icd": _icd,
    "date": _DATE,
    "quantity": _quantity,
    "option": _option,
    "gene": _gene,
    "drug": _drug,
}

_DIGIT = re.compile(r"\d")
_HINTS = {
    "image": re.compile("<"),
    "latex": re.compile(r"[$\\]"),
    "url": re.compile(r"://|www\.", re.IGNORECASE),
    "email": re.compile("@"),
    **dict.fromkeys(("code", "icd", "date", "quantity"), _DIGIT),
}
"""What a text must have for a kind to be looked for at all: most texts have none of it."""
