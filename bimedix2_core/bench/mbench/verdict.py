"""Verdict: the two scores on the first line of what a judge said, read strictly, or as the published script reads."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from bimedix2_core.bench.judge.verdicts import FINISHES
from bimedix2_core.bench.mbench.judged import HIGHEST, LOWEST

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TWO_NUMBERS = re.compile(rf"({_NUMBER.pattern})(?:\s+|\s*[,;]\s+)({_NUMBER.pattern})")
_TO_ASCII = str.maketrans({"\u066b": ".", "\u060c": ",", "\u061b": ";"})
"""Arabic decimal separator, comma and semicolon."""

SHOWN = 60
"""Characters of a verdict that a problem quotes."""


@dataclass(frozen=True)
class Scores:
    """The scores of the two answers in the order the judge read them; None, with the problem, where there are none."""

    first: float | None
    second: float | None
    problem: str = ""


Reading = Callable[[str | None, str], Scores]
"""Reads the scores of a verdict's text; the second argument is the verdict's own problem, such as having been cut."""


def strict_scores(text: str | None, problem: str = "") -> Scores:
    """The scores of a verdict whose first line that is not empty has two numbers from 1 to 10 and nothing else.

    Between them stand blanks, or a comma or semicolon with a blank behind it; a number may have decimals behind a
    point, and digits of any script. Everything else is unscored: ``8,5`` may be two scores or the half of them, ``8/10
    7/10``, ``Assistant 1: 8``, three numbers and prose are not what was asked for, and ``11 10`` is off the scale. A
    verdict that was broken off on its first line is unscored too, for its ``8 1`` may have been to become ``8 10``.

    Args:
        text: what the judge said; None where it could not be asked.
        problem: of the verdict: why there is no text, or why it may be broken off.
    """
    if text is None:
        return Scores(None, None, f"not judged: {problem}")
    line, has_ended = _first_line(text)
    found = _TWO_NUMBERS.fullmatch(line)
    is_broken_off = problem in FINISHES.values() and not has_ended
    if found is None or is_broken_off:
        what = "the first line may lack its end" if found else f"{_what_instead(line)} on the first line"
        return Scores(None, None, f"{what}: {line!r:.{SHOWN}}{f' ({problem})' if problem else ''}")
    first, second = map(float, found.groups())
    if not all(LOWEST <= score <= HIGHEST for score in (first, second)):
        return Scores(None, None, f"a score off the scale on the first line: {line!r:.{SHOWN}}")
    return Scores(first, second)


def original_scores(text: str | None, problem: str = "") -> Scores:
    """The scores as the published summary script reads them, whatever their size; a problem where it would stop.

    The first line is split at each single blank into exactly two parts, and each is made a number by Python: a comma, a
    second blank or a third part stop the script, and with it the whole table. Numbers off the scale are taken.

    Source:
        summarize_gpt_review.py of LLaVA-Med and of BiMed-MBench; blanks around the whole verdict are cut off before.
    """
    if text is None:
        return Scores(None, None, f"not judged: {problem}")
    parts = text.strip().split("\n")[0].split(" ")
    if len(parts) != 2:
        return Scores(None, None, f"the published script stops here: {len(parts)} parts on the first line, not 2")
    try:
        first, second = map(float, parts)
    except ValueError as error:
        return Scores(None, None, f"the published script stops here: {error}")
    if not (math.isfinite(first) and math.isfinite(second)):
        return Scores(None, None, "the published script makes every mean nan or infinite here")
    return Scores(first, second)


def _first_line(text: str) -> tuple[str, bool]:
    """The first line that is not empty, and whether it has ended; marks that nobody sees are gone."""
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    line, ended, _ = seen.lstrip().replace("\r", "\n").partition("\n")
    return line.strip().translate(_TO_ASCII), bool(ended)


def _what_instead(line: str) -> str:
    if not line:
        return "nothing"
    n_numbers = len(_NUMBER.findall(line))
    if n_numbers == 2:
        return "two numbers that are not alone, or may be one,"
    return "another count of numbers than two" if n_numbers else "no number"
