"""Items and reviews: a translated sample as a physician sees it, and what a physician says of it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.data.sources.benchmarks import mbench_prose
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, text_of

VERDICTS = ("none", "minor", "major")
"""From nothing to change to a wrong meaning, in this order (paper, section A.4)."""

CATEGORIES = (
    "terminology", "misreading", "omission", "addition", "number/unit", "laterality", "wording", "format", "other",
)  # fmt: skip
"""The main reason for minor or major; ours, the paper names wording, format, style, wrong term and misreading."""


@dataclass(frozen=True)
class ReviewItem:
    """One translated sample, its turns joined with role labels."""

    id: str
    source: str
    modality: str
    english: str
    arabic: str
    score: float | None = None
    """The model's own score of the translation, 0-100; None where it gave none."""
    flags: tuple[str, ...] = ()
    """Names of the rule checks that the translation failed."""


@dataclass(frozen=True)
class Review:
    """What one reviewer says of one item."""

    id: str
    reviewer: str
    verdict: str
    """One of `VERDICTS`."""
    arabic_key: str
    """`text_key` of the Arabic text that was judged."""
    category: str = ""
    corrected: str = ""
    """The whole Arabic text as it should be, with its role labels; empty where nothing was corrected."""
    comment: str = ""
    date: str = ""
    """As the reviewer wrote it; YYYY-MM-DD where the sheet held a date."""


def review_item(english: Row, arabic: Row, *, score: float | None = None, flags: Sequence[str] = ()) -> ReviewItem:
    """The item of a sample and its Arabic twin.

    The options of a multiple choice are shown where the messages show them.

    Raises:
        DataError: the two rows are not an English and an Arabic row of one id.
    """
    if (english.language, arabic.language) != ("en", "ar") or english.id != arabic.id:
        raise DataError(
            f"rows {english.id!r} ({english.language}) and {arabic.id!r} ({arabic.language}) are no twins; expected "
            "an English and an Arabic row of one id"
        )
    texts = map(joined, (english, arabic))
    return ReviewItem(english.id, english.source, english.modality, *texts, score=score, flags=tuple(flags))


def joined(row: Row) -> str:
    """The row as one text: a line with the role in brackets, then what is said; a figure's prose stands last."""
    label = wording()["labels"][row.language]
    said = [(turn["role"], text_of(turn)) for turn in row.messages]
    said += [("prose", text) for text in mbench_prose(row).values()]
    return "\n\n".join(f"{label[role]}\n{text}" for role, text in said)


def turns(text: str) -> list[tuple[str, str]]:
    """Role and text of each turn of a joined text, in either language; white space around a turn is dropped.

    Text before the first label has the role ``""``.
    """
    roles = {label: role for labels in wording()["labels"].values() for role, label in labels.items()}
    parts = re.split(rf"^[ \t]*({'|'.join(map(re.escape, roles))})[ \t]*$", plain(text), flags=re.MULTILINE)
    before = [("", parts[0].strip())] if parts[0].strip() else []
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return before + [(roles[label], said.strip()) for label, said in pairs]


def plain(text: str) -> str:
    """The text as it is compared: one kind of line end, no white space around it."""
    return with_line_feeds(text).strip()


def with_line_feeds(text: str) -> str:
    r"""The text with all its line ends, Excel's ``_x000D_`` too, as ``\n``."""
    return text.replace("_x000D_", "\r").replace("\r\n", "\n").replace("\r", "\n")


def text_key(text: str) -> str:
    """sha256 of the plain text: tells whether a text changed since it was judged."""
    return hashlib.sha256(plain(text).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def wording() -> dict[str, Any]:
    """Role labels, hints and guidance, as wording.yaml has them."""
    return yaml.safe_load(Path(__file__).with_name("wording.yaml").read_text(encoding="utf-8"))
