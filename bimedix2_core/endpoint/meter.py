"""Meter: how hard an endpoint may be worked, and what it has cost so far."""

from dataclasses import dataclass

from bimedix2_core.endpoint.cache import RequestCache
from bimedix2_core.endpoint.replies import Reply


@dataclass(frozen=True)
class Limits:
    """How hard an endpoint may be worked, and what it may cost."""

    in_flight: int = 32
    """Most requests at a time."""
    tries: int = 6
    """Tries of one request before it counts as failed."""
    timeout: float = 120.0
    """Seconds until a request without an answer is given up."""
    first_wait: float = 1.0
    """Seconds before the second try; every further pause is twice as long. A Retry-After of the server goes first."""
    budget: float | None = None
    """Most that may be spent, in the currency of the prices; None is no limit."""
    prompt_price: float = 0.0
    """Price of a million prompt tokens."""
    completion_price: float = 0.0
    """Price of a million completion tokens."""


@dataclass
class Meter:
    """Requests, tokens and cost so far, those of earlier runs with the same cache included."""

    limits: Limits
    requests: int = 0
    """Answers that were paid for."""
    prompt_tokens: int = 0
    """Counted by the endpoint, or estimated where it gave no count."""
    completion_tokens: int = 0
    """The same of the answers."""
    estimated: int = 0
    """Answers among them of which the endpoint left out a count of tokens."""
    reused: int = 0
    """Answers that the cache had."""
    retries: int = 0
    """Tries in this run that brought no answer."""

    @property
    def cost(self) -> float:
        """Price of all answers, by their tokens."""
        limits = self.limits
        return (self.prompt_tokens * limits.prompt_price + self.completion_tokens * limits.completion_price) / 1e6

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.limits.budget is not None and self.cost >= self.limits.budget

    def count(self, reply: Reply) -> None:
        """Add an answer that was paid for."""
        self.requests += 1
        self.prompt_tokens += reply.prompt_tokens + reply.estimated_prompt_tokens
        self.completion_tokens += reply.completion_tokens + reply.estimated_completion_tokens
        self.estimated += reply.is_estimated

    def __str__(self) -> str:
        """Requests, tokens and price so far, and what is left of the budget, if there is one."""
        limits, parts = self.limits, [f"{self.requests:,} requests"]
        guess = f" (estimated for {self.estimated:,} answers without a count)" if self.estimated else ""
        parts.append(f"{self.prompt_tokens + self.completion_tokens:,} tokens{guess}")
        if limits.prompt_price or limits.completion_price:
            parts.append(f"about {self.cost:.2f}")
        parts += [f"{self.reused:,} reused", f"{self.retries:,} retries"]
        if limits.budget is not None:
            parts.append(f"{max(0.0, limits.budget - self.cost):.2f} of {limits.budget:.2f} left")
        return ", ".join(parts)


def meter_of(limits: Limits, cache: RequestCache) -> Meter:
    """The meter of an endpoint whose earlier answers are in a cache."""
    return Meter(limits, *cache.totals(), estimated=cache.n_estimated())
