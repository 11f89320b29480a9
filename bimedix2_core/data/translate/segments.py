"""Segments: the texts of a row that are translated, each for itself, and the twin made of their translations.

Roles, images, ids, the keyed letter and every published field that is no prose stay as they are: they are never shown
to the translator, so they cannot be lost. Blank texts are no segments, and white space around a text stays where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bimedix2_core.data.sources.benchmarks import mbench_prose, with_mbench_prose
from bimedix2_core.data.sources.multiple_choice import multiple_choice, parts_of
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row, text_of


@dataclass(frozen=True)
class Segment:
    """One text of a row."""

    role: str
    """``user``, ``assistant`` or ``system`` of a turn, ``option`` of a choice, ``prose`` of a published field."""
    text: str


def segments_of(row: Row) -> list[Segment]:
    """The texts of a row in reading order, without the white space around them.

    A turn is one segment; where images stand between its texts, each text is one. A multiple choice has its contexts,
    its question, each option, and the explanation.

    Raises:
        DataError: the row is not English, has no text at all, or is a multiple choice whose messages do not hold its
            options.
    """
    if row.language != "en":
        raise DataError(f"row {row.id!r} is in {row.language!r}; only English rows are translated")
    segments = [Segment(one.role, one.text.strip()) for one in _texts_of(row) if one.text.strip()]
    if not segments:
        raise DataError(f"row {row.id!r} has no text to translate")
    return segments


def arabic_twin(row: Row, texts: Sequence[str]) -> Row:
    """The Arabic row with the same id: ``texts`` are the translations of its segments, in their order.

    Raises:
        DataError: the number of texts is not that of the row's segments.
    """
    n_wanted = len(segments_of(row))
    if len(texts) != n_wanted:
        raise DataError(f"row {row.id!r} has {n_wanted} segments, {len(texts)} translations came")
    translations = iter(texts)
    said = [_within_spaces(one.text, next(translations)) if one.text.strip() else one.text for one in _texts_of(row)]
    return _twin_of_choice(row, said) if row.choices else _twin_of_turns(row, said)


def _texts_of(row: Row) -> list[Segment]:
    """All texts of the row, blank ones too, as they stand."""
    if row.choices:
        parts = parts_of(row, with_contexts=True)
        asked = [Segment("user", text) for text in (*parts.contexts, parts.question)]
        options = [Segment("option", choice) for choice in row.choices]
        return [*asked, *options, Segment("assistant", parts.explanation)]
    turns = [Segment(turn["role"], part["text"]) for turn in row.messages for part in turn["content"] if _is_text(part)]
    return turns + [Segment("prose", text) for text in mbench_prose(row).values()]


def _twin_of_turns(row: Row, said: Sequence[str]) -> Row:
    texts = iter(said)
    messages = [
        {
            "role": turn["role"],
            "content": [part | {"text": next(texts)} if _is_text(part) else part for part in turn["content"]],
        }
        for turn in row.messages
    ]
    twin, prose = replace(row, language="ar", messages=messages), mbench_prose(row)
    return with_mbench_prose(twin, dict(zip(prose, texts, strict=True))) if prose else twin


def _twin_of_choice(row: Row, said: Sequence[str]) -> Row:
    n_options = len(row.choices)
    *contexts, question = said[: -n_options - 1]
    arabic = multiple_choice(
        id=row.id,
        language="ar",
        source=row.source,
        question=question,
        choices=said[-n_options - 1 : -1],
        answer=row.answer,
        contexts=contexts,
        explanation=said[-1],
        facts=row.facts,
    )
    messages = [_with_text(turn, text_of(new)) for turn, new in zip(row.messages, arabic.messages, strict=True)]
    return replace(row, language="ar", messages=messages, choices=arabic.choices)


def _with_text(turn: Message, text: str) -> Message:
    """The turn with its images before this text, which is its only one."""
    images = [part for part in turn["content"] if not _is_text(part)]
    return {"role": turn["role"], "content": [*images, {"type": "text", "text": text}]}


def _within_spaces(before: str, text: str) -> str:
    """The text with the white space that stood around the one before."""
    n_lead, n_trail = len(before) - len(before.lstrip()), len(before) - len(before.rstrip())
    return before[:n_lead] + text + before[len(before) - n_trail :]


def _is_text(part: dict[str, str]) -> bool:
    return part["type"] == "text"
