import torch

from bimedix2_core import environment
from bimedix2_core.environment import Package, Readiness, missing_for, packages, profiles, weights, worth_showing
from bimedix2_core.params import load_params


def test_a_locked_package_is_compared_with_what_is_installed(tmp_path):
    version = torch.__version__.split("+")[0]
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"# a remark\ntorch=={version}\nno-such-package==1.0\n")

    torch_here, absent = packages(lock)

    assert torch_here.agrees
    assert absent == Package("no-such-package", "1.0", "")
    assert not absent.agrees


def test_a_local_build_agrees_and_another_version_does_not():
    assert Package("torch", "2.13.0", "2.13.0+cpu").agrees
    assert not Package("torch", "2.13.0", "2.13.1").agrees


def test_a_package_that_differs_is_shown_even_if_nobody_asks_for_it():
    shown = worth_showing([Package("torch", "1", "1"), Package("zipp", "1", "1"), Package("six", "1", "2")])

    assert [package.name for package in shown] == ["torch", "six"]


def test_the_whole_lock_file_is_read(repository):
    lines = (repository / "requirements.lock").read_text().splitlines()

    assert len(packages()) == sum("==" in line and not line.startswith("#") for line in lines) > 50


def test_the_machine_has_cores_and_disk():
    machine = environment.machine()

    assert machine.cores >= 1
    assert machine.disk_free_gb > 0
    assert machine.offline  # tests/conftest.py says so


def test_what_the_paper_profile_lacks_is_named():
    missing = missing_for(load_params("params/paper_8b.yaml", environment={}), gpus=(), offline=True)

    assert "a GPU (run.device is cuda)" in missing
    assert any("meta-llama/Meta-Llama-3.1-8B-Instruct (not in the local cache" in phrase for phrase in missing)
    assert "the data data/BiMed-V/BiMed-V_stage2.json" in missing


def test_a_base_that_is_a_folder_is_looked_for_and_nothing_else_is_missing(tmp_path):
    params = load_params("params/demo.yaml", {"model": {"base": str(tmp_path)}}, environment={})
    assert missing_for(params, gpus=(), offline=True) == [f"the weights {tmp_path} (no such folder)"]

    (tmp_path / "config.json").write_text("{}")
    assert missing_for(params, gpus=(), offline=True) == []


def test_each_profile_is_listed_and_a_broken_one_says_why(tmp_path, repository):
    (tmp_path / "broken.yaml").write_text("params:\n  run: 3\n")
    (tmp_path / "demo.yaml").write_text((repository / "params" / "demo.yaml").read_text())

    broken, demo = profiles(tmp_path)

    assert (broken.profile, broken.can_run, broken.kind) == ("broken.yaml", False, "")
    assert "does not fit Params" in broken.missing[0]
    assert (demo.profile, demo.kind) == ("demo.yaml", "demo")


def test_a_profile_that_lacks_nothing_can_run():
    assert Readiness("x.yaml", "demo", ()).can_run
    assert not Readiness("x.yaml", "demo", ("a GPU",)).can_run


def test_finished_weights_are_each_named_once_and_random_ones_need_nothing():
    released = load_params("params/released_8b.yaml", environment={})
    smoke = load_params("params/gpu_smoke.yaml", environment={})

    assert weights(released) == ["MBZUAI/BiMediX2-8B", "MBZUAI/BiMediX2-8B-Bi"]
    assert missing_for(released, gpus=("a card",), offline=True) == [
        f"the weights {name} (not in the local cache, and HF_HUB_OFFLINE is set)" for name in weights(released)
    ]
    assert missing_for(smoke, gpus=("a card",), offline=True) == []
