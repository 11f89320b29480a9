"""Controls: what can be answered without looking.

Each gives rows to ask, or answers to score, for the very definitions that score the model: a number near its control's
tells nothing about the images.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bimedix2_core.bench.medical_vqa.definitions import polarity_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row


def majority_answers(rows: Sequence[Row]) -> list[str]:
    """For each question the most frequent published answer of its kind, the first of equals.

    Kinds are: yes or no, other closed ones, and open ones, in each language. Case does not count, so that "Yes" and
    "yes" are one answer. Yes-or-no questions are known by their answers, so this control knows one thing more than a
    model is told.
    """
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        answers[_kind(row)][row.answer.lower()] += 1
    return [answers[_kind(row)].most_common(1)[0][0] for row in rows]


def text_only(rows: Sequence[Row]) -> list[Row]:
    """The same questions, their images taken away.

    Score the answers against the rows as they were: the interval still goes by image.
    """
    return [replace(row, messages=[_without_image(turn) for turn in row.messages], images=()) for row in rows]


def wrong_image(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """The same questions, each about another image of the set: all questions about one get the same other one.

    Score the answers against the rows as they were. Every image is used as often as another one asks for it; none
    stands for itself.

    Raises:
        DataError: a row without image keys, or fewer than two different images.
    """
    keyless = [row.id for row in rows if not row.images]
    if keyless:
        raise DataError(f"{len(keyless)} questions have no image key, first {keyless[0]!r}; read with an image store")
    images = sorted({row.images for row in rows})
    if len({len(shown) for shown in images}) > 1:
        raise DataError("questions with different numbers of images; exchange images within each number apart")
    if len(images) < 2:
        raise DataError(f"wrong images need at least two different ones; the {len(rows)} questions have {len(images)}")
    order = np.random.default_rng(seed).permutation(len(images))
    other = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    partner = {shown: images[other[index]] for index, shown in enumerate(images)}
    return [replace(row, images=partner[row.images]) for row in rows]


def _kind(row: Row) -> tuple[str, str]:
    return row.language, "yes or no" if polarity_of(row.answer) else row.kind


def _without_image(turn: Message) -> Message:
    return turn | {"content": [part for part in turn["content"] if part["type"] != "image"]}
