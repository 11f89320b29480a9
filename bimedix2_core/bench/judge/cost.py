"""Cost of a judge, estimated before anything is asked; the meter of the endpoint counts it while it is."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.bench.judge.record import read_record
from bimedix2_core.bench.judge.verdicts import CACHE, RECORD, JudgeModel, JudgeRequest
from bimedix2_core.endpoint import Meter, RequestCache, meter_of, request_tokens


@dataclass(frozen=True)
class CostEstimate:
    """What the requests without a verdict will come to, about; the endpoint's meter counts what they did."""

    n_requests: int
    """Requests to be asked; those that differ in nothing are asked once."""
    n_known: int
    """Requests that have their verdict."""
    prompt_tokens: int
    completion_tokens: int
    price: float
    """In the currency of the judge's prices."""
    spent: float
    """Price of what earlier runs in the same folder were answered; it counts against the budget too."""
    budget: float | None

    @property
    def fits(self) -> bool:
        """Whether the budget, if there is one, is enough."""
        return self.budget is None or self.spent + self.price <= self.budget

    def __str__(self) -> str:
        budget = "no limit"
        if self.budget is not None:
            used = f", {self.spent:.2f} spent" if self.spent else ""
            budget = f"budget {self.budget:.2f}{used}{'' if self.fits else ', NOT ENOUGH'}"
        return (
            f"{self.n_requests:,} verdicts to ask for, {self.n_known:,} known; about {self.prompt_tokens:,} prompt and "
            f"{self.completion_tokens:,} completion tokens, about {self.price:.2f} ({budget})"
        )


def estimate_cost(
    requests: Sequence[JudgeRequest], judge: JudgeModel, *, folder: Path, completion_tokens: int = 120
) -> CostEstimate:
    """Estimate what `ask_judge` will ask and pay; a prompt has as many tokens as `endpoint.estimates` gives it.

    Args:
        requests: all of them, those with a verdict included.
        judge: its prices and budget are those of its limits.
        folder: as for `ask_judge`.
        completion_tokens: length of a verdict, assumed.
    """
    by_key = {request.key(judge.model): request for request in requests}
    known, meter = set(), Meter(judge.limits)
    record = read_record(folder / RECORD) if (folder / RECORD).exists() else {}
    if (folder / CACHE).exists():
        with closing(RequestCache(folder / CACHE)) as cache:
            meter = meter_of(judge.limits, cache)
            known = {key for key in by_key if cache.get(key)}
    known |= {key for key in by_key if key in record}
    asked = [request for key, request in by_key.items() if key not in known]
    prompt = sum(request_tokens(request.payload) for request in asked)
    completion = completion_tokens * len(asked)
    price = Meter(judge.limits, len(asked), prompt, completion).cost
    return CostEstimate(len(asked), len(known), prompt, completion, price, meter.cost, judge.limits.budget)
