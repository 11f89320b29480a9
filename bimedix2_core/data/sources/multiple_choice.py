"""Multiple choice: one shape for every set of questions with options, and the way back to its parts.

user       contexts, the question, and the options as lines "A. ..."
assistant  "B. ...", then the published explanation; absent where no key is published
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, text_of

LETTERS = ascii_uppercase

PARAGRAPH = "\n\n"
"""Stands between contexts, question, answer and explanation."""


@dataclass(frozen=True)
class Parts:
    """The texts of a multiple choice, apart from its options."""

    contexts: tuple[str, ...]
    question: str
    explanation: str


def multiple_choice(
    *,
    id: str,
    language: str,
    source: str,
    question: str,
    choices: Sequence[str],
    answer: str,
    contexts: Sequence[str] = (),
    explanation: str = "",
    facts: Mapping[str, str],
) -> Row:
    """A row of the task ``mcq``.

    Args:
        id: as published, or made from the place.
        language: ``"en"`` or ``"ar"``.
        source: id of the source.
        question: without its options.
        choices: option texts without letters, in published order.
        answer: the letter of the right option; empty where none is published, and then no assistant turn is made.
        contexts: paragraphs that stand before the question; then a blank line inside one, or inside the question,
            becomes a line break.
        explanation: why the answer is right.
        facts: what else the file says.

    Raises:
        DataError: fewer than two options, an option that is no text, or a letter that names none.
    """
    odd = [choice for choice in choices if not isinstance(choice, str)]
    if odd:
        raise DataError(f"an option is {odd[0]!r:.80}; expected text")
    if len(choices) < 2:
        raise DataError(f"{len(choices)} options; expected at least 2")
    if answer and answer not in list(LETTERS[: len(choices)]):
        raise DataError(f"the key is {answer!r}; expected one of {', '.join(LETTERS[: len(choices)])}")
    body = PARAGRAPH.join(map(_one_paragraph, [*contexts, question])) if contexts else question
    messages = [message("user", f"{body}\n{_lines(choices)}")]
    if answer:
        right = option_line(answer, choices)
        messages.append(message("assistant", f"{right}{PARAGRAPH}{explanation}" if explanation else right))
    return Row(
        id=id,
        language=language,
        task="mcq",
        source=source,
        messages=messages,
        choices=tuple(choices),
        answer=answer,
        facts=dict(facts),
    )


def parts_of(row: Row, *, with_contexts: bool = False) -> Parts:
    """What `multiple_choice` put together, taken apart again: the way from a translated row to a published file.

    Args:
        row: a row of the task ``mcq``.
        with_contexts: the question is the last paragraph, and those before it are contexts.

    Raises:
        DataError: the messages do not end with the lines of `choices`, or do not begin with the keyed answer.
    """
    user = text_of(row.messages[0])
    options = "\n" + _lines(row.choices)
    if not user.endswith(options):
        raise DataError(f"row {row.id!r}: the question does not end with the lines of its choices; change both alike")
    body = user.removesuffix(options)
    *contexts, question = body.split(PARAGRAPH) if with_contexts else [body]
    if not row.answer:
        return Parts(tuple(contexts), question, "")
    answer, right = text_of(row.messages[-1]), option_line(row.answer, row.choices)
    if not f"{answer}{PARAGRAPH}".startswith(f"{right}{PARAGRAPH}"):
        raise DataError(f"row {row.id!r}: the answer {answer!r:.80} does not begin with its option {right!r:.80}")
    return Parts(tuple(contexts), question, answer.removeprefix(right).removeprefix(PARAGRAPH))


def letter_of(key: object) -> str:
    """The letter of a published key: 0, "0", "A" or "(A)".

    Raises:
        DataError: it is none of these.
    """
    text = str(key).removeprefix("(").removesuffix(")")
    if text.isdecimal() and int(text) < len(LETTERS):
        return LETTERS[int(text)]
    if len(text) == 1 and text in LETTERS:
        return text
    raise DataError(f"the key is {key!r}; expected a letter, or a number from 0")


def option_line(letter: str, choices: Sequence[str]) -> str:
    """The option with this letter as it stands in the messages: ``B. a nodule``."""
    return f"{letter}. {choices[LETTERS.index(letter)]}"


def _lines(choices: Sequence[str]) -> str:
    return "\n".join(option_line(letter, choices) for letter in LETTERS[: len(choices)])


def _one_paragraph(context: str) -> str:
    return "\n".join(line for line in context.splitlines() if line.strip())
