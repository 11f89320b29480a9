"""Text as it is compared: the words of a question, apart from its options, its answer and its context.

Word n-grams follow GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C): lower case, no punctuation, words between
white space, N = 13, and never fewer than 8 words. lm-eval's janitor has 13 too, datatrove 12, open-r1 8.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bimedix2_core.data.words import words
from bimedix2_core.records import Row, text_of

_OPTION_LETTER = re.compile(r"^\s*\(?[^\W\d_]\s*[.):]\s*")
_LETTERS_IN_ORDER = ("abcdefgh", "\u0627\u0628\u062c\u062f\u0647\u0648")  # Latin; alef, ba, jim, dal, ha, waw
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Asked:
    """One question of a row, as it is compared."""

    question: tuple[str, ...]
    """Its words, without the options and the context that its turn may show too."""
    options: frozenset[str]
    """Keys of the options of a multiple choice: their order does not count."""
    answers: frozenset[str]
    """Keys of the forms of its answer: the short one, the wording, the option that a letter names."""
    context: tuple[str, ...]
    """Words of what stands before it to answer from: an abstract, a case, a caption."""


def key_of(words: Sequence[str]) -> str:
    """What exact matches compare: the words without white space, so that ``X-ray`` and ``xray`` are equal."""
    return "".join(words)


def text_key(text: str) -> str:
    """The key of a text."""
    return key_of(words(text))


def n_grams(words: Sequence[str], n: int) -> Iterator[str]:
    """Every run of `n` words, joined by spaces, in order; none where there are fewer words."""
    return (" ".join(words[start : start + n]) for start in range(len(words) - n + 1))


def questions_of(row: Row, context_facts: Sequence[str]) -> list[Asked]:
    """What the user asks in each turn, with what answers it.

    Of a turn of several paragraphs the last is the question, once the lines that are options are gone; the earlier
    ones are its context, and so are the facts named. Options and short answer of a row belong to its last question.

    Args:
        row: a training row or a benchmark item.
        context_facts: names of facts that hold context which no turn shows, such as the caption of a figure.
    """
    shown_nowhere = [row.facts[name] for name in context_facts if name in row.facts]
    turns = [index for index, turn in enumerate(row.messages) if turn["role"] == "user"]
    return [_asked(row, index, shown_nowhere, is_last=index == turns[-1]) for index in turns]


def _asked(row: Row, index: int, shown_nowhere: Sequence[str], *, is_last: bool) -> Asked:
    """The question of one turn."""
    text = text_of(row.messages[index])
    choices = (row.choices if is_last else ()) or _shown_options(text)
    *earlier, question = _paragraphs(text, choices)
    said = [text_of(turn) for turn in row.messages[index + 1 : index + 2] if turn["role"] == "assistant"]
    return Asked(
        question=tuple(words(question)),
        options=frozenset(filter(None, map(text_key, choices))),
        answers=_answers([*said, row.answer] if is_last else said, choices),
        context=tuple(words("\n".join([*earlier, *shown_nowhere]))),
    )


def _shown_options(text: str) -> list[str]:
    """Options that only the wording shows, as in LLaVA-style files: lines that begin with A, B, ... in order."""
    lines = [line for line in text.split("\n") if _OPTION_LETTER.match(line)]
    letters = "".join("".join(words(line)[:1]) for line in lines)
    in_order = len(lines) == len(letters) > 1 and any(run.startswith(letters) for run in _LETTERS_IN_ORDER)
    return [_without_letter(line) for line in lines] if in_order else []


def _paragraphs(text: str, choices: Sequence[str]) -> list[str]:
    """The paragraphs of a turn, at least one, without the lines that are options, with or without their letters."""
    if choices:
        options = {text_key(choice) for choice in choices}
        lines = [line for line in text.split("\n") if not options & {text_key(line), text_key(_without_letter(line))}]
        text = "\n".join(lines)
    paragraphs = [paragraph for paragraph in _PARAGRAPH.split(text) if paragraph.strip()]
    return paragraphs or [""]


def _answers(texts: Sequence[str], choices: Sequence[str]) -> frozenset[str]:
    """Keys of the answer's forms: as it is, and its first paragraph (the rest explains) without an option's letter.

    A letter alone becomes the option it names. Where it names none it is no answer: other options, other meaning.
    """
    forms = [form for text in texts for form in (text, _without_letter(_PARAGRAPH.split(text.strip())[0]))]
    keys = {text_key(_named_option(form.strip(), choices)) for form in forms}
    return frozenset(key for key in keys if len(key) > 1 or key.isdigit())


def _without_letter(line: str) -> str:
    return _OPTION_LETTER.sub("", line, count=1)


def _named_option(answer: str, choices: Sequence[str]) -> str:
    """The text of the option whose letter is the answer; the answer itself where it names none."""
    position = ord(answer) - ord("A") if len(answer) == 1 else -1
    return choices[position] if 0 <= position < len(choices) else answer
