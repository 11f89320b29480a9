"""Translated: an English model answers Arabic questions by way of a translation, the baseline of Table 8.

    Arabic question -> to_english -> model (with the figure) -> English answer -> to_arabic -> Arabic answer

Any backend will do: each step is a callable over a whole list, which shows its own progress and keeps its own store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from bimedix2_core.bench.mbench.facts import question_of
from bimedix2_core.bench.mbench.questions import query
from bimedix2_core.errors import DataError
from bimedix2_core.records import Query, Row, message, n_images

Step = Callable[[Sequence], Sequence[str | None]]
"""Gives a text for each input, in order; None or an empty text where it failed."""


@dataclass(frozen=True)
class TranslatedAnswer:
    """One question with everything that was said on the way; what was not reached is empty."""

    id: str
    question: str
    """As asked, in Arabic."""
    english_question: str
    english_answer: str
    answer: str
    """In Arabic; empty where a step gave nothing. It is judged as an empty answer, never left out."""
    problem: str = ""
    """Which step gave nothing."""


def translate_then_answer(
    rows: Sequence[Row],
    open_image: Callable[[str], Image],
    *,
    to_english: Callable[[Sequence[str]], Sequence[str | None]],
    answer: Callable[[Sequence[Query]], Sequence[str | None]],
    to_arabic: Callable[[Sequence[str]], Sequence[str | None]],
) -> list[TranslatedAnswer]:
    """Answer Arabic questions with an English model between two translations.

    A step is given only what the step before brought: a question without a translation is not asked, an answer that is
    empty is not translated.

    Args:
        rows: Arabic questions with their figures.
        open_image: gives the picture of a content key.
        to_english: translates questions.
        answer: the English model.
        to_arabic: translates answers.

    Returns:
        One for each row, in order.

    Raises:
        DataError: a row is not Arabic or has no figure, or a step gave more or fewer texts than it was given.
    """
    foreign = [row.id for row in rows if row.language != "ar"]
    if foreign:
        raise DataError(f"{len(foreign)} of {len(rows)} questions are not Arabic, first {foreign[0]!r}")
    asked = {row.id: query(row, open_image) for row in rows}
    questions = {row.id: question_of(row) for row in rows}
    if len(questions) < len(rows):
        raise DataError(f"{len(rows)} questions with {len(questions)} ids; expected each id once")
    english = _step("the translation into English", to_english, questions)
    said = _step("the model", answer, {id: _in_english(asked[id], text) for id, text in english.items()})
    arabic = _step("the translation into Arabic", to_arabic, said)
    return [
        TranslatedAnswer(
            id,
            questions[id],
            english.get(id, ""),
            said.get(id, ""),
            arabic.get(id, ""),
            _problem(id in english, id in said, id in arabic),
        )
        for id in questions
    ]


def _in_english(asked: Query, question: str) -> Query:
    """The English question with the figures of the Arabic one, where they stood."""
    return Query(
        asked.id, "en", [message("user", question, images=n_images(asked.prompt))], images=asked.images
    )  # fmt: skip


def _step(name: str, step: Step, given: dict[str, str] | dict[str, Query]) -> dict[str, str]:
    """What a step gave, by id, without what is empty; it is not called for nothing."""
    if not given:
        return {}
    found = list(step(list(given.values())))
    if len(found) != len(given):
        raise DataError(f"{name} gave {len(found)} texts for {len(given)}; expected one for each, in order")
    return {id: text for id, text in zip(given, found, strict=True) if text is not None and text.strip()}


def _problem(*reached: bool) -> str:
    steps = ("no translation into English", "the model gave no answer", "no translation into Arabic")
    return next((problem for problem, is_there in zip(steps, reached, strict=True) if not is_there), "")
