"""Text as it is compared: what case, punctuation, Arabic spelling and layout cannot change.

Word n-grams follow GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C): lower case, no punctuation, words between
white space, N = 13, and never fewer than 8 words. lm-eval's janitor has 13 too, datatrove 12, open-r1 8.
The Arabic rules are those of Lucene's ArabicNormalizer (harakat and tatweel out, alef, ya and ta marbuta unified) and
one more: hamza goes with the letter that carries it, and alone it goes.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bimedix2_core.records import Row, text_of

_LETTERS = {
    **dict.fromkeys("\u0622\u0623\u0625\u0671\u0672\u0673", "\u0627"),  # alef with madda, hamza, wasla
    "\u0624": "\u0648",  # waw with hamza
    **dict.fromkeys("\u0626\u0649\u06cc", "\u064a"),  # ya with hamza, alef maksura, Persian ya
    "\u0629": "\u0647",  # ta marbuta
    "\u06a9": "\u0643",  # Persian kaf
    "\u0621": "",  # hamza alone
    "\u0640": "",  # tatweel
    "\u066b": ".",  # Arabic decimal separator
    "\u066c": ",",  # Arabic thousands separator
}
_MARKS = ((0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8), (0x06EA, 0x06ED))
_INVISIBLE = (
    (0x00AD, 0x00AD),
    (0x061C, 0x061C),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2069),
    (0xFEFF, 0xFEFF),
)

_TABLE = str.maketrans(
    _LETTERS
    | {chr(code): "" for first, last in (*_MARKS, *_INVISIBLE) for code in range(first, last + 1)}
    | {chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0) for digit in range(10)}
)

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
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


def words(text: str) -> list[str]:
    """The words of a text, normalised: NFKC, case folded, Arabic unified, digits Western, no punctuation.

    A number keeps its decimal point, since 1.5 mg is not 15 mg; thousands separators go.

    Example:
        >>> words("X-ray: 1,200 mg, or 1.5?")
        ['x', 'ray', '1200', 'mg', 'or', '1.5']
    """
    # The Latin case fold and Arabic letters do not meet, so that one pass of each is enough.
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = text.translate(_TABLE)
    return _WORD.findall(_THOUSANDS.sub("", text) if "," in text else text)


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
