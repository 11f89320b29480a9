"""Stand-ins: one made-up record of each source of BiMed-V in the fields its publisher uses, in both languages.

A case (a truth, a source of chance, perhaps an image) becomes a record by language. The words are the grammar's, so
that the Arabic record says what the English one says; ids and images are shared. Nothing here is a real patient's or
anybody's publication: each id begins with ``demo``.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import LETTERS, Turn, Twin
from bimedix2_core.demo.patient_letters import patient_letter
from bimedix2_core.demo.phantoms import Truth
from bimedix2_core.records import LANGUAGES

IMAGE_TOKEN = "<image>"

LETTER_SHARE = 0.9
"""Share of patients' letters among the single-turn questions: in the published set HealthCareMagic's and iCliniq's."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What one record, in whatever language, is about."""

    id: str
    truth: Truth
    rng: random.Random
    image: str = ""
    """Name of its image file; empty for a text."""
    content: bytes = b""
    """The image file itself, for sets that embed it."""


def pubmedqa(case: Case) -> dict[str, Record]:
    """A report in words, a question on it, yes or no, and why."""
    told = corpus.story(case.truth, case.rng, held_out=False)
    kind = case.rng.choice(("abnormal", "normal", "finding"))
    answer = case.rng.choice(corpus.closed_answers(case.truth, kind))
    asked = corpus.closed_question(case.truth, kind, answer, case.rng, held_out=False)
    why = corpus.caption(case.truth, case.rng, held_out=False)
    return {
        language: {
            "id": case.id,
            "QUESTION": asked.turns[language][0][0],
            "CONTEXTS": [told[language]],
            "LABELS": ["FINDINGS"],
            "MESHES": [],
            "final_decision": answer,
            "LONG_ANSWER": why.turns[language][0][1],
        }
        for language in LANGUAGES
    }


def medmcqa(case: Case) -> dict[str, Record]:
    """A fact and its answer among those of three other facts."""
    facts: dict[str, Twin] = {}
    while len(facts) < len(LETTERS):
        twin = corpus.fact(case.rng, held_out=False)
        facts.setdefault(twin.kind, twin)
    order = list(facts.values())
    asked = order[0]
    case.rng.shuffle(order)
    return {
        language: {
            "id": case.id,
            "question": asked.turns[language][0][0],
            **{f"op{letter.lower()}": one.turns[language][0][1] for letter, one in zip(LETTERS, order, strict=True)},
            "cop": order.index(asked),
            "choice_type": "single",
            "exp": None,
            "subject_name": "Demo",
            "topic_name": None,
        }
        for language in LANGUAGES
    }


def medqa(case: Case) -> dict[str, Record]:
    """A case in words, a question and four options."""
    kind = case.rng.choice(corpus.kinds("multiple_choice", case.truth))
    twin = corpus.reading(case.truth, kind, case.rng, held_out=False, form="multiple_choice")
    return {
        language: {
            "question": _stem(twin, language),
            "answer": twin.choices[language][LETTERS.index(twin.answer)],
            "options": dict(zip(LETTERS, twin.choices[language], strict=True)),
            "meta_info": "demo",
            "answer_idx": twin.answer,
        }
        for language in LANGUAGES
    }


def single_turn(case: Case) -> dict[str, Record]:
    """A patient's letter, or a fact, a report to sum up, a patient who may have left something out."""
    is_letter = case.rng.random() < LETTER_SHARE
    twin = patient_letter(case.truth, case.rng) if is_letter else _text(case)
    return _conversations(case, {language: turns[:1] for language, turns in twin.turns.items()})


def multi_turn(case: Case) -> dict[str, Record]:
    """A patient's complaint, then a letter, without an image."""
    complete = case.rng.random() < 0.5
    complaint = corpus.follow_up(case.rng, complete=complete, held_out=False)
    twins = [complaint, patient_letter(case.truth, case.rng)]
    turns = {language: tuple(turn for twin in twins for turn in twin.turns[language]) for language in LANGUAGES}
    return _conversations(case, turns)


def image_conversation(case: Case) -> dict[str, Record]:
    """A chat that begins with text and brings the image later, as LLaVA-Med's captions may be made into one."""
    twin = corpus.chat(case.truth, case.rng, held_out=False)
    return _conversations(case, twin.turns, image_turn=twin.image_turn)


def image_questions(case: Case) -> dict[str, Record]:
    """Three questions about an image in a row, or a description of it."""
    if case.rng.random() < 0.2:
        twin = corpus.description(case.truth, case.rng, held_out=False)
    else:
        twin = corpus.interview(case.truth, case.rng, n_questions=3)
    return _conversations(case, twin.turns, image_turn=twin.image_turn)


def pmc_vqa(case: Case) -> dict[str, Record]:
    """A multiple choice on a figure, in the columns of PMC-VQA's first version."""
    kind = case.rng.choice(corpus.kinds("multiple_choice", case.truth))
    twin = corpus.multiple_choice(case.truth, kind, case.rng, held_out=False)
    return {
        language: {
            "Figure_path": case.image,
            "Question": _stem(twin, language),
            "Answer": twin.choices[language][LETTERS.index(twin.answer)],
            **{
                f"Choice {letter}": f" {letter}:{choice}"
                for letter, choice in zip(LETTERS, twin.choices[language], strict=True)
            },
            "Answer_label": twin.answer,
        }
        for language in LANGUAGES
    }


def rad_vqa(case: Case) -> dict[str, Record]:
    """A closed or open question on an image file."""
    return {
        language: {
            "qid": case.id,
            "image_name": case.image,
            "image_organ": case.truth.modality.upper(),
            "question": question,
            "answer": answer,
            "answer_type": answer_type,
            "question_type": "PRES",
            "phrase_type": "freeform",
        }
        for language, (question, answer, answer_type) in _question(case).items()
    }


def slake(case: Case) -> dict[str, Record]:
    """A closed or open question on an image file, with the language beside it."""
    return {
        language: {
            "img_id": 0,
            "img_name": case.image,
            "question": question,
            "answer": answer,
            "q_lang": language,
            "location": "demo",
            "modality": case.truth.modality.upper(),
            "answer_type": answer_type,
            "base_type": "vqa",
            "content_type": "Abnormality",
            "triple": ["vhead", "_", "_"],
            "qid": case.id,
        }
        for language, (question, answer, answer_type) in _question(case).items()
    }


def path_vqa(case: Case) -> dict[str, Record]:
    """A closed or open question that holds its image."""
    return {
        language: {"image": {"bytes": case.content, "path": case.image}, "question": question, "answer": answer}
        for language, (question, answer, _) in _question(case).items()
    }


ToRecords = Callable[[Case], dict[str, Record]]


def conversation(turns: tuple[Turn, ...], *, image_turn: int | None = None) -> list[dict[str, str]]:
    """Turns in LLaVA's form, the image before the question that shows it."""
    said = []
    for index, (user, assistant) in enumerate(turns):
        shown = f"{IMAGE_TOKEN}\n" if index == image_turn else ""
        said += [{"from": "human", "value": f"{shown}{user}"}, {"from": "gpt", "value": assistant}]
    return said


def _conversations(
    case: Case, turns: Mapping[str, tuple[Turn, ...]], *, image_turn: int | None = None
) -> dict[str, Record]:
    image = {} if image_turn is None else {"image": case.image}
    return {
        language: {"id": case.id, **image, "conversations": conversation(turns[language], image_turn=image_turn)}
        for language in LANGUAGES
    }


def _text(case: Case) -> Twin:
    form = case.rng.choice(("fact", "report", "follow-up"))
    if form == "fact":
        return corpus.fact(case.rng, held_out=False)
    if form == "report":
        return corpus.report(case.truth, case.rng, held_out=False)
    return corpus.follow_up(case.rng, complete=case.rng.random() < 0.5, held_out=False)


def _question(case: Case) -> dict[str, tuple[str, str, str]]:
    """Question, answer and answer type by language; half of them closed."""
    if case.rng.random() < 0.5:
        kind = case.rng.choice(corpus.kinds("closed_question", case.truth))
        answer = case.rng.choice(corpus.closed_answers(case.truth, kind))
        twin, answer_type = corpus.closed_question(case.truth, kind, answer, case.rng, held_out=False), "CLOSED"
    else:
        kind = case.rng.choice(corpus.kinds("open_question", case.truth))
        twin, answer_type = corpus.open_question(case.truth, kind, case.rng, held_out=False), "OPEN"
    return {language: (*twin.turns[language][0], answer_type) for language in LANGUAGES}


def _stem(twin: Twin, language: str) -> str:
    """What is asked, without the lines of the options."""
    return twin.turns[language][0][0].partition(f"\n{LETTERS[0]}. ")[0]
