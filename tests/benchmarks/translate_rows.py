"""Translating against a local server: requests a second, memory from 10,000 to 200,000 rows, and a restart.

    python tests/benchmarks/translate_rows.py [--documents 10000] [--rows 10000 200000]

The server is tests/local_server.py, a process of its own. Throughput: documents of two dependent requests, a latency of
50 ms, 32 in flight, so that 640 requests a second are possible; once with nothing but the requests, and once with the
project's own rollout (protected, translated, checked, scored). Memory: one request a row, no latency, each size in a
process of its own whose peak it prints, and then the finished run once more.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import local_server

from bimedix2_core.data import rollouts
from bimedix2_core.data.rollouts import Ask, Job, Rollout, Server
from bimedix2_core.data.translate.prompts import prompts
from bimedix2_core.data.translate.rollout import Translation, protocol
from bimedix2_core.endpoint import Limits
from bimedix2_core.records import Row, message, text_of

LATENCY = 0.05
IN_FLIGHT = 32
POSSIBLE = IN_FLIGHT / LATENCY
MIN_SHARE = 0.75
MAX_GROWTH = 1.1
MAX_RESTART_SECONDS = 30
CHUNK_SIZE = 1000


@dataclass(frozen=True)
class TwoRequests:
    """Two requests of which the second needs the first, and nothing else."""

    def key(self) -> str:
        return "two requests"

    async def __call__(self, row: Row, ask: Ask) -> dict[str, Any]:
        first = await ask(_asked(f"English:\n{text_of(row.messages[0])}"))
        return {"id": row.id, "said": await ask(_asked(f"0 to 100. Arabic: {first}"))}


def _asked(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def rollout_named(name: str) -> Rollout:
    """What is done with a row: ``two requests``, or a protocol of the project."""
    if name == "two requests":
        return TwoRequests()
    kinds = ("image", "url", "quantity", "option")
    rule = protocol(name, rounds=3, threshold=85.0, protects=kinds)
    return Translation(rule, prompts("instructed"), max_new_tokens=256, refine_temperature=0.7)


def rows(n: int) -> Iterator[Row]:
    """Short conversations, each another one."""
    for number in range(n):
        asked = f"What does the chest film of patient {number} show?"
        said = f"There is a nodule of {number % 40 + 1} mm in the left upper lobe, and no pleural effusion."
        yield Row(f"{number:07d}", "en", "qa", "benchmark", [message("user", asked), message("assistant", said)])


def peak_mb() -> float:
    """Peak of this process alone; getrusage would count what its parent had when it was started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def one_run(file: Path, folder: Path, url: str, name: str) -> dict[str, Any]:
    """One run in this process: seconds, peak memory, and what it came to."""
    limits = Limits(in_flight=IN_FLIGHT, first_wait=0.05, timeout=10)
    before, start = peak_mb(), time.perf_counter()
    outcome = rollouts.run(Job(file, folder, rollout_named(name), Server("m", url), limits, CHUNK_SIZE))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "before_mb": before, "peak_mb": peak_mb(), "n_done": outcome.n_done}


def in_own_process(file: Path, folder: Path, url: str, name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", str(file), str(folder), url, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def share_of_possible(folder: Path, n: int, name: str) -> float:
    """Requests a second as a share of those that latency and places in flight allow."""
    with local_server.serving(folder / f"{name} ledger", latency=LATENCY) as url:
        run = in_own_process(folder / "documents.jsonl", folder / name, url, name)
    paid = local_server.paid(folder / f"{name} ledger")
    per_second = 2 * n / run["seconds"]
    print(
        f"{name}: {n:,} documents in {run['seconds']:.1f} s, {paid.total():,} requests paid for, {per_second:.0f} a "
        f"second, {per_second / POSSIBLE:.0%} of the possible {POSSIBLE:.0f}; peak {run['peak_mb']:.0f} MB"
    )
    if (paid.total(), run["n_done"]) != (2 * n, n):
        raise SystemExit(f"{name}: {run['n_done']} of {n} done with {paid.total()} requests; expected two each")
    return per_second / POSSIBLE


def memory(folder: Path, n: int) -> tuple[float, float]:
    """Peak in MB of a run of one request a row, and seconds of the same run once it is finished."""
    file, ledger = folder / f"{n}.jsonl", folder / f"{n} ledger"
    rollouts.write_rows(rows(n), file)
    with local_server.serving(ledger) as url:
        run = in_own_process(file, folder / str(n), url, "bimedix2")
        again = in_own_process(file, folder / str(n), url, "bimedix2")
    paid = local_server.paid(ledger).total()
    print(
        f"{n:,} rows of one request: {run['seconds']:.0f} s, {n / run['seconds']:.0f} rows a second, peak "
        f"{run['peak_mb']:.0f} MB ({run['before_mb']:.0f} MB before it began), {paid:,} requests paid for; "
        f"finished and started again: {again['seconds']:.1f} s"
    )
    if (run["n_done"], again["n_done"], paid) != (n, n, n):
        raise SystemExit(f"{run['n_done']} and {again['n_done']} of {n} done with {paid} requests; expected one each")
    return run["peak_mb"], again["seconds"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--rows", type=int, nargs=2, default=(10_000, 200_000))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rollouts.write_rows(rows(asked.documents), folder / "documents.jsonl")
        shares = [share_of_possible(folder, asked.documents, rollout) for rollout in ("two requests", "ours")]
        (few, _), (many, restart) = (memory(folder, n) for n in asked.rows)
    few_rows, many_rows = asked.rows
    print(
        f"two requests: {shares[0]:.0%} of the possible (at least {MIN_SHARE:.0%}); our rollout {shares[1]:.0%}\n"
        f"peak memory of {many_rows:,} rows over that of {few_rows:,}: {many / few:.2f} (at most {MAX_GROWTH})\n"
        f"restart of the finished {many_rows:,}: {restart:.1f} s (at most {MAX_RESTART_SECONDS})"
    )
    met = shares[0] >= MIN_SHARE and many / few <= MAX_GROWTH and restart <= MAX_RESTART_SECONDS
    print("met" if met else "NOT met")
    return 0 if met else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(one_run(Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:6])))
    else:
        raise SystemExit(main())
