"""Packed training against the HF Trainer, and sharing images against not sharing them, on the demo's tiny model.

Prints ratios measured in one run on this machine: CPU, two threads, float32, Stage 2 of the demo (LoRA, projector).

    python tests/benchmarks/packed_training.py

The baseline is ``transformers.Trainer`` as it comes: random batches padded to the longest, labels in ``forward``, the
32 samples of a step in one batch or, to spare padding, 8 at a time and accumulated. Both train the same model on the
same samples with the same optimizer settings; measured is one pass over the same samples, data preparation included,
in turns, so that a slow minute hits all. Run it on a machine that does nothing else.

Useful tokens are computed tokens that are not padding, a shared prefix counted once.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from bimedix2_core.data.chat import encode
from bimedix2_core.demo.curriculum import caption_samples, instruction_samples
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import model_inputs
from bimedix2_core.params import load_params
from bimedix2_core.recipe import load_base
from bimedix2_core.records import Sample
from bimedix2_core.training.stage2 import train_stage2

PARAMS = load_params("params/demo.yaml")
N_QUESTIONS = 10
BASELINES = (32, 8)
"""Samples that the HF Trainer pads to the longest of them."""


@dataclass
class Measured:
    """Steps of one way to train."""

    seconds: list[float]
    tokens: int = 0
    loss: float = 0.0
    """Of the first step, before anything is learnt."""

    def samples_per_second(self, batch_size: int) -> float:
        """Over all steps, which together see each sample once."""
        return batch_size * len(self.seconds) / sum(self.seconds)


class Seconds(TrainerCallback):
    """Wall time of each optimizer step, with what its data took."""

    def __init__(self):
        self.marks, self.losses = [], []

    def on_train_begin(self, args, state, control, **kwargs):
        self.marks.append(time.perf_counter())

    def on_step_end(self, args, state, control, **kwargs):
        self.marks.append(time.perf_counter())

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.losses += [logs["loss"]] if logs and "loss" in logs else []


def hf_trainer(samples: list[Sample], *, batch_size: int) -> Measured:
    """The HF Trainer with padded random batches."""
    lmm, settings = load_base(PARAMS), PARAMS.stage2
    model = add_lora(lmm.model, rank=settings.lora_r, alpha=settings.lora_alpha, dropout=0.0, seed=0)
    tuned, watch = Lmm(model, lmm.processor), Seconds()
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]

    def collate(indices: list[int]) -> dict[str, torch.Tensor]:
        return model_inputs(tuned, [samples[index] for index in indices], [encoded[index] for index in indices])

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=settings.global_batch_size // batch_size,
            max_steps=len(samples) // settings.global_batch_size,
            learning_rate=settings.learning_rate, lr_scheduler_type="cosine", warmup_steps=1, report_to=[],
            save_strategy="no", logging_steps=1, use_cpu=True, remove_unused_columns=False, disable_tqdm=True,
            dataloader_pin_memory=False,
        )  # fmt: skip
        Trainer(model, arguments, train_dataset=range(len(samples)), data_collator=collate, callbacks=[watch]).train()
    seconds = [after - before for before, after in zip(watch.marks[:-1], watch.marks[1:], strict=True)]
    return Measured(seconds, loss=watch.losses[0])


def packed(samples: list[Sample], *, shares: bool) -> Measured:
    """This project's loop."""
    settings = PARAMS.stage2
    n_steps = len(samples) // settings.global_batch_size
    settings = settings.model_copy(update={"max_steps": n_steps, "share_images": shares})
    with tempfile.TemporaryDirectory() as folder:
        log = train_stage2(load_base(PARAMS), samples, settings=settings, seed=0, folder=Path(folder)).log
    return Measured(
        [step.seconds for step in log.steps], sum(step.useful_tokens for step in log.steps), log.steps[0].loss
    )


def many_questions(n_images: int) -> list[Sample]:
    """Ten questions on each image, in one language: no twins."""
    pairs = caption_samples(n_images, seed=0)
    questions = [sample for sample in instruction_samples(n_images * N_QUESTIONS, 0, seed=1) if sample.language == "en"]
    images = [pair.images for pair in pairs if pair.language == "en"]
    return [
        Sample(f"{index}", one.language, one.task, one.source, one.messages, images[index // N_QUESTIONS], one.kind)
        for index, one in enumerate(questions)
        if len(one.images) == 1
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each way, in turns")
    parser.add_argument("--threads", type=int, default=PARAMS.run.threads)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    batch_size = PARAMS.stage2.global_batch_size
    mix = instruction_samples(54, 10, seed=PARAMS.run.seed)
    twins = instruction_samples(64, 0, seed=PARAMS.run.seed)
    sets = {"demo mix": mix, "twins": twins, f"{N_QUESTIONS} questions an image": many_questions(16)}
    ways = {
        (f"HF Trainer, {size} padded", "demo mix"): lambda size=size: hf_trainer(mix, batch_size=size)
        for size in BASELINES
    }
    for name, samples in sets.items():
        ways["packed", name] = lambda samples=samples: packed(samples, shares=False)
        ways["packed, shared", name] = lambda samples=samples: packed(samples, shares=True)
    rounds: dict[tuple[str, str], list[Measured]] = {key: [] for key in ways}
    for _ in range(arguments.rounds):
        for key, measure in ways.items():
            rounds[key].append(measure())
    speeds = {
        key: statistics.median(one.samples_per_second(batch_size) for one in measured)
        for key, measured in rounds.items()
    }
    for (way, name), speed in speeds.items():
        print(f"{name:24} {way:24} {speed:7.1f} samples/s   first loss {rounds[way, name][0].loss:.4f}")
    for size in BASELINES:
        ratio = speeds["packed, shared", "demo mix"] / speeds[f"HF Trainer, {size} padded", "demo mix"]
        print(f"packed and shared against the HF Trainer, {size} padded: {ratio:.2f} times the samples/s (2.5 wanted)")
    for name in list(sets):
        gain = speeds["packed, shared", name] / speeds["packed", name]
        predicted = rounds["packed", name][0].tokens / rounds["packed, shared", name][0].tokens
        share = (gain - 1) / (predicted - 1)
        print(f"sharing, {name}: {gain:.2f} times, {predicted:.2f} predicted by tokens: {share:.0%} of the gain")


if __name__ == "__main__":
    main()
