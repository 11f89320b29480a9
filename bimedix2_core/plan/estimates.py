"""Estimates: what a number in a plan is, and the memory, hours and cost of answering."""

from collections.abc import Iterable
from dataclasses import dataclass

from bimedix2_core.model.shapes import Counts, Shape
from bimedix2_core.params import InferenceParams, Params
from bimedix2_core.plan import quantities as q
from bimedix2_core.plan.quantities import Questions

SMALLER = {"h": (60, "min"), "GB": (1000, "MB")}
"""What small values of a unit are given in."""


@dataclass(frozen=True)
class Estimate:
    """A number and how it was worked out."""

    value: float
    unit: str
    """GB, h or USD."""
    how: str
    """The multiplication in few words."""

    def __str__(self) -> str:
        """Number, unit and derivation."""
        return f"{amount(self.value, self.unit)} = {self.how}"


@dataclass(frozen=True)
class Model:
    """A model of a profile, counted."""

    shape: Shape
    counts: Counts
    n_lora: int
    """Weights that the adapters add; 0 where none are trained."""
    bytes_per_weight: int

    @property
    def weight_gb(self) -> float:
        """Memory of all weights."""
        return self.counts.total * self.bytes_per_weight / 1e9

    @property
    def weights_in_words(self) -> str:
        """Such as ``8.35 B weights x 2 bytes``."""
        return f"{billions(self.counts.total)} weights x {self.bytes_per_weight} bytes"


def amount(value: float, unit: str) -> str:
    """A number with its unit, in three digits or more; a small part of an hour in minutes, of a GB in MB."""
    if unit in SMALLER and 0 < value < 0.1:
        factor, unit = SMALLER[unit]
        value *= factor
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def billions(count: float) -> str:
    """Such as ``8.03 B``, ``21.0 M`` or ``131,072``."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} B"
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count:,.0f}"


def total(estimates: Iterable[Estimate], unit: str) -> Estimate:
    """The sum of estimates, without their derivations."""
    values = [estimate.value for estimate in estimates]
    return Estimate(sum(values), unit, " + ".join(amount(value, unit) for value in values) or "nothing")


# --- memory --------------------------------------------------------------------------------------------------------


def answering_memory(model: Model, settings: InferenceParams) -> Estimate:
    """Memory of answering a batch: weights, keys and values."""
    language = model.shape.language
    tokens = settings.batch_size * (model.shape.n_image_tokens + q.PROMPT_TOKENS.value + settings.max_new_tokens)
    head = getattr(language, "head_dim", None) or language.hidden_size // language.num_attention_heads
    per_token = 2 * language.num_hidden_layers * language.num_key_value_heads * head * model.bytes_per_weight
    cache = tokens * per_token / 1e9
    how = (
        f"{model.weights_in_words} {amount(model.weight_gb, 'GB')} "
        f"+ {tokens:,.0f} tokens x {per_token:,} bytes of keys and values {amount(cache, 'GB')}"
    )
    return Estimate(model.weight_gb + cache, "GB", how)


# --- hours ---------------------------------------------------------------------------------------------------------


def answering_hours(params: Params, asked: Questions, model: Model, *, rows: int) -> Estimate:
    """Hours of one card: prompts limited by arithmetic, answers by reading all weights for each token of a batch."""
    speed, machine = _speed(params)
    settings = params.inference
    prompts = rows * (asked.written + asked.chosen * q.OPTIONS.value)
    read = prompts * (q.PROMPT_TOKENS.value + bool(asked.written) * model.shape.n_image_tokens)
    n_tokens = min(q.ANSWER_TOKENS.value, settings.max_new_tokens)
    batches = rows * asked.written / settings.batch_size
    weight_bytes = model.counts.active * model.bytes_per_weight
    seconds = 2 * model.counts.active * read / speed
    seconds += batches * n_tokens * weight_bytes / (q.BANDWIDTH.value * q.UTILISATION.value)
    parts = [f"{asked.written:,} answers x {n_tokens:g} tokens"] * bool(asked.written)
    parts += [f"{asked.chosen:,} questions x {q.OPTIONS.value:g} options"] * bool(asked.chosen)
    how = f"{rows} x ({' + '.join(parts)}), {settings.batch_size} at a time, on {machine}"
    return Estimate(seconds / 3600, "h", how)


def judge_cost(judge: str, n_answers: int) -> Estimate | None:
    """What a declared judge takes for grading; None where nobody grades, or its price is not known."""
    price = next((price for name, price in q.PRICES.items() if name in judge), None)
    if price is None or not n_answers:
        return None
    each = (q.JUDGE_READS.value * price.read + q.JUDGE_WRITES.value * price.written) / 1e6
    how = (
        f"{n_answers:,} answers x ({q.JUDGE_READS.value:,.0f} tokens read x {price.read:.2f} + "
        f"{q.JUDGE_WRITES.value:,.0f} written x {price.written:.2f}) USD per million"
    )
    return Estimate(n_answers * each, "USD", how)


def _speed(params: Params) -> tuple[float, str]:
    """FLOP/s that are reached, and on what."""
    if params.run.device == "cpu":
        threads = params.run.threads or 1
        return q.CPU_PEAK.value * threads, f"{threads} CPU threads"
    return q.PEAK.value * q.UTILISATION.value, "one card"
