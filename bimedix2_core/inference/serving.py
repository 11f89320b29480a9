"""Serving: a folder of weights behind an OpenAI-compatible endpoint on loopback, by `transformers serve`."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bimedix2_core.errors import EndpointError

START_SECONDS = 120.0
"""Longest wait until the server lists its models."""


@contextmanager
def serving(model: str | Path, *, threads: int | None = None) -> Iterator[str]:
    """Start `transformers serve` with a model on a free port of loopback; yields the base URL, up to and with ``/v1``.

    The server is a process of its own, offline, and ends with the block. The name to ask for is ``str(model)``.
    Research use only: not for clinical use.

    Args:
        model: folder of a saved model with its processor.
        threads: CPU threads of the server; None lets torch decide.

    Raises:
        EndpointError: the server ended or did not come up; the message holds the end of its log.
    """
    port = _free_port()
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "serve.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*_command(), str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=_environment(Path(scratch), threads),
            )
        try:
            url = f"http://127.0.0.1:{port}/v1"
            _wait(process, url, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _command() -> list[str]:
    return [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]


def _environment(scratch: Path, threads: int | None) -> dict[str, str]:
    """Offline, and with a hub cache of its own: /v1/models fails where the folder does not exist."""
    (scratch / "hub").mkdir()
    own = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(scratch / "hub"), "TQDM_DISABLE": "1"}
    return os.environ | own | ({"OMP_NUM_THREADS": str(threads)} if threads else {})


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/models", timeout=5.0).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace")[-1000:]
    state = f"ended with status {process.returncode}" if process.returncode is not None else "did not come up"
    raise EndpointError(f"the server {state} ({' '.join(map(str, process.args[-7:]))}); its log ends:\n{said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
