"""Clean subset: scores without the questions that a training split shares.

    rows of the test set, rows of the training sets -> overlaps -> ids by kind -> clean_results

What is shared is found by `data.decontaminate`: images by content key, by published name and, where hashes are given,
by sight; questions and answers after normalisation, so that "Yes" and "yes" are one answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bimedix2_core.bench.medical_vqa.metrics import results
from bimedix2_core.bench.task import Result
from bimedix2_core.data.decontaminate import ImageHashes, Index
from bimedix2_core.data.decontaminate.index import NO_HASHES
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

IMAGE, QUESTION, PAIR, TRIPLET = "image", "question", "image and question", "image, question and answer"
OVERLAPS = (IMAGE, QUESTION, PAIR, TRIPLET)

_KINDS = {
    IMAGE: {"image", "image_question", "image_question_answer"},
    QUESTION: {"question", "image_question", "image_question_answer"},
    PAIR: {"image_question", "image_question_answer"},
    TRIPLET: {"image_question_answer"},
}
"""The kinds of match that each overlap takes in."""


@dataclass(frozen=True)
class Overlap:
    """Questions of a test set that the training rows share, by what they share."""

    ids: dict[str, frozenset[str]]
    """By `OVERLAPS`. A pair or triplet is shared with one training row; image and question may be with two."""
    n_test: int
    n_train: int

    def clean(self, rows: Sequence[Row], shared: str) -> list[int]:
        """Positions of the rows that do not share this."""
        if shared not in self.ids:
            raise DataError(f"no overlap {shared!r}; known: {', '.join(OVERLAPS)}")
        return [index for index, row in enumerate(rows) if row.id not in self.ids[shared]]


@dataclass(frozen=True)
class CleanSubset:
    """The metrics over the questions that do not share one thing with the training rows."""

    shared: str
    n_clean: int
    n_shared: int
    results: tuple[Result, ...]
    """None where no question is clean."""

    def __str__(self) -> str:
        return f"{self.n_clean} of {self.n_clean + self.n_shared} questions share no {self.shared} with training"


def overlaps(test: Sequence[Row], train: Iterable[Row], *, image_hashes: ImageHashes = NO_HASHES) -> Overlap:
    """Which test questions the training rows share; the training rows stream.

    Args:
        test: questions of one set and language.
        train: training rows, of any source; images are compared by content key where both sides have one, else by
            source and published name.
        image_hashes: perceptual hashes of both sides' images, to find copies that are not byte for byte the same.

    Raises:
        DataError: no question, two with one id, or a question without text.
    """
    if not test:
        raise DataError("the overlap of no question was asked for; give at least one test row")
    index = Index.build({"test": test}, image_hashes=image_hashes)
    found: dict[str, set[str]] = {shared: set() for shared in OVERLAPS}
    n_train = 0
    for row in train:
        n_train += 1
        for match in index.check(row):
            for shared, kinds in _KINDS.items():
                if match.kind in kinds:
                    found[shared].add(match.benchmark_id)
    return Overlap({shared: frozenset(ids) for shared, ids in found.items()}, len(test), n_train)


def clean_results(rows: Sequence[Row], texts: Sequence[str], overlap: Overlap) -> list[CleanSubset]:
    """Every metric on the questions that share no image, no question, and so on; the whole set is not among them.

    Raises:
        DataError: as for `metrics.results`.
    """
    subsets = []
    for shared in OVERLAPS:
        kept = overlap.clean(rows, shared)
        found = results([rows[index] for index in kept], [texts[index] for index in kept]) if kept else []
        subsets.append(CleanSubset(shared, len(kept), len(rows) - len(kept), tuple(found)))
    return subsets
