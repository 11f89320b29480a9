"""Rollouts: a function of requests and rules over millions of rows, on any machine, each row with exactly one result.

datatrove drives (`InferenceRunner`: documents in flight, a vLLM server where one is wanted; its executors: this
machine, Slurm, Ray). What must not get lost is ours:

- Rows are cut into chunks by their position alone, and a chunk's results are written together, in order, in one
  atomic step. Its file is there or it is not.
- Every answer is in the `RequestCache` before it is used. Rows of an unfinished chunk are rolled out again after a
  kill, and find their answers there.

datatrove's own checkpoints are not used: they write results in the order of their arrival, swallow a full disk, end the
run at a status 500, and ask again for what was answered in the last moments before a kill.
"""

import asyncio
import json
from array import array
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor, SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter
from loguru import logger
from tqdm.auto import tqdm

from bimedix2_core.endpoint import Endpoint, Limits, RequestCache
from bimedix2_core.errors import DataError, EndpointError, RequestError
from bimedix2_core.records import Row, row_of
from bimedix2_core.runs import atomic_text, content_key, data_key, json_lines, only_one, write_atomic

logger.disable("datatrove")  # here and in every worker: its log drowns the progress; what goes wrong is raised

Ask = Callable[[dict[str, Any]], Awaitable[str]]
"""Send a chat completion request, get the text."""


class Rollout(Protocol):
    """What is done with one row; a pure function of the row and the answers it gets, so that it can be repeated."""

    def __call__(self, row: Row, ask: Ask) -> Awaitable[dict[str, Any]]:
        """The row's result, plain JSON."""

    def key(self) -> str:
        """Content key of everything that shapes the result but row and model: prompts, thresholds."""


@dataclass(frozen=True)
class Server:
    """Where the model is."""

    model: str
    url: str = ""
    """Of a running endpoint, up to and with ``/v1``; empty where datatrove starts the server."""
    start: Literal["", "vllm", "custom"] = ""
    """What datatrove starts: vLLM with the model, or a script of yours (``options: {server_script: ...}``)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the server that is started."""
    api_key_variable: str | None = None
    """Environment variable that holds the key."""


@dataclass(frozen=True)
class Machines:
    """Where the work runs: one of datatrove's executors."""

    executor: Literal["local", "slurm", "ray"] = "local"
    tasks: int = 1
    """Parts the chunks are dealt to; each has its own cache and asks on its own."""
    workers: int = 1
    """Parts that run at the same time."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the executor (Slurm: time, partition; Ray: cpus_per_task, ...)."""


@dataclass(frozen=True)
class Job:
    """One pass of a rollout over a file of rows (`Row.as_json`, one a line)."""

    rows: Path
    folder: Path
    """Where the request caches are, shared by all jobs of this folder, and the `results` of each."""
    rollout: Rollout
    server: Server
    limits: Limits = field(default_factory=Limits)
    chunk_size: int = 1000

    @property
    def results(self) -> Path:
        """Folder of this job's results: other rows, prompts, settings or another model have another."""
        content = [data_key(self.rows), self.rollout.key(), self.server.model, self.chunk_size]
        return self.folder / content_key(content)[:16]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    folder: Path
    n_rows: int
    n_done: int
    stopped: str
    """Why it stopped before the end; empty where every row has its result."""


def run(job: Job, machines: Machines = Machines(), *, title: str = "rollouts") -> Outcome:
    """Roll out all rows that have no result yet; may be called again until ``stopped`` is empty.

    A job on Slurm is submitted only: call again when it is through. In a notebook this blocks like any other call.

    Raises:
        DataError: a line of the file is no row, an id comes twice, or another process is at work on the folder.
    """
    folder = job.results
    (folder / "chunks").mkdir(parents=True, exist_ok=True)
    n_rows = _count_lines(job.rows)
    if len(_chunks(folder)) < -(-n_rows // job.chunk_size):
        pipeline = [ReadRows(job, folder), Rollouts(job, folder, title)]
        with ThreadPoolExecutor(1) as thread:  # its own event loop: a notebook has one already
            thread.submit(_executor(pipeline, folder, machines).run).result()
    n_done = sum(_count_lines(file) for file in _chunks(folder).values())
    stops = sorted(folder.glob("stopped_*.txt"))
    stopped = stops[0].read_text(encoding="utf-8") if stops else "" if n_done == n_rows else "the run is not through"
    return Outcome(folder, n_rows, n_done, stopped if n_done < n_rows else "")


def results(folder: Path) -> Iterator[dict[str, Any]]:
    """All results of a job's folder, in the order of the rows."""
    for _, file in sorted(_chunks(folder).items()):
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def write_rows(rows: Iterable[Row], path: Path) -> int:
    """Write rows as the file that a `Job` reads, streaming, whole or not at all; returns how many.

    Raises:
        DataError: two rows have the same id, language and source.
    """
    identities = array("Q")  # 8 bytes a row: a set would take more than the rows that pass
    with atomic_text(path) as stream:
        for row in rows:
            identities.append(_identity(row))
            stream.write(json_lines([row.as_json()]))
        stream.flush()
        _check_distinct(identities, Path(stream.name))
    return len(identities)


def _identity(row: Row) -> int:
    return int(content_key([row.id, row.language, row.source])[:16], 16)


def _check_distinct(identities: array, file: Path) -> None:
    """Raise where two rows are the same, and name them; 64 bits of SHA-256 tell millions apart."""
    order = np.argsort(np.frombuffer(identities, dtype=np.uint64), kind="stable")
    found = np.frombuffer(identities, dtype=np.uint64)[order]
    same = np.flatnonzero(found[1:] == found[:-1])
    if not len(same):
        return
    number = int(order[same + 1].min())
    with file.open(encoding="utf-8") as lines:
        row = row_of(json.loads(next(islice(lines, number, None))))
    raise DataError(
        f"row {row.id!r} ({row.language}, {row.source}) comes twice, again at row {number}; ids must differ"
    )


class ReadRows(PipelineStep):
    """The rows of this task's unfinished chunks, as documents."""

    name, type = "rows", "reader"

    def __init__(self, job: Job, folder: Path):
        """Remember the job."""
        super().__init__()
        self.job, self.folder = job, folder

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Deal chunk c to task c mod world_size; end early where the run was stopped."""
        done = _chunks(self.folder)
        for chunk, lines in _cut(self.job.rows, self.job.chunk_size):
            if chunk % world_size != rank or chunk in done:
                continue
            for place, line in enumerate(lines):
                if _stop_file(self.folder, rank).exists():
                    return
                row = self._row(line, chunk * self.job.chunk_size + place)
                yield Document(
                    text="", id=f"{chunk}/{place}", metadata={"row": row, "chunk": chunk, "of": len(lines), "at": place}
                )

    def _row(self, line: str, index: int) -> Row:
        try:
            return row_of(json.loads(line))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise DataError(
                f"{self.job.rows.name}, line {index + 1} is no row: {error}; write it with write_rows"
            ) from None


class Rollouts(InferenceRunner):
    """datatrove's runner around our endpoint and our chunks."""

    def __init__(self, job: Job, folder: Path, title: str):
        """Set up datatrove's side; endpoint and cache are opened where the work is done."""
        server = job.server
        super().__init__(
            rollout_fn=self._roll_out,
            config=InferenceConfig(
                server_type=server.start or "endpoint",
                model_name_or_path=server.model,
                endpoint_url=None if server.start else server.url.removesuffix("/v1"),
                max_concurrent_generations=job.limits.in_flight,
                max_concurrent_documents=2 * job.limits.in_flight,
                model_kwargs=server.options or None,
                metric_interval=3600,
            ),
            output_writer=JsonlWriter(str(folder / "unused")),
        )
        self.job, self.folder, self.title = job, folder, title

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> None:
        """Roll out the documents of one task."""
        self.rank, self.world_size = rank, world_size
        with only_one(self.job.folder / f"task_{rank:05d}.lock"):
            _stop_file(self.folder, rank).unlink(missing_ok=True)
            super().run(data, rank, world_size)

    async def run_async(self, data_gen: Iterable[Document], rank: int = 0) -> None:
        """As datatrove's, with the endpoint open meanwhile."""
        job, cache = self.job, RequestCache(self.job.folder / f"requests_{rank:05d}.sqlite3")
        budget = None if job.limits.budget is None else job.limits.budget / self.world_size
        limits = replace(job.limits, budget=budget)
        total = _count_own(job, self.folder, rank, self.world_size)
        with tqdm(total=total, desc=self.title, unit="row", position=rank) as self.bar, closing(cache):
            async with Endpoint(
                job.server.url, job.server.model, cache, limits, job.server.api_key_variable
            ) as endpoint:
                self.endpoint, self.chunks, self.stopped, self.ready = endpoint, {}, False, None
                await super().run_async(data_gen, rank)

    def _init_server(self, rank: int):
        self.server = super()._init_server(rank)
        return self.server

    async def _roll_out(self, document: Document, generate: Callable) -> None:
        """Roll out one row and keep its result; datatrove itself gets none to store."""
        row = document.metadata["row"]
        if self.ready is None:
            self.ready = asyncio.ensure_future(self._wait_for_server(generate))
        await self.ready
        if self.stopped:
            return
        try:
            result = await self.job.rollout(row, self._ask)
        except RequestError as error:
            result = {"id": row.id, "failed": str(error)}
        except EndpointError as error:
            self._stop(str(error))
            return
        self._keep(document.metadata, result)
        self.bar.update()
        self.bar.set_postfix_str(str(self.endpoint.meter), refresh=False)

    async def _wait_for_server(self, generate: Callable) -> None:
        """Wait with datatrove's first request: it returns once the server is up."""
        if self.job.server.start:
            await generate({"messages": [{"role": "user", "content": "."}], "max_tokens": 1})
            self.endpoint.url = f"{self.server.get_base_url()}/v1"

    async def _ask(self, payload: dict[str, Any]) -> str:
        return (await self.endpoint.ask(payload)).text

    def _keep(self, place: dict[str, Any], result: dict[str, Any]) -> None:
        """Hold a result until its chunk is whole, then write that in one step."""
        chunk = self.chunks.setdefault(place["chunk"], {})
        chunk[place["at"]] = result
        if len(chunk) == place["of"]:
            lines = json_lines(chunk[at] for at in sorted(chunk))
            write_atomic(_chunk_file(self.folder, place["chunk"]), lines)
            del self.chunks[place["chunk"]]

    def _stop(self, why: str) -> None:
        """Let no further row begin; those under way end by themselves."""
        if not self.stopped:
            self.stopped = True
            write_atomic(_stop_file(self.folder, self.rank), why)


def _executor(pipeline: list[PipelineStep], folder: Path, machines: Machines):
    common = {"pipeline": pipeline, "tasks": machines.tasks, "logging_dir": str(folder / "logs")}
    common |= {"skip_completed": False, **machines.options}
    if machines.executor == "slurm":
        return SlurmPipelineExecutor(workers=machines.workers, job_name="bimedix2-rollouts", **common)
    if machines.executor == "ray":
        return RayPipelineExecutor(workers=machines.workers, **common)
    return LocalPipelineExecutor(workers=machines.workers, **common)


def _chunk_file(folder: Path, chunk: int) -> Path:
    return folder / "chunks" / f"{chunk:07d}.jsonl"


def _chunks(folder: Path) -> dict[int, Path]:
    """The finished chunks."""
    return {int(file.stem): file for file in (folder / "chunks").glob("[0-9]*.jsonl")}


def _stop_file(folder: Path, rank: int) -> Path:
    return folder / f"stopped_{rank:05d}.txt"


def _cut(path: Path, size: int) -> Iterator[tuple[int, list[str]]]:
    """The file's lines, ``size`` at a time, numbered."""
    with path.open(encoding="utf-8") as stream:
        number, lines = 0, []
        for line in stream:
            lines.append(line)
            if len(lines) == size:
                yield number, lines
                number, lines = number + 1, []
        if lines:
            yield number, lines


def _count_own(job: Job, folder: Path, rank: int, world_size: int) -> int:
    done = _chunks(folder)
    return sum(len(x) for c, x in _cut(job.rows, job.chunk_size) if c % world_size == rank and c not in done)


def _count_lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _ in stream)
