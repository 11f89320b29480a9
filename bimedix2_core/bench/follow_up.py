"""Follow-up questions: does a model ask when a complaint lacks something, and answer when it does not?

BiMediX's chats hold underspecified complaints whose right reply asks for the missing symptom or history.
"""

from collections.abc import Sequence

from bimedix2_core import statistics
from bimedix2_core.bench.answers import asks
from bimedix2_core.bench.medical_vqa.by_kind import Row
from bimedix2_core.records import LANGUAGES, Sample


def follow_up_rows(samples: Sequence[Sample], predictions: Sequence[str]) -> list[Row]:
    """How often the model asks when information is missing, and answers when it is not, in each language.

    What is right is read from the target: it asks, or it does not.
    """
    replies = [(sample, asks(text)) for sample, text in zip(samples, predictions, strict=True)]
    return [
        Row(metric, "all", language, statistics.proportion(sum(right), len(right)), None)
        for metric, wanted in (("asks when something is missing", True), ("answers when nothing is missing", False))
        for language in LANGUAGES
        for right in [[asked == wanted for sample, asked in replies if _fits(sample, language, asking=wanted)]]
    ]


def _fits(sample: Sample, language: str, *, asking: bool) -> bool:
    return sample.language == language and asks(sample.target) == asking
