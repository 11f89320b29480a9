"""The mixture against dense models, and grouped experts against transformers' loop: ratios measured in one run.

    python tests/benchmarks/mixture_speed.py [--device cpu|cuda] [--threads 2] [--out FILE]

On the CPU the models are tiny: the demo's dense base, the mixture of eight copies of its feed-forward parts of which
two are chosen, and a dense model as large as that mixture altogether. On a GPU the same is measured at larger shapes
with weights drawn at random. All take turns, so that a slow minute hits all. True shapes are counted without weights;
what they say of speed are bounds, not measurements. Writes its tables to outputs/benchmarks/.
"""

import argparse
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}

import torch
from mixture_speed_parts import measured, tables

from bimedix2_core.environment import machine
from bimedix2_core.model.mixture import bounds
from bimedix2_core.params import root
from bimedix2_core.runs import write_atomic

QUIET = 0.5
"""Load of a machine that does nothing else."""


def header(device: str, setting: measured.Setting, before: float, after: float) -> list[str]:
    """What the numbers depend on; the load is that of the last minute."""
    here = machine()
    is_quiet = before < QUIET and after < torch.get_num_threads() + QUIET
    busy = "" if is_quiet else ": OTHER WORK RAN BESIDE IT, so that seconds are too long and ratios uncertain"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft"))
    return [
        "Speed of the mixture",
        f"{date.today().isoformat()}, `python tests/benchmarks/mixture_speed.py --device {device} "
        f"--threads {torch.get_num_threads()}`",
        f"{', '.join(here.gpus) if device == 'cuda' else _processor()}, {here.cores} cores, "
        f"{torch.get_num_threads()} of them used; load {before:.1f} before and {after:.1f} after{busy}",
        f"Python {here.python}, {packages}, {str(setting.dtype).removeprefix('torch.')}",
        f"prompts of {setting.n_read} tokens, {setting.n_written} written; {setting.train_batch} x {setting.n_read} "
        f"tokens trained on; medians of {setting.rounds} rounds in turn",
    ]


def run(device: str, setting: measured.Setting) -> str:
    """Measure, count, and put it down."""
    before = os.getloadavg()[0]
    models = measured.models(device, setting)
    counted = {name: bounds.bound(model.model.config) for name, model in models.items()}
    speeds = measured.speeds(models, setting)
    seconds = measured.expert_seconds(models[measured.LOOP], setting)
    true = bounds.true_bounds()
    return tables.page(
        header(device, setting, before, os.getloadavg()[0]),
        {
            "Measured models": tables.sizes(counted) + "\n\n" + tables.LOOP_IS,
            "Tokens a second (times those of the dense model of the same total size), measured": tables.speeds(speeds),
            f"Experts in the whole mixture, measured (LoRA of rank {measured.RANK})": tables.experts(seconds),
            "True shapes: counted, and bounds of an H200 (4.8 TB/s, data sheet), not measured": tables.bounds(true)
            + "\n\n"
            + "One text in bfloat16, each active weight read once for each token; cached keys, attention to earlier "
            + "tokens and all else left out. " + tables.claim(true),
        },
    )  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    text = run(arguments.device, measured.CPU if arguments.device == "cpu" else measured.CUDA)
    file = arguments.out or root() / "outputs" / "benchmarks" / f"mixture_speed_{arguments.device}.md"
    write_atomic(file, text)
    print(text)


def _processor() -> str:
    """Its name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
