import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet


def pins(text: str) -> dict[str, str]:
    """Name and version of each line of a lock file."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {canonical(name): version for name, version in (line.split("==") for line in lines)}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def lock(repository):
    return pins((repository / "requirements.lock").read_text())


@pytest.fixture
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture
def makefile(repository):
    return (repository / "Makefile").read_text()


def test_every_dependency_is_locked_within_its_range(project, lock):
    wanted = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["test"])]

    wrong = [
        f"{requirement} but locked {lock.get(canonical(requirement.name))}"
        for requirement in wanted
        if not requirement.specifier.contains(lock.get(canonical(requirement.name), "0"), prereleases=True)
    ]

    assert not wrong, f"make requirements.lock and pyproject.toml agree: {wrong}"


def test_what_is_installed_here_is_what_is_locked(lock):
    import importlib.metadata

    installed = {canonical(d.metadata["Name"]): d.version.split("+")[0] for d in importlib.metadata.distributions()}
    wrong = {name: installed.get(name) for name, version in lock.items() if installed.get(name) != version}

    assert not wrong, f"not the locked versions, `make install` installs them: {wrong}"


def test_the_lock_names_torch_without_a_build(lock):
    assert lock["torch"] == "2.13.0"


def test_the_lock_can_install_this_package_without_a_network(lock, repository):
    build = tomllib.loads((repository / "pyproject.toml").read_text())["build-system"]["requires"]

    assert [Requirement(text).name for text in build] == ["setuptools"]
    assert Requirement(build[0]).specifier.contains(lock["setuptools"])


def test_conda_users_get_the_locked_versions(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    by_conda = [part for part in environment["dependencies"] if isinstance(part, str)]
    by_pip = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))

    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert by_conda == ["python=3.12", "pip"]
    assert SpecifierSet(project["requires-python"]).contains("3.12")
    assert by_pip == ["-r requirements.lock", "-e ."], "pin nothing here: versions stand in requirements.lock only"


@pytest.mark.parametrize("target", ["help", "reproduce", "test", "lab", "base", "refresh", "clean", "install"])
def test_make_knows_its_targets(repository, makefile, target):
    done = subprocess.run(["make", "-n", target], cwd=repository, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert re.search(rf"^\t@echo .*make {target}\b", makefile, re.MULTILINE) or target == "help"


def test_the_cpu_build_of_torch_can_be_asked_for(repository):
    dry = ["make", "-n", "-B", "install"]

    plain = subprocess.run(dry, cwd=repository, capture_output=True, text=True, check=True).stdout
    on_cpu = subprocess.run([*dry, "TORCH=cpu"], cwd=repository, capture_output=True, text=True, check=True).stdout

    assert "download.pytorch.org" not in plain
    assert on_cpu.index("https://download.pytorch.org/whl/cpu") < on_cpu.index("-r requirements.lock")


def test_make_without_a_target_explains_itself(repository):
    done = subprocess.run(["make"], cwd=repository, capture_output=True, text=True, check=True)

    assert "make reproduce" in done.stdout
    assert "TORCH=cpu" in done.stdout


def test_continuous_integration_is_make_test(repository):
    script = repository / ".ci" / "run"

    assert script.stat().st_mode & 0o111, "chmod +x .ci/run"
    assert "set -eu" in script.read_text()
    assert "make test" in script.read_text()


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("outputs/demo/03_stage1_alignment/run.json", True),
        ("outputs/nbval/demo/x", True),
        ("outputs/reference/table_05.csv", False),
        (".venv/bin/python", True),
        ("bimedix2_core/demo/base/model.safetensors", False),
        ("notebooks/.ipynb_checkpoints/x.ipynb", True),
        ("bimedix2_core/__pycache__/x.pyc", True),
        ("bimedix2_core.egg-info/PKG-INFO", True),
    ],
)
def test_runs_write_to_ignored_folders_only(repository, path, ignored):
    done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", path], cwd=repository, check=False)
    if done.returncode == 128:
        pytest.skip("not a git repository")

    assert (done.returncode == 0) == ignored


def test_the_licence_is_the_whole_of_apache_2(repository, project):
    text = (repository / "LICENSE").read_text()

    assert project["license"] == "Apache-2.0"
    assert text.split()[:6] == ["Apache", "License", "Version", "2.0,", "January", "2004"]
    assert [f"\n   {n}. " in text for n in range(1, 10)] == [True] * 9
    assert "END OF TERMS AND CONDITIONS" in text


def test_both_papers_can_be_cited(repository):
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())

    papers = {paper["identifiers"][0]["value"]: paper for paper in citation["references"]}
    # 11 authors of BiMediX2: paper v2; 7 of BiMediX: the official README
    assert {number: len(paper["authors"]) for number, paper in papers.items()} == {
        "arXiv:2412.07769": 11,
        "arXiv:2402.13253": 7,
    }
    assert papers["arXiv:2412.07769"]["authors"][0]["family-names"] == "Mullappilly"
    assert papers["arXiv:2402.13253"]["authors"][0]["family-names"] == "Pieri"


def test_data_files_of_the_core_are_packaged(repository):
    patterns = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    core = repository / "bimedix2_core"
    packaged = {file for pattern in patterns["bimedix2_core"] for file in core.glob(pattern)}
    files = {
        file
        for file in core.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"} and not file.name.startswith(".")
    }

    assert files <= packaged, f"add their pattern to package-data in pyproject.toml: {files - packaged}"
