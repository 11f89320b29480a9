"""The rollout of one row: protect, translate, check, score, refine; every attempt is kept."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bimedix2_core.data.rollouts import Ask
from bimedix2_core.data.translate import checks, protect
from bimedix2_core.data.translate.prompts import Prompts
from bimedix2_core.data.translate.quality import Score, back_translation_score, read_score
from bimedix2_core.data.translate.segments import Segment, arabic_twin, segments_of
from bimedix2_core.records import Row
from bimedix2_core.runs import content_key

_TAGGED = re.compile(r"<(\d+)>(.*?)</\1>", re.DOTALL)


_MARK = protect.mask("5 mg").text


@dataclass(frozen=True)
class Protocol:
    """What happens to a translation before it counts."""

    name: str
    rounds: int
    """Most attempts; the second and later ones get the reasons against the one before."""
    protects: tuple[str, ...]
    """Kinds of `protect.KINDS` that the translator does not see."""
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
    """
    if name == "bimedix2":
        return Protocol(name, rounds=1, protects=(), scores=False, checks=False, threshold=threshold)
    ours = name == "ours"
    kinds = tuple(protects) if ours else ()
    return Protocol(name, rounds=rounds, protects=kinds, scores=True, checks=ours, threshold=threshold)


@dataclass(frozen=True)
class Attempt:
    """One translation of a row's segments and what was found wrong with it."""

    texts: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    """Name and detail of each failed rule check."""
    score: float | None
    """0 to 100; None where the protocol asks for none or the score could not be read."""
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Translation:
    """A rollout: English row to Arabic twin."""

    protocol: Protocol
    prompts: Prompts
    max_new_tokens: int
    refine_temperature: float
    """Of the second and later attempts; the first is greedy."""

    def key(self) -> str:
        """Content key of prompts, protocol and decoding."""
        return content_key(["translation", asdict(self)])

    async def __call__(self, row: Row, ask: Ask) -> dict[str, Any]:
        """Translate a row.

        Returns:
            ``id``, ``source``, ``english`` and ``row`` (the rows as JSON; ``row`` is None where no attempt kept the
            turns apart), ``passed``, ``best`` (the number of the attempt taken), ``attempts``.
        """
        english = segments_of(row)
        attempts: list[Attempt] = []
        while len(attempts) < self.protocol.rounds:
            attempts.append(await self._attempt(english, attempts, ask))
            if self._passes(attempts[-1]):
                break
        best = max(range(len(attempts)), key=lambda number: _rank(attempts[number], number))
        whole = len(attempts[best].texts) == len(english)
        return {
            "id": row.id,
            "source": row.source,
            "english": row.as_json(),
            "row": arabic_twin(row, attempts[best].texts).as_json() if whole else None,
            "passed": self._passes(attempts[best]),
            "best": best,
            "attempts": [asdict(attempt) for attempt in attempts],
        }

    async def _attempt(self, english: Sequence[Segment], earlier: Sequence[Attempt], ask: Ask) -> Attempt:
        masked = [protect.mask(segment.text, kinds=frozenset(self.protocol.protects)) for segment in english]
        said = await self._translated([one.text for one in masked], earlier, ask)
        said, lost = _unmasked(said, masked)
        arabic = [Segment(segment.role, text) for segment, text in zip(english, said, strict=False)]
        failures = lost + checks.check(english, arabic)
        score = await self._score(english, said, ask) if self.protocol.scores and len(said) == len(english) else None
        return Attempt(
            texts=tuple(said),
            failures=tuple((failure.check, failure.detail) for failure in failures),
            score=score.value if score else None,
            reasons=score.reasons if score else (),
        )

    async def _translated(self, sources: Sequence[str], earlier: Sequence[Attempt], ask: Ask) -> list[str]:
        """One text per source; fewer where the answer's numbered tags are not those of the sources."""
        if self.prompts.unit == "segment":
            return [(await self._say(source, earlier, ask)).strip() for source in sources]
        answer = await self._say(_tagged(sources), earlier, ask)
        found = {int(number): text.strip() for number, text in _TAGGED.findall(answer)}
        return list(found.values()) if list(found) == list(range(1, len(sources) + 1)) else []

    async def _say(self, source: str, earlier: Sequence[Attempt], ask: Ask) -> str:
        prompt = self.prompts.translate.format(source=source, mark=_MARK)
        if earlier:
            last = earlier[-1]
            reasons = [f"{check}: {detail}" for check, detail in last.failures] if self.protocol.checks else []
            prompt = self.prompts.refine.format(
                translate=prompt,
                source=source,
                translation=_tagged(last.texts),
                reasons="\n".join(f"- {reason}" for reason in [*reasons, *last.reasons]),
            )
        return await self._asked(prompt, ask, attempt=len(earlier))

    async def _score(self, english: Sequence[Segment], said: Sequence[str], ask: Ask) -> Score | None:
        texts = [segment.text for segment in english]
        if self.prompts.scorer == "model":
            prompt = self.prompts.score.format(source=_tagged(texts), translation=_tagged(said))
            return read_score(await self._asked(prompt, ask))
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
        if self.protocol.checks and attempt.failures:
            return False
        return not self.protocol.scores or (attempt.score is not None and attempt.score >= self.protocol.threshold)


def _rank(attempt: Attempt, number: int) -> tuple[bool, int, float, int]:
    """Whole before broken, then few failures, then a high score, then the earlier one."""
    return bool(attempt.texts), -len(attempt.failures), -1.0 if attempt.score is None else attempt.score, -number


def _tagged(texts: Sequence[str]) -> str:
    return "\n".join(f"<{number}>{text}</{number}>" for number, text in enumerate(texts, 1))


def _unmasked(said: Sequence[str], masked: Sequence[protect.Masked]) -> tuple[list[str], list[checks.Failure]]:
    """The texts with what was protected put back; a text that lost a mark stays as it is, and that is a failure."""
    texts, failures = list(said), []
    for index, text in enumerate(said):
        try:
            texts[index] = protect.unmask(text, masked[index])
        except protect.PlaceholderError as error:
            failures.append(checks.Failure("placeholders", str(error)))
    return texts, failures
