"""What all tests share: the runners' environment, and an outputs folder of their own."""

import os
from pathlib import Path

import pytest

from bimedix2_core.params import root
from bimedix2_core.runs import DEMO_ENVIRONMENT, QUIET_ENVIRONMENT, RUNNER_ENVIRONMENT

os.environ.update(RUNNER_ENVIRONMENT | DEMO_ENVIRONMENT | QUIET_ENVIRONMENT)
os.environ.pop("BIMEDIX2_PARAMS", None)


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch) -> Path:
    """Where this test's runs write."""
    folder = tmp_path / "outputs"
    monkeypatch.setenv("BIMEDIX2_OUTPUTS", str(folder))
    return folder


@pytest.fixture
def repository() -> Path:
    """Folder of the repository."""
    return root()
