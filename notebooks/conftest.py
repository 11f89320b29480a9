"""The environment of `pytest --nbval notebooks/`, which kernels inherit; tests/conftest.py is not loaded there."""

import os

from bimedix2_core.params import root
from bimedix2_core.runs import DEMO_ENVIRONMENT, QUIET_ENVIRONMENT, RUNNER_ENVIRONMENT

os.environ.update(RUNNER_ENVIRONMENT | DEMO_ENVIRONMENT | QUIET_ENVIRONMENT)
os.environ.setdefault("BIMEDIX2_OUTPUTS", str(root() / "outputs" / "nbval"))
os.environ.pop("BIMEDIX2_PARAMS", None)
