"""Checks: what is wrong with a synthesised conversation or answer that no reader is needed for, each with its name.

They hold what words can show (the right answer is kept, no letter leaks, no side came in) and pass what they cannot
judge. A `Failure` says where and what; its detail is what the model is told when it is asked again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from types import MappingProxyType

from bimedix2_core.data.language import language_of
from bimedix2_core.data.numbers import difference, find_numbers
from bimedix2_core.data.synthesize import content
from bimedix2_core.data.synthesize.material import Material
from bimedix2_core.data.synthesize.turns import Turn
from bimedix2_core.data.translate.checks import Failure
from bimedix2_core.data.translate.checks.texts import short
from bimedix2_core.data.words import words

ROLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "doctor_chat": ("patient", "doctor"),
        "image_conversation": ("user", "assistant"),
        "fuller_answer": ("user", "assistant"),
    }
)
"""Who asks and who answers, as the model is to name them, by kind."""


@dataclass(frozen=True)
class CheckSettings:
    """Thresholds of the checks."""

    min_turns: int = 4
    """Fewest turns of a conversation, both speakers counted."""
    max_turns: int = 12
    """Most turns of a conversation."""
    max_copied: float = 0.6
    """Longest piece of the question that one turn may have word for word, as a share of it."""
    min_copied_words: int = 8
    """Shorter questions may be asked as they are."""
    min_grounded: float = 0.3
    """Least share of the caption's content words in a conversation about its image."""
    min_answer_words: int = 2
    """Fewest words of an answer in a conversation about an image."""
    min_words: int = 4
    """Fewest words of a fuller answer; it is longer than the short one in any case."""
    max_words: int = 80
    """Most words of a fuller answer."""
    min_letters: int = 12
    """Shorter turns may be a name in the other script."""


@dataclass(frozen=True)
class Case:
    """What is checked."""

    kind: str
    material: Material
    turns: Sequence[Turn]
    settings: CheckSettings

    @property
    def said(self) -> str:
        """All turns in one text."""
        return "\n".join(turn.text for turn in self.turns)


Details = Iterator[str]


def check(case: Case) -> list[Failure]:
    """Everything that the checks of the kind find, in their order; empty where all pass.

    Where nothing could be read, or somebody else speaks, the other checks have nothing to look at.
    """
    first = [Failure(name, detail) for name in _BEFORE for detail in CHECKS[name](case)]
    rest = OF_KIND[case.kind]
    return first or [Failure(name, detail) for name in rest for detail in CHECKS[name](case)]


# --- form ----------------------------------------------------------------------------------------------------------


def _readable(case: Case) -> Details:
    if not case.turns:
        yield 'the answer is no JSON list of {"role": ..., "text": ...} with a text in each; expected only that'


def _roles(case: Case) -> Details:
    expected = ROLES[case.kind]
    invented = sorted({turn.role for turn in case.turns} - set(expected))
    if invented:
        yield f"the roles are {', '.join(invented)} besides others; expected {' and '.join(expected)} only"


def _turn_order(case: Case) -> Details:
    asker, answerer = ROLES[case.kind]
    roles = [turn.role for turn in case.turns]
    if roles != [asker, answerer] * (len(roles) // 2):
        yield f"the turns are {', '.join(roles)}; expected {asker} first, {answerer} last, in turn"


def _n_turns(case: Case) -> Details:
    least, most = case.settings.min_turns, case.settings.max_turns
    if not least <= len(case.turns) <= most:
        yield f"{len(case.turns)} turns; expected {least} to {most}"


def _language(case: Case) -> Details:
    for place, turn in _numbered(case):
        language = language_of(turn.text)
        n_letters = sum(map(str.isalpha, turn.text))
        if n_letters >= case.settings.min_letters and language != case.material.language:
            yield f"{place} is in {language}; expected {case.material.language}"


_TAG = re.compile(r"""</?[^\W\d_][\w-]*(?:\s+[\w-]+=["'][^<>\n]*["'])*\s*/?>|<\|[^<>\n]*\|?>|\[/?INST\]|```|\u2039""")


def _markup(case: Case) -> Details:
    """Tags of the prompt or of a page, image placeholders, special tokens of a model."""
    for place, turn in _numbered(case):
        found = _TAG.findall(turn.text)
        if found:
            yield f"{place} holds {found[0]}"


def _speaker_label(case: Case) -> Details:
    """Somebody is announced inside a turn: another one speaks there, or the role is said twice."""
    for place, turn in _numbered(case):
        for label in re.findall(r"^\W*([^\W\d_]+)\W*:", turn.text, re.MULTILINE):
            if content.is_in(content.listed("speakers"), label):
                yield f"{place} announces a speaker: {label}"


def _repetition(case: Case) -> Details:
    said = Counter(content.spaced(turn.text) for turn in case.turns)
    for text, n_times in said.items():
        if n_times > 1 and text.strip():
            yield f"{n_times} turns say the same: {short(text.strip())}"


# --- doctor's chat -------------------------------------------------------------------------------------------------

_ASKS = re.compile("[?\u061f]")


def _asks_back(case: Case) -> Details:
    """The doctor's first turn asks something; the last is the conclusion."""
    answers = [turn for turn in case.turns if turn.role == ROLES[case.kind][1]]
    if len(answers) < 2 or not _ASKS.search(answers[0].text):
        yield "the doctor does not ask back before answering; expected a question in the doctor's first turn"


def _answer_kept(case: Case) -> Details:
    """The content of the right option, or of the short answer, is in the last turn."""
    if content.polarity(case.material.answer) and case.kind == "fuller_answer":
        return
    lost = content.missing(case.material.answer, case.turns[-1].text)
    if lost:
        yield f"the last turn lacks {', '.join(lost)} of {short(case.material.answer)!r}"


def _option_letters(case: Case) -> Details:
    """A letter in the place of an option, unless the material itself says so: a group (C), a B cell."""
    given = content.spaced(case.material.given)
    for place, turn in _numbered(case):
        for found in _letter_matches(turn.text):
            letter, after = found[1].lower(), words(turn.text[found.end() :])[:1]
            named = f" {letter} {after[0]} " if after else ""
            if found[0] not in case.material.given and not (named and named in given):
                yield f"{place} names an option by its letter: {found[0]}"


def _letter_matches(text: str) -> Iterator[re.Match]:
    for pattern in _letter_patterns():
        yield from pattern.finditer(text)


@cache
def _letter_patterns() -> tuple[re.Pattern, ...]:
    return tuple(re.compile(pattern) for pattern in content.known()["option_letters"])


def _exam(case: Case) -> Details:
    for place, turn in _numbered(case):
        yield from _phrase_found(place, turn.text, content.phrases("exam"), "betrays the examination")


def _verbatim(case: Case) -> Details:
    """The question as it stands, or all its options in one turn of the patient."""
    question = words(case.material.question)
    for place, turn in _numbered(case):
        said = words(turn.text)
        longest = SequenceMatcher(None, question, said, autojunk=False).find_longest_match().size
        if len(question) >= case.settings.min_copied_words and longest > case.settings.max_copied * len(question):
            yield f"{place} copies {longest} of the question's {len(question)} words in a row"
        options = [content.spaced(option) for option in case.material.options]
        if len(options) > 2 and all(option in content.spaced(turn.text) for option in options):
            yield f"{place} lists all options"


# --- what comes from a text ----------------------------------------------------------------------------------------


def _source_named(case: Case) -> Details:
    for place, turn in _numbered(case):
        yield from _phrase_found(place, turn.text, _source_phrases(), "betrays that a text was given")


@cache
def _source_phrases() -> tuple[str, ...]:
    lists = content.known()["source_named"]
    joined = [
        f"{before} {article}{text}" for before in lists["before"] for text in lists["text"] for article in ("", "the ")
    ]
    return tuple(content.spaced(phrase) for phrase in [*joined, *lists["alone"]])


def _brief(case: Case) -> Details:
    """No sentence, and mostly no answer: "No." where it was asked what the image shows."""
    for place, turn in _numbered(case):
        n_words, least = len(words(turn.text)), case.settings.min_answer_words
        if turn.role == ROLES[case.kind][1] and n_words < least:
            yield f"{place} has {n_words} words; expected {least} at least"


def _grounded(case: Case) -> Details:
    share, least = content.shared(case.material.caption, case.said), case.settings.min_grounded
    if share < least:
        yield f"{share:.0%} of the given text's words occur; expected {least:.0%} at least: speak of this image"


def _numbers(case: Case) -> Details:
    """Numbers in digits that the material does not have, as digits or as words."""
    given = case.material.given
    known = {value for number in find_numbers(given) for reading in number.readings for value in reading}
    for place, turn in _numbered(case):
        invented = sorted(set(difference(given, turn.text).extra) - known)
        if invented:
            yield f"{place} has numbers that were not given: {', '.join(f'{value:f}' for value in invented)}"


def _sides(case: Case) -> Details:
    """Left or right where the material does not say it."""
    for place, turn in _numbered(case):
        for side in ("left", "right"):
            word_list = content.listed(side)
            if content.is_in(word_list, turn.text) and not content.is_in(word_list, case.material.given):
                yield f"{place} says {side}, which was not given"


# --- fuller answer -------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile("[.!?\u061f\n]")
_CLAUSE_END = re.compile("[,;:\u060c\u061b]")


def _length(case: Case) -> Details:
    n_words, n_short = len(words(case.said)), len(words(case.material.answer))
    least, most = max(case.settings.min_words, n_short + 1), max(case.settings.max_words, 2 * n_short)
    if not least <= n_words <= most:
        yield f"{n_words} words; expected {least} to {most}"


def _polarity(case: Case) -> Details:
    """Yes stays yes, at the beginning, and what follows does not say the opposite of it."""
    expected, found = content.polarity(case.material.answer), content.polarity(case.said)
    if not expected:
        return
    if found != expected:
        yield f"it begins with {found or 'neither yes nor no'}; expected {expected}"
        return
    sentences = _SENTENCE_END.split(case.said)
    if any(content.polarity(sentence) not in ("", expected) for sentence in sentences[1:]):
        yield f"a later sentence says the opposite of {expected}"
    clause = next((part for part in _CLAUSE_END.split(_after_first_word(sentences[0])) if part.strip()), "")
    if _contradicts(case.material.question, clause, expected):
        yield f"{expected!r} is followed by its opposite: {short(clause.strip())}"


def _after_first_word(sentence: str) -> str:
    return re.sub(r"^\W*\w+\W*", "", sentence)


def _contradicts(question: str, clause: str, answer: str) -> bool:
    """Whether a clause that repeats all the question says is negated where the answer does not negate it."""
    asked = [word for word in content.content_words(question) if word not in content.listed("filler")]
    stated = content.content_words(clause)
    is_negated = content.NOT in stated
    was_negated = content.NOT in asked
    if not all(any(content.same(word, other) for other in stated) for word in asked if word != content.NOT):
        return False
    return bool(asked) and (is_negated != was_negated if answer == "yes" else is_negated == was_negated)


def _opposite(case: Case) -> Details:
    for before, after in content.turned_round(f"{case.material.question}\n{case.material.answer}", case.said):
        yield f"{before} became {after}"


def _not_an_answer(case: Case) -> Details:
    begins = content.phrases("not_an_answer")
    if content.spaced(case.said).startswith(begins):
        yield f"it begins with: {short(case.said)}"


# --- parts ---------------------------------------------------------------------------------------------------------


def _numbered(case: Case) -> Iterator[tuple[str, Turn]]:
    for number, turn in enumerate(case.turns, start=1):
        yield f"turn {number} ({turn.role})", turn


def _phrase_found(place: str, text: str, phrases: Sequence[str], what: str) -> Details:
    plain = content.spaced(text)
    found = next((phrase for phrase in phrases if phrase in plain), None)
    if found:
        yield f"{place} {what}: {found.strip()}"


Check = Callable[[Case], Details]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "readable": _readable,
        "roles": _roles,
        "turn_order": _turn_order,
        "n_turns": _n_turns,
        "length": _length,
        "language": _language,
        "markup": _markup,
        "speaker_label": _speaker_label,
        "repetition": _repetition,
        "asks_back": _asks_back,
        "answer_kept": _answer_kept,
        "option_letters": _option_letters,
        "exam": _exam,
        "verbatim": _verbatim,
        "source_named": _source_named,
        "brief": _brief,
        "grounded": _grounded,
        "numbers": _numbers,
        "sides": _sides,
        "polarity": _polarity,
        "opposite": _opposite,
        "not_an_answer": _not_an_answer,
    }
)
"""Every check by its name."""

_BEFORE = ("readable", "roles")
_OF_CONVERSATION = ("turn_order", "n_turns", "language", "markup", "speaker_label", "repetition")

OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "doctor_chat": (*_OF_CONVERSATION, "asks_back", "answer_kept", "option_letters", "exam", "verbatim"),
        "image_conversation": (*_OF_CONVERSATION, "source_named", "brief", "grounded", "numbers", "sides"),
        "fuller_answer": (
            *("length", "language", "markup", "speaker_label", "polarity", "answer_kept", "opposite", "numbers"),
            *("sides", "source_named", "not_an_answer"),
        ),
    }
)
"""The checks of each kind, in the order in which failures are listed, after ``readable`` and ``roles``."""
