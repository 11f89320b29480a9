"""A run that is killed (kill -9) and started again ends as if it never had been: bit for bit, on a CPU."""

import json
import random
import shutil
import signal
import time
from functools import cache

import pytest
import training_processes as processes
from safetensors import safe_open

from bimedix2_core.training.loop import working

KILLED = -signal.SIGKILL
RUNS = {
    "stage 1": (1, 1, {"max_steps": 6, "checkpoint_every": 2}),
    "stage 2": (2, 1, {"max_steps": 6, "checkpoint_every": 3}),
    "stage 2, always saving": (2, 1, {"max_steps": 6, "checkpoint_every": 1}),
    "two processes": (2, 2, {"max_steps": 6, "checkpoint_every": 1}),
    "two processes with half a model each": (2, 2, {"max_steps": 4, "checkpoint_every": 1, "sharding": "full"}),
}
"""Stage, number of processes, settings."""

SAVING = ("training/resume.py", "training/shards.py", "runs.py")
TIMES = ("seconds", "tokens_per_second", "mfu", "memory_gb")
"""What a step log says of the machine, not of the run."""


def run(name, folder, **options):
    """Train; the exit codes of the processes."""
    return processes.end(start(name, folder, **options))


def start(name, folder, **options):
    stage, count, settings = RUNS[name]
    return processes.start("train", stage, folder, count=count, **settings, **options)


def left_in(folder):
    """All that a run leaves: its steps, and the content of every file of weights, by name."""
    steps = [
        {key: value for key, value in json.loads(line).items() if key not in TIMES}
        for line in (working(folder) / "steps.jsonl").read_text().splitlines()
    ]
    files = {
        f"{part}/{file.relative_to(place)}": file
        for part, place in (("result", folder), ("working", working(folder)))
        for file in sorted(place.rglob("*"))
        if file.is_file() and file.parent.name != "tokens" and file.name[:6] not in ("opened", "lines-")
    }
    weights = {name: content(file) for name, file in files.items() if file.suffix == ".safetensors"}
    return {"steps": steps, "files": list(files)} | weights


def content(file):
    with safe_open(file, framework="np") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
        return stored.metadata(), {name: (one.dtype, one.shape, one.tobytes()) for name, one in tensors.items()}


def opened(folder):
    """The samples in the order in which each process opened them."""
    return {file.name: file.read_text().split() for file in folder.glob("opened-*.txt")}


@cache
def whole(name, folder):
    """The run that nobody kills, in a folder of its own below this one."""
    folder = folder / name
    assert set(run(name, folder, kill=(0,))) == {0}
    return folder


def n_lines(folder, files=(), rank=0):
    """Lines of the core that a run came to."""
    counted = json.loads((folder / f"lines-{rank}.json").read_text())
    return sum(counted[file] for file in files or counted)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


def die_at_a_line(name, folder, uninterrupted, *, files=(), rank=0, draw):
    number = draw.randint(1, n_lines(uninterrupted, files, rank))
    codes = run(name, folder, kill=(number, files, rank))
    assert codes[rank] == KILLED
    assert 0 not in codes


def die_at_a_moment(name, folder, uninterrupted, *, draw):
    """From outside, after the first step, in Python or below it; again if the run was faster."""
    seconds = sum(
        json.loads(line)["seconds"] for line in (working(uninterrupted) / "steps.jsonl").read_text().splitlines()
    )
    codes = None
    while codes is None or 0 in codes:
        for place in (folder, working(folder)):
            shutil.rmtree(place, ignore_errors=True)
        running = start(name, folder)
        while not (log := working(folder) / "steps.jsonl").exists() or not log.stat().st_size:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, seconds))
        for process in running:
            process.kill()
        codes = processes.end(running)
    assert codes == [KILLED] * len(codes)


ANYWHERE, IN_SAVING, ANY_MOMENT = "at any line", "at a line that saves", "at any moment"
KILLS = [
    *[(name, where, 0) for name in list(RUNS)[:3] for where in [ANYWHERE] * 2 + [IN_SAVING] * 2 + [ANY_MOMENT]],
    *[("two processes", where, 0) for where in (ANYWHERE, IN_SAVING, ANY_MOMENT)],
    ("two processes", ANYWHERE, 1),
    *[("two processes with half a model each", where, 1) for where in (ANYWHERE, IN_SAVING)],
]
"""21 points: which run, where, and which of its processes dies first."""


@pytest.mark.parametrize(("number", "name", "where", "rank"), [(number, *kill) for number, kill in enumerate(KILLS)])
def test_a_run_killed_and_started_again_leaves_what_one_leaves_that_nobody_killed(
    folders, tmp_path, number, name, where, rank
):
    uninterrupted, draw = whole(name, folders), random.Random(number)
    if where == ANY_MOMENT:
        die_at_a_moment(name, tmp_path, uninterrupted, draw=draw)
    else:
        files = SAVING if where == IN_SAVING else ()
        die_at_a_line(name, tmp_path, uninterrupted, files=files, rank=rank, draw=draw)
    before = opened(tmp_path)
    for file in before:
        (tmp_path / file).unlink()

    assert set(run(name, tmp_path)) == {0}

    assert left_in(tmp_path) == left_in(uninterrupted)
    for file, order in opened(uninterrupted).items():
        first, then = before.get(file, []), opened(tmp_path).get(file, [])
        assert order[: len(first)] == first
        assert order[len(order) - len(then) :] == then
        assert len(first) + len(then) >= len(order)


def test_a_run_killed_again_and_again_comes_to_its_end(folders, tmp_path):
    name, draw, deaths = "stage 2, always saving", random.Random(0), 0
    uninterrupted = whole(name, folders)

    while run(name, tmp_path, kill=(draw.randint(1, n_lines(uninterrupted) // 2),)) != [0]:
        deaths += 1

    assert deaths > 2
    assert left_in(tmp_path) == left_in(uninterrupted)


@pytest.mark.parametrize(
    ("file", "is_marked"),
    [("training/shards.py", False), ("training/loop.py", False), ("training/stage2.py", True)],
    ids=["before the result is saved", "before it is marked as finished", "at the very end"],
)
def test_a_run_killed_behind_its_last_step_takes_no_step_twice_unless_it_was_finished(
    folders, tmp_path, file, is_marked
):
    uninterrupted = whole("stage 2", folders)
    assert run("stage 2", tmp_path, kill=(n_lines(uninterrupted, (file,)), (file,))) == [KILLED]
    steps = (working(tmp_path) / "steps.jsonl").read_text()
    assert (working(tmp_path) / "checkpoints" / "finished").exists() == is_marked
    assert (tmp_path / "adapter_model.safetensors").exists() == (file != "training/shards.py")

    assert run("stage 2", tmp_path) == [0]

    assert left_in(tmp_path) == left_in(uninterrupted)
    assert ((working(tmp_path) / "steps.jsonl").read_text() == steps) == (not is_marked)  # times of another run differ


def test_what_two_processes_began_one_process_ends(folders, tmp_path):
    uninterrupted = whole("two processes", folders)
    number = n_lines(uninterrupted, ("training/resume.py",))
    assert 0 not in run("two processes", tmp_path, kill=(number * 3 // 4, ("training/resume.py",)))
    begun = (working(tmp_path) / "steps.jsonl").read_text().splitlines()

    assert processes.run("train", 2, tmp_path, **RUNS["two processes"][2]) == [0]

    ended = (working(tmp_path) / "steps.jsonl").read_text().splitlines()
    assert ended[:2] == begun[:2]
    one, other = ([json.loads(line)["loss"] for line in (working(folder) / "steps.jsonl").read_text().splitlines()]
                  for folder in (tmp_path, uninterrupted))  # fmt: skip
    assert one == pytest.approx(other, abs=1e-5)
