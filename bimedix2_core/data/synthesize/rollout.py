"""The rollout of one row: ask, read, check, ask again with the reasons; in the end one row or one recorded failure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from bimedix2_core.data.prompt_files import rules_key
from bimedix2_core.data.rollouts import Ask
from bimedix2_core.data.synthesize.checks import ROLES, Case, CheckSettings, check
from bimedix2_core.data.synthesize.material import FROM_ROW, Material, fenced
from bimedix2_core.data.synthesize.prompts import Prompts, Wording
from bimedix2_core.data.synthesize.turns import Turn, read_turns
from bimedix2_core.errors import DataError, RequestError
from bimedix2_core.records import Row, message
from bimedix2_core.runs import content_key

Kind = Literal["doctor_chat", "image_conversation", "fuller_answer"]

UNSUITABLE = "unsuitable"
"""Name of the failure of a row that nothing can be made from; it is not asked for at all."""

NO_ANSWER = "no_answer"
"""Name of the failure of a row for which a request brought nothing usable."""


@dataclass(frozen=True)
class Attempt:
    """What the model wrote once, and what was found wrong with it."""

    text: str
    failures: tuple[tuple[str, str], ...]
    """Name and detail of each failed check."""


@dataclass(frozen=True)
class Synthesis:
    """A rollout: a published sample to a conversation or a fuller answer.

    - ``doctor_chat``: a multiple choice to a chat between patient and doctor (BiMediX);
    - ``image_conversation``: a caption to a conversation about its image (LLaVA-Med; BiMediX2, section 2.1);
    - ``fuller_answer``: a short answer to sentences (Rad-VQA, SLAKE, Path-VQA; BiMediX2, section 2.1).

    Raises:
        DataError: the prompt set has no wording for this kind in some language, or fewer than one round is asked for.
    """

    kind: Kind
    source: str
    """Source of the rows made: ``multi_turn_conversation``, ``llava_med_subset_to_conv``, ..."""
    prompts: Prompts
    rounds: int
    """Most attempts; the second and later ones get the reasons against the one before."""
    max_new_tokens: int
    refine_temperature: float
    """Of the second and later attempts; the first is greedy."""
    checks: CheckSettings = field(default_factory=CheckSettings)

    def __post_init__(self):
        if self.kind not in FROM_ROW:
            raise DataError(f"no synthesis {self.kind!r}; known: {', '.join(FROM_ROW)}")
        lacking = [name for name, wording in self.prompts.wordings.items() if not getattr(wording, self.kind)]
        if lacking:
            raise DataError(f"the prompts {self.prompts.name!r} have no {self.kind} in {', '.join(lacking)}")
        if self.rounds < 1:
            raise DataError(f"{self.rounds} rounds; expected at least 1")

    def key(self) -> str:
        """Content key of kind, prompts, decoding and the rules."""
        return content_key(["synthesis", asdict(self), rules_key(Path(__file__).parent)])

    async def __call__(self, row: Row, ask: Ask) -> dict[str, Any]:
        """Make one row.

        Returns:
            ``id``, ``source`` and ``language`` of the row it was made from, ``kind``, ``row`` (the new one as JSON;
            None where it failed), ``failures`` (name and detail of what is wrong with the last attempt, or why there
            is none; empty where there is a row), ``attempts``.
        """
        attempts: list[Attempt] = []
        try:
            material = FROM_ROW[self.kind](row)
            turns = await self._turns(material, attempts, ask)
            failures = attempts[-1].failures
        except DataError as error:
            failures = ((UNSUITABLE, str(error)),)
        except RequestError as error:
            failures = ((NO_ANSWER, str(error)),)
        return {
            "id": row.id,
            "source": row.source,
            "language": row.language,
            "kind": self.kind,
            "row": None if failures else self._row(row, material, turns).as_json(),
            "failures": [list(failure) for failure in failures],
            "attempts": [asdict(attempt) for attempt in attempts],
        }

    async def _turns(self, material: Material, attempts: list[Attempt], ask: Ask) -> Sequence[Turn]:
        """The turns of the first attempt that passes, or of the last one; every attempt is appended."""
        while True:
            said, turns = await self._attempt(material, attempts, ask)
            found = check(Case(self.kind, material, turns, self.checks))
            attempts.append(Attempt(said, tuple((failure.check, failure.detail) for failure in found)))
            if not found or len(attempts) == self.rounds:
                return turns

    async def _attempt(self, material: Material, earlier: Sequence[Attempt], ask: Ask) -> tuple[str, Sequence[Turn]]:
        wording = self._wording(material.language)
        places = material.places() | {"min_turns": self.checks.min_turns, "max_turns": self.checks.max_turns}
        if self.kind == "image_conversation" and self.prompts.unit == "turn":
            return await self._turn_by_turn(wording, places, earlier, ask)
        said = await self._asked(wording, places, earlier, ask)
        if self.kind == "fuller_answer":
            return said, [Turn(ROLES[self.kind][1], said.strip())] if said.strip() else []
        return said, read_turns(said)

    async def _turn_by_turn(
        self, wording: Wording, places: Mapping[str, Any], earlier: Sequence[Attempt], ask: Ask
    ) -> tuple[str, Sequence[Turn]]:
        """The user's turns from the prompt set, each answer from a request of its own."""
        asker, answerer = ROLES[self.kind]
        turns = []
        for question in wording.questions:
            said = await self._asked(wording, {**places, "question": question}, earlier, ask)
            turns += [Turn(asker, question), Turn(answerer, said.strip())]
        return "\n".join(turn.text for turn in turns), turns if all(turn.text for turn in turns) else []

    async def _asked(self, wording: Wording, places: Mapping[str, Any], earlier: Sequence[Attempt], ask: Ask) -> str:
        prompt = getattr(wording, self.kind).format_map(places)
        if earlier and wording.again:
            reasons = "\n".join(f"- {check}: {detail}" for check, detail in earlier[-1].failures)
            prompt = wording.again.format(prompt=prompt, last=fenced(earlier[-1].text), reasons=fenced(reasons))
        system = [{"role": "system", "content": wording.system}] if wording.system else []
        return await ask(
            {
                "messages": [*system, {"role": "user", "content": prompt}],
                "max_tokens": self.max_new_tokens,
                "temperature": self.refine_temperature if earlier else 0.0,
                "seed": len(earlier),
            }
        )

    def _wording(self, language: str) -> Wording:
        if language not in self.prompts.wordings:
            raise DataError(f"its language is {language!r}, the prompts have {', '.join(self.prompts.wordings)}")
        return self.prompts.wordings[language]

    def _row(self, row: Row, material: Material, turns: Sequence[Turn]) -> Row:
        """The new row: same id, language and images, in the first user turn; where it came from is a fact."""
        facts = row.facts | {"made_from": row.source, "prompts": self.prompts.version}
        if self.kind == "fuller_answer":
            messages = [row.messages[0], message("assistant", turns[0].text)]
            return replace(
                row, source=self.source, messages=messages, answer=row.answer or material.answer, facts=facts
            )
        roles = dict(zip(ROLES[self.kind], ("user", "assistant"), strict=True))
        first, *rest = turns
        messages = [message(roles[first.role], first.text, images=len(row.images))]
        messages += [message(roles[turn.role], turn.text) for turn in rest]
        kept = {"right_answer": material.answer} if self.kind == "doctor_chat" else {"caption": material.caption}
        return Row(
            id=row.id,
            language=row.language,
            task="dialogue",
            source=self.source,
            messages=messages,
            images=row.images,
            facts=facts | kept,
        )
