"""The command line: train one stage of a profile, on one device or many, as notebooks 03 and 04 do.

``python -m bimedix2_core.training --params params/paper_8b.yaml --stage 1`` trains on one device.
``torchrun --nproc-per-node 8 -m bimedix2_core.training ...`` or ``accelerate launch --num_processes 8 -m ...`` does on
eight. Results lie where the notebooks leave theirs; a run that is killed goes on when it is started again.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from typing import Any

import torch
import yaml

from bimedix2_core.errors import CompanionError, ParamsError
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.checkpoints import PROJECTOR_FILE, load_projector
from bimedix2_core.params import DEFAULT_PROFILE, Params, load_params
from bimedix2_core.recipe import device_of, load_base, stage1_samples, stage2_samples
from bimedix2_core.runs import Run, finish_run, root, start_run
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.stage1 import train_stage1
from bimedix2_core.training.stage2 import train_stage2
from bimedix2_core.training.step_log import TrainingLog


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says.

    Returns:
        0 when the stage is trained and saved, 1 when something does not fit, 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        params = load_params(options.params, overrides := _overrides(options.set))
        devices = Devices(torch.device(device_of(params)))
        devices.check_count(options.processes)
        with nullcontext() if devices.is_main else redirect_stdout(StringIO()):
            run = start_run(f"training_stage{options.stage}", params, overrides)
            log = (_stage1 if options.stage == 1 else _stage2)(run, devices)
            print(_figures(log, devices.count))
            print(f"saved in {_shown(run, options.stage)}")
        if devices.is_main:
            finish_run(run, results={"processes": devices.count, "training_seconds": log.seconds})
        devices.leave()
    except CompanionError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


def _stage1(run: Run, devices: Devices) -> TrainingLog:
    params = run.params
    return train_stage1(
        _base(params, devices), stage1_samples(params), settings=params.stage1, seed=params.run.seed,
        folder=run.shared / "stage1", sharding=params.run.sharding,
    )  # fmt: skip


def _stage2(run: Run, devices: Devices) -> TrainingLog:
    params = run.params
    projector = run.need(f"stage1/{PROJECTOR_FILE}", notebook="03_stage1_alignment")
    lmm = load_projector(_base(params, devices), projector.parent)
    return train_stage2(
        lmm, stage2_samples(params), settings=params.stage2, seed=params.run.seed, folder=run.shared / "stage2",
        frozen_base=params.model.frozen_base, sharding=params.run.sharding,
    ).log  # fmt: skip


def _base(params: Params, devices: Devices) -> Lmm:
    """The base on this process's device; on the CPU where it is to be spread, as one device may not hold it whole.

    transformers maps the files of a checkpoint into memory there: all processes of a machine share one copy.
    """
    if params.run.sharding == "full" and devices.count > 1:
        params = params.model_copy(update={"run": params.run.model_copy(update={"device": "cpu"})})
    return load_base(params)


def _figures(log: TrainingLog, n_processes: int) -> str:
    first, last = log.steps[0].loss, log.steps[-1].loss
    return (
        f"{len(log.steps):,} steps on {n_processes} process{'es' if n_processes > 1 else ''}, {log.seconds:,.0f} s, "
        f"{log.tokens_per_second:,.0f} tokens/s; loss {first:.3f} at first, {last:.3f} at last"
    )


def _shown(run: Run, stage: int) -> str:
    folder = run.shared / f"stage{stage}"
    return str(folder.relative_to(root()) if folder.is_relative_to(root()) else folder)


def _overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """``stage2.lora_r=16`` becomes a value for a dotted key, read as YAML.

    Raises:
        ParamsError: there is no ``=``, or what follows it is no YAML.
    """
    overrides = {}
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not (key and sign):
            raise ParamsError(f"--set {assignment}: expected key=value, such as stage2.lora_r=16")
        try:
            overrides[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ParamsError(f"--set {assignment}: the value is not readable as YAML: {error}") from None
    return overrides


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bimedix2_core.training", description="Train one stage of a profile, as the notebooks do."
    )
    parser.add_argument("--params", default=DEFAULT_PROFILE, help="profile file (default: %(default)s)")
    parser.add_argument("--stage", type=int, choices=(1, 2), required=True, help="1: projector; 2: adapters beside it")
    parser.add_argument("--processes", type=int, metavar="N", help="stop unless as many were started")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change values: stage2.lora_r=16"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
