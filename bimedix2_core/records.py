"""The plain record all parts exchange: one conversation in one language, with its images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bimedix2_core.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL import Image

LANGUAGES = ("en", "ar")
ROLES = ("system", "user", "assistant")

Message = dict[str, Any]
"""`{"role": ..., "content": [{"type": "image"} | {"type": "text", "text": str}, ...]}`."""


@dataclass(frozen=True)
class Sample:
    """One conversation in one language; the English and the Arabic twin share an id.

    `images` holds one picture for each image part of `messages`, in reading order.
    """

    id: str
    language: str
    task: str
    source: str
    messages: list[Message]
    images: Sequence[Image.Image] = field(default_factory=list)
    kind: str = ""
    choices: tuple[str, ...] = ()

    @property
    def prompt(self) -> list[Message]:
        """The messages up to, but without, the last assistant turn."""
        return self.messages[: self._last_assistant()]

    @property
    def target(self) -> str:
        """The text of the last assistant turn."""
        return text_of(self.messages[self._last_assistant()])

    def _last_assistant(self) -> int:
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index]["role"] == "assistant":
                return index
        raise DataError(
            f"sample {self.id!r} ({self.language}) has no assistant turn among its {len(self.messages)} messages; "
            "a prompt and a target need one: add the expected answer"
        )


@dataclass(frozen=True)
class Row:
    """A sample as it is stored: its images are content keys (SHA-256), so that millions stream through little memory.

    `data.image_store` holds the images; the English and the Arabic twin share an id.
    """

    id: str
    language: str
    task: str
    source: str
    messages: list[Message]
    images: tuple[str, ...] = ()
    """One key for each image part of `messages`, in reading order."""
    kind: str = ""
    choices: tuple[str, ...] = ()
    """The option texts of a multiple choice, in order; their letters are A, B, ..."""
    answer: str = ""
    """The key of a multiple choice (a letter) or the short published answer, kept apart from the wording."""
    facts: dict[str, str] = field(default_factory=dict)
    """What else the published file says of the row, by its own field names (modality, answer_type, ...)."""

    @property
    def modality(self) -> str:
        """``"image_text"`` or ``"text"``."""
        return "image_text" if self.images else "text"

    def as_json(self) -> dict[str, Any]:
        """The row as plain JSON values; `row_of` reads it back."""
        return asdict(self) | {"images": list(self.images), "choices": list(self.choices)}


@dataclass(frozen=True)
class Query:
    """What one model is asked once: a prompt, and the continuations to be compared if it is not to write freely."""

    id: str
    language: str
    prompt: str | list[Message]
    """Text goes to the model as it stands, without chat template; messages go through the template."""
    options: tuple[str, ...] = ()
    """Continuations whose log-probabilities are wanted, leading space included; none where an answer is written."""
    images: list[Image.Image] = field(default_factory=list)
    """One picture for each image part of the messages, in reading order."""


@dataclass(frozen=True)
class OptionScores:
    """How likely a model finds each option of a query."""

    log_probs: tuple[float, ...]
    """Summed log-probability of the option's tokens after the prompt, natural logarithm."""
    n_tokens: tuple[int, ...]
    """Number of those tokens."""


def row_of(stored: Mapping[str, Any]) -> Row:
    """The row that `Row.as_json` wrote."""
    return Row(**{**stored, "images": tuple(stored["images"]), "choices": tuple(stored["choices"])})


def message(role: str, text: str, *, images: int = 0) -> Message:
    """A message of `images` image parts followed by one text part.

    Raises:
        DataError: if `role` is not one of system, user, assistant.
    """
    if role not in ROLES:
        raise DataError(f"message role is {role!r}; expected one of {', '.join(ROLES)}")
    return {"role": role, "content": [{"type": "image"} for _ in range(images)] + [{"type": "text", "text": text}]}


def text_of(message: Message) -> str:
    """The text parts of a message, joined without a separator."""
    return "".join(part["text"] for part in message["content"] if part["type"] == "text")


def n_images(messages: Iterable[Message]) -> int:
    """Number of image parts."""
    return sum(part["type"] == "image" for turn in messages for part in turn["content"])


def arrow_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The messages with a text in every part, null for an image, as Arrow's structs need; `messages_of` reads them."""
    return [
        {
            "role": turn["role"],
            "content": [{"type": part["type"], "text": part.get("text")} for part in turn["content"]],
        }
        for turn in messages
    ]


def messages_of(stored: Iterable[Mapping[str, Any]]) -> list[Message]:
    """The messages that `arrow_messages` made into structs."""
    return [{"role": turn["role"], "content": [_part(part) for part in turn["content"]]} for turn in stored]


def _part(part: Mapping[str, Any]) -> dict[str, str]:
    return {"type": "image"} if part["type"] == "image" else {"type": part["type"], "text": part["text"]}


def to_dataset(samples: Iterable[Sample]) -> Dataset:
    """Write samples as a dataset in the conversational vision format.

    Returns:
        A `datasets.Dataset` with the columns id, language, task, source, messages, images (a list of
        `datasets.Image`), kind and choices. A text part has `text`; an image part has none (null).
    """
    import datasets

    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "language": datasets.Value("string"),
            "task": datasets.Value("string"),
            "source": datasets.Value("string"),
            "messages": datasets.List(
                {
                    "role": datasets.Value("string"),
                    "content": datasets.List({"type": datasets.Value("string"), "text": datasets.Value("string")}),
                }
            ),
            "images": datasets.List(datasets.Image()),
            "kind": datasets.Value("string"),
            "choices": datasets.List(datasets.Value("string")),
        }
    )
    rows = [_row(sample) for sample in samples]
    return datasets.Dataset.from_dict({name: [row[name] for row in rows] for name in features}, features=features)


def from_dataset(dataset: Dataset) -> list[Sample]:
    """Read back what `to_dataset` wrote; `kind` and `choices` may be absent.

    Raises:
        DataError: if a column that every sample needs is missing.
    """
    needed = ("id", "language", "task", "source", "messages", "images")
    missing = [name for name in needed if name not in dataset.column_names]
    if missing:
        raise DataError(
            f"dataset lacks the columns {', '.join(missing)}; it has {', '.join(dataset.column_names)}; "
            "rename its columns or write it with to_dataset"
        )
    return [_sample(row) for row in dataset]


def _row(sample: Sample) -> dict[str, Any]:
    """One row of plain values."""
    return {
        "id": sample.id,
        "language": sample.language,
        "task": sample.task,
        "source": sample.source,
        "messages": arrow_messages(sample.messages),
        "images": list(sample.images),
        "kind": sample.kind,
        "choices": list(sample.choices),
    }


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(
        id=row["id"],
        language=row["language"],
        task=row["task"],
        source=row["source"],
        messages=messages_of(row["messages"]),
        images=list(row["images"] or []),
        kind=row.get("kind") or "",
        choices=tuple(row.get("choices") or ()),
    )
