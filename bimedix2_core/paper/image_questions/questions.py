"""Questions of medical VQA: the sets, how they are put, and what every definition makes of imagined answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bimedix2_core.bench.medical_vqa import DEFINITIONS, Protocol, group_sizes, image_of, prompt_of
from bimedix2_core.errors import DataError
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import Row, text_of

CLOSED = "closed accuracy"

IMAGINED = ("yes", "Yes, there is.", "No.", "The heart is normal.", "There is no doubt that it is normal.", "Not sure.",
            "It is known to be abnormal.", "")  # fmt: skip
"""Answers to a yes-or-no question that anyone can imagine."""

NOTHING = "nothing"


def set_table(sets: Mapping[str, Sequence[Row]]) -> Table:
    """How many questions each set has, closed and open by both ways to tell, and on how many images."""
    counts = {name: group_sizes(rows) for name, rows in sets.items()}
    groups = [name for name in next(iter(counts.values())) if name != "all"]
    shown = tuple(
        (title_of(rows), len(rows), len(set(map(image_of, rows))), *(counts[name][group] for group in groups))
        for name, rows in sets.items()
    )
    return Table(("set", "questions", "images", *groups), shown, "English test questions")


def yes_or_no_question(sets: Mapping[str, Sequence[Row]]) -> Row:
    """The first question that is published with the answer no, in small letters or not.

    Raises:
        DataError: there is none.
    """
    for rows in sets.values():
        for row in rows:
            if row.answer.lower() == "no":
                return row
    raise DataError(f"no question with the published answer no among {', '.join(sets)}; give more questions of a set")


def prompt_table(row: Row, protocols: Sequence[Protocol]) -> Table:
    """One question as each protocol puts it, its answer published in small letters and not, and what the words tell."""
    shown = tuple(
        (f"published as {answer!r}", one.id, asked, one.leaks if asked != alone and one.leaks else NOTHING)
        for one in protocols
        for answer in dict.fromkeys((row.answer.lower(), row.answer.capitalize()))
        for asked, alone in [(text_of(prompt_of(replace(row, answer=answer), one)), text_of(row.messages[0]))]
    )
    return Table(("answer", "protocol", "the model reads", "what the prompt gives away"), shown, "One question, asked")


def definition_list(metric: str = CLOSED) -> Table:
    """Every definition of a metric, over which questions, and whose it is."""
    shown = tuple(
        (one.name, ", ".join(group.name for group in one.groups), " and ".join(map(language_name, one.languages)),
         one.source)
        for one in DEFINITIONS
        if one.metric == metric
    )  # fmt: skip
    return Table(("definition", "questions", "languages", "source"), shown, f"Definitions of {metric}")


def imagined_table(row: Row) -> Table:
    """What every definition of closed accuracy makes of some answers to one question, which must have yes or no."""
    definitions = [one for one in DEFINITIONS if one.metric == CLOSED]
    shown = tuple(
        (text or "(nothing)", *(_verdict(one.value(text, row.answer)) for one in definitions)) for text in IMAGINED
    )
    caption = f"{text_of(row.messages[0])} Published answer: {row.answer}"
    return Table(("answer", *(one.name for one in definitions)), shown, caption)


def _verdict(value: float | None) -> str:
    return "left out" if value is None else "right" if value == 1 else "wrong"
