import json

import pytest
import tiny
import torch
import training_processes as processes
from accelerate.commands.launch import launch_command_parser
from accelerate.utils.launch import prepare_simple_launcher_cmd_env
from safetensors.torch import load_file

from bimedix2_core.errors import ParamsError
from bimedix2_core.model.checkpoints import load_adapter
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.loop import plan_of, working
from bimedix2_core.training.tokenised import tokenise


def trained(folder, stage, *, count=1, **options):
    """Train in so many processes; the folder, once all have ended well."""
    assert processes.run("train", stage, folder, count=count, **options) == [0] * count
    return folder


def records(folder):
    return [json.loads(line) for line in (working(folder) / "steps.jsonl").read_text().splitlines()]


def losses(folder):
    """Of each step: all losses and the gradient's norm."""
    return {
        (record["step"], name): value
        for record in records(folder)
        for name, value in (record["losses"] | {"all": record["loss"], "norm": record["gradient_norm"]}).items()
    }


def saved(folder):
    (file,) = [file for file in folder.glob("*.safetensors") if "weights" not in file.name]
    return load_file(file)


def weights(folder, rank):
    return load_file(folder / f"weights-{rank}.safetensors")


def assert_close(one, other, *, atol):
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, rtol=0, atol=atol)


def assert_same_training(one, other, *, loss=1.0e-5, weight=1.0e-5):
    assert losses(other) == pytest.approx(losses(one), rel=0, abs=loss)
    assert_close(saved(one), saved(other), atol=weight)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Both stages, each in one process."""
    folder = tmp_path_factory.mktemp("alone")
    return {stage: trained(folder / str(stage), stage) for stage in (1, 2)}


def test_the_steps_of_these_tests_leave_a_process_idle_and_set_text_beside_images(tmp_path):
    samples = tiny.mixed_samples(processes.N_SAMPLES)
    settings = tiny.stage2_settings(**processes.SETTINGS)
    lmm = tiny.tiny_lmm()
    data = tokenise(samples, lmm, max_length=120, too_long="error", folder=tmp_path, workers=0)
    plan = plan_of(data, settings, seed=0)

    steps = [[any(samples[i].images for tree in row for i in tree.samples) for row in plan.rows(step)]
             for step in range(plan.n_steps)]  # fmt: skip

    assert any(len(rows) % 2 for rows in steps)
    assert any(len(rows) > 2 for rows in steps)
    assert any(one != other for rows in steps for one, other in zip(rows[::2], rows[1::2], strict=False))


@pytest.mark.parametrize(
    ("stage", "sharding", "options"),
    [
        (1, "none", {}),
        (1, "full", {}),
        (2, "none", {}),
        (2, "full", {}),
        (2, "full", {"activation_checkpointing": "layers"}),
    ],
)
def test_two_processes_learn_what_one_learns(alone, tmp_path, stage, sharding, options):
    together = trained(tmp_path, stage, count=2, sharding=sharding, **options)

    assert_same_training(alone[stage], together)
    assert_close(weights(together, 0), weights(together, 1), atol=0)


@pytest.mark.parametrize("sharding", ["none", "full"])
def test_two_processes_teach_a_mixture_of_experts_what_one_does(tmp_path, sharding):
    for folder, options in ((tmp_path / "alone", {}), (tmp_path / "both", {"count": 2, "sharding": sharding})):
        count = options.get("count", 1)
        assert processes.run("mixture", folder, **options) == [0] * count

    assert_same_training(tmp_path / "alone", tmp_path / "both")
    assert_close(weights(tmp_path / "both", 0), weights(tmp_path / "both", 1), atol=0)


@pytest.mark.parametrize(("dtype", "frozen_base"), [("bfloat16", "plain"), ("float32", "fp8")])
def test_adapters_in_float32_are_spread_beside_a_base_of_16_and_of_8_bits(tmp_path, dtype, frozen_base):
    options = {"dtype": dtype, "frozen_base": frozen_base, "max_steps": 2}

    alone = trained(tmp_path / "alone", 2, **options)
    spread = trained(tmp_path / "spread", 2, count=2, sharding="full", **options)

    assert_same_training(alone, spread, loss=3.0e-3, weight=3.0e-3)
    assert {weight.dtype for name, weight in saved(spread).items() if "lora" in name} == {torch.float32}


def test_weights_in_4_bits_are_not_spread(tmp_path):
    assert processes.run("refused_to_spread", tmp_path, count=2) == [0, 0]

    assert "set run.sharding to none (in 4 bits a 70B fits into one device)" in (tmp_path / "refused-1.txt").read_text()


def test_what_is_spread_is_saved_as_any_adapter(alone, tmp_path):
    together = trained(tmp_path, 2, count=2, sharding="full")

    one, other = (load_adapter(tiny.tiny_lmm(), folder).model.state_dict() for folder in (alone[2], together))

    assert_close(one, other, atol=1e-5)
    assert any("lora_B" in name and weight.any() for name, weight in other.items())


def test_the_number_of_processes_is_checked():
    devices = Devices(torch.device("cpu"))

    devices.check_count(1)
    devices.check_count(None)
    with pytest.raises(ParamsError, match=r"1 process runs, 2 were asked for; .* `torchrun --nproc-per-node 2 -m"):
        devices.check_count(2)


def test_that_accelerates_launcher_starts_a_single_process_on_cpus_is_noticed(monkeypatch):
    given = (
        "--cpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no -m bimedix2_core.training"
    )
    _, environment = prepare_simple_launcher_cmd_env(launch_command_parser().parse_args(given.split()))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ParamsError, match="1 process runs, several were asked for"):
        Devices(torch.device("cpu")).check_count()


def test_a_launcher_whose_processes_did_not_find_one_another_is_noticed(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")

    with pytest.raises(ParamsError, match="1 process runs, 4 were asked for"):
        Devices(torch.device("cpu")).check_count()
