"""Task: predict, then score. Predictions are kept; scores are made again from them in seconds.

A task knows no model: it takes a callable that answers samples, and a key that names the model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from bimedix2_core import statistics
from bimedix2_core.data.image_key import image_key
from bimedix2_core.errors import DataError
from bimedix2_core.records import OptionScores, Query, Row, Sample
from bimedix2_core.runs import JsonlStore, content_key
from bimedix2_core.statistics import Estimate

CHUNK = 512
"""Queries answered before their predictions are on the disk."""


Prediction = str | OptionScores
"""What a model gave for one query: a text, or how likely it finds each option."""


@dataclass(frozen=True)
class Task:
    """A benchmark under one protocol: what is asked, how an answer is graded, and how the grades are grouped."""

    name: str
    """Id of the benchmark and its language, such as ``pubmedqa_en``."""
    protocol: str
    """Id of the protocol: prompt, shots, template, and what is compared."""
    samples: tuple[Row, ...]
    query: Callable[[Row], Query]
    """The prompt of a sample."""
    grade: Callable[[Row, Prediction], "Score"]
    """Answer extraction, or the choice among the options' log-probabilities, and the score."""


@dataclass(frozen=True)
class Score:
    """One sample, graded."""

    sample_id: str
    language: str
    kind: str
    """The group it is counted in: kind of question, subject, level."""
    value: float | None
    """0.0 to 1.0; None only where a failed judge left it unscored."""
    prediction: str
    target: str
    outcome: str = ""
    """``right``, ``wrong``, ``refused``, ``empty``, ``unreadable`` (no answer found in the text) or ``unscored``."""
    cluster: str = ""
    """What it shares with other samples, so that they are not independent: image, claim, subject."""


@dataclass(frozen=True)
class Result:
    """One metric of one group under one definition."""

    metric: str
    definition: str
    """Name of the published or own definition."""
    kind: str
    """Group, or ``all``, ``macro`` (mean over groups), ``micro`` (over samples)."""
    language: str
    """``en``, ``ar`` or ``bilingual``."""
    estimate: Estimate
    n_unscored: int = 0


def predict(
    asked: Sequence[Sample | Query],
    respond: Callable[[list], Sequence[Prediction]],
    *,
    store: JsonlStore,
    model_key: str,
    decoding: dict,
) -> list[Prediction]:
    """Answer what the store has no prediction for; return all predictions in the order asked.

    A prediction is known by its content: model, prompt, options, image bytes, decoding. A run that was killed goes on
    where it stopped, and a changed model, prompt or image is never taken for the old one.

    Args:
        asked: samples (their last assistant turn is the target and is not shown) or queries.
        respond: gives one prediction for each; a text, or `OptionScores` for queries with options.
        store: where predictions are kept, fsynced.
        model_key: fingerprint of the model.
        decoding: settings of generation, plain JSON.
    """
    keys = [prediction_key(one, model_key=model_key, decoding=decoding) for one in asked]
    missing = list({key: one for key, one in zip(keys, asked, strict=True) if key not in store}.items())
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        predictions = respond([one for _, one in chunk])
        store.extend(
            {"key": key, "id": one.id, "language": one.language, **_stored(prediction)}
            for (key, one), prediction in zip(chunk, predictions, strict=True)
        )
    return [_prediction(store[key]) for key in keys]


def prediction_key(one: Sample | Query, *, model_key: str, decoding: dict) -> str:
    """Content key of one prediction."""
    images = [image_key(image) for image in one.images]
    content = {"model": model_key, "messages": one.prompt, "images": images, "decoding": decoding}
    if isinstance(one, Query) and one.options:
        content["options"] = list(one.options)
    return content_key(content)


def _stored(prediction: Prediction) -> dict:
    return {"prediction": prediction} if isinstance(prediction, str) else asdict(prediction)


def _prediction(record: Mapping) -> Prediction:
    if "prediction" in record:
        return record["prediction"]
    return OptionScores(tuple(record["log_probs"]), tuple(record["n_tokens"]))


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
