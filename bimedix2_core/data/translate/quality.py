"""Scores of a translation, 0 to 100 with reasons: given by a model, or counted from a translation back."""

import json
import re
from collections import Counter
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Score:
    """How good a translation is, and why not better."""

    value: float
    """0 to 100."""
    reasons: tuple[str, ...]


def read_score(text: str) -> Score | None:
    """The score in a model's answer, ``{"score": 0-100, "reasons": [...]}`` with or without a code fence around it.

    Returns:
        None where there is none: an unread score is neither 0 nor 100.
    """
    match = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        found = json.loads(match[0]) if match else {}
        value, reasons = float(found["score"]), found.get("reasons") or []
    except (json.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    if not 0 <= value <= 100 or not isinstance(reasons, list):
        return None
    return Score(value, tuple(str(reason) for reason in reasons))


def back_translation_score(english: str, back: str) -> Score:
    """100 times the F1 of the words that English and translation back share; the reasons name the others.

    A way to look at a translation when no model can judge it: it sees what was lost, added or turned round (left for
    right), and it also marks down a translation that is merely worded differently. Word order is not looked at.

    Example:
        >>> back_translation_score("A large left effusion.", "A large right effusion.")
        Score(value=75.0, reasons=('lost: left', 'came in: right'))
    """
    wanted, found = _words(english), _words(back)
    n_shared = (wanted & found).total()
    total = wanted.total() + found.total()
    reasons = [("lost", wanted - found), ("came in", found - wanted)]
    return Score(
        value=round(200 * n_shared / total, 1) if total else 100.0,
        reasons=tuple(f"{what}: {', '.join(words)}" for what, words in reasons if words),
    )


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))
