import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from bimedix2_core.errors import ModelError, ParamsError
from bimedix2_core.model.adapters import ParameterGroup
from bimedix2_core.training.optimizer import MasterAdamW
from bimedix2_core.training.resume import Checkpoints, best, load_weights


class Net(nn.Module):
    """A frozen layer, a 16-bit adapter and a float32 projector of one output, whose bias two processes cannot share."""

    def __init__(self, *, width=5):
        super().__init__()
        self.base = nn.Linear(4, 6).requires_grad_(False)
        self.adapter = nn.Linear(6, width, bias=False, dtype=torch.bfloat16)
        self.projector = nn.Linear(width, 1)

    def forward(self, inputs):
        return self.projector(self.adapter(self.base(inputs).bfloat16()).float())


TRAINED = ("adapter.weight", "projector.weight", "projector.bias")


def begin(*, width=5, seed=0, shard=lambda model: model):
    torch.manual_seed(seed)
    model = shard(Net(width=width))
    named = dict(model.named_parameters())
    groups = [
        ParameterGroup(name, rate, tuple(named[weight] for weight in weights), weights)
        for name, rate, weights in [("adapters", 1.0e-2, TRAINED[:1]), ("projector", 1.0e-1, TRAINED[1:])]
    ]
    return model, MasterAdamW(groups, weight_decay=0.1)


def train(model, optimizer, steps):
    for step in steps:
        inputs = torch.randn(3, 4, generator=torch.Generator().manual_seed(step))
        model(inputs).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def contents(model, optimizer):
    weights = {f"weight:{name}": weight for name, weight in model.named_parameters()}
    return {name: tensor.detach().clone() for name, tensor in (weights | optimizer.state()).items()}


def differences(one, other):
    """Names of what is not the same bit for bit."""
    return sorted(
        name
        for name in one.keys() | other.keys()
        if name not in one or name not in other or one[name].dtype != other[name].dtype
        or not torch.equal(one[name], other[name])
    )  # fmt: skip


def save(folder, *steps_and_losses, key="run", keep=2):
    """Save the net as it is after each of the steps; return what the last one had."""
    model, optimizer = begin()
    checkpoints = Checkpoints(folder, key=key, keep=keep)
    done = 0
    for step, loss in steps_and_losses:
        train(model, optimizer, range(done, step))
        checkpoints.save(model, optimizer, step=step, mean_loss=loss)
        done = step
    return contents(model, optimizer)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def latest(folder, *, key="run"):
    return Checkpoints(folder, key=key, keep=2).load_latest(*begin(seed=1))


# --- what comes back -----------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_from_a_checkpoint_equals_one_that_was_never_stopped(tmp_path):
    model, optimizer = begin()
    train(model, optimizer, range(6))

    save(tmp_path, (3, 1.0))
    resumed, its_optimizer = begin()
    train(resumed, its_optimizer, range(50, 52))  # what it has learnt elsewhere is to be forgotten
    assert Checkpoints(tmp_path, key="run", keep=2).load_latest(resumed, its_optimizer) == 3
    train(resumed, its_optimizer, range(3, 6))

    assert differences(contents(model, optimizer), contents(resumed, its_optimizer)) == []


def test_loading_fills_the_very_weights_that_are_there_and_leaves_the_frozen_ones(tmp_path):
    stored = save(tmp_path, (2, 1.0))
    model, optimizer = begin(seed=1)
    before = dict(model.named_parameters())
    base = model.base.weight.clone()

    Checkpoints(tmp_path, key="run", keep=2).load_latest(model, optimizer)

    after = dict(model.named_parameters())
    assert all(after[name] is weight for name, weight in before.items())
    assert all(torch.equal(after[name], stored[f"weight:{name}"]) for name in TRAINED)
    assert torch.equal(model.base.weight, base)
    assert not torch.equal(base, stored["weight:base.weight"])


def test_a_file_says_whose_it_is_and_holds_the_trained_weights_alone(tmp_path):
    save(tmp_path, (7, 0.1 + 0.2))

    with safe_open(tmp_path / "step-00000007.safetensors", framework="pt") as stored:
        assert stored.metadata() == {"format": "1", "key": "run", "step": "7", "mean_loss": "0.30000000000000004"}
        weights = {name for name in stored.keys() if name.startswith("weight:")}  # noqa: SIM118
    assert weights == {f"weight:{name}" for name in TRAINED}


def test_an_empty_folder_and_one_that_is_not_there_begin_at_step_0(tmp_path):
    assert latest(tmp_path) == 0
    assert latest(tmp_path / "nowhere") == 0
    assert best(tmp_path) is None
    assert best(tmp_path / "nowhere") is None
    assert names(tmp_path) == []


# --- what stays ----------------------------------------------------------------------------------------------------


def test_the_last_ones_stay_and_the_one_of_the_lowest_loss_the_earlier_of_two(tmp_path):
    seen = []
    model, optimizer = begin()
    checkpoints = Checkpoints(tmp_path, key="run", keep=2)
    for step, loss in [(1, 3.0), (2, 1.0), (3, 2.0), (4, 1.0), (5, 4.0), (6, 0.5)]:
        checkpoints.save(model, optimizer, step=step, mean_loss=loss)
        seen.append([int(name[5:13]) for name in names(tmp_path)])

    assert seen == [[1], [1, 2], [2, 3], [2, 3, 4], [2, 4, 5], [5, 6]]
    assert best(tmp_path) == tmp_path / "step-00000006.safetensors"


def test_steps_are_ordered_as_numbers_where_names_get_longer(tmp_path):
    save(tmp_path, (9, 2.0), (10, 2.0), (100, 2.0), keep=1)

    assert names(tmp_path) == ["step-00000009.safetensors", "step-00000100.safetensors"]
    assert latest(tmp_path) == 100


def test_keeping_none_is_an_error(tmp_path):
    with pytest.raises(ParamsError, match="keep is 0: a run needs at least 1"):
        Checkpoints(tmp_path, key="run", keep=0)


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "steps.jsonl").write_text("{}\n")
    (tmp_path / "step-1.safetensors").write_text("not eight digits")

    save(tmp_path, (1, 1.0), (2, 2.0), (3, 3.0), keep=1)

    assert names(tmp_path) == [
        "step-00000001.safetensors", "step-00000003.safetensors", "step-1.safetensors", "steps.jsonl",
    ]  # fmt: skip


# --- another run's -------------------------------------------------------------------------------------------------


def test_a_checkpoint_of_other_settings_is_not_taken_and_goes_only_when_the_new_run_has_one(tmp_path, capsys):
    save(tmp_path, (8, 0.1), (9, 0.2), key="old")
    model, optimizer = begin()
    before = contents(model, optimizer)
    checkpoints = Checkpoints(tmp_path, key="new", keep=2)

    assert checkpoints.load_latest(model, optimizer) == 0
    assert "step-00000009.safetensors: made from other data or settings; starting anew" in capsys.readouterr().out
    assert differences(contents(model, optimizer), before) == []
    assert names(tmp_path) == ["step-00000008.safetensors", "step-00000009.safetensors"]

    with no_file_above(100), pytest.raises(ModelError, match="begin anew, as it has no checkpoint yet"):
        checkpoints.save(model, optimizer, step=1, mean_loss=5.0)
    assert names(tmp_path) == ["step-00000008.safetensors", "step-00000009.safetensors"]

    checkpoints.save(model, optimizer, step=1, mean_loss=5.0)
    assert names(tmp_path) == ["step-00000001.safetensors"]


def test_between_the_first_save_of_a_new_run_and_the_tidying_up_the_new_run_counts(tmp_path):
    save(tmp_path / "old", (9, 0.1), key="old")
    save(tmp_path, (1, 5.0), key="new")
    shutil.copy2(tmp_path / "old" / "step-00000009.safetensors", tmp_path)  # as a kill just before it leaves it

    assert latest(tmp_path, key="new") == 1
    assert best(tmp_path) == tmp_path / "step-00000001.safetensors"


# --- half-written files --------------------------------------------------------------------------------------------


def lengths_of_a_part(file):
    """One of each kind: nothing, in the header's length, in the header, after it, in the tensors, one byte short."""
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    size = file.stat().st_size
    return [0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, (header + size) // 2, size - 1]


def test_a_file_cut_off_anywhere_is_passed_over_for_the_one_before_it(tmp_path, capsys):
    stored = save(tmp_path, (3, 1.0))
    save(tmp_path, (5, 2.0))
    file = tmp_path / "step-00000005.safetensors"
    whole = file.read_bytes()
    assert latest(tmp_path) == 5

    for length in lengths_of_a_part(file):
        file.write_bytes(whole[:length])
        model, optimizer = begin()

        assert Checkpoints(tmp_path, key="run", keep=2).load_latest(model, optimizer) == 3, length
        assert differences(contents(model, optimizer), stored) == [], length
        assert "step-00000005.safetensors: no whole checkpoint, so it is passed over" in capsys.readouterr().out
        assert best(tmp_path) == tmp_path / "step-00000003.safetensors"
        with pytest.raises(ModelError, match=r"step-00000005\.safetensors: no whole checkpoint \(.+\); take one that"):
            load_weights(begin()[0], file)


def test_a_file_with_something_behind_its_end_is_passed_over(tmp_path):
    save(tmp_path, (3, 1.0), (5, 2.0))
    with (tmp_path / "step-00000005.safetensors").open("ab") as stream:
        stream.write(b"\0")

    assert latest(tmp_path) == 3


def test_where_no_file_is_whole_the_run_begins_anew_and_its_first_save_clears_them_away(tmp_path):
    save(tmp_path, (3, 1.0), (5, 2.0))
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-1])

    assert latest(tmp_path) == 0
    save(tmp_path, (1, 1.0))
    assert names(tmp_path) == ["step-00000001.safetensors"]


def test_what_was_being_written_is_never_loaded_and_goes_with_the_next_save(tmp_path):
    save(tmp_path, (3, 1.0))
    shutil.copytree(tmp_path, tmp_path / ".draft")
    (tmp_path / ".draft" / "step-00000003.safetensors").rename(tmp_path / ".draft" / "step-00000009.safetensors")
    (tmp_path / ".draft" / ".tmpX1y2Z3").write_bytes(b"what safetensors itself was writing")

    assert latest(tmp_path) == 3
    assert best(tmp_path) == tmp_path / "step-00000003.safetensors"
    save(tmp_path, (4, 1.0))
    assert names(tmp_path) == ["step-00000003.safetensors", "step-00000004.safetensors"]


# --- a disk without room -------------------------------------------------------------------------------------------


@contextmanager
def no_file_above(n_bytes):
    """The system refuses to let any file of this process grow further (Python ignores the signal that goes with it)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk():
    """A true disk of 64 KB, in a namespace that a process of its own holds open."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here, so no small disk")
    script = "mount -t tmpfs -o size=64k tmpfs /mnt && echo ready && read line"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        try:
            if holder.stdout.readline() != b"ready\n":
                pytest.skip("no mount namespaces here, so no small disk")
            yield Path(f"/proc/{holder.pid}/root/mnt")
        finally:
            holder.stdin.close()


def block(n_bytes):
    """A net whose one weight takes so many bytes in a checkpoint: no optimizer state, so nothing besides."""
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(n_bytes // 4))
    return model, MasterAdamW([ParameterGroup("all", 0.1, (model.weight,), ("weight",))], weight_decay=0.0)


def test_without_room_nothing_is_written_and_one_sentence_says_how_much_is_missing(small_disk):
    checkpoints = Checkpoints(small_disk, key="run", keep=2)
    checkpoints.save(*block(8_192), step=3, mean_loss=1.0)
    held = {file.name: file.read_bytes() for file in small_disk.iterdir()}
    n_free = shutil.disk_usage(small_disk).free
    assert 0 < n_free < 65_536

    with pytest.raises(ModelError) as caught:
        checkpoints.save(*block(1_000_000), step=56, mean_loss=1.0)

    assert str(caught.value) == (
        "step-00000056.safetensors cannot be written: there is not enough room; it needs 1,000,000 bytes, and "
        f"{small_disk} has {n_free:,} free; make room and start the run again: it will go on from step 3"
    )
    assert {file.name: file.read_bytes() for file in small_disk.iterdir()} == held


def test_a_disk_that_runs_full_in_the_middle_of_a_file_keeps_the_old_checkpoints(small_disk):
    checkpoints = Checkpoints(small_disk, key="run", keep=2)
    checkpoints.save(*block(8_192), step=3, mean_loss=1.0)
    held = {file.name: file.read_bytes() for file in small_disk.iterdir()}
    n_free = shutil.disk_usage(small_disk).free

    with pytest.raises(ModelError, match=r"No space left on device.* needs .* bytes, .* go on from step 3$"):
        checkpoints.save(*block(n_free), step=4, mean_loss=1.0)  # the tensors would fit, the header before them not

    assert {file.name: file.read_bytes() for file in small_disk.iterdir()} == held
    assert shutil.disk_usage(small_disk).free == n_free
    checkpoints.save(*block(8_192), step=4, mean_loss=1.0)
    assert checkpoints.load_latest(*block(8_192)) == 4


def test_a_file_the_system_cuts_off_is_an_error_and_the_old_checkpoints_stay(tmp_path):
    stored = save(tmp_path, (3, 1.0))
    size = (tmp_path / "step-00000003.safetensors").stat().st_size
    model, optimizer = begin(seed=1)
    train(model, optimizer, range(1))
    checkpoints = Checkpoints(tmp_path, key="run", keep=1)

    for limit in (1, 100, size // 2, size - 1):
        with no_file_above(limit), pytest.raises(ModelError, match=r"File too large.*go on from step 3$"):
            checkpoints.save(model, optimizer, step=4, mean_loss=0.5)

        assert names(tmp_path) == ["step-00000003.safetensors"]
    resumed = begin()
    assert checkpoints.load_latest(*resumed) == 3
    assert differences(contents(*resumed), stored) == []


# --- weights alone -------------------------------------------------------------------------------------------------


def test_the_weights_of_the_best_checkpoint_go_into_a_model_that_trains_nothing(tmp_path):
    stored = save(tmp_path, (1, 0.5))
    save(tmp_path, (2, 1.0), (3, 0.7))
    model = Net().requires_grad_(False).double()

    load_weights(model, best(tmp_path))

    assert best(tmp_path) == tmp_path / "step-00000001.safetensors"
    for name in TRAINED:
        assert torch.equal(model.get_parameter(name), stored[f"weight:{name}"].double()), name
        assert model.get_parameter(name).dtype == torch.float64


def test_weights_of_another_model_are_an_error_that_names_them_and_changes_nothing(tmp_path):
    save(tmp_path, (1, 0.5))
    file = best(tmp_path)
    wider = Net(width=6)
    before = {name: weight.detach().clone() for name, weight in wider.named_parameters()}

    with pytest.raises(ModelError, match=r"in another shape, 'adapter\.weight', 'projector\.weight'; take the model"):
        load_weights(wider, file)
    assert all(torch.equal(weight, before[name]) for name, weight in wider.named_parameters())
    with pytest.raises(ModelError, match=r"without 'base\.bias', 'base\.weight' of the trained weights"):
        load_weights(Net().requires_grad_(True), file)
    with pytest.raises(ModelError, match=r"the model has not, or in another shape, 'adapter\.weight', "):
        load_weights(nn.Linear(2, 2).requires_grad_(False), file)
    with pytest.raises(ModelError, match=r"nowhere\.safetensors: no whole checkpoint"):
        load_weights(Net(), tmp_path / "nowhere.safetensors")


# --- processes of their own ----------------------------------------------------------------------------------------


def start(function, *arguments):
    """Run one of this module's functions in a fresh process."""
    call = f"import test_resume; test_resume.{function.__name__}(*{tuple(map(str, arguments))!r})"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", call],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process):
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-3000:]
    return json.loads(out.splitlines()[-1])


N_LARGE = 350_000
"""Weights of 14 bytes each with master and moments: checkpoints of 5 MB."""


def large(step=None):
    """A model and its optimizer, every number of which tells the step."""
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(N_LARGE, dtype=torch.bfloat16))
    optimizer = MasterAdamW([ParameterGroup("all", 0.1, (model.weight,), ("weight",))], weight_decay=0.0)
    if step is not None:
        values = torch.arange(4.0 * N_LARGE).add(1).mul(step).view(4, N_LARGE)
        model.weight.data.copy_(values[0])
        names = ("master:weight", "exp_avg:weight", "exp_avg_sq:weight")
        state = dict(zip(names, values[1:], strict=True))
        optimizer.load_state(state | {"step:weight": torch.tensor(float(step))})
    return model, optimizer


def save_again_and_again(folder, told):
    """Tell when the saving begins, and after each save."""
    checkpoints = Checkpoints(folder, key="run", keep=2)
    first = checkpoints.load_latest(*large()) + 1
    os.write(told, b".")
    for step in itertools.count(first):
        checkpoints.save(*large(step), step=step, mean_loss=10.0 - step % 3)
        os.write(told, b".")


def kill_while_saving(folder, n_kills):
    """Print for each kill: the step that is loaded then, whether it is whole, whether a file was being written.

    A kill comes at random within the time of two saves; each second one in the first save of a process.
    """
    folder, drawn, kills, seconds = Path(folder), random.Random(0), [], 0.01
    for number in range(int(n_kills)):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            save_again_and_again(folder, told)
        os.close(told)
        os.read(heard, 1)
        if number % 2:
            os.read(heard, 1)
            started = time.monotonic()
            os.read(heard, 1)
            seconds = time.monotonic() - started
        time.sleep(drawn.uniform(0.0, 2.0 if number % 2 else 1.0) * seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        writing = (folder / ".draft").exists()
        loaded = large()
        step = Checkpoints(folder, key="run", keep=2).load_latest(*loaded)
        whole = step == 0 or differences(contents(*loaded), contents(*large(step))) == []
        kills.append({"step": step, "whole": whole, "writing": writing, "files": len(list(folder.glob("step-*")))})
        os.close(heard)
    print(json.dumps(kills))


def test_however_a_run_is_killed_a_whole_checkpoint_is_there_bit_for_bit(tmp_path):
    kills = finish(start(kill_while_saving, tmp_path, 24))

    steps = [kill["step"] for kill in kills]
    assert len(kills) == 24
    assert all(kill["whole"] for kill in kills)
    assert steps == sorted(steps)  # what is on the disk stays there
    assert steps[-1] >= 24  # the run went on between the kills
    assert sum(kill["writing"] for kill in kills) >= 3  # some hit a file that was being written
    assert max(kill["files"] for kill in kills) <= 2 + 1 + 1  # the last two, the best, and one to be removed


def two_processes(folder):
    """Print what each of two processes saw; their parent has imported everything and computed nothing."""
    folder = Path(folder)
    children = [os.fork() or one_of_two(rank, folder) for rank in (0, 1)]
    if any(os.waitpid(child, 0)[1] for child in children):
        sys.exit("one of the two failed")
    print(json.dumps([json.loads((folder / f"seen{rank}.json").read_text()) for rank in (0, 1)]))


def one_of_two(rank, folder):
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))

    def sharded(model):
        for part in (model.base, model.adapter, model.projector):
            fully_shard(part, mesh=mesh)
        return fully_shard(model, mesh=mesh)

    @torch.no_grad()
    def look(model):
        """After which FSDP holds whole weights."""
        model(torch.ones(1, 4))
        return model.projector.weight

    def steps_of_this_process(first, last):
        return range(100 * rank + first, 100 * rank + last)

    seen = {}
    whole = Checkpoints(folder / "whole", key="run", keep=2)
    model, optimizer = begin(shard=sharded)
    train(model, optimizer, steps_of_this_process(0, 3))
    whole.save(model, optimizer, step=3, mean_loss=1.0)
    seen["shards"] = [
        list(dict(model.named_parameters())[name].to_local().shape) for name in ("adapter.weight", "projector.bias")
    ]
    shutil.copytree(folder / "whole", folder / f"view{rank}")
    train(model, optimizer, steps_of_this_process(3, 6))
    whole.save(model, optimizer, step=6, mean_loss=1.0)

    if rank == 1:  # this one sees a later checkpoint that the first does not see
        shutil.copy2(folder / "whole" / "step-00000006.safetensors", folder / "view1")
    model, optimizer = begin(shard=sharded)
    train(model, optimizer, range(50, 52))  # what it has learnt elsewhere is to be forgotten
    seen["agreed"] = Checkpoints(folder / f"view{rank}", key="run", keep=2).load_latest(model, optimizer)
    seen["still sharded"] = all(isinstance(weight, DTensor) for weight in model.parameters())
    train(model, optimizer, steps_of_this_process(3, 6))
    Checkpoints(folder / f"resumed{rank}", key="run", keep=2).save(model, optimizer, step=6, mean_loss=1.0)

    model, optimizer = begin(seed=1, shard=sharded)
    model.projector.set_reshard_after_forward(False)
    seen["whole after a look"] = not isinstance(look(model), DTensor)
    seen["from one process"] = Checkpoints(folder / "single", key="run", keep=2).load_latest(model, optimizer)
    model.projector.reshard()  # whole copies are gone with the next step: what was loaded must be in the shards
    Checkpoints(folder / f"from_single{rank}", key="run", keep=2).save(model, optimizer, step=3, mean_loss=1.0)

    with no_file_above(100 if rank == 0 else resource.RLIM_INFINITY):
        try:
            whole.save(model, optimizer, step=7, mean_loss=1.0)
        except ModelError as error:
            seen["error"] = str(error)
    replicas = begin()
    Checkpoints(folder / f"replicas{rank}", key="run", keep=2).save(*replicas, step=1, mean_loss=1.0)
    (folder / f"seen{rank}.json").write_text(json.dumps(seen))
    distributed.destroy_process_group()
    sys.exit()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What two processes saw, and the folder they worked in."""
    folder = tmp_path_factory.mktemp("pair")
    save(folder / "single", (3, 1.0))
    return folder, finish(start(two_processes, folder))


def test_two_processes_with_sharded_weights_go_on_as_if_never_stopped(pair):
    folder, seen = pair

    assert [one["shards"] for one in seen] == [[[3, 6], [1]], [[2, 6], [0]]]  # uneven, and one that is empty
    assert all(one["still sharded"] for one in seen)
    whole = load_file(folder / "whole" / "step-00000006.safetensors")
    assert differences(whole, load_file(folder / "resumed0" / "step-00000006.safetensors")) == []
    assert whole["weight:adapter.weight"].shape == (5, 6)
    assert torch.equal(whole["master:adapter.weight"].bfloat16(), whole["weight:adapter.weight"])
    assert whole["step:projector.bias"].item() == 6


def test_two_processes_load_what_the_first_one_chose_even_where_the_other_sees_more(pair):
    folder, seen = pair

    assert "step-00000006.safetensors" in names(folder / "view1")
    assert [one["agreed"] for one in seen] == [3, 3]


def test_only_the_first_process_writes(pair):
    folder, _ = pair

    for name in ("resumed", "from_single", "replicas"):
        assert (folder / f"{name}0").is_dir()
        assert not (folder / f"{name}1").exists()


def test_a_checkpoint_of_one_process_serves_two_and_the_other_way_round(pair):
    folder, seen = pair
    single = load_file(folder / "single" / "step-00000003.safetensors")

    assert all(one["whole after a look"] for one in seen)
    assert [one["from one process"] for one in seen] == [3, 3]
    assert differences(single, load_file(folder / "from_single0" / "step-00000003.safetensors")) == []

    model, optimizer = begin(seed=1)
    assert Checkpoints(folder / "whole", key="run", keep=2).load_latest(model, optimizer) == 6
    stored = load_file(folder / "whole" / "step-00000006.safetensors")
    loaded = {name: tensor for name, tensor in contents(model, optimizer).items() if name in stored}
    assert differences(loaded, stored) == []


def test_where_the_first_process_cannot_write_both_stop_with_the_same_sentence(pair):
    _, (first, second) = pair

    assert "step-00000007.safetensors cannot be written: " in first["error"]
    assert first["error"].endswith("it will go on from step 6")
    assert second["error"] == first["error"]
