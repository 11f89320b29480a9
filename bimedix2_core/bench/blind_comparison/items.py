"""Items: a question, its reference text, and every model's answer to it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bimedix2_core.data.review.sample import allocate, rank
from bimedix2_core.errors import DataError, listed
from bimedix2_core.records import Row, text_of


@dataclass(frozen=True)
class BlindItem:
    """What a reviewer compares once."""

    id: str
    language: str
    cluster: str
    """What it shares with other items, so that choices are not independent: the image."""
    question: str
    reference: str
    answers: Mapping[str, str]
    """Answer by model."""


def sampled(rows: Iterable[Row], *, n: int, seed: int) -> tuple[Row, ...]:
    """A random subset of the questions of one language, shared out over their kinds by size; all where n is larger.

    A question's rank is a hash of the seed and its id, so the same questions are drawn in both languages.

    Raises:
        DataError: ``n`` is below 1, there is no row, or an id stands there twice.
    """
    by_kind: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise DataError(f"question {row.id!r} stands there twice; give the questions of one language")
        seen.add(row.id)
        by_kind[row.kind][row.id] = row
    if n < 1 or not seen:
        raise DataError(f"a blind comparison of {n} out of {len(seen)} questions was asked for; expected at least one")
    shares = allocate({(kind, "", ""): len(by_kind[kind]) for kind in sorted(by_kind)}, n)
    drawn = [
        row
        for (kind, _, _), share in shares.items()
        for row in sorted(by_kind[kind].values(), key=lambda row: rank(row.id, seed))[:share]
    ]
    return tuple(sorted(drawn, key=lambda row: rank(row.id, seed)))


def blind_items(rows: Iterable[Row], answers: Mapping[str, Mapping[str, str]]) -> tuple[BlindItem, ...]:
    """The questions with every model's answer, joined by id; answers to other questions are left aside.

    Args:
        rows: questions whose last assistant turn is the reference text.
        answers: by model, the answer by question id; an empty answer is an answer.

    Raises:
        DataError: there are fewer than two models, a row has no reference text, or a model has no answer to a row; the
            message lists what is missing of each model.
    """
    rows = list(rows)
    if len(answers) < 2:
        raise DataError(f"a blind comparison of {len(answers)} models was asked for; expected at least two")
    missing = {model: [row.id for row in rows if row.id not in given] for model, given in answers.items()}
    problems = [f"  {model}: {listed(ids)}" for model, ids in missing.items() if ids]
    if problems:
        raise DataError("\n".join(["no answer to some questions; every model must answer each of them:", *problems]))
    return tuple(_item(row, {model: given[row.id] for model, given in answers.items()}) for row in rows)


def _item(row: Row, answers: Mapping[str, str]) -> BlindItem:
    asked = [text_of(turn) for turn in row.messages if turn["role"] == "user"]
    references = [text_of(turn) for turn in row.messages if turn["role"] == "assistant"]
    if not references or not references[-1].strip():
        raise DataError(f"question {row.id!r} has no reference text, which reviewers read first; leave it out")
    image = row.images[0] if row.images else row.facts.get("image", "")
    return BlindItem(row.id, row.language, image or row.id, "\n\n".join(asked), references[-1], dict(answers))


@cache
def wording() -> dict[str, Any]:
    """Headings, hints and instructions in both languages, as wording.yaml has them."""
    return yaml.safe_load(Path(__file__).with_name("wording.yaml").read_text(encoding="utf-8"))
