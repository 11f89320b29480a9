"""Phrasebook: the demo's translator for Table 8, which knows the grammar's sentences and no other.

The grammar says everything in both languages, so a sentence of it has its twin. A sentence that is not in the book has
no translation: then the question is answered with nothing, as with a translation service that fails. What it knows it
translates without a fault, which no real translator does, but for what one sentence alone does not tell: "It is large."
has two Arabic twins, by the gender of what is large, and always gets the same.
"""

import random
from collections.abc import Iterator, Sequence
from functools import cache

from bimedix2_core.data.words import words
from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import Truth, all_truths

DRAWS = 40
"""Wordings drawn of each kind of sentence and truth; the grammar has fewer."""


def translated(texts: Sequence[str], *, into: str) -> list[str]:
    """Each text in the other language, empty where the book does not have it.

    Args:
        texts: sentences of the grammar, whatever their punctuation.
        into: ``en`` or ``ar``.
    """
    book = _book(into)
    return [book.get(_key(text), "") for text in texts]


@cache
def _book(into: str) -> dict[str, str]:
    """Sentence to twin; of several the first that is drawn."""
    source = "ar" if into == "en" else "en"
    book: dict[str, str] = {}
    for twin in _twins():
        for known, wanted in zip(twin.turns[source], twin.turns[into], strict=True):
            for text, translation in zip(known, wanted, strict=True):
                book.setdefault(_key(text), translation)
    return book


def _twins() -> Iterator[Twin]:
    rng = random.Random("phrasebook")
    for truth in all_truths():
        for held_out in (False, True):
            for _ in range(DRAWS):
                yield from _of(truth, rng, held_out=held_out)


def _of(truth: Truth, rng: random.Random, *, held_out: bool) -> Iterator[Twin]:
    yield corpus.caption(truth, rng, held_out=held_out)
    yield corpus.description(truth, rng, held_out=held_out)
    for kind in corpus.kinds("open_question", truth):
        yield corpus.open_question(truth, kind, rng, held_out=held_out)
    for answer in corpus.closed_answers(truth, "finding"):
        yield corpus.closed_question(truth, "finding", answer, rng, held_out=held_out)


def _key(text: str) -> str:
    return " ".join(words(text))
