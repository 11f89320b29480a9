"""Translations with known truth: English rows of the grammar, their Arabic twins, and how wrong another Arabic text is.

The demo's translator is the tiny base model. Since the grammar says everything in both languages, each of its errors is
known, and so is what it does to the meaning.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from bimedix2_core.data.words import words
from bimedix2_core.demo import corpus
from bimedix2_core.records import Row, message, text_of

Severity = Literal["none", "minor", "major"]

CAPTION_SHARE = 0.35
"""Share of captions among the rows; the others are reports of one or two sentences."""

_ARTICLE = re.compile("^[\u0648\u0641\u0628]?(?:\u0627\u0644|\u0644\u0644)(?=..)")
_NEGATIONS = frozenset(
    words("\u0644\u0627 \u0644\u0645 \u0644\u064a\u0633 \u0644\u064a\u0633\u062a \u062f\u0648\u0646")
)
_FINDING_FORMS = ("finding", "finding_acc", "finding_def", "bare", "bare_acc")


@dataclass(frozen=True)
class Parallel:
    """English rows and their true Arabic twins."""

    english: list[Row]
    arabic: dict[str, Row]
    """By id."""


def parallel_rows(n: int, *, seed: int) -> Parallel:
    """Captions (with an image part) and short reports, half of the reports in sentences that training never says."""
    rng = random.Random(f"translations {seed}")
    english, arabic = [], {}
    while len(english) < n:
        truth, number = corpus.even_truth(rng), len(english)
        if rng.random() < CAPTION_SHARE:
            task, said = "caption", _last_answers(corpus.caption(truth, rng, held_out=False))
        else:
            said = corpus.story(truth, rng, held_out=rng.random() < 0.5, lead=False, most=rng.choice((1, 2)))
            task = "report"
        pair = {language: _row(f"{task}-{number:04d}", language, task, said[language]) for language in ("en", "ar")}
        english.append(pair["en"])
        arabic[pair["ar"].id] = pair["ar"]
    return Parallel(english, arabic)


def short_answers(n: int, *, seed: int) -> list[Row]:
    """Open questions with short answers, half of them English; what a synthesis makes sentences of."""
    rng = random.Random(f"short answers {seed}")
    rows = []
    for number in range(n // 2):
        truth = corpus.even_truth(rng)
        asked = corpus.open_question(truth, rng.choice(corpus.kinds("open_question", truth)), rng, held_out=False)
        for language, turns in asked.turns.items():
            messages = [message("user", turns[0][0], images=1), message("assistant", turns[0][1])]
            rows.append(Row(f"short-{number:04d}", language, "qa", "demo grammar", messages))
    return rows


def severity(truth: Row, translation: Row) -> Severity:
    """How wrong an Arabic row is beside its true twin, in the paper's terms (A.4: minor wording, major meaning).

    ``major`` where it names another finding, side or size, drops or adds one, or turns a negation; ``minor`` where only
    the wording differs. The rule knows the words of the grammar only.
    """
    said, wanted = _text(translation), _text(truth)
    if words(said) == words(wanted):
        return "none"
    return "minor" if _meaning(said) == _meaning(wanted) else "major"


def planted(
    rows: Mapping[str, Row], *, seed: int, minor: float, major: float
) -> tuple[dict[str, Row], dict[str, Severity]]:
    """Arabic rows with errors put in on purpose, and the truth about each.

    A minor error says the last word twice; a major one turns left into right or small into large, or names another
    finding, or one where there is none.
    """
    rng = random.Random(f"planted {seed}")
    spoiled, truth = {}, {}
    for name, row in rows.items():
        draw = rng.random()
        kind: Severity = "major" if draw < major else "minor" if draw < major + minor else "none"
        text = _text(row)
        changed = _turned(text, rng) if kind == "major" else _stuttered(text) if kind == "minor" else text
        spoiled[name] = replace(row, messages=[*row.messages[:-1], message("assistant", changed)])
        truth[name] = kind
    return spoiled, truth


def _row(name: str, language: str, task: str, text: str) -> Row:
    is_caption = task == "caption"
    asked = [message("user", "", images=1)] if is_caption else []
    return Row(name, language, task, "demo grammar", [*asked, message("assistant", text)])


def _last_answers(twin: corpus.Twin) -> dict[str, str]:
    return {language: turns[-1][1] for language, turns in twin.turns.items()}


def _text(row: Row) -> str:
    return text_of(row.messages[-1])


def _meaning(text: str) -> set[tuple[str, bool]]:
    """What a text says: each finding, side and size that it names, and whether in a sentence that denies."""
    said = set()
    for sentence in text.split("."):
        spoken = words(sentence)
        stems = f" {' '.join(map(_stem, spoken))} "
        denied = any(word in _NEGATIONS for word in spoken)
        said |= {(name, denied) for name, forms in _concepts().items() if any(f" {form} " in stems for form in forms)}
    return said


@cache
def _lexicon() -> dict[str, Any]:
    text = Path(corpus.__file__).with_name("grammar.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["lexicon"]


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Every Arabic form of each finding, side and size, by name and kind of form."""
    lexicon = _lexicon()
    findings = {name: {kind: said["ar"][kind] for kind in _FINDING_FORMS} for name, said in lexicon["findings"].items()}
    return findings | lexicon["sides"]["ar"] | lexicon["sizes"]["ar"]


@cache
def _concepts() -> dict[str, frozenset[str]]:
    return {
        name: frozenset(" ".join(map(_stem, words(text))) for text in forms.values())
        for name, forms in _forms().items()
    }


def _stem(word: str) -> str:
    """A word without article, case ending and gender: enough to tell the grammar's words apart."""
    bare = _ARTICLE.sub("", word)
    return bare[:-1] if len(bare) > 3 and bare[-1] in "\u0627\u0647" else bare


def _stuttered(text: str) -> str:
    body = text.rstrip(".")
    return f"{body} {body.rsplit(' ', 1)[-1]}{text[len(body) :]}"


def _turned(text: str, rng: random.Random) -> str:
    """The other side or size, another finding, or one where there was none."""
    forms = _forms()
    for one, other in (("left", "right"), ("small", "large")):
        swaps = {forms[a][kind]: forms[b][kind] for a, b in ((one, other), (other, one)) for kind in forms[a]}
        changed = " ".join(swaps.get(word.strip("."), word.strip(".")) + "." * word.count(".") for word in text.split())
        if changed != text:
            return changed
    findings = _lexicon()["findings"]
    for name in findings:
        for kind in _FINDING_FORMS:
            if forms[name][kind] in text:
                instead = rng.choice([one for one in findings if _concepts()[one].isdisjoint(_concepts()[name])])
                return text.replace(forms[name][kind], forms[instead][kind])
    return f"{text} {forms[rng.choice(list(findings))]['finding']}."
