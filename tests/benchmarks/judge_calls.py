"""How much faster a judge that takes 200 ms is asked than in a loop; wanted: at least 30 times, for BiMed-MBench.

    TQDM_DISABLE=1 python tests/benchmarks/judge_calls.py [--requests 386] [--latency 0.2]

The judge is the local server of the tests, in a process of its own; the requests are those of BiMed-MBench's size (two
thousand characters). The loop asks one at a time through the same client. The peak is that over in_flight; memory is
the most that this process held.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "bench" / "judge"))

from judging import judge_that_says, request

from bimedix2_core.bench.judge import JudgeRequest, ask_judge
from bimedix2_core.endpoint import Limits

IN_FLIGHT = (8, 16, 32, 64, 128, 256)
N_LOOP = 20
VERDICT = "return '8 7' + chr(10) + 'The first is better. ' * 20"


def requests(n: int) -> list[JudgeRequest]:
    return [request(f"q{number}", f"Answer {number}. " + "There is no fracture. " * 90) for number in range(n)]


def rate(asked: list[JudgeRequest], in_flight: int, latency: float) -> float:
    """Verdicts a second, the start of the client included, that of the server not."""
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(in_flight=in_flight)
        with judge_that_says(Path(folder), VERDICT, latency=latency, limits=limits) as judge:
            started = time.perf_counter()
            verdicts = ask_judge(asked, judge, folder=Path(folder))
            seconds = time.perf_counter() - started
    if any(verdict.text is None or verdict.problem for verdict in verdicts):
        raise SystemExit("not every verdict came")
    return len(asked) / seconds


def main() -> None:
    """Ask in a loop, then with more and more in flight; print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=386)
    parser.add_argument("--latency", type=float, default=0.2)
    given = parser.parse_args()
    asked = requests(given.requests)
    loop = rate(asked[:N_LOOP], 1, given.latency)
    print(f"one at a time, {N_LOOP} requests: {loop:.2f} verdicts a second")
    rates = {in_flight: rate(asked, in_flight, given.latency) for in_flight in IN_FLIGHT}
    for in_flight, found in rates.items():
        print(f"{in_flight:>4} in flight: {found:7.1f} verdicts a second, {found / loop:5.1f} times")
    best = max(rates, key=rates.get)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak: {rates[best] / loop:.1f} times with {best} in flight; {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
