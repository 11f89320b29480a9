"""Training: what a stage or the mixture learns from, the memory it takes, its hours, and what it leaves on the disk."""

from dataclasses import dataclass
from math import ceil

import torch

from bimedix2_core.params import AdapterParams, Params, PhantomData, StageParams
from bimedix2_core.plan import quantities as q
from bimedix2_core.plan.estimates import Estimate, Model, amount, billions
from bimedix2_core.plan.scope import MIXTURE
from bimedix2_core.training.feed import N_LENGTHS
from bimedix2_core.training.flops import recomputed_flops, row_flops, work_of
from bimedix2_core.training.memory import Memory, Part, fullest_row, optimizer_bytes
from bimedix2_core.training.memory import training_memory as memory_of


@dataclass(frozen=True)
class Lesson:
    """What a stage learns from."""

    samples: int
    text: float
    """Text tokens of a sample."""
    seen: float
    """Samples that show an image."""
    images: float
    """Images that stand in rows: each once for all that is asked about it where images are shared, else once for each
    sample."""
    features: int
    """Tokens of an image."""
    padding: float
    """Tokens that fill rows up."""
    how: str

    @property
    def tokens(self) -> float:
        """Useful tokens: all but padding."""
        return self.samples * self.text + self.images * self.features

    @property
    def pairs(self) -> float:
        """Pairs of a token and one that it sees, if all samples are as long as the mean."""
        own = self.samples * self.text * (self.text + 1) / 2
        return own + self.seen * self.text * self.features + self.images * self.features * (self.features + 1) / 2


@dataclass(frozen=True)
class _Rows:
    """What one pass over the data of a stage has."""

    count: int
    text: q.Quantity
    """Text tokens of a row."""
    how: str
    seen: float = 0
    """Rows that show an image."""
    distinct: float = 0
    """Images behind them."""


def settings_of(params: Params, stage: str) -> StageParams:
    """How a profile trains a stage.

    Args:
        params: the profile; it trains that.
        stage: ``stage1``, ``stage2`` or ``mixture``.
    """
    return params.mixture.training if stage == MIXTURE else getattr(params, stage)


def lesson_of(params: Params, stage: str, features: int) -> Lesson:
    """What a stage of a profile learns from.

    Args:
        params: the profile; it trains that.
        stage: ``stage1``, ``stage2`` or ``mixture``.
        features: tokens of an image.
    """
    settings, rows = settings_of(params, stage), _rows(params, stage)
    steps = settings.max_steps or ceil(settings.epochs * rows.count / settings.global_batch_size)
    samples = steps * settings.global_batch_size if settings.max_steps else settings.epochs * rows.count
    how = f"{steps} steps x {settings.global_batch_size}" if settings.max_steps else rows.how
    share = samples / rows.count
    images = share * (rows.distinct if settings.share_images else rows.seen)
    tokens = samples * rows.text.value + images * features
    pads = settings.compile_layers or params.run.device == "cuda"
    padding = steps * _padding(tokens / steps, settings.row_length) if pads else 0
    return Lesson(samples, rows.text.value, share * rows.seen, images, features, padding, how)


def stage_memory(params: Params, stage: str, model: Model) -> Memory:
    """What a stage holds at most, counted."""
    settings = settings_of(params, stage)
    row = fullest_row(settings, model.shape, dtype=getattr(torch, params.model.dtype),
                      on_gpu=params.run.device != "cpu")  # fmt: skip
    held = {"stage2": params.model.frozen_base, MIXTURE: params.mixture and params.mixture.frozen_base}
    base = held.get(stage) or "plain"
    return memory_of(model.shape, model.counts, row, frozen_base=base, is_sharded=params.run.sharding == "full")


def memory_estimate(memory: Memory, n_cards: int) -> Estimate:
    """Memory of one card, its parts, and where weights are shared out over how many cards.

    Args:
        memory: as ``stage_memory`` gives it.
        n_cards: how many there are here; 0 where there is none, and as many as it takes are planned.
    """
    needed = memory.processes_for(q.CARD.value * 1e9)
    is_sharded = any(part.is_sharded for part in memory.parts)
    count = (n_cards or needed or 1) if is_sharded else 1
    how = " + ".join(_part(part, count) for part in memory.parts)
    if is_sharded:
        how += f"; it takes {needed or 'too many'} cards of {q.CARD.value:g} GB"
    return Estimate(memory.n_bytes(count) / 1e9, "GB", how)


def training_hours(params: Params, stage: str, model: Model, *, peak: q.Quantity = q.PEAK) -> Estimate:
    """Hours of one card (or of the CPU), as ``training.flops`` counts a row.

    Args:
        params: the profile.
        stage: ``stage1``, ``stage2`` or ``mixture``.
        model: what it trains.
        peak: of the card.
    """
    settings, lesson = settings_of(params, stage), lesson_of(params, stage, model.shape.n_image_tokens)
    work = work_of(model.shape, lora_r=settings.lora_r if isinstance(settings, AdapterParams) else 0)
    useful = row_flops(
        work, n_tokens=lesson.tokens, n_pairs=lesson.pairs, n_images=lesson.images,
        n_targets=lesson.samples * lesson.text * q.SUPERVISED.value,
    )  # fmt: skip
    done = useful + lesson.padding * (4 * work.layers + 6 * work.lora)
    if settings.activation_checkpointing == "layers":
        done += recomputed_flops(work, n_tokens=lesson.tokens + lesson.padding, n_pairs=lesson.pairs)
    on_cpu = params.run.device == "cpu"
    threads = params.run.threads or 1
    speed = q.CPU_PEAK.value * threads if on_cpu else peak.value * q.TRAINING_UTILISATION.value
    text = f"{lesson.samples:,} samples ({lesson.how}) x {lesson.text:,.0f} text tokens"
    images = f" + {lesson.images:,.0f} images x {lesson.features}" if lesson.images else ""
    how = (
        f"{text}{images} = {billions(lesson.tokens)} useful tokens, x {done / lesson.tokens / 1e9:,.3g} GFLOP with "
        f"{lesson.padding / (lesson.tokens + lesson.padding):.1%} padding, at {speed / 1e12:,.3g} TFLOP/s of "
        + (f"{threads} CPU threads" if on_cpu else "one card")
    )
    return Estimate(done / speed / 3600, "h", how)


def kept_on_disk(params: Params, stage: str, model: Model) -> Estimate:
    """What a stage leaves: the last checkpoints and the best, each of trained weights and the optimizer's state."""
    settings, size = settings_of(params, stage), model.bytes_per_weight
    sizes = {model.counts.parts.projector: size}
    if isinstance(settings, AdapterParams):
        sizes[model.n_lora] = getattr(torch, settings.adapter_dtype).itemsize
    checkpoint = sum(count * (each + optimizer_bytes(each)) for count, each in sizes.items())
    n_files, trained = settings.keep_checkpoints + 1, sum(sizes)
    how = f"{billions(trained)} trained x {checkpoint / trained:.3g} bytes x {n_files} checkpoints"
    return Estimate(n_files * checkpoint / 1e9, "GB", how)


def _rows(params: Params, stage: str) -> _Rows:
    data, is_first = params.data, stage == "stage1"
    if stage == MIXTURE:
        composed = params.mixture.data
        text = q.MIXTURE_TOKENS if composed.sources else q.DRAWN_TEXT_TOKENS
        return _Rows(composed.n_rows, text, "rows of BiMed1.3M" if composed.sources else "drawn rows")
    if isinstance(data, PhantomData):
        distinct = data.n_caption_images if is_first else data.n_instruction_images
        count = 2 * (distinct + (0 if is_first else data.n_text_samples))
        text = q.PHANTOM_CAPTION_TOKENS if is_first else q.PHANTOM_INSTRUCTION_TOKENS
        return _Rows(count, text, "both languages", seen=2 * distinct, distinct=distinct)
    if is_first:
        count = int(q.STAGE1_PAIRS.value)
        return _Rows(count, q.CAPTION_TOKENS, q.STAGE1_PAIRS.source, seen=count, distinct=count)
    rows = q.bimed_v()
    return _Rows(rows.samples, q.INSTRUCTION_TOKENS, rows.how, seen=rows.images, distinct=q.DISTINCT_IMAGES.value)


def _padding(tokens: float, row_length: int) -> float:
    """Of a step: what packing leaves open in full rows, and half a length more in the last one."""
    n_full = tokens // row_length
    return n_full * row_length * (1 - q.PACKED.value) + row_length / N_LENGTHS / 2


def _part(part: Part, n_cards: int) -> str:
    divided = f" / {n_cards} cards" if part.is_sharded and n_cards > 1 else ""
    size = part.n_bytes / (n_cards if part.is_sharded else 1)
    each = f"{part.each:,.0f}" if part.each >= 1000 else f"{part.each:.3g}"
    return f"{part.name} {amount(size / 1e9, 'GB')} ({billions(part.count)} {part.unit} x {each} bytes{divided})"
