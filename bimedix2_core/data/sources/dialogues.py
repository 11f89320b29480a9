"""Dialogues: single-turn questions and multi-turn conversations without images, in LLaVA's and ShareGPT's layout.

Each record has `conversations`, a list of `from` (human / gpt, or user / assistant; system first) and `value`
(shared/notes/formats.md, "LLaVA instruction data"). The language is the script of the first answer, unless the source
has one.
"""

from bimedix2_core.data.chat import IMAGE_TOKEN
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources.card import NOT_STATED, Reading, Source, SourceCard
from bimedix2_core.data.sources.reading import Place, Record, text_at
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row, message, text_of

SPEAKERS = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def turns_of(record: Record) -> list[Message]:
    """The messages of a conversation without images.

    Raises:
        DataError: a turn is empty, has an unknown speaker or an image, or the speakers do not take turns from the
            user's first question to the assistant's last answer; a system text may come first.
    """
    if record.get("image"):
        raise DataError(f"the record has an image, {record['image']!r:.80}; read it as a source with images")
    turns = record["conversations"]
    if not isinstance(turns, list):
        raise DataError(f"conversations are {turns!r:.80}; expected a list of turns")
    messages = [_turn(turn) for turn in turns]
    roles = [turn["role"] for turn in messages]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise DataError(
            f"the turns are {', '.join(roles) or 'none'}; expected user, assistant, in turns and both at least once"
        )
    return messages


def dialogue(place: Place, record: Record, reading: Reading) -> Row:
    """A conversation of any number of turns."""
    return _row(place, record, reading, task="dialogue")


def single_turn(place: Place, record: Record, reading: Reading) -> Row:
    """One question with its answer.

    Raises:
        DataError: there are more turns.
    """
    row = _row(place, record, reading, task="qa")
    questions = sum(turn["role"] == "user" for turn in row.messages)
    if questions != 1:
        raise DataError(f"{questions} questions; expected one: read it as multi_turn_conversation")
    return row


def _turn(turn: Record) -> Message:
    speaker, text = turn["from"], text_at(turn, "value")
    if speaker not in SPEAKERS:
        raise DataError(f"a turn is from {speaker!r}; expected one of {', '.join(SPEAKERS)}")
    if IMAGE_TOKEN in text:
        raise DataError(f"a turn holds {IMAGE_TOKEN}; read it as a source with images")
    return message(SPEAKERS[speaker], text)


def _row(place: Place, record: Record, reading: Reading, *, task: str) -> Row:
    messages = turns_of(record)
    answer = next(turn for turn in messages if turn["role"] == "assistant")
    return Row(
        id=str(record.get("id", place.id)),
        language=reading.language or language_of(text_of(answer)),
        task=task,
        source=reading.source,
        messages=messages,
    )


_NOTE = "Text rows that BiMed-V inherited from BiMediX's BiMed1.3M; not published apart, so a file of your own is read."
_CITATION = "Pieri et al., BiMediX, arXiv 2402.13253"

SOURCES = tuple(
    Source(SourceCard(f"{id}{suffix}", f"{name}{label}", None, NOT_STATED, _CITATION, _NOTE), to_row, language=language)
    for id, name, to_row in (
        ("single_turn_qa", "Single Turn QA", single_turn),
        ("multi_turn_conversation", "Multi-Turn Conversation", dialogue),
    )
    for suffix, label, language in (("", "", "en"), ("_ar", " (Ara)", "ar"))
)
