"""The rollout of one row: protect, translate, check, score, refine; every attempt is kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bimedix2_core.data.prompt_files import rules_key
from bimedix2_core.data.review.sample import PROTOCOLS
from bimedix2_core.data.rollouts import Ask
from bimedix2_core.data.translate import checks, protect, tags
from bimedix2_core.data.translate.prompts import Prompts
from bimedix2_core.data.translate.quality import Score, back_translation_score, read_score
from bimedix2_core.data.translate.segments import Segment, arabic_twin, segments_of
from bimedix2_core.errors import DataError, RequestError
from bimedix2_core.records import Row
from bimedix2_core.runs import content_key


@dataclass(frozen=True)
class Protocol:
    """What happens to a translation before it counts."""

    name: str
    rounds: int
    """Most attempts; the second and later ones get the reasons against the one before."""
    protects: tuple[str, ...]
    """Kinds of `spans.KINDS` that the translator does not see."""
    scores: bool
    """Whether each attempt is scored; below `threshold` the next round follows."""
    checks: bool
    """Whether a failed rule check asks for the next round. The rules are counted in any case."""
    threshold: float
    """Score from which a translation passes, 0 to 100."""


def protocol(name: str, *, rounds: int, threshold: float, protects: Sequence[str]) -> Protocol:
    """A published protocol or ours.

    ``bimedix2`` translates once, without any automatic gate (paper, A.4 and Figure 5); ``bimedix1`` scores and
    translates again in a loop (BiMediX, README; its threshold and rounds are not published); ``ours`` protects and
    checks as well.

    Raises:
        DataError: no protocol of this name, or no round.
    """
    if name not in PROTOCOLS:
        raise DataError(f"no translation protocol {name!r}; known: {', '.join(PROTOCOLS)}")
    if rounds < 1:
        raise DataError(f"{rounds} rounds of translation; expected at least 1")
    if name == "bimedix2":
        return Protocol(name, rounds=1, protects=(), scores=False, checks=False, threshold=threshold)
    ours = name == "ours"
    kinds = tuple(protects) if ours else ()
    return Protocol(name, rounds=rounds, protects=kinds, scores=True, checks=ours, threshold=threshold)


@dataclass(frozen=True)
class Attempt:
    """One translation of a row's segments and what was found wrong with it."""

    texts: tuple[str, ...]
    """Empty where the answer did not keep the segments apart."""
    is_whole: bool
    """Whether each segment has a text, and each mark in it was put back: only then a twin is made of it."""
    failures: tuple[tuple[str, str], ...]
    """Name and detail of each failed rule check."""
    score: float | None = None
    """0 to 100; None where the protocol asks for none, the attempt is not whole, or the score could not be read."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Draft:
    """An attempt, and the answers as the model gave them, marks and tags included, one for each request."""

    attempt: Attempt
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Translation:
    """A rollout: English row to Arabic twin."""

    protocol: Protocol
    prompts: Prompts
    max_new_tokens: int
    refine_temperature: float
    """Of the second and later attempts; the first is greedy."""

    def key(self) -> str:
        """Content key of prompts, protocol, decoding and the rules."""
        return content_key(["translation", asdict(self), rules_key(Path(__file__).parent)])

    async def __call__(self, row: Row, ask: Ask) -> dict[str, Any]:
        """Translate a row.

        Returns:
            ``id``, ``source``, ``english`` and ``row`` (the rows as JSON; ``row`` is None where no attempt is whole),
            ``passed``, ``best`` (the number of the attempt taken, None where there is none), ``attempts``, and
            ``failed`` (why the rounds ended early: a request that brought nothing, a row that has no segments).
        """
        drafts: list[_Draft] = []
        failed = ""
        try:
            await self._translate(segments_of(row), drafts, ask)
        except (DataError, RequestError) as error:
            failed = str(error)
        attempts = [draft.attempt for draft in drafts]
        best = max(range(len(attempts)), key=lambda number: self._rank(attempts[number], number), default=None)
        taken = None if best is None else attempts[best]
        return {
            "id": row.id,
            "source": row.source,
            "english": row.as_json(),
            "row": arabic_twin(row, taken.texts).as_json() if taken and taken.is_whole else None,
            "passed": taken is not None and self._passes(taken),
            "best": best,
            "attempts": [asdict(attempt) for attempt in attempts],
            "failed": failed,
        }

    async def _translate(self, english: Sequence[Segment], drafts: list[_Draft], ask: Ask) -> None:
        """Add drafts until one passes or the rounds are over; what was drafted before an error stays."""
        while len(drafts) < self.protocol.rounds and not (drafts and self._passes(drafts[-1].attempt)):
            drafts.append(await self._draft(english, drafts, ask))
            attempt = drafts[-1].attempt
            if self.protocol.scores and attempt.is_whole:
                score = await self._score(english, attempt.texts, ask)
                if score:
                    scored = replace(attempt, score=score.value, reasons=score.reasons)
                    drafts[-1] = replace(drafts[-1], attempt=scored)

    async def _draft(self, english: Sequence[Segment], earlier: Sequence[_Draft], ask: Ask) -> _Draft:
        masked = [self._masked(segment.text) for segment in english]
        sources = [one.text for one in masked]
        in_one = self.prompts.unit == "sample"
        asked = [tags.tagged(sources)] if in_one else sources
        answers = [await self._say(source, place, earlier, ask) for place, source in enumerate(asked)]
        said = tags.untagged(answers[0], len(sources)) if in_one else [answer.strip() for answer in answers]
        texts, lost = _unmasked(said, masked)
        arabic = [Segment(segment.role, text) for segment, text in zip(english, texts, strict=False)]
        failures = lost + checks.check(english, arabic)
        attempt = Attempt(
            texts=tuple(texts),
            is_whole=len(texts) == len(english) and all(texts) and not lost,
            failures=tuple((failure.check, failure.detail) for failure in failures),
        )
        return _Draft(attempt, tuple(answers))

    def _masked(self, text: str) -> protect.Masked:
        """The text with marks for what is protected, and for what would read as one of our tags."""
        masked = protect.mask(text, kinds=frozenset(self.protocol.protects))
        return tags.without_tags(masked) if self.prompts.unit == "sample" else masked

    async def _say(self, source: str, place: int, earlier: Sequence[_Draft], ask: Ask) -> str:
        """The answer to request ``place`` of an attempt; without a reason against the last one, just another try."""
        prompt = self.prompts.translate.format(source=source, mark=tags.mark(1))
        reasons = self._reasons(earlier[-1].attempt) if earlier else []
        if reasons:
            prompt = self.prompts.refine_of(len(earlier)).format(
                translate=prompt,
                source=source,
                translation=earlier[-1].answers[place],
                reasons="\n".join(f"- {reason}" for reason in reasons),
            )
        return await self._asked(prompt, ask, attempt=len(earlier))

    def _reasons(self, attempt: Attempt) -> list[str]:
        """What the next round is told."""
        reasons = [f"{check}: {detail}" for check, detail in attempt.failures] if self.protocol.checks else []
        reasons += attempt.reasons
        is_low = attempt.score is not None and attempt.score < self.protocol.threshold
        return reasons or ([f"it was scored {attempt.score:g} of 100"] if is_low else [])

    async def _score(self, english: Sequence[Segment], said: Sequence[str], ask: Ask) -> Score | None:
        texts = [segment.text for segment in english]
        if self.prompts.scorer == "model":
            shown = {"source": tags.tagged(map(tags.shown, texts)), "translation": tags.tagged(map(tags.shown, said))}
            return read_score(await self._asked(self.prompts.score.format(**shown), ask))
        back = [await self._asked(self.prompts.score.format(translation=text), ask) for text in said]
        return back_translation_score("\n".join(texts), "\n".join(back))

    async def _asked(self, prompt: str, ask: Ask, *, attempt: int = 0) -> str:
        system = [{"role": "system", "content": self.prompts.system}] if self.prompts.system else []
        return await ask(
            {
                "messages": [*system, {"role": "user", "content": prompt}],
                "max_tokens": self.max_new_tokens,
                "temperature": self.refine_temperature if attempt else 0.0,
                "seed": attempt,
            }
        )

    def _passes(self, attempt: Attempt) -> bool:
        if not attempt.is_whole or (self.protocol.checks and attempt.failures):
            return False
        return not self.protocol.scores or (attempt.score is not None and attempt.score >= self.protocol.threshold)

    def _rank(self, attempt: Attempt, number: int) -> tuple[bool, int, float, int]:
        """Whole before broken, then few failures where the protocol looks at them, then a high score, then early."""
        n_failures = len(attempt.failures) if self.protocol.checks else 0
        return attempt.is_whole, -n_failures, -1.0 if attempt.score is None else attempt.score, -number


def _unmasked(said: Sequence[str], masked: Sequence[protect.Masked]) -> tuple[list[str], list[checks.Failure]]:
    """The texts with what was protected put back; a text that lost a mark stays as it is, and that is a failure."""
    texts, failures = list(said), []
    for index, text in enumerate(said):
        try:
            texts[index] = protect.unmask(text, masked[index])
        except protect.PlaceholderError as error:
            failures.append(checks.Failure("placeholders", f"text {index + 1}: {error}"))
    return texts, failures
