"""Bilingual corpus: says truth records in English and in Modern Standard Arabic.

    truth -> slots (words that agree with each other) -> template -> Twin (the same turns in both languages)

All words and templates live in grammar.yaml; this module only combines them. A template has an English and an Arabic
side, so twins say the same thing. Of the templates of one (function, kind, `subject`) exactly one, chosen by a stable
hash, is kept for `held_out=True` and never used otherwise: what is tested was never a training sentence, though its
words were. A question that names nothing of the truth ("What kind of image is this?") is one sentence for all images:
only its images can be held out.

The wrong options and findings a question asks about are drawn evenly. Draw truths with `even_truth`, or otherwise
evenly over modality, then finding, then side and size: then the question alone does not tell the answer.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bimedix2_core.demo.phantoms import FINDINGS, MODALITIES, Truth
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Sample, message

if TYPE_CHECKING:
    from PIL import Image

_ASKED_MORE_OFTEN = {"side_yes_no": 2}
"""Weights of the closed kinds learnt last: to answer, what the question says is compared with what is seen."""
OPPOSITE = {"left": "right", "right": "left", "small": "large", "large": "small"}
_SIDED_WORDS = ("place", "place_lies", "other")
LETTERS = ("A", "B", "C", "D")
RADIOLOGICAL = ("cxr", "ct", "mri")
DIRECTIONS = ("en-ar", "ar-en")

Turn = tuple[str, str]
"""What the user says and what the assistant answers."""


@dataclass(frozen=True)
class Twin:
    """One conversation said in every language.

    `image_turn` is the turn whose user part begins with the image (None: no image); `answer` is the answer without a
    language: yes, no, left, small, a finding, "A", ... or empty where there is no key.
    """

    task: str
    kind: str
    turns: dict[str, tuple[Turn, ...]]
    image_turn: int | None = None
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    answer: str = ""


def samples(twin: Twin, id: str, image: Image.Image | None = None) -> tuple[Sample, Sample]:
    """The English and the Arabic sample of a twin; both have the same id.

    Raises:
        DataError: if the twin speaks of an image and none is given, or the other way round.
    """
    if (image is None) != (twin.image_turn is None):
        found, expected = ("no image", "one") if image is None else ("an image", "none")
        raise DataError(f"twin {id!r} ({twin.task}/{twin.kind}) came with {found}, its turns need {expected}")
    english, arabic = (_sample(twin, id, language, image) for language in LANGUAGES)
    return english, arabic


def _sample(twin: Twin, id: str, language: str, image: Image.Image | None) -> Sample:
    messages = []
    for index, (user, assistant) in enumerate(twin.turns[language]):
        messages.append(message("user", user, images=int(index == twin.image_turn)))
        messages.append(message("assistant", assistant))
    return Sample(
        id=id,
        language=language,
        task=twin.task,
        source="grammar" if image is None else "phantom",
        messages=messages,
        images=[] if image is None else [image],
        kind=twin.kind,
        choices=twin.choices.get(language, ()),
    )


def even_truth(rng: random.Random) -> Truth:
    """A truth record drawn evenly over modalities, then findings, then sides and sizes."""
    modality = rng.choice(MODALITIES)
    finding = rng.choice(list(FINDINGS[modality]))
    traits = FINDINGS[modality][finding]
    side = rng.choice(("left", "right")) if traits.has_side else ""
    size = rng.choice(("small", "large")) if traits.has_size else ""
    return Truth(modality, finding, side, size)


@contextmanager
def few_wordings() -> Iterator[None]:
    """Inside, the corpus says everything in one way: of each group of templates the first that is not reserved."""
    before = _FEW_WORDINGS.set(True)
    try:
        yield
    finally:
        _FEW_WORDINGS.reset(before)


_FEW_WORDINGS: ContextVar[bool] = ContextVar("few wordings", default=False)


# --- which kinds and answers fit a truth -----------------------------------------------------------------------------


def kinds(function: str, truth: Truth) -> tuple[str, ...]:
    """The kinds that `function` (closed_question, open_question, multiple_choice, laterality) can ask of a truth.

    Raises:
        DataError: if the function has no kinds.
    """
    if function not in _KINDS:
        raise DataError(f"function {function!r} has no kinds; expected one of {', '.join(_KINDS)}")
    return tuple(kind for kind, fits in _KINDS[function].items() if fits(truth))


def closed_answers(truth: Truth, kind: str) -> tuple[str, ...]:
    """The answers a closed question of this kind can have about a truth: what the caller can balance."""
    _check_kind("closed_question", kind, truth)
    abnormal = truth.finding != "normal"
    if kind == "abnormal":
        return ("yes",) if abnormal else ("no",)
    if kind == "normal":
        return ("no",) if abnormal else ("yes",)
    if kind == "finding" and not abnormal:
        return ("no",)
    if kind in ("side", "size"):
        return (getattr(truth, kind),)
    return ("yes", "no")


def _always(truth: Truth) -> bool:
    return True


def _has_side(truth: Truth) -> bool:
    return bool(truth.side)


def _has_size(truth: Truth) -> bool:
    return bool(truth.size)


def _has_both(truth: Truth) -> bool:
    return bool(truth.side and truth.size)


def _has_sided_rival(truth: Truth) -> bool:
    return bool(truth.side) and len(_sided(truth.modality)) > 1


def _has_organ(truth: Truth) -> bool:
    return "organ" in _grammar()["lexicon"]["findings"].get(truth.finding, {}).get("en", {})


def _has_region(truth: Truth) -> bool:
    return truth.modality in RADIOLOGICAL


def _sided(modality: str) -> list[str]:
    return [finding for finding, traits in FINDINGS[modality].items() if traits.has_side]


_KINDS: dict[str, dict[str, Callable[[Truth], bool]]] = {
    "closed_question": {
        "modality": _always,
        "abnormal": _always,
        "normal": _always,
        "finding": _always,
        "side": _has_side,
        "side_yes_no": _has_side,
        "size": _has_size,
        "size_yes_no": _has_size,
    },
    "open_question": {
        "modality": _always,
        "finding": _always,
        "side": _has_side,
        "size": _has_size,
        "organ": _has_organ,
        "region": _has_region,
    },
    "multiple_choice": {
        "modality": _always,
        "finding": _always,
        "organ": _always,
        "side": _has_sided_rival,
        "side_size": _has_both,
    },
    "laterality": {
        "opposite": _has_side,
        "not_there": _has_side,
        "picture": _has_side,
        "place": _has_side,
        "agree": _has_side,
        "disagree": _has_side,
    },
}


# --- about an image --------------------------------------------------------------------------------------------------


def caption(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    """A brief request and one sentence with modality, finding, side and size."""
    template = _pick("caption", "caption", truth, rng, held_out=held_out)
    return Twin("caption", "caption", _single(template, truth, _both(truth)), image_turn=0, answer=truth.finding)


def closed_question(
    truth: Truth, kind: str, answer: str, rng: random.Random, *, held_out: bool, asked: str | None = None
) -> Twin:
    """A question with a short, fixed answer.

    Args:
        truth: what the image shows.
        kind: one of `kinds("closed_question", truth)`.
        answer: the right answer, one of `closed_answers(truth, kind)`; the caller asks for it so that it can balance.
        rng: draws the template, and what is asked where `asked` leaves it open.
        held_out: use the reserved template.
        asked: for the kinds modality and finding: the modality or the finding (of the same modality) asked about.

    Raises:
        DataError: if the answer contradicts the truth.
    """
    question, reply = _closed(truth, kind, answer, rng, held_out=held_out, asked=asked)
    return Twin("closed_question", kind, _turns(question, reply), image_turn=0, answer=answer)


def open_question(truth: Truth, kind: str, rng: random.Random, *, held_out: bool) -> Twin:
    """A question with a short free answer; `kind` is one of `kinds("open_question", truth)`."""
    question, reply = _open(truth, kind, rng, held_out=held_out)
    return Twin("open_question", kind, _turns(question, reply), image_turn=0, answer=_open_key(truth, kind))


def multiple_choice(truth: Truth, kind: str, rng: random.Random, *, held_out: bool) -> Twin:
    """Four options A to D (Latin letters in both languages), all shuffled; the answer is the letter only.

    The options of one question are all answers of other truths: when the caller draws findings, sides and sizes evenly,
    nothing but the image tells which is right. `kind` is one of `kinds("multiple_choice", truth)`.
    """
    question, choices, letter = _choice(truth, kind, rng, held_out=held_out)
    turns = _turns(question, dict.fromkeys(LANGUAGES, letter))
    return Twin("multiple_choice", kind, turns, image_turn=0, choices=choices, answer=letter)


def chat(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    """Three or four turns: text only, then the image, then follow-up questions with consistent answers.

    The kind says what the third turn asks: side, size, plain (a finding without either) or normal.
    """
    follow = _follow_kinds(truth)
    kind = rng.choice(follow)
    parts = ["open", "show", kind]
    if rng.random() < 0.5:
        parts.append("meaning" if len(follow) == 1 or rng.random() < 0.5 else next(k for k in follow if k != kind))
    wrong = rng.choice([name for name in FINDINGS[truth.modality] if name not in ("normal", truth.finding)])
    slots = _beside(truth, Truth(truth.modality, wrong), "wrong")
    rendered = [_single(_pick("chat", part, truth, rng, held_out=held_out), truth, slots) for part in parts]
    turns = {language: tuple(turn[language][0] for turn in rendered) for language in LANGUAGES}
    return Twin("chat", kind, turns, image_turn=1, answer=truth.finding)


def description(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    """A request for detail and three or four sentences: technique, finding, negative findings, impression."""
    template = _pick("description", "description", truth, rng, held_out=held_out)
    turns = _single(template, truth, _both(truth))
    return Twin("description", "description", turns, image_turn=0, answer=truth.finding)


def interview(truth: Truth, rng: random.Random, *, n_questions: int, held_out: bool = False) -> Twin:
    """Closed, open and multiple-choice questions about one image in a row, as LLaVA's instruction data has them."""
    asked = [_any_question(truth, rng, held_out=held_out) for _ in range(n_questions)]
    turns = {language: tuple(twin.turns[language][0] for twin in asked) for language in LANGUAGES}
    return Twin("interview", "interview", turns, image_turn=0)


def _any_question(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    form = rng.choices(("closed_question", "open_question", "multiple_choice"), weights=(7, 4, 1))[0]
    possible = kinds(form, truth)
    if form == "open_question":
        return open_question(truth, rng.choice(possible), rng, held_out=held_out)
    if form == "multiple_choice":
        return multiple_choice(truth, rng.choice(possible), rng, held_out=held_out)
    kind = rng.choices(possible, weights=[_ASKED_MORE_OFTEN.get(kind, 1) for kind in possible])[0]
    return closed_question(truth, kind, rng.choice(closed_answers(truth, kind)), rng, held_out=held_out)


# --- text only -------------------------------------------------------------------------------------------------------


def report(truth: Truth, rng: random.Random, *, held_out: bool) -> Twin:
    """Findings in words and the request for an impression (text only); the assistant gives the impression."""
    text = story(truth, rng, held_out=held_out, lead=False)
    slots = _with(_both(truth), "report", text)
    template = _pick("report", "impression", truth, rng, held_out=held_out)
    return Twin("report", "impression", _single(template, truth, slots), answer=truth.finding)


def reading(
    truth: Truth,
    kind: str,
    rng: random.Random,
    *,
    held_out: bool,
    form: str = "closed_question",
    answer: str | None = None,
    asked: str | None = None,
) -> Twin:
    """Comprehension (text only): a report of the truth in words, and a question on it as one would ask of the image.

    Args:
        truth: what the report says.
        kind: one of `kinds(form, truth)`.
        rng: draws the report and the question.
        held_out: use the reserved templates.
        form: closed_question, open_question or multiple_choice.
        answer: for closed questions, as there; None draws one.
        asked: for closed questions, as there.

    Raises:
        DataError: if the form is unknown, or the answer contradicts the truth.
    """
    choices: dict[str, tuple[str, ...]] = {}
    if form == "closed_question":
        answer = answer or rng.choice(closed_answers(truth, kind))
        question, reply = _closed(truth, kind, answer, rng, held_out=held_out, asked=asked)
    elif form == "open_question":
        question, reply = _open(truth, kind, rng, held_out=held_out)
        answer = _open_key(truth, kind)
    elif form == "multiple_choice":
        question, choices, answer = _choice(truth, kind, rng, held_out=held_out)
        reply = dict.fromkeys(LANGUAGES, answer)
    else:
        raise DataError(f"reading form is {form!r}; expected closed_question, open_question or multiple_choice")
    text = story(truth, rng, held_out=held_out, lead=kind in ("modality", "organ", "region"))
    frame = _pick("reading", "frame", truth, rng, held_out=held_out)
    asking = {
        language: frame[language].format(report=text[language], question=question[language]) for language in LANGUAGES
    }
    return Twin("reading", kind, _turns(asking, reply), choices=choices, answer=answer)


def case_file(truth: Truth, rng: random.Random, *, held_out: bool, n_lines: int = 4) -> Twin:
    """Lines about one case, each in either language (text only); the assistant adds the last, in the sample's own.

    All lines say the same truth in other words, so each foretells the next: left and its Arabic forms become one.
    """
    lines = [_case_line(truth, rng, held_out=held_out) for _ in range(n_lines)]
    turned = [rng.random() < 0.5 for _ in lines[:-1]]
    other = dict(zip(LANGUAGES, reversed(LANGUAGES), strict=True))
    turns = {}
    for language in LANGUAGES:
        told = [line[other[language] if turn else language] for line, turn in zip(lines, turned, strict=False)]
        turns[language] = (("\n".join(told), lines[-1][language]),)
    return Twin("case_file", "case_file", turns, answer=truth.finding)


def _case_line(truth: Truth, rng: random.Random, *, held_out: bool) -> dict[str, str]:
    if rng.random() < 0.5:
        return story(truth, rng, held_out=held_out, lead=rng.random() < 0.5, most=1)
    return {language: turns[0][1] for language, turns in caption(truth, rng, held_out=held_out).turns.items()}


def laterality(truth: Truth, kind: str, rng: random.Random, *, held_out: bool) -> Twin:
    """Drills of left and right (text only): opposites, exclusion, the side of the picture, the words for a side.

    `kind` is one of `kinds("laterality", truth)`; the truth must have a side.
    """
    _check_kind("laterality", kind, truth)
    template = _pick("laterality", kind, truth, rng, held_out=held_out)
    answer = {"agree": "yes", "disagree": "no"}.get(kind, truth.side)
    return Twin("laterality", kind, _single(template, truth, _both(truth)), answer=answer)


def fact(rng: random.Random, *, held_out: bool) -> Twin:
    """A medical question and its answer (text only); the kind is the name of the fact."""
    facts = _grammar()["facts"]
    name = rng.choice(list(facts))
    frame = _pick("fact", "frame", name, rng, held_out=held_out)
    turns = {
        language: ((frame[language].format(question=facts[name][language][0]), facts[name][language][1]),)
        for language in LANGUAGES
    }
    return Twin("fact", name, turns)


def parallel_sentence(truth: Truth, direction: str, rng: random.Random, *, held_out: bool) -> Twin:
    """A translation (text only) of a caption-like or report-like sentence.

    `direction` is en-ar or ar-en. Both turns of the twin have the same source and the same target; only the language of
    the instruction differs, and that is the language of the sample. So the answer of an `en` sample is Arabic for en-ar
    and English for ar-en.

    Raises:
        DataError: if the direction is unknown.
    """
    if direction not in DIRECTIONS:
        raise DataError(f"translation direction is {direction!r}; expected one of {', '.join(DIRECTIONS)}")
    source, target = direction.split("-")
    if rng.random() < 0.5:
        template = _pick("caption", "caption", truth, rng, held_out=held_out)
        sentence = {language: turns[0][1] for language, turns in _single(template, truth, _both(truth)).items()}
    else:
        sentence = story(truth, rng, held_out=held_out, lead=False, most=2)
    frame = _pick("parallel_sentence", direction, truth, rng, held_out=held_out)
    turns = {language: ((frame[language].format(source=sentence[source]), sentence[target]),) for language in LANGUAGES}
    return Twin("parallel_sentence", direction, turns, answer=truth.finding)


def follow_up(rng: random.Random, *, complete: bool, held_out: bool) -> Twin:
    """A patient's complaint (text only): the right reply asks for what is missing, or advises when nothing is.

    The incomplete complaint lacks at least one of duration, severity, associated symptom and history; the reply asks
    for the first one missing in that order. The kind is the name of the complaint, the answer what is asked for, or
    "complete".
    """
    words = _grammar()["follow_up"]
    name = rng.choice(list(words["complaints"]))
    order = words["order"]
    told = list(order) if complete else rng.sample(order, rng.choice((0, 0, 1, 1, 2, 3)))
    rng.shuffle(told)
    grade = rng.choice(list(words["grade"]))
    slots = _complaint(name, grade, rng.randrange(len(words["when"])))
    said = [_choose(words["complaint"], "follow_up", "complaint", name, rng, held_out=held_out)]
    said += [rng.choice(words["tell"][item]) for item in told]
    missing = next((item for item in order if item not in told), "complete")
    options = words["advise"] if missing == "complete" else words["ask"][missing]
    reply = _choose(options, "follow_up", missing, name, rng, held_out=held_out)
    turns = {
        language: ((" ".join(_fill(part, language, slots) for part in said), _fill(reply, language, slots)),)
        for language in LANGUAGES
    }
    return Twin("follow_up", name, turns, answer=missing)


# --- questions -------------------------------------------------------------------------------------------------------


def _closed(
    truth: Truth, kind: str, answer: str, rng: random.Random, *, held_out: bool, asked: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Question and reply by language."""
    allowed = closed_answers(truth, kind)
    if answer not in allowed:
        raise DataError(
            f"answer {answer!r} to a closed {kind} question contradicts {truth}; expected {' or '.join(allowed)}"
        )
    about = _asked(truth, kind, answer, rng, asked)
    name = getattr(about, kind) if kind in ("modality", "finding") else truth
    template = _pick("closed_question", kind, name, rng, held_out=held_out)
    slots = _beside(truth, about, "asked")
    question, reply = {}, {}
    for language in LANGUAGES:
        text = template[language]
        words = _grammar()["lexicon"]["answers"][language]
        if isinstance(text, list):
            question[language], reply[language] = (part.format_map(slots[language]) for part in text)
        else:
            question[language] = text.format_map(slots[language])
            reply[language] = words.get(answer) or f"{slots[language]['Side' if language == 'en' else 'side']}."
    return question, reply


def _asked(truth: Truth, kind: str, answer: str, rng: random.Random, asked: str | None) -> Truth:
    """The record the question asks about: the truth itself where the answer is yes, a neighbour where it is no."""
    yes = answer == "yes"
    if kind == "side_yes_no":
        return truth if yes else replace(truth, side=OPPOSITE[truth.side])
    if kind == "size_yes_no":
        return truth if yes else replace(truth, size=OPPOSITE[truth.size])
    if kind not in ("modality", "finding"):
        return truth
    known = MODALITIES if kind == "modality" else [name for name in FINDINGS[truth.modality] if name != "normal"]
    right = getattr(truth, kind)
    asked = asked or (right if yes else rng.choice([name for name in known if name != right]))
    if asked not in known or (asked == right) != yes:
        raise DataError(
            f"asked {kind} {asked!r} does not have the answer {answer!r} for {truth}; "
            f"expected {right!r} for yes, another of {', '.join(known)} for no"
        )
    return Truth(asked, "normal") if kind == "modality" else Truth(truth.modality, asked)


def _open(truth: Truth, kind: str, rng: random.Random, *, held_out: bool) -> tuple[dict[str, str], dict[str, str]]:
    _check_kind("open_question", kind, truth)
    template = _pick("open_question", kind, truth, rng, held_out=held_out)
    turns = _single(template, truth, _both(truth))
    return {k: v[0][0] for k, v in turns.items()}, {k: v[0][1] for k, v in turns.items()}


def _open_key(truth: Truth, kind: str) -> str:
    lexicon = _grammar()["lexicon"]
    if kind == "organ":
        return lexicon["findings"][truth.finding]["en"]["organ"]
    return lexicon["modalities"][truth.modality]["en"]["region"] if kind == "region" else getattr(truth, kind)


def _choice(
    truth: Truth, kind: str, rng: random.Random, *, held_out: bool
) -> tuple[dict[str, str], dict[str, tuple[str, ...]], str]:
    """Question with its options and the options by language, and the letter of the right one."""
    _check_kind("multiple_choice", kind, truth)
    options = [truth, *_distractors(truth, kind, rng)]
    rng.shuffle(options)
    template = _pick("multiple_choice", kind, truth, rng, held_out=held_out)
    choices = {language: tuple(_option(option, kind, language) for option in options) for language in LANGUAGES}
    question = {}
    for language in LANGUAGES:
        first, last = template[language]
        lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, choices[language], strict=True)]
        question[language] = "\n".join([first, *lines, last])
    return question, choices, LETTERS[options.index(truth)]


def _distractors(truth: Truth, kind: str, rng: random.Random) -> list[Truth]:
    if kind in ("modality", "organ"):
        others = [name for name in MODALITIES if name != truth.modality]
        return [Truth(name, "normal") for name in rng.sample(others, 3)]
    if kind == "finding":
        others = [name for name in FINDINGS[truth.modality] if name != truth.finding]
        return [Truth(truth.modality, name) for name in rng.sample(others, 3)]
    mirror = replace(truth, side=OPPOSITE[truth.side])
    if kind == "side":
        rival = rng.choice([name for name in _sided(truth.modality) if name != truth.finding])
        return [mirror, Truth(truth.modality, rival, "left"), Truth(truth.modality, rival, "right")]
    resized = replace(truth, size=OPPOSITE[truth.size])
    return [mirror, resized, replace(resized, side=mirror.side)]


def _option(truth: Truth, kind: str, language: str) -> str:
    slots = _slots(replace(truth, size="") if kind == "side" else truth)[language]
    if kind == "finding" and truth.finding == "normal":
        return _grammar()["lexicon"]["answers"][language]["none_option"]
    name = {"modality": "a_modality", "organ": "shown", "finding": "finding"}.get(kind, "np1")
    if language == "en":
        return slots[name[0].upper() + name[1:]]
    return slots["modality" if kind == "modality" else name]


def _follow_kinds(truth: Truth) -> list[str]:
    """What a follow-up question of a chat can be about."""
    if truth.finding == "normal":
        return ["normal"]
    return [kind for kind in ("side", "size") if getattr(truth, kind)] or ["plain"]


# --- reports ---------------------------------------------------------------------------------------------------------


def story(truth: Truth, rng: random.Random, *, held_out: bool, lead: bool = True, most: int = 3) -> dict[str, str]:
    """A truth in words, by language: what a text-only model reads in the place of an image.

    One to `most` sentences: the truth and clauses beside it in changing order. With `lead` the modality is always named
    first, without it sometimes.
    """
    sentences = _grammar()["report"]
    shape = _shape(truth)
    main = sentences["normal"] if shape == "normal" else sentences["any"] + sentences[shape]
    wrong = rng.choice([name for name in FINDINGS[truth.modality] if name not in ("normal", truth.finding)])
    slots = _beside(truth, Truth(truth.modality, wrong), "wrong")
    lead = lead or rng.random() < 0.3
    lesion = subject(truth, shape, "report")
    parts = [_choose(main, "report", shape, lesion, rng, held_out=held_out)]
    parts += _extras(truth, rng, held_out=held_out)[: max(0, most - 1 - lead)]
    if rng.random() < 0.4:
        rng.shuffle(parts)
    if lead:
        parts.insert(0, _choose(sentences["lead"], "report", "lead", lesion, rng, held_out=held_out))
    return {language: " ".join(_sentence(_fill(part, language, slots)) for part in parts) for language in LANGUAGES}


def _extras(truth: Truth, rng: random.Random, *, held_out: bool) -> list[dict[str, Any]]:
    """None, one or two clauses that do not name the finding: a negative, a normal structure."""
    sentences = _grammar()["report"]
    clauses = [clause for clause in _grammar()["lexicon"]["clear"][truth.modality] if _fits(clause, truth)]
    lesion = subject(truth, "extras", "report")
    extras = [
        _choose(sentences["negative"], "report", "negative", lesion, rng, held_out=held_out),
        rng.choice(clauses),
    ]
    rng.shuffle(extras)
    return extras[: rng.choice((0, 0, 1, 1, 2))]


def _fits(clause: dict[str, Any], truth: Truth) -> bool:
    return truth.finding not in clause["unless"]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


# --- slots and templates ---------------------------------------------------------------------------------------------

Slots = dict[str, dict[str, str]]
"""Words by language and slot name."""


@cache
def _grammar() -> dict[str, Any]:
    """The words and templates of grammar.yaml."""
    text = Path(__file__).with_name("grammar.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def subject(truth: Truth, kind: str, form: str) -> str:
    """What of a truth chooses the template that is kept for `held_out=True`.

    Never the trait that is asked for: were it part of the subject, the wording of a question would tell the answer. So
    a question on the modality has no subject, and no template of it is kept.
    """
    if kind in ("modality", "region") or (form, kind) == ("multiple_choice", "organ"):
        return ""
    asks_finding = kind in ("abnormal", "normal", "finding", "organ", "caption", "description", "open", "show")
    if asks_finding or (form, kind) == ("multiple_choice", "side"):
        return truth.modality
    return f"{truth.modality}|{truth.finding}"


def reserved(function: str, kind: str, subject: str, count: int) -> int:
    """The index of the template that is kept for `held_out=True`, of `count` templates."""
    return zlib.crc32(f"{function}|{kind}|{subject}".encode()) % count


def _choose(
    templates: Sequence[dict], function: str, kind: str, subject: str, rng: random.Random, *, held_out: bool
) -> dict:
    """The reserved template, or any but that one; without a subject any."""
    if not subject:
        return templates[0] if _FEW_WORDINGS.get() else rng.choice(templates)
    kept = reserved(function, kind, subject, len(templates))
    if held_out:
        return templates[kept]
    index = 0 if _FEW_WORDINGS.get() else rng.randrange(len(templates) - 1)
    return templates[index + (index >= kept)]


def _pick(function: str, kind: str, about: Truth | str, rng: random.Random, *, held_out: bool) -> dict:
    """A template of the grammar; `about` is the truth, or the subject itself."""
    name = about if isinstance(about, str) else subject(about, kind, function)
    return _choose(_grammar()["templates"][function][kind], function, kind, name, rng, held_out=held_out)


def _single(template: dict, truth: Truth, slots: Slots) -> dict[str, tuple[Turn, ...]]:
    """One turn of a [question, answer] or [question, answer, answer of a normal image] template."""
    which = -1 if truth.finding == "normal" else 1
    turns = {}
    for language in LANGUAGES:
        text, words = _side_of(template, language, slots[language]), slots[language]
        turns[language] = ((text[0].format_map(words), text[which].format_map(words)),)
    return turns


def _turns(question: dict[str, str], reply: dict[str, str]) -> dict[str, tuple[Turn, ...]]:
    return {language: ((question[language], reply[language]),) for language in LANGUAGES}


def _fill(template: dict, language: str, slots: Slots) -> str:
    return _side_of(template, language, slots[language]).format_map(slots[language])


def _side_of(template: dict, language: str, words: dict[str, str]) -> Any:
    """The text of a template in a language; one that differs for feminine subjects carries that form as ar_f."""
    if language == "ar" and "ar_f" in template and words["gender"] == "f":
        return template["ar_f"]
    return template[language]


def _with(slots: Slots, name: str, values: dict[str, str]) -> Slots:
    return {language: {**words, name: values[language]} for language, words in slots.items()}


@cache
def _beside(truth: Truth, other: Truth, prefix: str) -> Slots:
    """The slots of a truth and, under `prefix_`, those of another record."""
    merged = {}
    for language in LANGUAGES:
        extra = {f"{prefix}_{name}": word for name, word in _slots(other)[language].items() if name[0].islower()}
        merged[language] = {**_both(truth)[language], **(_capitals(extra) if language == "en" else extra)}
    return merged


@cache
def _both(truth: Truth) -> Slots:
    """The slots of a truth with the fixed negative finding and normal structure that a description mentions."""
    slots = _slots(truth)
    others = [name for name in FINDINGS[truth.modality] if name not in ("normal", truth.finding)]
    clear = next(clause for clause in _grammar()["lexicon"]["clear"][truth.modality] if _fits(clause, truth))
    negative = _grammar()["report"]["negative"][0]
    merged = {}
    for language in LANGUAGES:
        wrong = {f"wrong_{name}": word for name, word in _slots(Truth(truth.modality, others[0]))[language].items()}
        extra = {"negative": negative[language].format_map(wrong), "clear1": clear[language]}
        merged[language] = {**slots[language], **(_capitals(extra) if language == "en" else extra)}
    return merged


@cache
def _slots(truth: Truth) -> Slots:
    """All words that say a truth, agreeing with each other; English ones also with a capital first letter."""
    english, arabic = _english(truth), _arabic(truth)
    return {"en": _capitals(english), "ar": arabic}


def _english(truth: Truth) -> dict[str, str]:
    lexicon = _grammar()["lexicon"]
    words = dict(lexicon["modalities"][truth.modality]["en"])
    if truth.side:
        words |= {"side": truth.side, "opposite": OPPOSITE[truth.side]}
    if truth.size:
        words |= {"size": truth.size, "other_size": OPPOSITE[truth.size]}
    if truth.finding == "normal":
        return words
    own = lexicon["findings"][truth.finding]["en"]
    words |= lexicon["number"][own.get("number", "singular")]
    return _phrases(words, own, truth, "en", "")


def _arabic(truth: Truth) -> dict[str, str]:
    lexicon = _grammar()["lexicon"]
    words = dict(lexicon["modalities"][truth.modality]["ar"])
    own = lexicon["findings"].get(truth.finding, {}).get("ar", {"gender": "f"})
    gender = own["gender"]
    for name, side in (("side", truth.side), ("opposite", OPPOSITE.get(truth.side))):
        if side:
            forms = lexicon["sides"]["ar"][side]
            words |= {name: forms["noun"], f"{name}_of": forms["of"], f"{name}_adj": forms[gender]}
            words |= {f"{name}_m_def": forms["m_def"], f"{name}_f_def": forms["f_def"]}
    for name, size in (("size", truth.size), ("other_size", OPPOSITE.get(truth.size))):
        if size:
            forms = lexicon["sizes"]["ar"][size]
            words |= {f"{name}_adj": forms[gender], f"{name}_adj_acc": forms[f"{gender}_acc"]}
            words |= {f"{name}_m": forms["m"], f"{name}_of": forms[gender]}
            words |= {f"{name}_adj_def": forms[f"{gender}_def"]}
    for size, forms in lexicon["sizes"]["ar"].items():
        words |= {size: forms[gender], f"{size}_acc": forms[f"{gender}_acc"]}
    if truth.finding == "normal":
        return words
    words |= lexicon["agreement"][gender]
    words = _phrases(words, own, truth, "ar", "")
    return _phrases(words, own, truth, "ar_acc", "_acc")


def _phrases(words: dict[str, str], own: dict[str, str], truth: Truth, patterns: str, suffix: str) -> dict[str, str]:
    """Add the words of a finding and its phrases np1, np2, np3."""
    usable = {name: text for name, text in own.items() if truth.side or name not in _SIDED_WORDS}
    if not truth.side and "{" in usable["at"]:
        usable["at"] = ""
    words = {**words, **{name: text.format_map(words) for name, text in usable.items()}}
    for number, pattern in enumerate(_grammar()["phrases"][patterns][_shape(truth)], start=1):
        text = " ".join(pattern.format_map(words).split())
        words[f"np{number}{suffix}"] = text.replace(" ,", ",")
    return words


def _capitals(words: dict[str, str]) -> dict[str, str]:
    return words | {f"{k[0].upper()}{k[1:]}": f"{v[0].upper()}{v[1:]}" for k, v in words.items() if v}


def _shape(truth: Truth) -> str:
    if truth.finding == "normal":
        return "normal"
    return "_".join(name for name in ("side", "size") if getattr(truth, name)) or "plain"


@cache
def _complaint(name: str, grade: str, when: int) -> Slots:
    """The words of a complaint, its severity and its beginning."""
    words = _grammar()["follow_up"]
    complaint = words["complaints"][name]
    urgency = words["urgency"]["urgent" if complaint.get("urgent") else grade]
    gender = complaint["ar"]["gender"]
    english = {**complaint["en"], "grade": words["grade"][grade]["en"]}
    grades = words["grade"][grade]
    arabic = {**complaint["ar"], **words["agreement"][gender], "grade": grades[gender], "grade_f": grades["f"]}
    arabic |= {level: forms[gender] for level, forms in words["grade"].items()}
    slots = {"en": english, "ar": arabic}
    for language in LANGUAGES:
        slots[language] |= {**words["when"][when][language], "urgency": urgency[language]}
    return slots


def _check_kind(function: str, kind: str, truth: Truth) -> None:
    possible = kinds(function, truth)
    if kind not in possible:
        raise DataError(f"{function} has no kind {kind!r} for {truth}; expected one of {', '.join(possible) or 'none'}")
