"""A run of the demo and one of a paper profile, without torch: what a notebook's cells are made in."""

import time
from pathlib import Path

from bimedix2_core.params import load_params
from bimedix2_core.runs import Run


def run_of(profile: str, folder: Path) -> Run:
    """A run of ``demo``, ``paper_8b`` or any other profile that has just begun."""
    params = load_params(f"params/{profile}.yaml", environment={})
    return Run(
        "00_made_for_a_test", params, {}, folder / "notebook", folder, "2026-11-21T00:00:00+00:00", time.monotonic()
    )
