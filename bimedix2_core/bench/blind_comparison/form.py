"""Form: which answer stands under which letter, and the key that tells it.

    items -> Form -> what reviewers see (`sheet.write_form`, no model named)
               |
               +---> the key (`write_key`), kept apart until the forms are back

A form is of one language and of one reviewer: each has an order of its own, and every model stands under every letter
equally often.
"""

import json
import random
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bimedix2_core.bench.blind_comparison.items import BlindItem, wording
from bimedix2_core.data.review.items import plain
from bimedix2_core.errors import DataError
from bimedix2_core.runs import content_key, write_atomic

LETTERS = string.ascii_uppercase
ID_LENGTH = 12


@dataclass(frozen=True)
class FormRow:
    """One question of a form."""

    label: str
    """Its number as the reviewer sees it, ``Q1``; ids stay in the key."""
    id: str
    cluster: str
    question: str
    reference: str
    answers: tuple[str, ...]
    """As they are shown, under A, B, C, ..."""
    models: tuple[str, ...]
    """Who wrote them, in the same order; never written into the form."""

    @property
    def shown(self) -> tuple[str, ...]:
        """Every text of the row that a reviewer sees, in the order of the columns."""
        return (self.question, self.reference, *self.answers)


@dataclass(frozen=True)
class Form:
    """The form of one reviewer in one language, with its key."""

    id: str
    """Hash of what the reviewer sees; it tells nothing of the order."""
    language: str
    reviewer: str
    """A code, not a name: forms and preferences carry it."""
    seed: int
    rows: tuple[FormRow, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The compared models in alphabetical order."""
        return tuple(sorted(self.rows[0].models))

    @property
    def letters(self) -> str:
        """The letters that can be chosen."""
        return LETTERS[: len(self.rows[0].models)]


def make_form(items: Sequence[BlindItem], *, reviewer: str, seed: int) -> Form:
    """The form of a reviewer, its questions and the answers to each in random order.

    Args:
        items: of one language, all with answers of the same models.
        reviewer: a code such as ``R1``; another reviewer gets another order.
        seed: another seed gives other orders.

    Raises:
        DataError: there is no item, an id stands there twice, languages or models differ, there are fewer than two
            models or more than letters, the reviewer has no code, or an answer names one of the models.
    """
    problems = _problems(items, reviewer)
    if problems:
        raise DataError("\n".join(["the blind form cannot be made:", *(f"  {problem}" for problem in problems)]))
    language = items[0].language
    rng = random.Random(f"blind comparison {seed} {language} {reviewer}")
    shuffled = rng.sample(list(items), len(items))
    orders = balanced_orders(sorted(items[0].answers), len(items), rng)
    rows = tuple(
        _row(f"Q{number}", item, order)
        for number, (item, order) in enumerate(zip(shuffled, orders, strict=True), start=1)
    )
    seen = {"language": language, "reviewer": reviewer, "rows": [[row.label, *row.shown] for row in rows]}
    return Form(content_key(seen)[:ID_LENGTH], language, reviewer, seed, rows)


def balanced_orders(models: Sequence[str], n: int, rng: random.Random) -> list[tuple[str, ...]]:
    """Random orders of the models; how often two models stand under a letter differs by one at most.

    Blocks of all rotations of a random order (Latin squares) are laid end to end, cut at n, and shuffled.
    """
    found: list[tuple[str, ...]] = []
    while len(found) < n:
        base = rng.sample(list(models), len(models))
        rotations = [(*base[start:], *base[:start]) for start in range(len(base))]
        found += rng.sample(rotations, len(rotations))
    return rng.sample(found[:n], n)


def write_key(file: Path, form: Form) -> Path:
    """Write the key as JSON: everything that reading the form back needs. Keep it from the reviewers."""
    return write_atomic(file, json.dumps(asdict(form), ensure_ascii=False, indent=1) + "\n")


def read_key(file: Path) -> Form:
    """The form that `write_key` wrote.

    Raises:
        DataError: there is no such file, or it is no key.
    """
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        rows = [
            FormRow(**{**row, "answers": tuple(row["answers"]), "models": tuple(row["models"])})
            for row in stored["rows"]
        ]
        return Form(**{**stored, "rows": tuple(rows)})
    except OSError as error:
        raise DataError(f"{file}: the key cannot be opened ({error.strerror}); name the file write_key wrote") from None
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file.name}: no key of a blind form ({error}); name the file write_key wrote") from None


def _row(label: str, item: BlindItem, order: Sequence[str]) -> FormRow:
    nothing = wording()["no_answer"][item.language]
    answers = tuple(plain(item.answers[model]) or nothing for model in order)
    return FormRow(label, item.id, item.cluster, plain(item.question), plain(item.reference), answers, tuple(order))


def _problems(items: Sequence[BlindItem], reviewer: str) -> list[str]:
    if not items:
        return ["it has no item; give at least one"]
    problems = [] if reviewer.strip() else ["the reviewer has no code; give one such as 'R1'"]
    ids = Counter(item.id for item in items)
    problems += [f"id {id!r} stands there {count} times; expected once" for id, count in ids.items() if count > 1]
    languages = sorted({item.language for item in items})
    if len(languages) > 1:
        problems.append(f"the items are in {', '.join(languages)}; make a form for each language")
    models = sorted(items[0].answers)
    if not 2 <= len(models) <= len(LETTERS):
        problems.append(f"{len(models)} models; expected from 2 to {len(LETTERS)}")
    problems += [
        f"item {item.id!r} has answers of {', '.join(sorted(item.answers))}; expected {', '.join(models)}"
        for item in items
        if sorted(item.answers) != models
    ]
    return problems + [problem for item in items for problem in _named_models(item, models)]


def _named_models(item: BlindItem, models: Sequence[str]) -> list[str]:
    """Answers that give a model away by its name, as a whole word in any case."""
    texts = "\n".join(item.answers.values())
    return [
        f"item {item.id!r}: an answer names the model {model!r}, so the comparison would not be blind; leave the item "
        "out, or call the model by a name that is no common word"
        for model in models
        if re.search(rf"(?<!\w){re.escape(model)}(?!\w)", texts, re.IGNORECASE)
    ]
