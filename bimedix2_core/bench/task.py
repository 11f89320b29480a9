"""Task: predict, then score. Predictions are kept; scores are made again from them in seconds.

A task knows no model: it takes a callable that answers samples, and a key that names the model.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bimedix2_core import statistics
from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample
from bimedix2_core.runs import JsonlStore, content_key
from bimedix2_core.statistics import Estimate

CHUNK = 512
"""Samples answered before their predictions are on the disk."""


@dataclass(frozen=True)
class Score:
    """One sample, graded."""

    sample_id: str
    language: str
    kind: str
    value: float
    """0.0 to 1.0."""
    prediction: str
    target: str


def predict(
    samples: Sequence[Sample],
    generate: Callable[[list[Sample]], list[str]],
    *,
    store: JsonlStore,
    model_key: str,
    decoding: dict,
) -> list[str]:
    """Answer the samples that the store has no prediction for; return all predictions in the samples' order.

    A prediction is known by its content: model, messages, image bytes, decoding. A run that was killed goes on where
    it stopped, and a changed model, prompt or image is never taken for the old one.
    """
    keys = [prediction_key(sample, model_key=model_key, decoding=decoding) for sample in samples]
    missing = list({key: sample for key, sample in zip(keys, samples, strict=True) if key not in store}.items())
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        answers = generate([sample for _, sample in chunk])
        store.extend(
            {"key": key, "id": sample.id, "language": sample.language, "prediction": answer}
            for (key, sample), answer in zip(chunk, answers, strict=True)
        )
    return [store[key]["prediction"] for key in keys]


def prediction_key(sample: Sample, *, model_key: str, decoding: dict) -> str:
    """Content key of one prediction."""
    images = [hashlib.sha256(image.tobytes()).hexdigest() for image in sample.images]
    return content_key({"model": model_key, "messages": sample.prompt, "images": images, "decoding": decoding})


def score(samples: Sequence[Sample], predictions: Sequence[str], *, metric: Callable[[str, str], float]) -> list[Score]:
    """Grade each prediction against its sample's target.

    Raises:
        DataError: there are not as many predictions as samples.
    """
    if len(samples) != len(predictions):
        raise DataError(f"{len(samples)} samples but {len(predictions)} predictions; they must pair up one to one")
    return [
        Score(sample.id, sample.language, sample.kind, metric(text, sample.target), text, sample.target)
        for sample, text in zip(samples, predictions, strict=True)
    ]


def accuracy(scores: Iterable[Score]) -> Estimate:
    """Share of right answers with Wilson's interval; scores are 0 or 1.

    Raises:
        DataError: there is no score.
    """
    values = [single.value for single in scores]
    return statistics.proportion(round(sum(values)), len(values))


def average(scores: Iterable[Score]) -> Estimate:
    """Mean score with a bootstrap interval.

    Raises:
        DataError: there is no score.
    """
    return statistics.mean([single.value for single in scores])


def majority_share(samples: Sequence[Sample]) -> float:
    """Accuracy of always giving the most frequent target.

    Raises:
        DataError: there is no sample.
    """
    if not samples:
        raise DataError("the majority of no samples was asked for; give at least one sample")
    targets = [sample.target for sample in samples]
    return max(targets.count(target) for target in set(targets)) / len(targets)


def without_images(samples: Iterable[Sample]) -> list[Sample]:
    """The same questions, their images taken away: what a model knows from the wording alone."""
    return [replace(sample, messages=[_text_only(turn) for turn in sample.messages], images=[]) for sample in samples]


def with_wrong_images(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """The same questions, each with the images of another sample: what a model says without looking.

    Raises:
        DataError: fewer than two samples, or samples with different numbers of images.
    """
    if len(samples) < 2 or len({len(sample.images) for sample in samples}) > 1:
        raise DataError("wrong images need at least two samples, all with the same number of images")
    order = np.random.default_rng(seed).permutation(len(samples))
    partner = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [replace(sample, images=samples[partner[index]].images) for index, sample in enumerate(samples)]


def _text_only(turn: dict) -> dict:
    return turn | {"content": [part for part in turn["content"] if part["type"] != "image"]}
