"""Killed at random points: no verdict is lost, and none is bought twice beyond what was in flight."""

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from judging import FAST, judge_that_says, n_paid, request, sent

from bimedix2_core.bench.judge import ask_judge, replay

N, N_KILLS = 500, 20
"""More requests than are asked before the last kill; verdicts go into the record by the 64, so both files are cut."""

REQUESTS = [request(f"q{n}", f"Answer {n}.") for n in range(N)]
SAY = "return 'I read: ' + text.split('<response>')[1].split('</response>')[0].strip()"
EXPECTED = [f"I read: Answer {n}." for n in range(N)]

NURSERY = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import test_judge_kill as t
from bimedix2_core.bench.judge import JudgeModel, ask_judge
for _ in sys.stdin:
    child = os.fork()
    if not child:
        ask_judge(t.REQUESTS, JudgeModel("judge-1", sys.argv[4], limits=t.FAST), folder=Path(sys.argv[3]))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Imports once and forks a judge's client for each line it is given: 20 starts in the time of one."""


@contextlib.contextmanager
def nursery(folder: Path, url: str):
    here = Path(__file__).parent
    command = [sys.executable, "-c", NURSERY, str(here), str(here.parents[1]), str(folder), url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
    ) as process:
        yield process
        process.stdin.close()


def kept(folder: Path) -> set[str]:
    """Which answers the cache and the record hold."""
    texts = [json.loads(line)["text"] for line in _whole_lines(folder / "verdicts.jsonl")]
    if (folder / "requests.sqlite3").exists():
        with contextlib.closing(sqlite3.connect(folder / "requests.sqlite3")) as db, contextlib.suppress(sqlite3.Error):
            texts += [text for (text,) in db.execute("SELECT text FROM replies")]
    return set(texts)


def asked(folder: Path) -> Counter[str]:
    """How often the judge was sent each answer; a last line may be in writing."""
    if not (folder / "sent.jsonl").exists():
        return Counter()
    return Counter(re.findall(r"Answer \d+\.", "\n".join(_whole_lines(folder / "sent.jsonl"))))


def _wait_for(folder: Path, n: int) -> None:
    end = time.monotonic() + 20
    while _n_lines(folder) < n:
        if time.monotonic() > end:
            pytest.fail(f"the judge was asked {_n_lines(folder)} times in 20 seconds, not {n} times")
        time.sleep(0.002)


def _until_quiet(folder: Path) -> None:
    n_before = -1
    while (n_now := _n_lines(folder)) != n_before:
        n_before = n_now
        time.sleep(0.03)


def _n_lines(folder: Path) -> int:
    path = folder / "sent.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _whole_lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the clients to be killed are forked")
def test_killed_at_twenty_random_points_no_verdict_is_lost_and_none_is_bought_twice_beyond_those_in_flight(tmp_path):
    rng, statuses = random.Random(0), []
    with judge_that_says(tmp_path, SAY, latency=0.005) as judge, nursery(tmp_path, judge.url) as process:
        for number in range(N_KILLS):
            before, held = asked(tmp_path), kept(tmp_path)
            process.stdin.write("ask\n")
            child = int(process.stdout.readline())
            n_more = rng.randint(0, 20)  # some kills come before the first answer
            _wait_for(tmp_path, before.total() + n_more)
            time.sleep(rng.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            statuses.append(int(process.stdout.readline()))
            _until_quiet(tmp_path)  # what was in flight is answered, and paid, all the same

            bought = asked(tmp_path) - before
            assert not {f"I read: {answer}" for answer in bought} & held, f"kill {number}: bought again, though kept"
            assert held <= kept(tmp_path), f"kill {number}: a verdict was lost"
            n_lost = len({f"I read: {answer}" for answer in bought} - kept(tmp_path))
            assert n_lost <= FAST.in_flight, f"kill {number}: {n_lost} answers were paid for and not kept"
        verdicts = ask_judge(REQUESTS, judge, folder=tmp_path)

    assert statuses == [-signal.SIGKILL] * N_KILLS
    assert [one.text for one in verdicts] == EXPECTED
    assert len(sent(tmp_path)) == n_paid(tmp_path) <= N + N_KILLS * FAST.in_flight
    keys = [json.loads(line)["key"] for line in _whole_lines(tmp_path / "verdicts.jsonl")]
    assert len(keys) == len(set(keys)) == N
    assert replay(REQUESTS, "judge-1", tmp_path / "verdicts.jsonl") == verdicts


def test_a_kill_between_the_cache_and_the_record_costs_nothing(tmp_path):
    few = REQUESTS[:20]
    with judge_that_says(tmp_path, SAY) as judge:
        first = ask_judge(few, judge, folder=tmp_path)
        lines = (tmp_path / "verdicts.jsonl").read_bytes()
        (tmp_path / "verdicts.jsonl").write_bytes(lines[: len(lines) // 2])  # in the middle of a line
        again = ask_judge(few, judge, folder=tmp_path)

    assert first == again
    assert n_paid(tmp_path) == 20
    assert replay(few, "judge-1", tmp_path / "verdicts.jsonl") == first
