"""Real processes for these tests: forks of one server that has imported everything, so each starts in a moment."""

import multiprocessing
import os
import socket
import time
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver
from pathlib import Path

HERE = Path(__file__).parent
N_SAMPLES = 11
SETTINGS = {"row_length": 120, "max_length": 120, "global_batch_size": 7, "weight_decay": 0.1}
"""Of the stages that are trained in them: rows of one or two samples."""

PATIENCE = 120
"""Seconds after which processes that wait for one another are taken to hang."""


def run(job, *arguments, count=1, **options):
    """Run a job in ``count`` processes that know of one another as those of ``torchrun`` do; give their exit codes."""
    processes = start(job, *arguments, count=count, **options)
    return end(processes)


def start(job, *arguments, count=1, **options):
    """Start them, and return at once."""
    port = _free_port()
    processes = [
        _server().Process(target=_in_place, args=(job, rank, count, port, arguments, options)) for rank in range(count)
    ]
    for process in processes:
        process.start()
    return processes


def end(processes):
    """Wait until all have ended, and kill all once one was killed, as a launcher does; a hang is an error."""
    deadline = time.monotonic() + PATIENCE
    while any(process.is_alive() for process in processes):
        if time.monotonic() > deadline:
            _kill(processes)
            raise TimeoutError(f"processes hang: {[process.exitcode for process in processes]}")
        if any(process.exitcode for process in processes):
            _kill(processes)
        time.sleep(0.005)
    return [process.exitcode for process in processes]


def _kill(processes):
    for process in processes:
        process.kill()


def _in_place(job, rank, count, port, arguments, options):
    import training_jobs

    if count > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(count),
            MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
        )  # fmt: skip
    getattr(training_jobs, job)(*arguments, **options)


@cache
def _server():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training_jobs"])
    with _environment(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join([str(HERE), str(HERE.parent)])):
        forkserver.ensure_running()
    return context


@contextmanager
def _environment(**values):
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
