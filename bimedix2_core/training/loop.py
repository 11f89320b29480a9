"""Loop: one accelerate loop for both stages.

A step's loss is the sum over its supervised tokens divided by their number, counted over all micro-batches and
processes, so accumulation and the number of devices do not change what is learnt.

Everything random in a step is drawn from ``(seed, step)``. A checkpoint therefore needs the trainable weights, the
optimizer's state and the step number, and a resumed run equals an uninterrupted one.
"""

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from tqdm.auto import tqdm

from bimedix2_core.data.chat import Encoded, encode
from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.model.adapters import ParameterGroup
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import model_inputs
from bimedix2_core.params import StageParams
from bimedix2_core.records import Sample
from bimedix2_core.runs import content_key
from bimedix2_core.training.batches import batch_plan, micro_batches
from bimedix2_core.training.resume import Checkpoint


@dataclass(frozen=True)
class StepRecord:
    """What one optimizer step did."""

    step: int
    loss: float
    """Mean negative log-likelihood per supervised token, in nats."""
    learning_rate: float
    """Of the first parameter group."""
    gradient_norm: float
    """Before clipping."""


@dataclass(frozen=True)
class TrainingLog:
    """The steps of a run, and how fast they went."""

    steps: tuple[StepRecord, ...]
    seconds: float
    """Wall time of the steps that this process ran (a resumed run counts from where it resumed)."""
    tokens_per_second: float
    """Tokens without padding."""

    @property
    def curve(self) -> list[tuple[int, float]]:
        """The loss of each step, as (step, loss)."""
        return [(record.step, record.loss) for record in self.steps]


def train(
    lmm: Lmm,
    samples: Sequence[Sample],
    *,
    groups: Sequence[ParameterGroup],
    settings: StageParams,
    seed: int,
    folder: Path,
    title: str,
) -> TrainingLog:
    """Train the groups' weights in place.

    Args:
        lmm: the model; only weights in ``groups`` may require a gradient.
        samples: each is encoded once, before the first step, so a bad sample stops the run at its start.
        groups: trainable weights with their learning rates.
        settings: batch sizes, steps, schedule.
        seed: of the batch plan and of all that is random in a step.
        folder: where checkpoints go; a run that was killed goes on from the last one.
        title: shown on the progress bar.

    Returns:
        TrainingLog with one record for each step, those before a resume included.

    Raises:
        DataError: a sample does not fit its template or images.
        ModelError: the loss is not finite; raised before the step that would spread it.
        ParamsError: the micro batch does not divide the batch.
    """
    encoded = [_encode(sample, lmm, settings.max_length) for sample in samples]
    n_steps = n_steps_of(settings, n_samples=len(samples))
    plan = batch_plan(len(samples), settings.global_batch_size, n_steps=n_steps, seed=seed)
    accelerator = Accelerator(mixed_precision=_mixed_precision(lmm.model), cpu=lmm.device.type == "cpu")
    optimizer = torch.optim.AdamW(
        [{"params": list(group.parameters), "lr": group.learning_rate} for group in groups],
        weight_decay=settings.weight_decay,
        fused=True,
    )
    model, optimizer = accelerator.prepare(lmm.model, optimizer)
    run = _Run(lmm, model, accelerator, optimizer, samples, encoded, settings)
    checkpoint = Checkpoint(folder / "checkpoint.safetensors", key=_run_key(encoded, groups, settings, seed))
    records = [StepRecord(**record) for record in checkpoint.load(lmm.model, optimizer)]

    model.train()
    started, n_tokens = time.perf_counter(), 0
    bar = tqdm(total=n_steps, initial=len(records), desc=title, unit="step")
    for step in range(len(records), n_steps):
        torch.manual_seed(seed * 1_000_003 + step)
        factor = schedule(step, n_steps=n_steps, warmup_ratio=settings.warmup_ratio)
        for group, target in zip(optimizer.param_groups, groups, strict=True):
            group["lr"] = target.learning_rate * factor
        loss, norm = run.step(plan[step])
        records.append(StepRecord(step, loss, groups[0].learning_rate * factor, norm))
        n_tokens += sum(len(encoded[index].input_ids) for index in plan[step])
        bar.set_postfix(loss=f"{loss:.3f}", tok_s=f"{n_tokens / (time.perf_counter() - started):,.0f}")
        bar.update()
        if settings.checkpoint_every and (step + 1) % settings.checkpoint_every == 0 and step + 1 < n_steps:
            checkpoint.save(lmm.model, optimizer, [asdict(record) for record in records])
    bar.close()
    model.eval()
    checkpoint.remove()
    seconds = time.perf_counter() - started
    return TrainingLog(tuple(records), seconds, n_tokens / seconds)


def n_steps_of(settings: StageParams, *, n_samples: int) -> int:
    """Number of optimizer steps: as the profile says, or as its epochs need."""
    if settings.max_steps is not None:
        return settings.max_steps
    return math.ceil(settings.epochs * n_samples / settings.global_batch_size)


def schedule(step: int, *, n_steps: int, warmup_ratio: float) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine down to zero (Table 11).

    Source:
        ``transformers.get_cosine_schedule_with_warmup`` with ``ceil(warmup_ratio * n_steps)`` warm-up steps.
    """
    n_warmup = math.ceil(warmup_ratio * n_steps)
    if step < n_warmup:
        return step / max(n_warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * (step - n_warmup) / max(n_steps - n_warmup, 1)))


class _Run:
    """One optimizer step over micro-batches and processes."""

    def __init__(self, lmm, model, accelerator, optimizer, samples, encoded, settings):
        self.lmm, self.model, self.accelerator, self.optimizer = lmm, model, accelerator, optimizer
        self.samples, self.encoded, self.settings = samples, encoded, settings
        self.lengths = [len(sample.input_ids) for sample in encoded]

    def step(self, batch: list[int]) -> tuple[float, float]:
        """Return the step's loss and gradient norm."""
        n_processes, rank = self.accelerator.num_processes, self.accelerator.process_index
        parts = micro_batches(batch, self.lengths, micro_batch_size=self.settings.micro_batch_size)[rank::n_processes]
        n_supervised = sum(self.encoded[index].n_supervised for index in batch)
        total = torch.zeros((), device=self.lmm.device)
        for number, part in enumerate(parts):
            inputs = model_inputs(
                self.lmm, [self.samples[index] for index in part], [self.encoded[index] for index in part]
            )
            with self._synchronised(last=number == len(parts) - 1):
                loss = self.model(**inputs, num_items_in_batch=n_supervised).loss
                if loss.requires_grad:  # text alone does not reach the projector
                    self.accelerator.backward(loss * n_processes)
            total += loss.detach()
        total = self.accelerator.reduce(total, reduction="sum")
        norm = self.accelerator.clip_grad_norm_(self._trainable(), self.settings.max_grad_norm)
        if not (torch.isfinite(total) and torch.isfinite(norm)):
            raise ModelError(
                f"loss {total.item()}, gradient norm {norm.item()}: not finite, so the step was not taken; "
                f"lower the learning rate, or look at samples {[self.encoded[index].sample_id for index in batch[:4]]}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total.item(), norm.item()

    def _trainable(self) -> list[nn.Parameter]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _synchronised(self, *, last: bool):
        """Gradients travel between processes with the last micro-batch only."""
        return nullcontext() if last else self.accelerator.no_sync(self.model)


def _encode(sample: Sample, lmm: Lmm, max_length: int) -> Encoded:
    encoded = encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens)
    if len(encoded.input_ids) > max_length:
        raise DataError(
            f"sample {encoded.sample_id}: {len(encoded.input_ids)} tokens, but max_length is {max_length}; "
            "raise max_length or leave the sample out"
        )
    return encoded


def _run_key(encoded, groups, settings, seed) -> str:
    return content_key(
        {
            "samples": [[sample.sample_id, sample.input_ids, sample.labels] for sample in encoded],
            "groups": [[group.name, group.learning_rate, len(group.parameters)] for group in groups],
            "settings": settings.model_dump(exclude={"checkpoint_every"}),
            "seed": seed,
        }
    )


def _mixed_precision(model: nn.Module) -> str:
    return "bf16" if next(model.parameters()).dtype == torch.bfloat16 else "no"
