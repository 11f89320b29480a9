"""Estimates: GPU memory, hours, disk and the judge's cost, each with the multiplication it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass

from bimedix2_core.model.shapes import Counts, Shape
from bimedix2_core.params import InferenceParams, LlavaData, Params, PhantomData, StageParams
from bimedix2_core.plan import quantities as q
from bimedix2_core.plan.quantities import Questions


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
    """Weights that Stage 2 adds; 0 where nothing is trained."""
    bytes_per_weight: int

    @property
    def weight_gb(self) -> float:
        """Memory of all weights."""
        return self.counts.total * self.bytes_per_weight / 1e9

    @property
    def weights_in_words(self) -> str:
        """Such as ``8.35 B weights x 2 bytes``."""
        return f"{billions(self.counts.total)} weights x {self.bytes_per_weight} bytes"


@dataclass(frozen=True)
class Tokens:
    """What a stage learns from."""

    samples: int
    per_sample: float
    """Tokens, image features included."""
    images: float
    """Images in all samples."""
    how: str

    @property
    def total(self) -> float:
        """Tokens of all samples."""
        return self.samples * self.per_sample


def amount(value: float, unit: str) -> str:
    """A number with its unit, in three digits or more; a small part of an hour in minutes."""
    if unit == "h" and 0 < value < 0.1:
        value, unit = value * 60, "min"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def billions(count: float) -> str:
    """Such as ``8.03 B`` or ``21.0 M``."""
    return f"{count / 1e9:.2f} B" if count >= 1e9 else f"{count / 1e6:.1f} M"


def total(estimates: Iterable[Estimate], unit: str) -> Estimate:
    """The sum of estimates, without their derivations."""
    values = [estimate.value for estimate in estimates]
    return Estimate(sum(values), unit, " + ".join(amount(value, unit) for value in values) or "nothing")


# --- memory --------------------------------------------------------------------------------------------------------


def training_memory(model: Model, settings: StageParams, *, n_trained: int) -> Estimate:
    """Memory of one training process, at most: all samples of a micro batch as long as ``max_length``."""
    language = model.shape.language
    tokens = settings.micro_batch_size * settings.max_length
    trained = n_trained * q.TRAINED_BYTES.value / 1e9
    kept = tokens * language.num_hidden_layers * language.hidden_size * q.ACTIVATION_BYTES.value / 1e9
    logits = tokens * language.vocab_size * q.LOGIT_BYTES.value / 1e9
    how = (
        f"{model.weights_in_words} {amount(model.weight_gb, 'GB')} "
        f"+ {billions(n_trained)} trained x {q.TRAINED_BYTES.value:g} bytes {amount(trained, 'GB')} "
        f"+ {tokens:,} tokens x ({language.num_hidden_layers} layers x {language.hidden_size} x "
        f"{q.ACTIVATION_BYTES.value:g} bytes {amount(kept, 'GB')} "
        f"+ {language.vocab_size:,} logits x {q.LOGIT_BYTES.value:g} bytes {amount(logits, 'GB')})"
    )
    return Estimate(model.weight_gb + trained + kept + logits, "GB", how)


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


def kept_on_disk(model: Model, n_trained: int) -> Estimate:
    """What training leaves and keeps to go on from: trained weights with the optimizer's state."""
    size = n_trained * q.TRAINED_BYTES.value / 1e9
    how = f"{billions(n_trained)} trained x {q.TRAINED_BYTES.value:g} bytes, checkpoint and result"
    return Estimate(size, "GB", how)


# --- hours ---------------------------------------------------------------------------------------------------------


def tokens_of(params: Params, stage: str, shape: Shape) -> Tokens:
    """What a stage of a profile learns from.

    Args:
        params: the profile; it trains.
        stage: ``stage1`` or ``stage2``.
        shape: says how many tokens an image takes.
    """
    settings, is_first = getattr(params, stage), stage == "stage1"
    data, text = params.data, _text_tokens(params, is_first=is_first)
    if isinstance(data, PhantomData):
        n_text = 0 if is_first else data.n_text_samples
        n_images = data.n_caption_images if is_first else data.n_instruction_images
        available, share, how = 2 * (n_images + n_text), n_images / (n_images + n_text), "both languages"
    elif is_first:
        available, share, how = int(q.STAGE1_PAIRS.value), 1.0, q.STAGE1_PAIRS.source
    else:
        rows = q.bimed_v()
        available, share, how = rows.samples, rows.images / rows.samples, rows.how
    samples = settings.max_steps * settings.global_batch_size if settings.max_steps else settings.epochs * available
    how = f"{settings.max_steps} steps x {settings.global_batch_size}" if settings.max_steps else how
    return Tokens(samples, text.value + share * shape.n_image_tokens, samples * share, how)


def training_hours(params: Params, stage: str, model: Model) -> Estimate:
    """Hours of one card (or of the CPU): forward, and back through frozen weights; vision forward only."""
    tokens, (speed, machine) = tokens_of(params, stage, model.shape), _speed(params)
    vision = 2 * model.counts.parts.vision_tower * tokens.images * model.shape.n_image_tokens
    flop = 4 * model.counts.active * tokens.total + vision
    how = (
        f"{tokens.samples:,} samples ({tokens.how}) x {tokens.per_sample:,.0f} tokens x 4 FLOP x "
        f"{billions(model.counts.active)} weights, at {speed / 1e12:,.3g} TFLOP/s of {machine}"
    )
    return Estimate(flop / speed / 3600, "h", how)


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


def _text_tokens(params: Params, *, is_first: bool) -> q.Quantity:
    if isinstance(params.data, LlavaData):
        return q.CAPTION_TOKENS if is_first else q.INSTRUCTION_TOKENS
    return q.PHANTOM_CAPTION_TOKENS if is_first else q.PHANTOM_INSTRUCTION_TOKENS


def _speed(params: Params) -> tuple[float, str]:
    """FLOP/s that are reached, and on what."""
    if params.run.device == "cpu":
        threads = params.run.threads or 1
        return q.CPU_PEAK.value * threads, f"{threads} CPU threads"
    return q.PEAK.value * q.UTILISATION.value, "one card"
