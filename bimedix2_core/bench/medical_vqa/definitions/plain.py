"""Plain: two definitions that need no tool: exact match in the style of lmms-eval, and the first whole yes or no.

lmms-eval itself also removes parentheses and maps synonyms of yes and no; the form here is that of the notes
(shared/notes/evaluation.md, 3.2 E and F).
"""

import re

from bimedix2_core.bench.medical_vqa.definitions.definition import (
    CLOSED,
    CLOSED_ANSWER,
    OPEN_ANSWER,
    OPEN_EXACT,
    Definition,
)

EXACT, WORD = "exact match", "word boundary"

_NO_WORD = re.compile(r"[^\w\s]")
_WHOLE_WORD = re.compile(r"\b(yes|no)\b")


def exact_match(prediction: str, target: str) -> float:
    """1.0 where both are equal in small letters, with punctuation as white space; an empty answer scores 0.0.

    Example:
        >>> exact_match("Yes.", "yes"), exact_match("Yes, it is", "yes")
        (1.0, 0.0)
    """
    return float(bool(prediction.strip()) and _bare(prediction) == _bare(target))


def first_word(prediction: str, target: str) -> float:
    """1.0 where the first whole word yes or no of the answer is the target; "No doubt, yes" is a no.

    Example:
        >>> first_word("Yes, it is normal", "Yes"), first_word("It is normal", "no")
        (1.0, 0.0)
    """
    said = _WHOLE_WORD.search(prediction.lower())
    return float(said is not None and said[1] == target.lower().strip())


def _bare(text: str) -> list[str]:
    return _NO_WORD.sub(" ", text.lower()).split()


DEFINITIONS = (
    Definition(EXACT, CLOSED, exact_match, (CLOSED_ANSWER,), "lmms-eval 75571cf, in its style"),
    Definition(EXACT, OPEN_EXACT, exact_match, (OPEN_ANSWER,), "lmms-eval 75571cf, in its style"),
    Definition(WORD, CLOSED, first_word, (CLOSED_ANSWER,), "shared/notes/evaluation.md, 3.2 F"),
)
