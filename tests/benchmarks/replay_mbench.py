"""How long the tables of BiMed-MBench take from stored verdicts, 386 questions; wanted: under 5 seconds.

    python tests/benchmarks/replay_mbench.py [--repeats 3]

The questions are made up in the published schema and proportions (193 in each language on 50 figures), the verdicts
drawn and stored as `ask_judge` stores them: 386, or twice as many times the repeats where both orders are replayed. The
time is that of reading the files, making the requests, replaying, and every number with its interval.
"""

import argparse
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2_core.bench.judge import replay
from bimedix2_core.bench.mbench import ORDERS, PairwiseJudge, gaps, pairwise_prompts, read, resolved, results
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.runs import JsonlStore

sys.path.insert(0, str(Path(__file__).parents[1] / "bench" / "mbench"))
from mbench_files import files

JUDGE = PairwiseJudge("judge", pairwise_prompts())


@contextmanager
def timed(what: str, parts: dict[str, float]) -> Iterator[None]:
    """Count the seconds of a part."""
    started = time.perf_counter()
    yield
    parts[what] = parts.get(what, 0.0) + time.perf_counter() - started


def draws(n_repeats: int) -> list[dict]:
    """The published draw alone, or both orders so many times."""
    if n_repeats == 0:
        return [{"order": "reference_first", "repeat": 0}]
    return [{"order": order, "repeat": repeat} for order in ORDERS for repeat in range(n_repeats)]


def record(folder: Path, n_repeats: int, answers: dict[str, list[str]]) -> Path:
    """Store a drawn verdict on each answer of two models."""
    rng = random.Random(0)
    rows = read(files(folder)).rows
    store = JsonlStore(folder / "verdicts.jsonl")
    requests = {
        one.key(JUDGE.model): one
        for model in answers
        for draw in draws(n_repeats)
        for one in JUDGE.requests(rows, answers[model], **draw)
    }
    store.extend(
        {
            "key": key, "id": one.id, "language": one.language, "judge": JUDGE.model, "answered_by": JUDGE.model,
            "prompts": one.prompts, "text": f"{rng.randint(6, 10)} {rng.randint(1, 10)}\n" + "It says why. " * 60,
            "finish_reason": "stop",
        }
        for key, one in requests.items()
    )  # fmt: skip
    return store.path


def table(folder: Path, stored: Path, n_repeats: int, answers: dict[str, list[str]]) -> tuple[int, dict[str, float]]:
    """Make every number of two models; return how many, and the seconds of each part."""
    parts: dict[str, float] = {}
    judged: dict[str, list] = {model: [] for model in answers}
    with timed("reading the questions", parts):
        rows = read({language: folder / f"{language}.jsonl" for language in ("en", "ar")}).rows
    for model in answers:
        for draw in draws(n_repeats):
            with timed("making the requests", parts):
                requests = JUDGE.requests(rows, answers[model], **draw)
            with timed("replaying the verdicts", parts):
                verdicts = replay(requests, JUDGE.model, stored)
            with timed("reading the scores", parts):
                judged[model] += JUDGE.judged(rows, answers[model], verdicts, **draw)
    first, second = judged.values()
    with timed("tables of one model", parts):
        n = len(results(first))
    with timed("English minus Arabic", parts):
        n += len(gaps(first))
    with timed("two models compared", parts):
        n += len(resolved(first, second))
    return n, parts


def main() -> None:
    """Draw, store, replay, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=0, help="both orders so often; 0: the published draw alone")
    n_repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore", FewClustersWarning)
    answers = {model: [f"Answer {n} of {model}. " * 20 for n in range(386)] for model in ("one model", "another")}
    with tempfile.TemporaryDirectory() as folder:
        stored = record(Path(folder), n_repeats, answers)
        started = time.perf_counter()
        n, parts = table(Path(folder), stored, n_repeats, answers)
        seconds = time.perf_counter() - started
    print(f"386 questions, {len(draws(n_repeats))} verdicts on each answer of 2 models, {n} numbers: {seconds:.2f} s")
    for what, took in parts.items():
        print(f"  {what:<24} {took:.2f} s")


if __name__ == "__main__":
    main()
