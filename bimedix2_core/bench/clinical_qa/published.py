"""Published readings: how known tools find the option in a written answer, each under its name and with its defects.

Ours (`bench.answers`) is passed in where answers are graded; these are for comparison with published numbers.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import exp

from bimedix2_core.bench.answer_markers import behind_markers
from bimedix2_core.bench.clinical_qa.forms import form_of, frames, has_letters, labels
from bimedix2_core.bench.clinical_qa.scoring import graded
from bimedix2_core.bench.legacy_normaliser import normalise
from bimedix2_core.bench.task import Score
from bimedix2_core.data.sources.multiple_choice import LETTERS
from bimedix2_core.records import Row

_MULTIMEDEVAL_OPTIONS = {"medqa": "{letter} {text}", "medmcqa": "{lower}: {text}.", "mmlu": "{letter}. {text}."}
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_ANSWER_TAGS = re.compile("<answer>(.*?)</answer>", re.DOTALL)


@dataclass(frozen=True)
class PublishedReading:
    """One way to find the option in a text."""

    id: str
    origin: str
    find: Callable[[Row, str], int | None]
    """Position of the option, or None where the text names none."""
    reads: Callable[[Row], bool] = lambda row: True
    """Whether the way is defined for a row."""
    defect: str = ""
    """Why nothing but parity should use it."""


def exact(row: Row, text: str) -> int | None:
    """The whole answer, stripped, is the letter, for PubMedQA the word; of English, or of the row's language too."""
    for frame in frames().values():
        if frame.language in ("", row.language) and text.strip() in labels(row, frame):
            return labels(row, frame).index(text.strip())
    return None


def first_letter(row: Row, text: str) -> int | None:
    """The first character, in upper case, is the letter: "Aspirin" is option A."""
    return _index(text.strip()[:1].upper(), row)


def answer_is(row: Row, text: str) -> int | None:
    """The first capital after "answer is": lm-eval's filter of mmlu_pro, with the row's letters for its ten."""
    found = re.search(rf"answer is \(?([{LETTERS[: len(row.choices)]}])\)?", text)
    return _index(found.group(1), row) if found else None


def best_bleu(row: Row, text: str) -> int | None:
    """The option with the highest BLEU-1 after the legacy normaliser; of equals the first, none where all are 0."""
    said = normalise(text).split()
    form = _MULTIMEDEVAL_OPTIONS[form_of(row)]
    options = [
        normalise(form.format(letter=letter, lower=letter.lower(), text=choice)).split()
        for letter, choice in zip(LETTERS, row.choices, strict=False)
    ]
    values = [bleu_1(said, option) for option in options]
    return values.index(max(values)) if max(values) > 0 else None


def most_counted(row: Row, text: str) -> int | None:
    """The word of yes, no, maybe that stands most often; of equals the first, None where there is none."""
    said = Counter(normalise(text).split(" "))
    counts = [said[word] for word in frames()["harness"].decisions]
    return counts.index(max(counts)) if max(counts) else None


def multimedeval(row: Row, text: str) -> int | None:
    """MultiMedEval's rule for the row's set: `best_bleu`, for PubMedQA `most_counted`."""
    return best_bleu(row, text) if has_letters(row) else most_counted(row, text)


def most_similar(row: Row, text: str) -> int | None:
    """The letter or option if the answer is one, else the option whose letters are most like the answer's: never None.

    An answer like none of them, such as the empty one, is given the first option.
    """
    letters = list(LETTERS[: len(row.choices)].lower())
    choices = [choice.lower() for choice in row.choices]
    answer = _medevalkit_answer(text.lower(), letters)
    first = answer.split(".")[0].split(":")[-1]
    if first in letters:
        return letters.index(first)
    if first in choices:
        return choices.index(first)
    matcher, best, highest = SequenceMatcher(), 0, 0.0
    matcher.set_seq2(answer)
    for index, choice in enumerate(choices):
        matcher.set_seq1(choice)
        if matcher.real_quick_ratio() > highest and matcher.quick_ratio() > highest and matcher.ratio() > highest:
            best, highest = index, matcher.ratio()
    return best


def bleu_1(said: list[str], option: list[str]) -> float:
    """BLEU-1 of two lists of words: clipped precision times the brevity penalty; 0 where nothing is shared.

    Source:
        torchmetrics ``BLEUScore(n_gram=1)`` on one pair.
    """
    shared = (Counter(said) & Counter(option)).total()
    if not shared:
        return 0.0
    penalty = 1.0 if len(said) > len(option) else exp(1 - len(option) / len(said))
    return penalty * shared / len(said)


PUBLISHED: dict[str, PublishedReading] = {
    reading.id: reading
    for reading in (
        PublishedReading("exact", "whole answer is the letter (PubMedQA: the word)", exact),
        PublishedReading(
            "first letter",
            "first character of the answer",
            first_letter,
            has_letters,
            'a word\'s first letter is taken for an option: "Certainly" is C',
        ),
        PublishedReading("answer is", "lm-eval 0.4.13, filter of mmlu_pro", answer_is, has_letters),
        PublishedReading(
            "MultiMedEval",
            "MultiMedEval d9ac283: BLEU-1 with each option; PubMedQA: counting",
            multimedeval,
            lambda row: has_letters(row) or row.language == "en",
            'the bare answer "A" is invalid, in MedMCQA every bare letter; "is" matches an option that contains "is"; '
            '"no" and "yes" once each is yes',
        ),
        PublishedReading(
            "MedEvalKit",
            "MedEvalKit 9b12e3b, judge_multi_choice",
            most_similar,
            defect="never without an option: an empty answer and a refusal are credited to the most similar, by "
            "default A",
        ),
    )
}
"""Every way to read by its id."""


def read_with(reading: PublishedReading, row: Row, text: str) -> Score:
    """The question graded as a published tool would; where it finds no option the outcome is ``unreadable``."""
    index = reading.find(row, text)
    reason = "" if index is not None else "unreadable" if text.strip() else "empty"
    return graded(row, "" if index is None else LETTERS[index], reason=reason)


def _index(letter: str, row: Row) -> int | None:
    known = list(LETTERS[: len(row.choices)])
    return known.index(letter) if letter in known else None


def _medevalkit_answer(text: str, letters: list[str]) -> str:
    """What MedEvalKit compares: a paragraph that is a letter, else what is boxed, tagged or after the last marker."""
    first, last = text.split("\n\n")[0], text.split("\n\n")[-1].split(".")[0]
    text = first if first in letters else last if last in letters else text
    if "boxed" in text:
        text = (_BOXED.findall(text) or ["none"])[-1]
    elif "<answer>" in text:
        text = " ".join(_ANSWER_TAGS.findall(text)).strip() or text
    return behind_markers(text).strip().replace("\n", "")
