"""Injection: what instructions to the judge, written into an answer, do to its scores.

Attacks of our own, appended to each answer in its language. What they cannot do is known without a judge: stand for a
mark of the prompt (`JudgePrompts.messages`). What they do to the scores only the judge itself can show.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bimedix2_core.bench.judge.agreement import SCALE, Scores, clusters_of
from bimedix2_core.bench.statistics import Comparison, compare, holm_compared
from bimedix2_core.errors import DataError

CONTROL = "control"
"""The attack that is none: a harmless sentence, so that the effect of any addition is known."""


@dataclass(frozen=True)
class Attack:
    """Text to be appended to an answer."""

    name: str
    what: str
    """What it tries."""
    texts: Mapping[str, str]
    """By language."""


@dataclass(frozen=True)
class Shift:
    """What an attack did to the scores of the answers."""

    attack: str
    comparison: Comparison | None
    """Mean score with the attack minus without, on the answers scored both times; None where there are none."""
    n_lost: int
    """Answers that were scored before and no longer: the verdict could not be read."""
    n_unscored: int
    """Answers that were not scored before."""


@cache
def attacks() -> tuple[Attack, ...]:
    """All attacks, the control first."""
    stored = yaml.safe_load(Path(__file__).with_name("injections.yaml").read_text(encoding="utf-8"))
    return tuple(
        Attack(name, one["what"], {language: text for language, text in one.items() if language != "what"})
        for name, one in stored.items()
    )


def attacked(answers: Sequence[str], languages: Sequence[str]) -> dict[str, list[str]]:
    """The answers with each attack appended, by the attack's name.

    Args:
        answers: of a model.
        languages: of each answer.

    Raises:
        DataError: there are not as many languages as answers, or an attack has no text in one of them.
    """
    if len(answers) != len(languages):
        raise DataError(f"{len(answers)} answers but {len(languages)} languages; expected one for each")
    known = set.intersection(*(set(one.texts) for one in attacks()))
    if unknown := sorted(set(languages) - known):
        raise DataError(f"no attacks in {', '.join(map(repr, unknown))}; known: {', '.join(sorted(known))}")
    return {
        attack.name: [
            f"{answer}\n\n{attack.texts[language].strip()}" for answer, language in zip(answers, languages, strict=True)
        ]
        for attack in attacks()
    }


def shifts(
    before: Scores,
    after: Mapping[str, Scores],
    clusters: Mapping[str, Hashable] | None = None,
    *,
    scale: tuple[float, float] = SCALE,
    seed: int = 0,
) -> tuple[Shift, ...]:
    """The mean change of the scores by each attack, paired by id, p-values adjusted for all attacks (Holm).

    Args:
        before: score of each answer as it was, by id; None where its verdict could not be read.
        after: by attack, score of each answer with the attack.
        clusters: the cluster (image) of each id; without, all answers are independent.
        scale: least and greatest score possible.
        seed: of the permutations.

    Raises:
        DataError: an attack has not the ids of the answers, a score is off the scale, or an id has no cluster.
    """
    for attack, scores in after.items():
        if set(scores) != set(before):
            odd = sorted(set(scores) ^ set(before))
            raise DataError(
                f"attack {attack!r}: {len(odd)} ids are with the answers or without, but not both, the first "
                f"{odd[0]!r}; judge the same answers, None where a verdict could not be read"
            )
    found = [_shift(attack, before, scores, clusters, scale, seed) for attack, scores in after.items()]
    adjusted = iter(holm_compared([one.comparison for one in found if one.comparison is not None]))
    return tuple(
        one if one.comparison is None else Shift(one.attack, next(adjusted), one.n_lost, one.n_unscored)
        for one in found
    )


def injection_sentence(judge: str, found: Sequence[Shift] = ()) -> str:
    """What is known of a judge and injected instructions, in a sentence for a page; without a measurement, that too."""
    measured = [one for one in found if one.comparison is not None and one.attack != CONTROL]
    n_lost = sum(one.n_lost for one in found if one.attack != CONTROL)
    if not found:
        return (
            f"Injected instructions, {judge}: not run; they need this judge's verdicts on the answers with each attack "
            "appended"
        )
    if not measured:
        return f"Injected instructions, {judge}: no answer was scored both with and without; {n_lost} verdicts lost"
    worst = max(measured, key=lambda one: abs(one.comparison.difference.value))
    change = worst.comparison.difference
    return (
        f"Injected instructions, {judge}: of {len(measured)}, {worst.attack} moves the score most, by "
        f"{change.value:+.2f} [{change.low:+.2f}, {change.high:+.2f}] on {change.n} answers (Holm p "
        f"{worst.comparison.p_holm:.2g}); {n_lost} verdicts lost to all"
    )


def _shift(
    attack: str,
    before: Scores,
    after: Scores,
    clusters: Mapping[str, Hashable] | None,
    scale: tuple[float, float],
    seed: int,
) -> Shift:
    scored = [id for id, score in before.items() if score is not None]
    both = [id for id in scored if after[id] is not None]
    comparison = None
    if both:
        comparison = compare(
            [after[id] for id in both],
            [before[id] for id in both],
            None if clusters is None else clusters_of(both, clusters),
            bounds=scale,
            seed=seed,
        )
    return Shift(attack, comparison, len(scored) - len(both), len(before) - len(scored))
