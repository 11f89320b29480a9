import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, replace

import local_server
import pytest

from bimedix2_core.data import rollouts
from bimedix2_core.data.rollouts import Job, Machines, Server
from bimedix2_core.endpoint import Limits
from bimedix2_core.errors import DataError, EndpointError
from bimedix2_core.records import Row, message, text_of
from bimedix2_core.runs import only_one

FAST = Limits(in_flight=8, first_wait=0.01, timeout=1.0, tries=5)


@dataclass(frozen=True)
class Twice:
    """Two requests of which the second needs the first."""

    def key(self) -> str:
        return "twice"

    async def __call__(self, row, ask):
        first = await ask({"messages": [{"role": "user", "content": f"English:\n{text_of(row.messages[0])}"}]})
        second = await ask({"messages": [{"role": "user", "content": f"English:\n{first} again"}]})
        return {"id": row.id, "said": second}


def rows(n):
    return [Row(f"r{i}", "en", "qa", "x", [message("user", f"Finding {i}.")]) for i in range(n)]


def job(folder, url, n=60, *, limits=FAST, chunk_size=7, model="m"):
    if not (folder / "rows.jsonl").exists():
        rollouts.write_rows(rows(n), folder / "rows.jsonl")
    return Job(folder / "rows.jsonl", folder / "out", Twice(), Server(model, url), limits, chunk_size)


def expected(n):
    said = (local_server.cipher(local_server.cipher(f"Finding {i}.") + " again") for i in range(n))
    return [{"id": f"r{i}", "said": text} for i, text in enumerate(said)]


def test_every_row_has_its_result_in_order_and_a_second_run_asks_nothing(tmp_path):
    with local_server.serving(tmp_path / "ledger") as url:
        outcome = rollouts.run(job(tmp_path, url))
        again = rollouts.run(job(tmp_path, url))

    assert list(rollouts.results(outcome.folder)) == expected(60)
    assert (outcome.n_rows, outcome.n_done, outcome.stopped) == (60, 60, "")
    assert again == outcome
    assert local_server.paid(tmp_path / "ledger").total() == 120


def test_several_workers_give_the_same_files_as_one(tmp_path):
    with local_server.serving(tmp_path / "ledger") as url:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        one = rollouts.run(job(tmp_path / "a", url))
        three = rollouts.run(job(tmp_path / "b", url), Machines(tasks=3, workers=2))

    def files(outcome):
        return {file.name: file.read_bytes() for file in (outcome.folder / "chunks").iterdir()}

    assert files(one) == files(three)
    assert len(files(one)) == 9  # 60 rows by 7


def test_faults_change_neither_results_nor_order_and_nothing_is_paid_twice(tmp_path):
    faults = "drop=.05,429=.05,500=.05,truncate=.05,garbage=.05,nochoice=.05,hang=.01"
    with local_server.serving(tmp_path / "ledger", faults=faults, latency=0.005) as url:
        outcome = rollouts.run(job(tmp_path, url, 150))

    results = list(rollouts.results(outcome.folder))
    assert [result["id"] for result in results] == [f"r{i}" for i in range(150)]
    good = [result for result in results if "failed" not in result]
    assert len(good) > 145
    assert [result for result in expected(150) if result in good] == good
    assert max(local_server.paid(tmp_path / "ledger").values()) == 1


def test_a_row_that_fails_is_one_recorded_failure(tmp_path):
    with local_server.serving(tmp_path / "ledger", faults="garbage=1") as url:
        outcome = rollouts.run(job(tmp_path, url, 3))

    results = list(rollouts.results(outcome.folder))
    assert [result["id"] for result in results] == ["r0", "r1", "r2"]
    assert all(result["failed"].startswith("no usable answer in 5 tries") for result in results)
    assert outcome.stopped == ""


def test_a_server_that_dies_stops_the_run_which_goes_on_when_it_is_back(tmp_path):
    ledger = tmp_path / "ledger"
    with local_server.serving(ledger, faults="die=.02", latency=0.01) as url:
        stopped = rollouts.run(job(tmp_path, url))
    with local_server.serving(ledger, port=int(url.split(":")[2].split("/")[0])) as url:
        done = rollouts.run(job(tmp_path, url))

    assert "is down" in stopped.stopped
    assert stopped.n_done < 60
    assert list(rollouts.results(done.folder)) == expected(60)
    assert done.stopped == ""
    n_twice = sum(times - 1 for times in local_server.paid(ledger).values())
    assert n_twice <= FAST.in_flight


def test_the_budget_stops_the_run_cleanly_and_more_budget_finishes_it(tmp_path):
    # a row costs about 3 + 2 and 4 + 3 tokens: 60 rows are far above 200
    small = Limits(in_flight=8, first_wait=0.01, budget=200e-6, prompt_price=1.0, completion_price=1.0)
    with local_server.serving(tmp_path / "ledger") as url:
        stopped = rollouts.run(job(tmp_path, url, limits=small))
        spent = local_server.paid(tmp_path / "ledger").total()
        still = rollouts.run(job(tmp_path, url, limits=small))
        assert local_server.paid(tmp_path / "ledger").total() == spent
        done = rollouts.run(job(tmp_path, url))

    assert "the budget of 0.0002 is spent" in stopped.stopped
    assert still.n_done == stopped.n_done < 60
    assert list(rollouts.results(done.folder)) == expected(60)
    assert local_server.paid(tmp_path / "ledger").total() == 120


KILLED = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import test_rollouts as t
from bimedix2_core.data import rollouts
print(rollouts.run(t.job(Path(sys.argv[3]), sys.argv[4], 600)).n_done, flush=True)
"""


def test_killed_at_twenty_random_points_the_run_ends_with_the_same_results_and_pays_only_what_was_in_flight(tmp_path):
    rng, n_kills, here = random.Random(0), 0, __file__.rsplit("/", 1)[0]
    ledger = tmp_path / "ledger"
    with local_server.serving(ledger, latency=0.02) as url:
        command = [sys.executable, "-c", KILLED, here, here.rsplit("/", 1)[0], str(tmp_path), url]
        while n_kills < 20:
            n_before = local_server.paid(ledger).total()
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            n_more = rng.randint(1, 55)  # of 1,200 requests
            while process.poll() is None and local_server.paid(ledger).total() < n_before + n_more:
                time.sleep(0.002)
            os.killpg(process.pid, signal.SIGKILL)  # with datatrove's helper process
            process.wait()
            n_kills += 1
        finished = subprocess.run(command, capture_output=True, text=True, check=True)

    assert finished.stdout.split()[-1] == "600"
    folder = job(tmp_path, url).results
    assert list(rollouts.results(folder)) == expected(600)
    paid = local_server.paid(ledger)
    assert len(paid) == 1200
    assert paid.total() - 1200 <= n_kills * FAST.in_flight


def test_two_processes_on_one_folder_are_refused(tmp_path):
    with local_server.serving(tmp_path / "ledger") as url:
        work = job(tmp_path, url)
        work.folder.mkdir()
        with only_one(work.folder / "task_00000.lock"), pytest.raises(DataError, match="another process"):
            rollouts.run(work)


def test_a_key_that_no_header_can_carry_is_neither_sent_nor_written_anywhere(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("SOME_KEY", "sk-3f9a1c\nX-Header: x")
    with local_server.serving(tmp_path / "ledger") as url:
        work = job(tmp_path, url)
        work = replace(work, server=replace(work.server, api_key_variable="SOME_KEY"))
        with pytest.raises(EndpointError, match="SOME_KEY holds a line break") as stopped:
            rollouts.run(work)

    assert local_server.paid(tmp_path / "ledger").total() == 0
    shown = "".join(traceback.format_exception(stopped.value)) + "".join(capfd.readouterr())
    assert "sk-3f9a1c" not in shown
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file.name for file in files if b"sk-3f9a1c" in file.read_bytes()]


def test_datatrove_starts_the_server_where_none_runs(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(local_server.__file__.rsplit('/', 1)[0])!r})\n"
        f"sys.argv += ['--ledger', {str(tmp_path / 'ledger')!r}]\n"
        "import asyncio, local_server; print('Uvicorn running on', flush=True); asyncio.run(local_server.main())\n"
    )
    rollouts.write_rows(rows(5), tmp_path / "rows.jsonl")
    server = Server("m", start="custom", options={"server_script": str(script)})
    outcome = rollouts.run(Job(tmp_path / "rows.jsonl", tmp_path / "out", Twice(), server, FAST))

    assert list(rollouts.results(outcome.folder)) == expected(5)


def test_slurm_and_ray_executors_are_datatroves_own(tmp_path):
    work = job(tmp_path, "http://127.0.0.1:9/v1")
    pipeline = [rollouts.ReadRows(work, tmp_path)]
    slurm = rollouts._executor(
        pipeline, tmp_path, Machines("slurm", 64, 8, {"time": "12:00:00", "partition": "gpu", "cpus_per_task": 4})
    )
    ray = rollouts._executor(pipeline, tmp_path, Machines("ray", 4, 2))

    assert (type(slurm).__module__, slurm.tasks, slurm.workers) == ("datatrove.executor.slurm", 64, 8)
    assert "gpu" in slurm.get_launch_file_contents(slurm.get_sbatch_args(), "srun x")
    assert (type(ray).__module__, ray.tasks, ray.workers) == ("datatrove.executor.ray", 4, 2)


def test_rows_that_share_an_id_or_are_no_rows_are_named(tmp_path):
    with pytest.raises(DataError, match=r"row 'r0' \(en, x\) comes twice, again at row 2"):
        rollouts.write_rows(rows(2) + rows(1), tmp_path / "rows.jsonl")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "rows.jsonl").write_text(json.dumps(rows(1)[0].as_json()) + "\n{}\n")
    with (
        local_server.serving(tmp_path / "ledger") as url,
        pytest.raises(DataError, match=r"rows\.jsonl, line 2 is no row"),
    ):
        rollouts.run(job(tmp_path, url))


def test_other_rows_settings_or_models_have_another_folder(tmp_path):
    a = job(tmp_path, "http://x/v1")
    folders = Counter(
        [a.results, job(tmp_path, "http://y/v1").results, job(tmp_path, "http://x/v1", model="n").results]
    )
    (tmp_path / "rows.jsonl").write_text("")
    folders.update([a.results])

    assert sorted(folders.values()) == [1, 1, 2]  # the address of the same model does not matter
