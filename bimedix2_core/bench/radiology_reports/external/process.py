"""The parent's side of the separate process: start it, read its first line, ask it, and end it.

A `Worker` is one running process. It is asked one batch at a time and answers in time or is ended: the scorers break
under the project's own transformers, so they live under another Python, and nothing they do can hang or kill a run.
"""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bimedix2_core.bench.radiology_reports.external.worker import PROTOCOL
from bimedix2_core.errors import CompanionError

WORKER = Path(__file__).with_name("worker.py")

END = None
"""What the reading thread leaves when the worker's output ends."""

PATIENCE = 10.0
"""Seconds a worker has to end by itself once its input has ended."""


class ScorerError(CompanionError, RuntimeError):
    """An external scorer failed while it ran; what it had annotated is kept."""


class WorkerDiedError(ScorerError):
    """The process ended or went silent; another one may go on."""


@dataclass(frozen=True)
class Launch:
    """How the separate process is started."""

    python: Path | None
    """Of the scorers' own environment, such as ``scorers/bin/python``; None where there is none."""
    log: Path
    """Where its stderr goes; it may quote reports, so it is as confidential as they are."""
    weights: Path | None = None
    """Folder of the weights, laid out as external/README.md says; by default ``weights`` inside the environment."""
    scorers: tuple[str, ...] = ("radgraph", "chexbert")
    radgraph_model: str = "radgraph"
    device: str = "cpu"
    worker: Path = WORKER
    start_seconds: float = 300.0
    """How long until its first line; it hashes the weights before."""
    batch_seconds: float = 600.0
    """How long for one batch; the first one loads the model."""

    @property
    def command(self) -> list[str]:
        """Isolated (-I): neither this folder nor the user's packages come before the environment's own.

        Raises:
            ScorerError: there is no environment to start it in.
        """
        if self.python is None:
            raise ScorerError("the external scorers have no environment of their own here: name its Python")
        weights = self.weights or self.python.parent.parent / "weights"
        return [
            str(self.python), "-I", str(self.worker), "--weights", str(weights),
            "--scorers", ",".join(self.scorers), "--radgraph-model", self.radgraph_model, "--device", self.device,
        ]  # fmt: skip


class Worker:
    """One running worker; a context manager that leaves no process behind.

    Raises:
        WorkerDiedError: it ended or said nothing before its first line was there.
        ScorerError: it cannot be started, its first line cannot be read, or it speaks another protocol.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._n_asked = 0
        self._lines: queue.Queue[str | None] = queue.Queue()
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        with launch.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    launch.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=_environment(),
                    encoding="utf-8", errors="replace",
                )  # fmt: skip
            except OSError as error:
                raise ScorerError(f"{launch.python} cannot be started: {error.strerror}") from error
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.hello = self._listen(launch.start_seconds)
            self._check_hello()
        except BaseException:
            self.close(at_once=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.close(at_once=kind is not None)

    @property
    def scorers(self) -> Mapping[str, Mapping[str, Any]]:
        """What it said of each scorer: ``identity`` of one that can run, ``needs`` of one that cannot."""
        return self.hello["scorers"]

    def ask(self, scorer: str, texts: Sequence[str]) -> dict[str, Any]:
        """Its answer to one batch: ``results``, one for each text, or what the scorer ``needs``.

        Raises:
            WorkerDiedError: it ended or gave no answer in time.
            ScorerError: its answer is none of the protocol.
        """
        number, self._n_asked = self._n_asked, self._n_asked + 1
        with suppress(OSError):  # a closed pipe: the end of its output says the rest
            self._process.stdin.write(json.dumps({"id": number, "scorer": scorer, "texts": list(texts)}) + "\n")
            self._process.stdin.flush()
        answer = self._listen(self.launch.batch_seconds)
        n_results = len(answer["results"]) if isinstance(answer.get("results"), list) else None
        if answer.get("id") != number or (n_results != len(texts) and "needs" not in answer):
            raise ScorerError(
                f"the worker answered request {answer.get('id')!r} with {n_results} results, asked was request "
                f"{number} of {len(texts)} reports"
            )
        return answer

    def close(self, *, at_once: bool = False) -> None:
        """End it: by the end of its input, or at once."""
        if at_once:
            self._process.kill()
        with suppress(OSError):  # it is gone already
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)
        self._process.stdout.close()
        self._lines.put(END)

    def _listen(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerDiedError(f"the worker gave no answer in {seconds:g} s{self._where()}") from None
        if line is END:
            status = self._process.wait()
            raise WorkerDiedError(f"the worker ended with status {status}{self._where()}")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise ScorerError(f"the worker wrote a line of {len(line)} characters, no JSON object{self._where()}")
        return message

    def _check_hello(self) -> None:
        found = self.hello.get("protocol")
        if found != PROTOCOL:
            raise ScorerError(
                f"{self.launch.worker.name} speaks protocol {found!r}, expected {PROTOCOL}: it belongs to another "
                "version of this project"
            )
        missing = sorted(set(self.launch.scorers) - set(self.hello.get("scorers", {})))
        if missing:
            raise ScorerError(f"the worker says nothing of the scorers {', '.join(missing)}")

    def _where(self) -> str:
        return f"; see {self.launch.log.name}"


def _environment() -> dict[str, str]:
    """The parent's, offline unless the user says otherwise."""
    return {"HF_HUB_OFFLINE": "1"} | dict(os.environ)
