r"""Cells: a text on its way into a spreadsheet and back, unchanged.

Three habits of Excel are met here. It reads a text that begins with ``= + - @`` as a formula, it writes control
characters as ``_x000D_`` (and so reads such a text as a control character), and it keeps 32,767 units per cell.
"""

import re
from dataclasses import dataclass

MAX_UNITS = 32_767
"""What a cell of Excel can hold, in UTF-16 units; openpyxl cuts longer texts without a word."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes Excel take a text of a CSV file for a formula; the last four are the full-width forms."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Cell:
    """One filled cell of a sheet that came back."""

    address: str
    text: str
    """The value as text; a whole number without ``.0``, a date as YYYY-MM-DD."""
    kind: str = "text"
    """``text``, ``number``, ``date`` or ``formula``; the last is nothing a reviewer meant to write."""


def to_xlsx(text: str) -> str:
    """The text as it stands in the XML of a workbook: control characters, and what looks like one, are escaped."""
    return _CONTROL.sub(lambda found: f"_x{ord(found.group()):04X}_", text)


def from_xlsx(text: str) -> str:
    r"""What `to_xlsx` or Excel wrote; ``_x000D_`` becomes ``\r`` again."""
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    return chr(code) if code < 32 or code == ord("_") else found.group()


def to_csv(text: str) -> str:
    """The text with an apostrophe before it where Excel would read a formula (or before another apostrophe)."""
    return "'" + text if text.startswith((*FORMULA_STARTS, "'")) else text


def from_csv(text: str) -> str:
    """What `to_csv` wrote; an apostrophe before anything else is the text's own."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA_STARTS, "'")) else text


def problem_of(text: str) -> str:
    """Why no cell can hold the text, or ``""``."""
    try:
        n_units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    return f"has {n_units} UTF-16 units, a cell of Excel holds {MAX_UNITS}" if n_units > MAX_UNITS else ""
