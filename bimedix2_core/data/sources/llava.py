"""LLaVA JSON: the form in which LLaVA-Med and BiMed-V are published, read; `llava_writing` writes it.

A record has ``id``, ``conversations`` (``from`` human or gpt, ``value``) and, where there are images, ``image`` (a file
name, or a list of them) and one ``<image>`` in the conversation for each. LLaVA-Med writes ``<image>`` before or after
the first question and has files that spell the field ``conversatons``.

A row keeps each text as it is published, with the line break next to ``<image>``, and the image part where it was, so
that what is written equals what was read. For training, `images_first` does what LLaVA's trainer does.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.image_files import ImageFiles
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources.card import Reading, Source, SourceCard
from bimedix2_core.data.sources.images import image_file, named_images
from bimedix2_core.data.sources.reading import BadRows, Place, Record, facts_of, read_records, readable
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row, Sample, message, n_images, text_of

ROLES = {"human": "user", "gpt": "assistant", "system": "system"}

CONVERSATIONS = ("conversations", "conversatons")
"""The field and how LLaVA-Med's files also spell it."""

FORM = ("id", "image", *CONVERSATIONS)
"""The fields that make a LLaVA record; the others are facts."""


def llava_row(place: Place, record: Record, reading: Reading, *, task: str = "instruction") -> Row:
    """The row of a LLaVA record; all fields that are no part of the form become facts.

    The language is the reading's, else the script of the first answer, else of the whole conversation. Where a record
    has images but no ``<image>`` (LLaVA-Med's filter dropped first turns), they go before the first human turn.

    Raises:
        DataError: no conversation, another speaker, other than one ``<image>`` for each image, no letter to tell the
            language by, or an image that cannot be stored.

    Source:
        shared/notes/formats.md, "LLaVA instruction data"; LLaVA-Med, llava/instruct/instruct_postprocess.py.
    """
    names = _image_names(record)
    messages = _messages(record, len(names))
    facts = facts_of(record, [name for name in record if name not in FORM])
    return Row(
        id=str(record["id"]),
        language=reading.language or _language(messages),
        task=task,
        source=reading.source,
        messages=messages,
        images=named_images(names, reading),
        facts=facts | ({"image": "\n".join(names)} if names else {}),
    )


def read_llava_rows(
    file: Path, *, bad_rows: BadRows, images: ImageStore | None = None, image_folder: Path | None = None
) -> Iterator[Row]:
    """The rows of any LLaVA JSON file, streamed; their source is the name of the file.

    Args:
        file: a JSON list, or JSONL.
        bad_rows: counts the rows that cannot be read, a missing image among them, and stops beyond its limit.
        images: takes the images; without it rows have no keys, and their fact `image` names the published files, one
            on a line.
        image_folder: the folder that the published names are relative to.

    Raises:
        DataError: the file cannot be read, or has more bad rows than accepted.
    """
    reading = Reading(file.name, "", "", images, image_folder)
    return readable(read_records(file, bad_rows), partial(llava_row, reading=reading), bad_rows)


def read_llava(file: Path, *, image_folder: Path) -> list[Sample]:
    """All samples of a LLaVA JSON file, images first in each turn.

    Each image file must be there, but is opened only when the image is asked for (`ImageFiles`): the messages of
    BiMed-V's 1.69M rows fit into memory, its pictures would not.

    Raises:
        DataError: the file or an image is missing, a row is malformed (the message names it), or there is none.
    """
    reading = Reading(file.name, "", "", None, None)
    samples = [_sample(place, record, reading, image_folder) for place, record in read_records(file, BadRows(0))]
    if not samples:
        raise DataError(f"{file.name} holds no conversation; expected a list of them")
    return samples


def images_first(turn: Message) -> Message:
    """The turn as LLaVA trains it: its images, then its text without outer white space.

    Source:
        LLaVA, llava/train/train.py, ``preprocess_multimodal``.
    """
    return message(turn["role"], text_of(turn).strip(), images=n_images([turn]))


def _image_names(record: Record) -> list[str]:
    named = record.get("image") or []
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"image is {named!r:.80}; expected a file name or a list of them")
    return names


def _messages(record: Record, n_images: int) -> list[Message]:
    turns = [_turn(turn) for turn in _conversation(record)]
    n_placeholders = sum(text.count(IMAGE_TOKEN) for _, text in turns)
    if n_images and not n_placeholders:
        first = next((index for index, (role, _) in enumerate(turns) if role == "user"), 0)
        turns[first] = (turns[first][0], f"{IMAGE_TOKEN}\n" * n_images + turns[first][1])
    elif n_placeholders != n_images:
        raise DataError(f"{n_placeholders} {IMAGE_TOKEN} in its conversation but {n_images} images; each needs one")
    return [{"role": role, "content": _parts(text)} for role, text in turns]


def _conversation(record: Record) -> list[Any]:
    spelt = next((name for name in CONVERSATIONS if name in record), CONVERSATIONS[0])
    if not isinstance(record[spelt], list) or not record[spelt]:
        raise DataError(f"{spelt} is {record[spelt]!r:.80}; expected a list of turns")
    return record[spelt]


def _turn(turn: Any) -> tuple[str, str]:
    """Role and text of a turn."""
    speaker, text = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (None, None)
    if speaker not in ROLES or not isinstance(text, str):
        raise DataError(f"a turn is {turn!r:.80}; expected from ({', '.join(ROLES)}) and value (text)")
    return ROLES[speaker], text


def _parts(text: str) -> list[dict[str, str]]:
    """The text cut at each ``<image>``; nothing of it is lost."""
    parts: list[dict[str, str]] = []
    for index, piece in enumerate(text.split(IMAGE_TOKEN)):
        parts += [{"type": "image"}] if index else []
        parts += [{"type": "text", "text": piece}] if piece else []
    return parts or [{"type": "text", "text": ""}]


def _language(messages: list[Message]) -> str:
    answers = [text_of(turn) for turn in messages if turn["role"] == "assistant"]
    language = language_of(answers[0] if answers else "") or language_of(" ".join(map(text_of, messages)))
    if not language:
        raise DataError("no letter in its conversation, so its language cannot be told; drop the row")
    return language


def _sample(place: Place, record: Record, reading: Reading, image_folder: Path) -> Sample:
    try:
        row = llava_row(place, record, reading)
        images = ImageFiles(tuple(image_file(name, image_folder) for name in _image_names(record)))
    except KeyError as error:
        raise DataError(f"{place}: no field {error}; expected id and conversations") from None
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
    messages = [images_first(turn) for turn in row.messages]
    return Sample(row.id, row.language, row.task, row.source, messages, images)


_LLAVA_MED = "Li et al., LLaVA-Med, NeurIPS 2023, arXiv 2306.00890"

SOURCES = (
    Source(
        SourceCard(
            "llava_med_alignment",
            "LLaVA-Med alignment",
            None,
            "CC BY-NC 4.0",
            _LLAVA_MED,
            "llava_med_alignment_500k.json of github.com/microsoft/LLaVA-Med: figures with captions, for stage 1 and "
            "for Table 12's llava_med_subset_to_conv. The images come from the articles on PubMed Central.",
        ),
        partial(llava_row, task="caption"),
        language="en",
    ),
    Source(
        SourceCard(
            "llava_med_instruct",
            "LLaVA-Med instruct 60K-IM",
            None,
            "CC BY-NC 4.0",
            _LLAVA_MED,
            "llava_med_instruct_60k_inline_mention.json of github.com/microsoft/LLaVA-Med: Table 12's llava_med_to_qa "
            "is made from it.",
        ),
        llava_row,
        language="en",
    ),
    Source(
        SourceCard(
            "bimed_v",
            "BiMed-V",
            "MBZUAI/BiMed-V-1.6M",
            "CC BY-NC-SA 4.0",
            "Mullappilly et al., BiMediX2, arXiv 2412.07769",
            "BiMed-V_stage1.json and BiMed-V_stage2.json; the fields of a row that names its part of Table 12 are not "
            "known, so that all rows have this source.",
        ),
        llava_row,
    ),
)
