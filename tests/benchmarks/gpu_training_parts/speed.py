"""Speed: steps of our loop's parts, and of transformers' Trainer on the same samples, timed after a warm-up."""

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from bimedix2_core.model.shapes import count
from bimedix2_core.params import StageParams
from bimedix2_core.training import flops
from bimedix2_core.training.feed import FedRow
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.layers import checkpoint_layers, compile_layers
from bimedix2_core.training.loop import row_inputs
from bimedix2_core.training.memory import fullest_row, training_memory
from bimedix2_core.training.optimizer import MasterAdamW
from bimedix2_core.training.packing.attention import packed_attention
from gpu_training_parts.data import STAGE2, Bench, Drawn, Mix, drawn, packed, plan_padding
from gpu_training_parts.models import hf_loss, packed_loss, padded_batches, trainable

N_FIXED = 32
"""Samples whose loss is compared before anything is learnt."""
MIN_STEPS, N_WARM = 3, 2
"""Steps of the Trainer: least number that is timed, and those before."""
FULL = 0.9
"""Rows that are less full are not timed."""


def now(bench: Bench) -> float:
    """Seconds, once the device has done all it was asked for."""
    if bench.on_gpu:
        torch.cuda.synchronize()
    return time.perf_counter()


@dataclass
class Done:
    """What timed steps computed."""

    seconds: float = 0.0
    steps: int = 0
    useful: int = 0
    computed: int = 0
    samples: int = 0
    flop: float = 0.0

    def add(self, *, useful: int, computed: int, samples: int, flop: float) -> None:
        self.useful, self.computed = self.useful + useful, self.computed + computed
        self.samples, self.flop = self.samples + samples, self.flop + flop

    def line(self, bench: Bench, work: flops.Work) -> dict:
        timed = {"seconds": self.seconds, "peak": bench.peak}
        return {
            "useful tokens/s": self.useful / self.seconds,
            "samples/s": self.samples / self.seconds,
            "MFU counted": flops.mfu(self.flop, **timed),
            "MFU 4N": flops.mfu_4n(work, n_tokens=self.useful, **timed),
            "padding": 1 - self.useful / self.computed,
            "s/step": self.seconds / self.steps,
            "steps": self.steps,
            "memory GB": torch.cuda.max_memory_allocated() / 1e9 if bench.on_gpu else None,
        }


def ours(bench: Bench, mix: Mix, settings: StageParams, frozen_base: str = "plain") -> dict:
    """Our loop's own parts; rows of half the length where memory runs out."""
    lengths = [settings.row_length // part for part in (1, 2, 4)]
    return fitting(lambda length: _ours(bench, mix, settings.model_copy(update={"row_length": length}), frozen_base),
                   lengths)  # fmt: skip


def hf_trainer(bench: Bench) -> dict:
    """The baseline: transformers' Trainer, random batches padded to their longest, as many samples as fit."""
    return fitting(lambda batch_size: _hf_trainer(bench, batch_size), [16, 8, 4])


def fitting(measure: Callable[[int], dict], sizes: Sequence[int]) -> dict:
    """The measurement of the first size that fits into memory."""
    for size in sizes:
        try:
            return measure(size)
        except torch.OutOfMemoryError as error:
            print(f"{size} does not fit: {error}", file=sys.stderr)
        torch._dynamo.reset()
        gc.collect()
        torch.cuda.empty_cache()
    raise MemoryError(f"not even {sizes[-1]} fits")


def _ours(bench: Bench, mix: Mix, settings: StageParams, frozen_base: str) -> dict:
    lmm, groups = trainable(bench, settings, frozen_base)
    net, optimizer = PackedLoss(lmm.model), MasterAdamW(groups, weight_decay=settings.weight_decay)
    trained = [weight for group in groups for weight in group.parameters]
    data = drawn(bench, lmm, mix)
    rows, fixed = packed(lmm, data, settings), packed(lmm, data.first(N_FIXED), settings)
    full = [fed for fed in rows if fed.packed.n_tokens > FULL * settings.row_length] or rows
    a_step = max(1, round(len(full) * settings.global_batch_size / len(data)))
    steps = [full[start : start + a_step] for start in range(0, len(full), a_step)]
    if settings.activation_checkpointing == "layers":
        checkpoint_layers(lmm.model)
    if settings.compile_layers:
        compile_layers(lmm.model)

    def step(chosen: Sequence[FedRow]) -> None:
        for fed in chosen:
            net(row_inputs(fed, lmm.device))[0].backward()
        nn.utils.clip_grad_norm_(trained, settings.max_grad_norm).item()
        optimizer.step()
        optimizer.zero_grad()

    work, done = flops.work_of(bench.shape, lora_r=getattr(settings, "lora_r", 0)), Done()
    seconds = []
    with packed_attention(net.llava.model.language_model):
        started = now(bench)
        lmm.model.eval()
        with torch.no_grad():
            loss = packed_loss(lmm, fixed)
        forget_peak(bench)
        lmm.model.train()
        step(first_of_each_kind(full))
        step(steps[0])
        warmed = now(bench) - started
        for chosen in steps:
            before = now(bench)
            step(chosen)
            seconds.append(now(bench) - before)
            for fed in chosen:
                row, size = fed.packed, {"n_tokens": fed.packed.n_tokens, "n_pairs": fed.packed.n_pairs}
                flop = flops.row_flops(work, **size, n_targets=len(row.targets), n_images=n_images(fed))
                done.add(useful=row.n_tokens, computed=settings.row_length, samples=len(row.samples), flop=flop)
    done.seconds, done.steps = sum(seconds), len(seconds)
    each = [took / len(chosen) for took, chosen in zip(seconds, steps, strict=True)]
    more = {
        "spread": max(each) / min(each) - 1,
        "row": settings.row_length,
        "warm-up s": warmed,
        "plan padding": plan_padding(data, settings),
    }
    return done.line(bench, work) | {"loss": loss, "planned GB": planned_gb(bench, settings, frozen_base, full)} | more


def first_of_each_kind(rows: Sequence[FedRow]) -> list[FedRow]:
    """A row with images and one without, where there are: what is compiled differs."""
    return list({fed.pixel_values is None: fed for fed in reversed(rows)}.values())


def n_images(fed: FedRow) -> int:
    """Distinct images of a row."""
    return 0 if fed.pixel_values is None else len(fed.pixel_values)


def forget_peak(bench: Bench) -> None:
    """The largest memory so far is forgotten."""
    if bench.on_gpu:
        torch.cuda.reset_peak_memory_stats()


def planned_gb(bench: Bench, settings: StageParams, frozen_base: str, rows: Sequence[FedRow]) -> float:
    """What the planner expects for the largest of these rows."""
    row = replace(
        fullest_row(settings, bench.shape, dtype=bench.dtype, on_gpu=bench.on_gpu),
        n_images=max(map(n_images, rows)),
        n_targets=max(len(fed.packed.targets) for fed in rows),
    )
    return training_memory(bench.shape, count(bench.shape), row, frozen_base=frozen_base).n_bytes() / 1e9


class Clock(TrainerCallback):
    """Times the Trainer's steps and stops it."""

    def __init__(self, bench: Bench):
        self.bench, self.ends = bench, []

    @property
    def seconds(self) -> float:
        """Of the steps that count."""
        return self.ends[-1] - self.ends[N_WARM - 1] if len(self.ends) > N_WARM else 0.0

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(now(self.bench))
        if len(self.ends) >= N_WARM + MIN_STEPS and self.seconds >= self.bench.seconds:
            control.should_training_stop = True


def _hf_trainer(bench: Bench, batch_size: int) -> dict:
    settings = bench.settings("stage2", adapter_dtype="float32")  # what PEFT makes of adapters unless it is told not to
    lmm, _ = trainable(bench, settings)
    data = drawn(bench, lmm, STAGE2)
    batch, taken, clock = padded_batches(lmm, data), [], Clock(bench)
    for index in np.flatnonzero(data.has_image):
        batch([index])  # prepares its picture
    lmm.model.eval()
    with torch.no_grad():
        fixed = data.first(N_FIXED)
        loss = math.fsum(hf_loss(lmm, fixed, batch, index).item() for index in range(len(fixed)))
    forget_peak(bench)

    def collate(indices: list[int]) -> dict[str, Tensor]:
        inputs = batch(indices)
        taken.append((indices, inputs["input_ids"].numel()))
        return inputs

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=batch_size, num_train_epochs=1000, learning_rate=settings.learning_rate,
            lr_scheduler_type="cosine", bf16=bench.dtype is torch.bfloat16, use_cpu=not bench.on_gpu,
            gradient_checkpointing=True, gradient_checkpointing_kwargs={"use_reentrant": False}, report_to=[],
            save_strategy="no", logging_strategy="no", remove_unused_columns=False, label_names=["labels"],
        )  # fmt: skip
        started = now(bench)
        Trainer(lmm.model, arguments, data_collator=collate, train_dataset=range(len(data)), callbacks=[clock]).train()
    done = Done(seconds=clock.seconds, steps=len(clock.ends) - N_WARM)
    work = flops.work_of(bench.shape, lora_r=settings.lora_r)
    for indices, computed in taken[N_WARM : len(clock.ends)]:
        flop = sum(sample_flops(work, data, index) for index in indices)
        done.add(useful=int(data.lengths[indices].sum()), computed=computed, samples=len(indices), flop=flop)
    return done.line(bench, work) | {"loss": loss, "batch": batch_size, "warm-up s": clock.ends[N_WARM - 1] - started}


def sample_flops(work: flops.Work, data: Drawn, index: int) -> int:
    """Useful FLOP of a sample alone."""
    length = int(data.lengths[index])
    targets, images = int(data.n_supervised[index]), int(data.has_image[index])
    return flops.row_flops(
        work, n_tokens=length, n_pairs=length * (length + 1) // 2, n_targets=targets, n_images=images
    )
