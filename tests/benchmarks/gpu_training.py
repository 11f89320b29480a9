"""Training on one GPU, measured: correctness of the attention paths, then HF's Trainer and our loop, step by step.

    python tests/benchmarks/gpu_training.py [--shape 8b|tiny] [--minutes 9] [--out FILE]

The 8B has the true shape (CLIP-L/336, projector, Llama 3.1 8B) with random weights in bfloat16; tiny is the same in
small and proves this script on a CPU: its speeds mean nothing. Tokens and pictures are random; lengths are assumed
(`gpu_training_parts/data.py`), the share of samples with an image is Table 12's, and every picture has an English and
an Arabic sample. Settings are those of params/paper_8b.yaml but for what a line names. On a CPU nothing is compiled:
its attention has the trees of a row for constants, so every row would be compiled anew.

Each line is measured in a process of its own, so one that fails, hangs or runs out of memory takes nothing with it. It
draws the model anew from one seed, prepares rows and images, warms up (compilation included), and is then timed for one
pass over all full rows, the Trainer for half a minute of random batches; the device is synchronised around every step.
`spread` is how much longer a row took in the slowest step than in the fastest. `plan padding` is that of whole steps of
the profile's batch, last row included; the projected hours pay for it.

    useful tokens   without padding, a shared prefix once
    MFU counted     training/flops.py over the data sheet's peak; MFU 4N: 4 FLOP a layer weight and useful token
    loss            of the same 32 samples before the first step, with adapters that already do something
    memory          torch.cuda.max_memory_allocated, beside what training/memory.py plans for the same rows

FILE holds a JSON line for each measurement as it comes; the file beside it, .md, the tables. Packages that are missing
are named at once; where nothing can be installed they travel as wheels that PYTHONPATH leads to.
"""

import argparse
import json
import logging
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false", "WANDB_DISABLED": "true"}
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # a process that asked the driver itself could not be forked
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # the Trainer would take all
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where the package is not installed
if missing := [name for name in ("accelerate", "annotated_types", "peft", "PIL", "pyarrow", "pydantic", "pydantic_core",
                                 "transformers", "typing_inspection") if find_spec(name) is None]:  # fmt: skip
    sys.exit(f"missing here: {', '.join(missing)}; see the top of {Path(__file__).name}")

import torch
from gpu_training_parts.correctness import LIMITS, attention, attention_speed, parity
from gpu_training_parts.data import BENCHES, NEMO, STAGE1, STAGE2, Bench
from gpu_training_parts.speed import hf_trainer, ours
from gpu_training_parts.tables import BASELINE, BEST, NEMO_LINE, STAGE1_LINE, Found, markdown

from bimedix2_core.params import root
from bimedix2_core.training.flops import peak_flops

LONGEST, LEAST = 150, 20
"""Seconds that a line may take, and that must be left to begin one."""


def lines_of(bench: Bench) -> dict[tuple[str, str], tuple]:
    """Part and name of every measurement, with the function and its arguments; what matters most comes first."""
    plain = {"adapter_dtype": "float32", "activation_checkpointing": "layers", "compile_layers": False,
             "share_images": False}  # fmt: skip
    ladder = {("Stage 2", "+ packing, documents apart"): plain}
    for line, change in (
        (("Stage 2", "+ no activation checkpointing"), {"activation_checkpointing": "none"}),
        (("Stage 2", "+ adapters in bfloat16"), {"adapter_dtype": "bfloat16"}),
        (("Stage 2", "+ layers compiled"), {"compile_layers": True}),
        (BEST, {"share_images": True}),
    ):
        plain = ladder[line] = plain | change
    best = bench.settings("stage2", **ladder[BEST])
    nemo = {"row_length": 2 * 4096, "global_batch_size": 8, "lora_r": 16, "lora_alpha": 32, "lora_dropout": 0.0}
    return {
        **{("correctness", f"attention in {str(dtype)[6:]}"): (attention, bench, dtype) for dtype in LIMITS},
        ("correctness", "two layers in float32, against HF"): (parity, bench),
        BASELINE: (hf_trainer, bench),
        **{line: (ours, bench, STAGE2, bench.settings("stage2", **changes)) for line, changes in ladder.items()},
        NEMO_LINE: (ours, bench, NEMO, bench.settings("stage2", **ladder[BEST] | nemo)),
        STAGE1_LINE: (ours, bench, STAGE1, bench.settings("stage1")),
        ("aside", "fp8 base"): (ours, bench, STAGE2, best, "fp8"),
        ("aside", "no LoRA dropout"): (ours, bench, STAGE2, best.model_copy(update={"lora_dropout": 0.0})),
        ("correctness", "attention, forward and back"): (attention_speed, bench),
    }


def machine(shape: str) -> dict:
    """What all this is measured on."""
    on_gpu = torch.cuda.is_available()
    peak = peak_flops(torch.device("cuda" if on_gpu else "cpu"), torch.bfloat16 if on_gpu else torch.float32)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "shape": shape,
        "GPU": torch.cuda.get_device_name() if on_gpu else "none, a proof of the script: no number here is a result",
        "driver": said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "peak FLOP/s": peak.flops,
        "peak is": peak.source,
        "commit": said("git", "-C", str(root()), "rev-parse", "HEAD"),
        "python": platform.python_version(),
        **{package: version(package) for package in ("torch", "transformers", "peft", "accelerate")},
        "device": "cuda" if on_gpu else "cpu",
    }


def said(*command: str) -> str:
    """What a command prints."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not known"


def apart(context, seconds: float, work: Callable[..., dict], *arguments) -> dict:
    """What `work` returns from a process of its own; an ``error`` where it fails, dies or takes longer."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=send, args=(sender, work, arguments))
    process.start()
    sender.close()
    if not receiver.poll(seconds):
        found = {"error": f"stopped after {seconds:.0f} s"}
    else:
        try:
            found = receiver.recv()
            process.join(5)
        except EOFError:
            found = {"error": "its process died"}
    process.kill()
    process.join()
    return found


def send(sender, work: Callable[..., dict], arguments: tuple) -> None:
    """The process's own part."""
    try:
        found = work(*arguments)
    except Exception as error:
        logging.exception(work.__name__)
        found = {"error": f"{type(error).__name__}: {error}"[:400]}
    sender.send(found)


def met(shape: str) -> tuple[multiprocessing.context.BaseContext, dict]:
    """How processes are started here, and what the first one said: a fork has all imports, spawn works everywhere."""
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        header = apart(context, 90, machine, shape)
        if "error" not in header:
            return context, header
    sys.exit(f"the machine could not be asked: {header['error']}")


def main() -> None:
    """Measure all lines for which there is time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", choices=BENCHES, default="8b")
    parser.add_argument("--minutes", type=float, default=9.0, help="most that the whole may take")
    parser.add_argument("--out", type=Path, default=root() / "outputs" / "benchmarks" / "gpu_training.jsonl")
    asked = parser.parse_args()
    ends, found = time.monotonic() + 60 * asked.minutes - 10, Found()
    context, header = met(asked.shape)
    on_gpu = header["device"] == "cuda"
    if asked.shape == "8b" and not on_gpu:
        sys.exit("no CUDA device here; --shape tiny proves this script on a CPU")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(header) + "\n")
    dtype = torch.bfloat16 if on_gpu else torch.float32
    bench = replace(BENCHES[asked.shape], device=header["device"], peak=header["peak FLOP/s"], dtype=dtype)
    for line, (work, *arguments) in lines_of(bench).items():
        started = time.monotonic()
        left = ends - started
        one = (
            apart(context, min(left, LONGEST), work, *arguments) if left > LEAST else {"error": "not run: no time left"}
        )
        found[line], seconds = one, time.monotonic() - started
        with asked.out.open("a") as file:
            file.write(json.dumps({"part": line[0], "line": line[1], "took s": round(seconds, 1)} | one) + "\n")
        asked.out.with_suffix(".md").write_text(markdown(header, found, on_gpu=on_gpu) + "\n")
        print(f"{seconds:5.0f} s  {', '.join(line)}: {one}", flush=True)
    print(markdown(header, found, on_gpu=on_gpu))


if __name__ == "__main__":
    main()
