"""Protect: what must survive a translation (`spans`) may be masked before and put back after.

Two policies. A kind that is masked never reaches the translator: it sees a numbered placeholder instead. A kind that is
not masked is compared afterwards by `checks`: numbers may come back in Arabic-Indic digits and drug names in Arabic
letters, so a profile may prefer to check them. Placeholders are U+27E6, a number, U+27E7: no medical text has these
brackets (where one does, it is masked too), and models keep them, though in another order where Arabic asks for it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bimedix2_core.data.translate.spans import KINDS, find
from bimedix2_core.errors import DataError

_OPEN, _CLOSE = "\u27e6", "\u27e7"
_PLACEHOLDER = re.compile(rf"{_OPEN}\s*(\d+)\s*{_CLOSE}")
_BRACKET = re.compile(f"[{_OPEN}{_CLOSE}]")


@dataclass(frozen=True)
class Masked:
    """A text with placeholders, and what they stand for: number n is `originals[n - 1]`."""

    text: str
    originals: tuple[str, ...]


class PlaceholderError(DataError):
    """A translation lost, doubled or invented placeholders; the numbers are given, and the message says which."""

    def __init__(self, *, missing: tuple[int, ...], doubled: tuple[int, ...], invented: tuple[str, ...], n: int):
        """Keep the three lists; `n` is how many placeholders there were."""
        self.missing, self.doubled, self.invented = missing, doubled, invented
        found = [("missing", missing), ("doubled", doubled), ("invented", invented)]
        parts = "; ".join(f"{name} {', '.join(map(str, what))}" for name, what in found if what)
        super().__init__(
            f"the translation does not have each of its {n} placeholders once: {parts}; translate it again"
        )


def mask(text: str, *, kinds: frozenset[str] = frozenset(KINDS), drugs: Iterable[str] = ()) -> Masked:
    """The text with a numbered placeholder for each span of `kinds`; `unmask` puts them back.

    Raises:
        DataError: a kind is unknown.
    """
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise DataError(f"cannot protect {', '.join(map(repr, unknown))}; the kinds are {', '.join(KINDS)}")
    places = [(span.start, span.end) for span in find(text, drugs=drugs) if span.kind in kinds]
    covered = {index for start, end in places for index in range(start, end)}
    places += [found.span() for found in _BRACKET.finditer(text) if found.start() not in covered]
    pieces, originals, last = [], [], 0
    for start, end in sorted(places):
        originals.append(text[start:end])
        pieces += [text[last:start], f"{_OPEN}{len(originals)}{_CLOSE}"]
        last = end
    return Masked("".join([*pieces, text[last:]]), tuple(originals))


def unmask(translation: str, masked: Masked) -> str:
    """The translation with the originals in place of their placeholders, in whatever order they stand.

    White space inside the brackets and Arabic-Indic digits are forgiven.

    Raises:
        PlaceholderError: a placeholder is missing, doubled or invented, or a bracket is left over.
    """
    seen = Counter(int(number) for number in _PLACEHOLDER.findall(translation))
    numbers = range(1, len(masked.originals) + 1)
    missing = tuple(number for number in numbers if number not in seen)
    doubled = tuple(number for number in numbers if seen[number] > 1)
    invented = [str(number) for number in sorted(seen) if number not in numbers]
    invented += _BRACKET.findall(_PLACEHOLDER.sub("", translation))
    if missing or doubled or invented:
        raise PlaceholderError(missing=missing, doubled=doubled, invented=tuple(invented), n=len(masked.originals))
    return _PLACEHOLDER.sub(lambda found: masked.originals[int(found.group(1)) - 1], translation)


def placeholders(text: str) -> list[str]:
    """Placeholders that stand in a text."""
    return [found.group() for found in _PLACEHOLDER.finditer(text)]
