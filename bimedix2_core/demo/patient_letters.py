"""Patients' letters: a patient's own story, the words of a report and a question on them, answered, in two languages.

They are what the letters to HealthCareMagic and iCliniq are among BiMed-V's text. The complaint, the report and the
question are the grammar's, in wordings that no exam reserves; what stands around them is in patient_letters.yaml.
"""

import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.demo import corpus
from bimedix2_core.demo.corpus import Twin
from bimedix2_core.demo.phantoms import Truth, all_truths
from bimedix2_core.records import LANGUAGES

NUMBERS = {
    "age": (20, 90),
    "systolic": (105, 180),
    "diastolic": (60, 100),
    "weight": (45, 99),
    "pulse": (55, 99),
    "temperature": (36, 40),
}
"""What the numbers of a letter may be: years, mmHg, kilograms, beats a minute, degrees Celsius; both ends count."""

COMPLETE = 0.6
"""Share of the letters that leave nothing out: who writes to a doctor tells more than who begins to talk."""


def patient_letter(truth: Truth, rng: random.Random) -> Twin:
    """One letter, answered in one turn; its kind is that of the question.

    Half of the letters are about the given truth, half about a finding that has a side, the hardest thing to keep
    through a long text. The complaint is one with which such an image is made.
    """
    truth = rng.choice((truth, rng.choice([one for one in all_truths() if one.side])))
    complaint, asked = _complaint(truth.modality, rng), _asked(truth, rng)
    frame = rng.choice(_frames())
    numbers = {name: rng.randint(*limits) for name, limits in NUMBERS.items()}
    turns = {}
    for language in LANGUAGES:
        question, answer = asked.turns[language][0]
        told = complaint.turns[language][0][0]
        turns[language] = ((frame[language].format(complaint=told, question=question, **numbers), answer),)
    return Twin("letter", asked.kind, turns, answer=asked.answer)


def _asked(truth: Truth, rng: random.Random) -> Twin:
    """A report to sum up, or one with an open question."""
    if rng.random() < 0.5:
        return corpus.report(truth, rng, held_out=False)
    kind = rng.choice(corpus.kinds("open_question", truth))
    return corpus.reading(truth, kind, rng, held_out=False, form="open_question")


def _complaint(modality: str, rng: random.Random) -> Twin:
    """A complaint, complete or not; before a slide or a specimen any, before other images one that leads to them."""
    fitting = _complaints().get(modality)
    while True:
        complaint = corpus.follow_up(rng, complete=rng.random() < COMPLETE, held_out=False)
        if fitting is None or complaint.kind in fitting:
            return complaint


@cache
def _frames() -> list[dict[str, str]]:
    return yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))["letters"]


@cache
def _complaints() -> dict[str, Any]:
    """Complaints by modality: those of the exam, so that what leads to an image is told in one place."""
    file = Path(__file__).with_name("clinical_sets.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))["complaints"]
