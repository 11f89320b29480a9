"""Tags: numbers in angle brackets that hold the texts of one request apart, and that no text can forge."""

import re
from collections.abc import Iterable

from bimedix2_core.data.translate.protect import Masked, mask

_TAG = re.compile(r"<\s*(/?)\s*(\d+)\s*>")


def tagged(texts: Iterable[str]) -> str:
    """The texts, a line each, within their tags."""
    return "\n".join(f"<{number}>{text}</{number}>" for number, text in enumerate(texts, 1))


def untagged(answer: str, n: int) -> list[str]:
    """The ``n`` texts of an answer; none where its tags are not exactly 1 to n, or something stands between them.

    What stands before the first tag and after the last is no part of the answer.

    Example:
        >>> untagged("Sure: <1> a </1> <2>b</2>", 2)
        ['a', 'b']
        >>> untagged("<1>a</1> b <2></2>", 2)
        []
    """
    wanted = [(slash, number) for number in range(1, n + 1) for slash in ("", "/")]
    _, *pieces = _TAG.split(answer)
    found = [(slash, int(number)) for slash, number in zip(pieces[::3], pieces[1::3], strict=True)]
    texts = [text.strip() for text in pieces[2::3]]
    return texts[::2] if found == wanted and not any(texts[1:-1:2]) else []


def without_tags(masked: Masked) -> Masked:
    """A masked text with a mark more for each thing in it that would read as a tag."""
    originals = list(masked.originals)

    def hidden(tag: re.Match) -> str:
        originals.append(tag.group())
        return mark(len(originals))

    return Masked(_TAG.sub(hidden, masked.text), tuple(originals))


def mark(number: int) -> str:
    """The placeholder that `protect` puts for original ``number``."""
    return mask("\u27e6").text.replace("1", str(number))


def shown(text: str) -> str:
    """A text as a scorer may see it: its own numbers stand in round brackets."""
    return _TAG.sub(lambda tag: f"({tag[1]}{tag[2]})", text)
