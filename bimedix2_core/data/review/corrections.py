"""Corrections: what the experts rewrote goes back into the rows, turn by turn, with who did it and why."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bimedix2_core.data.review.items import joined, text_key, turns
from bimedix2_core.data.review.settlement import Decision
from bimedix2_core.data.sources.benchmarks import mbench_prose, with_mbench_prose
from bimedix2_core.errors import DataError
from bimedix2_core.records import Message, Row, text_of

_LETTER = re.compile(r"\W*\w\W+")


@dataclass(frozen=True)
class Correction:
    """One corrected row."""

    row: Row
    """The Arabic row with its texts and options corrected; images, answer key and facts are as they were."""
    before: str
    """The Arabic text that was judged, its turns joined."""
    after: str
    verdict: str
    categories: tuple[str, ...]
    reviewers: tuple[str, ...]
    """Whose verdict it rests on, the adjudicator first."""
    dates: tuple[str, ...]
    """As these reviewers wrote them; empty where they wrote none."""
    comments: tuple[str, ...]
    is_adjudicated: bool


def apply_corrections(rows: Iterable[Row], decisions: Mapping[str, Decision]) -> dict[str, Correction]:
    """The corrected Arabic rows by id; rows without a correction are not among them.

    Args:
        rows: streamed; English rows pass unread.
        decisions: by id, `settlement.Settled.decisions`.

    Raises:
        DataError: the Arabic text of a corrected row is not the one that was judged, a corrected row is not there, or
            the corrected text does not give the turns or the options back. The message lists every problem.
    """
    wanted = {id: decision for id, decision in decisions.items() if decision.corrected}
    found, problems = {}, []
    for row in rows:
        if row.language != "ar" or row.id not in wanted:
            continue
        try:
            found[row.id] = _correction(row, wanted[row.id])
        except DataError as error:
            problems.append(str(error))
            found[row.id] = None
    problems += [f"{id!r}: no such Arabic row, so its correction has no place" for id in wanted if id not in found]
    if problems:
        raise DataError("\n".join(["corrections were not applied:", *(f"  {problem}" for problem in problems)]))
    return found


def _correction(row: Row, decision: Decision) -> Correction:
    before = joined(row)
    if text_key(before) != decision.arabic_key:
        raise DataError(f"{row.id!r}: the Arabic text changed since it was judged; have the new text reviewed")
    messages, prose = _corrected_texts(row, decision.corrected)
    corrected = replace(row, messages=messages, choices=_corrected_choices(row, messages))
    if prose:
        corrected = with_mbench_prose(corrected, prose)
    return Correction(
        row=corrected,
        before=before,
        after=joined(corrected),
        verdict=decision.verdict,
        categories=decision.categories,
        reviewers=tuple(review.reviewer for review in decision.reviews),
        dates=tuple(review.date for review in decision.reviews),
        comments=tuple(review.comment for review in decision.reviews),
        is_adjudicated=decision.is_adjudicated,
    )


def _corrected_texts(row: Row, corrected: str) -> tuple[list[Message], dict[str, str]]:
    """The messages, and the prose of a figure by name, as the corrected text has them."""
    said, names = turns(corrected), list(mbench_prose(row))
    expected = [message["role"] for message in row.messages] + ["prose"] * len(names)
    if [role for role, _ in said] != expected:
        found = ", ".join(role or "text before the first label" for role, _ in said)
        raise DataError(f"{row.id!r}: the corrected text has the turns {found}; expected {', '.join(expected)}")
    texts = [text for _, text in said]
    messages = [_with_text(message, text) for message, text in zip(row.messages, texts, strict=False)]
    return messages, dict(zip(names, texts[len(row.messages) :], strict=True))


def _with_text(message: Message, text: str) -> Message:
    """The message with its whole text in its first text part; a turn that only changed at its edges stays as it was."""
    if text_of(message).strip() == text:
        return message
    kept, is_placed = [], False
    for part in message["content"]:
        if part["type"] != "text":
            kept.append(part)
        elif not is_placed:
            kept.append(part | {"text": text})
            is_placed = True
    return message | {"content": kept if is_placed else [*kept, {"type": "text", "text": text}]}


def _corrected_choices(row: Row, messages: list[Message]) -> tuple[str, ...]:
    """The options as the corrected messages show them: what follows on the lines that began like theirs.

    Options that the messages do not show were not reviewed and stay.
    """
    lines = [line for message in row.messages for line in text_of(message).splitlines()]
    new_lines = [line for message in messages for line in text_of(message).splitlines()]
    if lines == new_lines or not row.choices:
        return row.choices
    return tuple(_corrected_choice(row.id, choice, lines, new_lines) for choice in row.choices)


def _corrected_choice(id: str, choice: str, lines: list[str], new_lines: list[str]) -> str:
    """The option after the letter that stands before it on its line, such as ``A. `` or ``(A) ``."""
    before = [line.removesuffix(choice) for line in lines if line.endswith(choice)]
    leads = [lead for lead in before if _LETTER.fullmatch(lead)]
    if not leads:
        return choice
    options = {line.removeprefix(leads[0]).strip() for line in new_lines if line.startswith(leads[0])}
    if len(options) != 1 or "" in options:
        raise DataError(
            f"{id!r}: the corrected text has {len(options)} lines that begin with {leads[0]!r}; expected one, the "
            f"option {choice!r}"
        )
    return options.pop()
