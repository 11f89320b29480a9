"""Pairwise: a model reads the reference and an answer side by side and scores both from 1 to 10."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bimedix2_core.bench.answers import is_empty
from bimedix2_core.bench.judge import JudgePrompts, JudgeRequest, PromptedJudge, Verdict, judge_prompts, pairs_of
from bimedix2_core.bench.mbench.facts import mentions_of, question_of, reference_of
from bimedix2_core.bench.mbench.judged import LOWEST, Judged, Order
from bimedix2_core.bench.mbench.verdict import Reading, strict_scores
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row

PROMPT_FOLDER = Path(__file__).parent / "prompts"
ORDERS: tuple[Order, ...] = get_args(Order)


def pairwise_prompts(name: str = "pairwise") -> JudgePrompts:
    """The prompts of the pairwise judge.

    Raises:
        DataError: there are none of this name.
    """
    return judge_prompts(PROMPT_FOLDER, name)


@dataclass(frozen=True)
class PairwiseJudge(PromptedJudge):
    """A model that scores an answer beside the reference; it does not know which is which, and sees no image.

    The first line of its verdict is all that is read.
    """

    def requests(
        self, rows: Sequence[Row], answers: Sequence[str], *, order: Order = "reference_first", repeat: int = 0
    ) -> list[JudgeRequest]:
        """One request for each answer, to be asked (`ask_judge`) or replayed (`replay`); empty answers are asked too.

        Args:
            rows: questions.
            answers: one for each.
            order: which of the two the judge reads first.
            repeat: number of the draw, from 0.

        Raises:
            DataError: there are not as many answers as rows, no such order, or no wording in a row's language.
        """
        _check_order(order)
        return [self._request(row, answer, order, repeat) for row, answer in pairs_of(rows, answers)]

    def judged(
        self,
        rows: Sequence[Row],
        answers: Sequence[str],
        verdicts: Iterable[Verdict],
        *,
        order: Order = "reference_first",
        repeat: int = 0,
        reading: Reading = strict_scores,
    ) -> list[Judged]:
        """The answers with the scores of the verdicts on `requests` of the same order and draw; joined by content.

        An empty answer has the lowest score where the verdict can be read, whatever the judge made of it: it is never
        left out, which would raise the mean, and never credited.

        Args:
            rows: questions.
            answers: one for each.
            verdicts: what `ask_judge` or `replay` returned, in any order.
            order: as asked.
            repeat: as asked.
            reading: how the first line is read.

        Raises:
            DataError: an answer has no verdict among them, or as for `requests`.
        """
        _check_order(order)
        by_key = {verdict.key: verdict for verdict in verdicts}
        found = []
        for row, answer in pairs_of(rows, answers):
            key = self._request(row, answer, order, repeat).key(self.model)
            if key not in by_key:
                raise DataError(
                    f"no verdict of judge {self.name} on the answer to {row.id!r} ({row.language}), {order}, draw "
                    f"{repeat}; give the verdicts that ask_judge or replay returned for these requests"
                )
            scores = reading(by_key[key].text, by_key[key].problem)
            reference, answered = (
                (scores.first, scores.second) if order == "reference_first" else (scores.second, scores.first)
            )
            if answered is not None and is_empty(answer):
                answered = float(LOWEST)
            found.append(Judged(row, answer, self.name, reference, answered, order, repeat, scores.problem))
        return found

    def _request(self, row: Row, answer: str, order: Order, repeat: int) -> JudgeRequest:
        reference = reference_of(row)
        first, second = (reference, answer) if order == "reference_first" else (answer, reference)
        messages = self.prompts.messages(
            row.language,
            label=row.facts.get("fig_label", ""),
            caption=row.facts.get("fig_caption", ""),
            mentions="\n".join(f"- {mention}" for mention in mentions_of(row)),
            question=question_of(row),
            first=first,
            second=second,
        )
        return JudgeRequest(row.id, row.language, self.prompts.version, messages, self.max_tokens, repeat)


def _check_order(order: str) -> None:
    if order not in ORDERS:
        raise DataError(f"no order {order!r} of two answers; known: {', '.join(ORDERS)}")
