import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.plan.assumed import MARKERS, Remark, assumed_markdown, remarks, with_assumed

PROFILE = """# a remark of the file
params:
  run:
    kind: {kind} # local: for this test
    seed: 0 # assumed: no seed is given
  stage1:
    epochs: 1 # paper: Table 11
    max_grad_norm: 1.0 # assumed: no seed is given
  model: {{dtype: float32}}
"""


def test_every_value_is_read_with_its_remark_and_one_without_is_empty(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(PROFILE.format(kind="paper"))

    assert remarks(file) == [
        Remark("run.kind", "paper", "local", "for this test"),
        Remark("run.seed", "0", "assumed", "no seed is given"),
        Remark("stage1.epochs", "1", "paper", "Table 11"),
        Remark("stage1.max_grad_norm", "1.0", "assumed", "no seed is given"),
        Remark("model.dtype", "float32", "", ""),
    ]


def test_values_with_one_reason_share_a_row_and_only_paper_profiles_are_listed(tmp_path):
    (tmp_path / "mine.yaml").write_text(PROFILE.format(kind="paper"))
    (tmp_path / "yours.yaml").write_text(PROFILE.format(kind="paper"))
    (tmp_path / "smoke.yaml").write_text(PROFILE.format(kind="smoke"))

    rows = assumed_markdown(tmp_path).strip().splitlines()

    assert rows[2:] == ["| no seed is given | run.seed: 0, stage1.max_grad_norm: 1.0 | mine, yours |"]


def test_what_the_scripts_leave_open_is_listed():
    table = assumed_markdown()

    assert "| not set in the scripts; the default of LLaVA's training code | stage2.lora_dropout: 0.05 |" in table
    assert "stage2.lora_r: 8, stage2.lora_alpha: 16" in table  # of the 70B, whose recipe nobody published


def test_the_readme_lists_the_assumed_values_of_today(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")

    assert with_assumed(readme) == readme, "a profile changed: write with_assumed(readme) to README.md"


def test_a_readme_without_the_markers_is_refused():
    with pytest.raises(DataError, match=r"1 times .* and 0 times"):
        with_assumed(MARKERS[0])
