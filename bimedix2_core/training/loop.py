"""Loop: one loop for both stages and for a mixture of experts, on one process or many.

A step's loss is the sum over its supervised tokens divided by their number, counted over all rows and processes, so
packing, accumulation and the number of devices do not change what is learnt. The balance of a mixture's router is the
exception: it is asked of each row by itself, as Hugging Face's trainer asks it of each micro-batch.

Everything random in a step is drawn from ``(seed, step, row)``. A checkpoint therefore needs the trainable weights, the
optimizer's state and the step number, and a resumed run equals an uninterrupted one.
"""

import hashlib
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from bimedix2_core.model.adapters import ParameterGroup, decoder_of
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.fused_lora import fused_lora
from bimedix2_core.model.mixture.experts import grouped_experts
from bimedix2_core.model.shapes import Shape, is_mixture
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.params import AdapterParams, MixtureTraining, StageParams
from bimedix2_core.records import Sample
from bimedix2_core.runs import content_key
from bimedix2_core.training import flops, guards
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.feed import FedRow, Feed
from bimedix2_core.training.forward import PackedTextLoss, RowInputs
from bimedix2_core.training.layers import checkpoint_layers, compile_layers, release_layers
from bimedix2_core.training.optimizer import MasterAdamW
from bimedix2_core.training.packing import Lengths, Plan
from bimedix2_core.training.packing.attention import packed_attention, seen_by
from bimedix2_core.training.progress import Progress, Watch
from bimedix2_core.training.resume import Checkpoints, mark_finished
from bimedix2_core.training.shards import gathered
from bimedix2_core.training.step_log import StepRecord, TrainingLog
from bimedix2_core.training.tokenised import Tokenised, tokenise

CHECKPOINTS = "checkpoints"
"""Name of their folder in a stage's own."""

BALANCE = "balance"
"""Name of a mixture's balance among the losses of a step."""

LOCAL = ("checkpoint_every", "keep_checkpoints", "image_workers", "tensorboard")
"""Settings that do not change what a run computes: it may go on with others."""


def train(
    lmm: Lmm | TextModel,
    net: PackedTextLoss,
    samples: Sequence[Sample],
    *,
    groups: Sequence[ParameterGroup],
    settings: StageParams,
    devices: Devices,
    seed: int,
    folder: Path,
    title: str,
    watch: Watch | None = None,
) -> TrainingLog:
    """Train the groups' weights in place.

    Args:
        lmm: the model, multimodal or of text only; only weights in ``groups`` may require a gradient.
        net: the same model as a function from a row to its loss, spread over the devices.
        samples: each is tokenised once, before the first step, so a bad sample stops the run at its start.
        groups: trainable weights with their learning rates.
        settings: batch size, rows, steps, schedule.
        devices: the processes that share each step.
        seed: of the plan and of all that is random in a step.
        folder: where tokens, checkpoints and the log of steps go; a run that was killed goes on from there.
        title: shown on the progress bar.
        watch: is told of each step.

    Returns:
        TrainingLog with one record for each step, those before a resume included.

    Raises:
        DataError: a sample does not fit its template or images, shows an image to a model of text only, or a step has
            nothing to learn from.
        ModelError: the loss is not finite or rises for good; raised before the step that would spread it.
        ParamsError: a sample does not fit a row.
    """
    run = _Run(lmm, net, samples, groups, settings, devices, seed, folder)
    with packed_attention(decoder_of(lmm.model)), fused_lora(lmm.model), grouped_experts(lmm.model), run:
        return run.steps(title, watch)


def working(folder: Path) -> Path:
    """Where a stage keeps what it works with (tokens, checkpoints, step log): beside the folder of its result.

    What later notebooks read stays a plain projector or PEFT folder, whose content says whether it is the same result.
    """
    return folder.with_name(f"{folder.name}_training")


def finish(folder: Path) -> None:
    """The stage's result is saved: whoever trains in this folder again begins anew."""
    mark_finished(folder / CHECKPOINTS)


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


def row_inputs(fed: FedRow, device: torch.device) -> RowInputs:
    """A row as the model takes it, on its device."""
    packed = fed.packed
    length = packed.input_ids.shape[1]

    def there(values: Tensor) -> Tensor:
        return values.to(device, non_blocking=True)

    return RowInputs(
        input_ids=there(packed.input_ids),
        position_ids=there(packed.position_ids),
        seen=seen_by(packed.blocks, length=length, device=device),
        sources=there(packed.sources),
        targets=there(packed.targets),
        weights=there(fed.weights),
        image_tokens=there(packed.image_tokens),
        image_numbers=there(fed.image_numbers),
        pixel_values=None if fed.pixel_values is None else there(fed.pixel_values),
        n_tokens=packed.n_tokens,
        share=fed.share,
    )


def plan_of(data: Tokenised, settings: StageParams, *, seed: int) -> Plan:
    """The plan of a stage: which samples make up each step, and their rows.

    Raises:
        ParamsError: a sample does not fit a row.
    """
    lengths = Lengths(data.lengths, data.n_prefix, data.groups)
    return Plan(
        lengths if settings.share_images else lengths.without_sharing(),
        batch_size=settings.global_batch_size,
        n_steps=n_steps_of(settings, n_samples=len(data)),
        row_length=settings.row_length,
        seed=seed,
    )


class _Run:
    """A stage while it is trained: entered when it starts, left when it ends or stops."""

    def __init__(self, lmm, net, samples, groups, settings, devices, seed, folder):
        self.lmm, self.groups, self.settings, self.devices = lmm, groups, settings, devices
        self.seed, self.folder = seed, folder
        self._trained = [weight for group in groups for weight in group.parameters]
        with devices.main_first():
            self.data = tokenise(
                samples, lmm, max_length=settings.max_length, too_long=settings.too_long, folder=folder / "tokens",
                workers=settings.image_workers,
            )  # fmt: skip
        if self.data.n_cut and devices.is_main:
            found = f"{self.data.n_cut:,} of {len(self.data):,} samples"
            tqdm.write(f"{found} were cut at max_length {settings.max_length}")
        self.plan = plan_of(self.data, settings, seed=seed)
        self.feed = Feed(
            lmm, samples, self.data, self.plan, rank=devices.rank, count=devices.count,
            by_sample=settings.loss_weighting == "samples", pads=settings.compile_layers or lmm.device.type == "cuda",
        )  # fmt: skip
        key = _run_key(self.data, groups, settings, seed)
        self.optimizer = MasterAdamW(groups, weight_decay=settings.weight_decay)
        self.net = net
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, key=key, keep=settings.keep_checkpoints)
        shape, rank = Shape.of(lmm.model.config), settings.lora_r if isinstance(settings, AdapterParams) else 0
        self.work = flops.work_of(shape, lora_r=rank)
        self._routes = is_mixture(shape.language)
        self._balance_weight = settings.balance_weight if isinstance(settings, MixtureTraining) else 0.0
        self.peak = flops.peak_flops(lmm.device, next(lmm.model.parameters()).dtype).flops

    def __enter__(self):
        if self.settings.activation_checkpointing == "layers":
            checkpoint_layers(self.lmm.model)
        if self.settings.compile_layers:
            compile_layers(self.lmm.model)
        self.lmm.model.train()
        self.module = self.devices.wrap(self.net)
        return self

    def __exit__(self, *stopped):
        release_layers(self.lmm.model)
        self.lmm.model.eval()

    def steps(self, title: str, watch: Watch | None) -> TrainingLog:
        """Take all steps that are left."""
        guard, n_steps = guards.Divergence(self.folder), self.plan.n_steps
        done = self.checkpoints.load_latest(self.lmm.model, self.optimizer)
        guards.forget_stop(self.folder)
        with self.devices.main_first():
            progress = Progress(
                self.folder, n_done=done, n_steps=n_steps, title=title, is_main=self.devices.is_main,
                board=self.settings.tensorboard, watch=watch,
            )  # fmt: skip
        guard.feed(progress.records)
        loader = iter(self.feed.from_step(done, n_workers=self.settings.image_workers))
        with progress:
            for step in range(done, n_steps):
                progress.tell(self._step(step, loader, guard))
                if (step + 1) % self.settings.checkpoint_every == 0 or step + 1 == n_steps:
                    progress.sync()
                    self._save(progress.records)
        own = progress.records[done:]
        seconds = sum(record.seconds for record in own)
        n_tokens = sum(record.useful_tokens for record in own)
        return TrainingLog(tuple(progress.records), seconds, n_tokens / seconds if seconds else 0.0)

    def _step(self, step: int, loader, guard: guards.Divergence) -> StepRecord:
        """One optimizer step: the rows of this process forward and back, then all processes together."""
        started, factor = time.perf_counter(), schedule(
            step, n_steps=self.plan.n_steps, warmup_ratio=self.settings.warmup_ratio
        )  # fmt: skip
        for group, target in zip(self.optimizer.param_groups, self.groups, strict=True):
            group["lr"] = target.learning_rate * factor
        batch, n_targets = self.plan.batch(step), self.feed.targets_of(step)
        ids = [self.data.ids[index] for index in batch]
        guards.check_labels(self.folder, step=step, ids=ids, n_supervised=int(n_targets[:-2].sum()))
        rows = next(loader)
        loss, balance, by_kind, counts = self._forward_backward(step, rows)
        norm = self.devices.clip(self._trained, self.settings.max_grad_norm).item()
        guards.check_finite(self.folder, step=step, ids=ids, loss=loss, norm=norm)
        guard.check(step=step, ids=ids, loss=loss, norm=norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        seconds = time.perf_counter() - started
        flop, useful, computed = counts
        return StepRecord(
            step=step, loss=loss, learning_rate=self.groups[0].learning_rate * factor, gradient_norm=norm,
            seconds=seconds, useful_tokens=int(useful), padding_share=1 - useful / computed,
            tokens_per_second=useful / seconds,
            mfu=flops.mfu(flop, seconds=seconds, peak=self.peak, n_devices=self.devices.count),
            memory_gb=self.devices.peak_memory_gb(),
            losses={name: total / n for name, total, n in zip(self.feed.kinds, by_kind, n_targets.tolist(), strict=True)
                    if n} | ({BALANCE: balance} if self._routes else {}),
        )  # fmt: skip

    def _forward_backward(self, step: int, rows: Sequence[FedRow]) -> tuple[float, float, list[float], list[float]]:
        """Loss and balance of the step, sum of the losses of each kind, and FLOPs, useful and computed tokens.

        Each of all processes together.
        """
        device, n_kinds = self.lmm.device, len(self.feed.kinds)
        totals = torch.zeros(2 + n_kinds + 3, dtype=torch.float64, device=device)
        for number, fed in enumerate(rows):
            torch.manual_seed(_seed(self.seed, step, number * self.devices.count + self.devices.rank))
            with self.devices.synchronised(self.module, last=number == len(rows) - 1):
                loss, losses, balance = self.module(row_inputs(fed, device))
                learnt = loss + self._balance_weight * balance if self._balance_weight else loss
                (learnt * self.devices.count).backward()  # gradients are averaged over processes, and are to be added
            totals[0] += loss.detach()
            totals[1] += balance.detach()
            for kinds in fed.kinds.to(device):
                totals[2 : 2 + n_kinds].index_add_(0, kinds, losses.to(totals.dtype))
            totals[-3:] += torch.tensor(self._counts(fed), dtype=totals.dtype, device=device)
        loss, balance, *others = self.devices.total(totals).tolist()
        return loss, balance, others[:n_kinds], others[n_kinds:]

    def _counts(self, fed: FedRow) -> tuple[float, float, float]:
        """FLOPs, useful tokens and computed tokens of a row."""
        packed = fed.packed
        flop = flops.row_flops(
            self.work, n_tokens=packed.n_tokens, n_pairs=packed.n_pairs, n_targets=len(packed.targets),
            n_images=0 if fed.pixel_values is None else len(fed.pixel_values),
        )  # fmt: skip
        return flop, packed.n_tokens, packed.input_ids.shape[1]

    def _save(self, records: Sequence[StepRecord]) -> None:
        """Save a checkpoint; its loss is the mean since the one before, of samples that were not yet learnt from."""
        recent = [record.loss for record in records[-self.settings.checkpoint_every :]]
        mean = math.fsum(recent) / len(recent)
        self.checkpoints.save(self.lmm.model, self.optimizer, step=len(records), mean_loss=mean)


def _seed(seed: int, step: int, row: int) -> int:
    """Of all that is random in a row, whoever computes it."""
    return int(np.random.SeedSequence([seed, step, row]).generate_state(1, np.uint64)[0] >> 1)


def _run_key(data: Tokenised, groups: Sequence[ParameterGroup], settings: StageParams, seed: int) -> str:
    """Names what a run computes: samples, settings, seed, and the weights that it starts from."""
    digest = hashlib.sha256()
    for group in groups:
        for weight in group.parameters:
            digest.update(gathered(weight).cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return content_key(
        {
            "samples": data.key,
            "groups": [[group.name, group.learning_rate, len(group.parameters)] for group in groups],
            "start": digest.hexdigest(),
            "settings": settings.model_dump(exclude=set(LOCAL)),
            "seed": seed,
        }
    )
