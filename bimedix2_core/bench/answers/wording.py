"""Wording: whether a reply says anything, and whether it asks."""

_QUESTION_MARKS = ("?", "\u061f")


def is_empty(answer: str) -> bool:
    """Whether there is neither a letter nor a digit.

    Example:
        >>> [is_empty(text) for text in ("", " ...", "No.", "2")]
        [True, True, False, False]
    """
    return not any(character.isalnum() for character in answer)


def asks(text: str) -> bool:
    """Whether a reply ends by asking something, in either script."""
    return text.rstrip().endswith(_QUESTION_MARKS)
