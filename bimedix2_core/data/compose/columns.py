"""Columns: a row as the shards hold it, and back."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from bimedix2_core.records import Row, arrow_messages, messages_of

_TEXT = pa.string()
_PARTS = pa.list_(pa.struct([("type", _TEXT), ("text", _TEXT)]))

SCHEMA = pa.schema(
    [
        ("id", _TEXT),
        ("language", _TEXT),
        ("task", _TEXT),
        ("source", _TEXT),
        ("messages", pa.list_(pa.struct([("role", _TEXT), ("content", _PARTS)]))),
        ("images", pa.list_(_TEXT)),
        ("kind", _TEXT),
        ("choices", pa.list_(_TEXT)),
        ("answer", _TEXT),
        ("facts", pa.list_(pa.struct([("name", _TEXT), ("value", _TEXT)]))),
        ("modality", _TEXT),
        ("clean", pa.bool_()),
    ]
)
"""The columns of a composed data set; ``images`` holds content keys, ``clean`` is null where nobody checked."""


def stored(row: Row, *, clean: bool | None) -> dict[str, Any]:
    """The plain values of a row under the names of ``SCHEMA``; an image part has the text null, as Arrow needs."""
    return {
        "id": row.id,
        "language": row.language,
        "task": row.task,
        "source": row.source,
        "messages": arrow_messages(row.messages),
        "images": list(row.images),
        "kind": row.kind,
        "choices": list(row.choices),
        "answer": row.answer,
        "facts": [{"name": name, "value": value} for name, value in row.facts.items()],
        "modality": row.modality,
        "clean": clean,
    }


def row_of_stored(values: Mapping[str, Any]) -> Row:
    """The row that ``stored`` took apart; ``modality`` follows from it, ``clean`` is no part of it."""
    return Row(
        id=values["id"],
        language=values["language"],
        task=values["task"],
        source=values["source"],
        messages=messages_of(values["messages"]),
        images=tuple(values["images"]),
        kind=values["kind"],
        choices=tuple(values["choices"]),
        answer=values["answer"],
        facts={fact["name"]: fact["value"] for fact in values["facts"]},
    )
