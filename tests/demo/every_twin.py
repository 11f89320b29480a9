"""Everything the grammar can say about one truth: what the tests of the corpus and of its Arabic go through."""

import random
from collections.abc import Iterator

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import Truth


def twins_of(truth: Truth, seed: int, *, held_out: bool) -> Iterator[Twin]:
    """Every function and kind about one truth."""
    rng = random.Random(seed)
    yield corpus.caption(truth, rng, held_out=held_out)
    yield corpus.chat(truth, rng, held_out=held_out)
    yield corpus.description(truth, rng, held_out=held_out)
    yield corpus.report(truth, rng, held_out=held_out)
    for kind in corpus.kinds("closed_question", truth):
        for answer in corpus.closed_answers(truth, kind):
            yield corpus.closed_question(truth, kind, answer, rng, held_out=held_out)
            yield corpus.reading(truth, kind, rng, held_out=held_out, answer=answer)
    for form in ("open_question", "multiple_choice"):
        for kind in corpus.kinds(form, truth):
            yield getattr(corpus, form)(truth, kind, rng, held_out=held_out)
            yield corpus.reading(truth, kind, rng, held_out=held_out, form=form)
    for kind in corpus.kinds("laterality", truth):
        yield corpus.laterality(truth, kind, rng, held_out=held_out)
    for direction in corpus.DIRECTIONS:
        yield corpus.parallel_sentence(truth, direction, rng, held_out=held_out)
    yield corpus.fact(rng, held_out=held_out)
    for complete in (True, False):
        yield corpus.follow_up(rng, complete=complete, held_out=held_out)
