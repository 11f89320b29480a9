"""Segments: the texts of a row that are translated, each for itself, and the twin made of their translations.

Roles, images, ids, the keyed letter and every published field that is no prose stay as they are: they are never shown
to the translator, so they cannot be lost.
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
    """The texts of a row in reading order; of a multiple choice the question, each option, the explanation.

    Raises:
        DataError: a multiple choice whose messages do not hold its options.
    """
    if row.choices:
        parts = parts_of(row)
        options = [Segment("option", choice) for choice in row.choices]
        explanation = [Segment("assistant", parts.explanation)] if parts.explanation else []
        return [Segment("user", parts.question), *options, *explanation]
    turns = [Segment(turn["role"], text_of(turn)) for turn in row.messages]
    return turns + [Segment("prose", text) for text in _prose(row).values()]


def arabic_twin(row: Row, texts: Sequence[str]) -> Row:
    """The Arabic row with the same id: ``texts`` are the translations of its segments, in their order.

    Raises:
        DataError: the number of texts is not that of the row's segments.
    """
    n_wanted = len(segments_of(row))
    if len(texts) != n_wanted:
        raise DataError(f"row {row.id!r} has {n_wanted} segments, {len(texts)} translations came")
    if row.choices:
        return _twin_of_choice(row, texts)
    n_turns = len(row.messages)
    messages = [_with_text(turn, text) for turn, text in zip(row.messages, texts, strict=False)]
    twin = replace(row, language="ar", messages=messages)
    prose = dict(zip(_prose(row), texts[n_turns:], strict=True))
    return with_mbench_prose(twin, prose) if prose else twin


def _twin_of_choice(row: Row, texts: Sequence[str]) -> Row:
    n_options = len(row.choices)
    said = multiple_choice(
        id=row.id,
        language="ar",
        source=row.source,
        question=texts[0],
        choices=texts[1 : 1 + n_options],
        answer=row.answer,
        explanation="".join(texts[1 + n_options :]),
        facts=row.facts,
    )
    messages = [_with_text(turn, text_of(new)) for turn, new in zip(row.messages, said.messages, strict=True)]
    return replace(row, language="ar", messages=messages, choices=said.choices)


def _prose(row: Row) -> dict[str, str]:
    return mbench_prose(row) if "fig_caption" in row.facts else {}


def _with_text(turn: Message, text: str) -> Message:
    """The turn with its images where they were and this text in the place of its own."""
    content, placed = [], False
    for part in turn["content"]:
        if part["type"] != "text":
            content.append(part)
        elif not placed:
            content.append({"type": "text", "text": text})
            placed = True
    return {"role": turn["role"], "content": content}
