"""What the processes of these tests do: train the tiny model, and be killed in it.

The server of ``training_processes`` imports this once; each process is a fork of it.
"""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import tiny
import torch
import torch._dynamo  # what FSDP would import in each process
import torch.distributed.fsdp
from accelerate import PartialState
from safetensors.torch import save_file
from tiny_mixture import mixture_settings, text_samples, tiny_mixture
from training_processes import N_SAMPLES, SETTINGS

from bimedix2_core.errors import ParamsError
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.training import __main__ as command
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.mixture import train_mixture
from bimedix2_core.training.shards import whole_trained
from bimedix2_core.training.stage1 import train_stage1
from bimedix2_core.training.stage2 import train_stage2

torch.set_num_threads(1)
LMM = tiny.tiny_lmm()
MIXTURE = tiny_mixture()

CORE = f"{Path(command.__file__).parents[1]}/"


class Opened(list):
    """Samples that write down when one is opened for its images: the order of the data."""

    def __init__(self, samples, file):
        super().__init__(samples)
        self.file = file

    def __getitem__(self, index):
        with self.file.open("a") as stream:
            stream.write(f"{index}\n")
        return super().__getitem__(index)


def train(stage, folder, *, sharding="none", dtype="float32", frozen_base="plain", kill=None, **changes):
    """Train a stage in ``folder``; ``kill`` is what ``die_at`` takes.

    Leaves ``lines.json`` (lines of the core that ran, by file) and the trained weights as each process has them.
    """
    lines = die_at(*kill) if kill else {}
    folder, rank = Path(folder), os.environ.get("RANK", "0")
    folder.mkdir(parents=True, exist_ok=True)
    lmm = Lmm(LMM.model.to(getattr(torch, dtype)), LMM.processor)
    samples = Opened(tiny.mixed_samples(N_SAMPLES), folder / f"opened-{rank}.txt")
    common = {"seed": 0, "folder": folder, "sharding": sharding}
    if stage == 1:
        train_stage1(lmm, samples, settings=tiny.stage1_settings(**SETTINGS | changes), **common)
        model = lmm.model
    else:
        settings = tiny.stage2_settings(**SETTINGS | {"lora_dropout": 0.3} | changes)
        model = train_stage2(lmm, samples, settings=settings, frozen_base=frozen_base, **common).lmm.model
    sys.settrace(None)
    save_trained(model, folder)
    (folder / f"lines-{rank}.json").write_text(json.dumps(lines))


def mixture(folder, *, sharding="none", **changes):
    """Train a mixture of experts in ``folder``; leaves the trained weights as each process has them."""
    settings = mixture_settings(**SETTINGS | {"balance_weight": 0.0} | changes)
    tuned = train_mixture(
        MIXTURE, text_samples(N_SAMPLES), settings=settings, seed=0, folder=Path(folder), sharding=sharding
    ).text_model
    save_trained(tuned.model, Path(folder))


def save_trained(model, folder):
    """The trained weights as this process has them, into ``weights-<rank>.safetensors``."""
    weights = {name: weight.contiguous() for name, weight in whole_trained(model).items()}
    save_file(weights, folder / f"weights-{os.environ.get('RANK', '0')}.safetensors")


def die_at(number, files=(), rank=0):
    """Let this process kill itself when it comes to line ``number`` of the core's files, counted as they run.

    Args:
        number: from 1; 0 counts only.
        files: of the core, whose lines count; none means all.
        rank: of the process that dies; the others wait for it, and whoever started them kills them.

    Returns:
        Lines that have run, by file.
    """
    counted = Counter()
    number = number if int(os.environ.get("RANK", "0")) == rank else 0

    def at_line(frame, event, _):
        if event == "line":
            counted[frame.f_code.co_filename.removeprefix(CORE)] += 1
            if counted.total() == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return at_line

    def at_call(frame, _event, _argument):
        name = frame.f_code.co_filename
        return at_line if name.startswith(CORE) and (not files or name.removeprefix(CORE) in files) else None

    sys.settrace(at_call)
    return counted


def command_line(out, *arguments):
    """The command line, its outputs in ``out``; what it prints, and its exit code, into ``said-<rank>.txt``."""
    os.environ["BIMEDIX2_OUTPUTS"] = str(out)
    Path(out).mkdir(parents=True, exist_ok=True)
    with (Path(out) / f"said-{os.environ.get('RANK', '0')}.txt").open("w") as said:
        sys.stdout = sys.stderr = said
        said.write(f"exit code {command.main(arguments)}\n")


def warm_up():
    """Train once in the server: what is imported late or measured once is there for all of its forks."""
    with TemporaryDirectory() as folder:
        settings = tiny.stage2_settings(max_steps=1)
        train_stage2(tiny.tiny_lmm(), tiny.mixed_samples(), settings=settings, seed=0, folder=Path(folder))
    PartialState._reset_state()  # a fork joins processes of its own


def refused_to_spread(folder):
    """Spread a model that says of itself that it is in 4 bits; the error's text into ``refused-<rank>.txt``."""
    lmm, devices = tiny.tiny_lmm(), Devices(torch.device("cpu"))
    lmm.model.is_loaded_in_4bit = True
    try:
        devices.spread(PackedLoss(lmm.model), "full")
    except ParamsError as error:
        (Path(folder) / f"refused-{devices.rank}.txt").write_text(str(error))


warm_up()
