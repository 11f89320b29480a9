"""Results of one model as cells: the card says what was asked, by whom it was graded, and how many count."""

import dataclasses

import pytest
from runs_made import run_of

from bimedix2_core import __version__
from bimedix2_core.bench.task import Result
from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper.answered import Answered, result_cells
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import Demo, Reproduced
from bimedix2_core.records import Row, message
from bimedix2_core.statistics import Estimate

ROWS = tuple(
    Row(str(n), "en", "vqa", "made up", [message("user", f"Question {n}?"), message("assistant", "yes")], answer="yes")
    for n in range(5)
)
ANSWERED = Answered("bimedix2_8b", "a set", ROWS, "prompts", "weights", {"temperature": 0.0}, "a judge, prompts 1")
RESULT = Result("relative score", "mean of ratios; judge a judge, prompts 1", "all", "en",
                Estimate(0.5, 0.4, 0.6, 3), n_unscored=2)  # fmt: skip


def cells_of(tmp_path, answered=ANSWERED, result=RESULT, profile="demo", column="overall"):
    return result_cells(run_of(profile, tmp_path), exhibit("table03"), answered, {column: result})


def test_a_cell_has_its_number_in_the_unit_of_its_column_and_counts_what_is_unscored(tmp_path):
    (cell,) = cells_of(tmp_path)

    assert (cell.row, cell.column) == ("bimedix2_8b", "overall")
    assert (cell.value, cell.low, cell.high) == (50.0, 40.0, 60.0)
    assert (cell.n, cell.n_unscored, cell.card.n) == (3, 2, 5)


def test_the_card_names_metric_definition_judge_weights_and_settings(tmp_path):
    (cell,) = cells_of(tmp_path)

    assert cell.card.definition == "relative score, mean of ratios; judge a judge, prompts 1"
    assert cell.card.judge == "a judge, prompts 1"
    assert (cell.card.dataset, cell.card.prompt_hash, cell.card.model_fingerprint) == ("a set", "prompts", "weights")
    assert cell.card.decoding == {"temperature": 0.0}
    assert cell.card.scorer == f"bimedix2_core {__version__}"


@pytest.mark.parametrize(("profile", "kind"), [("demo", Demo), ("gpu_smoke", Demo), ("paper_8b", Reproduced)])
def test_only_a_paper_run_makes_a_cell_that_may_stand_beside_a_reported_number(tmp_path, profile, kind):
    (cell,) = cells_of(tmp_path, profile=profile)

    assert type(cell) is kind
    assert cell.card.profile == profile


def test_other_questions_have_another_split_and_another_wording_another_revision_only(tmp_path):
    reworded = dataclasses.replace(ROWS[0], messages=[message("user", "Else?"), ROWS[0].messages[1]])
    (cell,) = cells_of(tmp_path)
    (fewer,) = cells_of(tmp_path, dataclasses.replace(ANSWERED, rows=ROWS[1:]))
    (other,) = cells_of(tmp_path, dataclasses.replace(ANSWERED, rows=(reworded, *ROWS[1:])))

    assert fewer.card.split_hash != cell.card.split_hash
    assert fewer.card.dataset_revision != cell.card.dataset_revision
    assert other.card.split_hash == cell.card.split_hash
    assert other.card.dataset_revision != cell.card.dataset_revision


def test_a_model_without_judge_has_none_on_its_card(tmp_path):
    (cell,) = cells_of(tmp_path, Answered("m", "a set", ROWS, "prompts", "weights", {}))

    assert cell.card.judge is None


def test_a_column_that_the_exhibit_lacks_and_a_number_of_nothing_are_refused(tmp_path):
    with pytest.raises(PaperError, match="closed"):
        cells_of(tmp_path, column="closed")
    with pytest.raises(DataError, match="at least one sample"):
        cells_of(tmp_path, result=dataclasses.replace(RESULT, estimate=Estimate(0.0, 0.0, 0.0, 0), n_unscored=0))


def test_no_result_makes_no_cell(tmp_path):
    assert result_cells(run_of("demo", tmp_path), exhibit("table03"), ANSWERED, {}) == []
