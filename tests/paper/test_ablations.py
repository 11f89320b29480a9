"""Tables 9 and 10 from given scores: cells counted by hand, demo cells beside the paper's, floors that can fail."""

from dataclasses import replace

import pytest
from runs_made import run_of

from bimedix2_core.bench.clinical_qa.sets import TABLE2
from bimedix2_core.errors import DataError
from bimedix2_core.paper import ablations, clinical
from bimedix2_core.paper import mbench as shown
from bimedix2_core.paper.ablations import Ablated, SeedRun
from bimedix2_core.paper.answered import Answered
from bimedix2_core.paper.compare import compare
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import Demo, Reproduced, check_cells
from tests.bench.mbench.mbench_files import rows
from tests.bench.test_over_seeds import N, examined, judged

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

EN, AR, CLINICAL = "bimed_mbench_en_overall", "bimed_mbench_ar_overall", "clinical_llm_average"
STAGES = {"baseline": 2, "stage_1": 4, "stage_2": 8}
"""Marks of each stage, of 10."""


def seed_run(answer, right=None, *, language="en", key="weights"):
    asked = tuple(row for row in rows() if row.language == language)
    answered = Answered("of this seed", "BiMed-MBench", asked, "prompts", key, {"temperature": 0.0}, "j")
    return SeedRun(answered, judged(answer), None if right is None else replace(examined(right), model_key=key))


def stages(*, row="{}", seeds=(0,), right=None):
    """Rows of Table 9; seed 1 has one mark more than seed 0."""
    known = right or {"baseline": 3, "stage_1": 3, "stage_2": 4}
    return [
        Ablated(row.format(name), name, name.replace("_", " "),
                {seed: seed_run(mark + seed, known[name], key=f"weights {name} {seed}") for seed in seeds})
        for name, mark in STAGES.items()
    ]  # fmt: skip


def languages(*, model="bimedix2_8b", seeds=(0,)):
    """Rows of Table 10."""
    return [
        Ablated(f"{model}_{ending}", f"bimedix2_8b_{ending}", ending,
                {seed: seed_run(mark, language="ar") for seed in seeds})
        for ending, mark in (("eng", 3), ("ara", 5), ("bi", 6))
    ]  # fmt: skip


def cells(rows_, exhibit_id, folder, profile="demo"):
    return ablations.ablation_cells(run_of(profile, folder), exhibit(exhibit_id), rows_)


# --- cells ------------------------------------------------------------------------------------------------------------


def test_table_9_has_the_relative_score_and_the_clinical_average_of_each_stage(tmp_path):
    found = {(cell.row, cell.column): cell for cell in cells(stages(), "table09", tmp_path, "paper_8b")}

    assert {place: cell.value for place, cell in found.items()} == pytest.approx(
        {("baseline", EN): 20.0, ("stage_1", EN): 40.0, ("stage_2", EN): 80.0,
         ("baseline", CLINICAL): 75.0, ("stage_1", CLINICAL): 75.0, ("stage_2", CLINICAL): 100.0}
    )  # fmt: skip
    assert {cell.n for (_, column), cell in found.items() if column == EN} == {193}
    assert {cell.n for (_, column), cell in found.items() if column == CLINICAL} == {10 * N}


def test_two_seeds_make_one_cell_with_their_mean_and_their_number_on_its_card(tmp_path):
    found = {(cell.row, cell.column): cell for cell in cells(stages(seeds=(0, 1)), "table09", tmp_path, "paper_8b")}

    assert found["baseline", EN].value == pytest.approx(25.0)
    assert found["baseline", EN].n == 193
    assert found["baseline", EN].card.definition == "relative score, as published; judge j; mean of 2 seeds"
    assert found["baseline", CLINICAL].card.definition == "acc, protocol harness; mean of 2 seeds"
    prints = {cell.card.model_fingerprint for cell in found.values()}
    assert not any(one.startswith("weights") for one in prints)  # of both weights, not of one
    assert len(prints) == 3


def test_with_one_seed_a_cell_is_that_of_tables_2_and_3(tmp_path):
    (row,) = [row for row in stages() if row.row == "stage_2"]
    run, seed = run_of("paper_8b", tmp_path), row.seeds[0]
    table3 = shown.table_cells(
        run, exhibit("table03"), [seed.answered], shown.scored({"of this seed": seed.judged}), "en"
    )
    table2 = clinical.clinical_cells(run, exhibit("table02"), [seed.examined], "en")

    found = {cell.column: cell for cell in cells([row], "table09", tmp_path, "paper_8b")}

    (overall,) = [cell for cell in table3 if cell.column == "overall"]
    for ours, theirs in ((found[EN], overall), (found[CLINICAL], table2[-1])):
        assert (ours.value, ours.low, ours.high, ours.n) == pytest.approx(
            (theirs.value, theirs.low, theirs.high, theirs.n)
        )
        assert ours.card == theirs.card


def test_table_10_has_the_arabic_score_only(tmp_path):
    found = cells(languages(), "table10", tmp_path, "paper_8b")

    assert {cell.column for cell in found} == {AR}
    assert [cell.value for cell in found] == pytest.approx([30.0, 50.0, 60.0])


def test_without_all_ten_sets_the_clinical_column_is_left_empty(tmp_path):
    run = seed_run(5)
    some = replace(run, examined=examined(3, kinds=TABLE2[:9]))

    found = cells([Ablated("stage_1", "stage_1", "Stage 1", {0: some})], "table09", tmp_path)

    assert [cell.column for cell in found] == [EN]


def test_a_row_that_was_not_trained_names_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"row stage_1: no seed was trained; name one in ablations\.seeds"):
        cells([Ablated("stage_1", "stage_1", "Stage 1")], "table09", tmp_path)


# --- beside the paper -------------------------------------------------------------------------------------------------


def test_demo_cells_stand_in_rows_of_their_own_and_are_never_reproduced(tmp_path):
    table09 = exhibit("table09")
    found = cells(stages(row="demo_{}"), "table09", tmp_path)
    check_cells(table09, found)

    comparison = compare(table09, found)

    assert {type(cell) for cell in found} == {Demo}
    assert all(row.reproduced is None and row.difference is None for row in comparison.rows)
    verdicts = {row.row: row.verdict.word for row in comparison.rows}
    assert verdicts == dict.fromkeys(table09.rows(), "not run") | dict.fromkeys(
        (f"demo_{one}" for one in STAGES), "demo"
    )
    assert "demo (no result of the paper)" in comparison.grid().caption


def test_even_in_a_reported_row_a_demo_cell_has_no_difference(tmp_path):
    comparison = compare(exhibit("table09"), cells(stages(), "table09", tmp_path))

    assert {row.verdict.word for row in comparison.rows} == {"demo"}
    assert all(row.difference is None for row in comparison.rows)


def test_cells_of_a_paper_profile_are_compared_with_the_papers(tmp_path):
    found = cells(stages(), "table09", tmp_path, "paper_8b")
    rows_ = {(row.row, row.column.id): row for row in compare(exhibit("table09"), found).rows}

    assert {type(cell) for cell in found} == {Reproduced}
    assert float(rows_["stage_1", EN].difference) == pytest.approx(40.0 - 47.6)  # reported/table09
    assert rows_["stage_2", EN].verdict.word == "differs"


# --- differences, dots, floors ----------------------------------------------------------------------------------------


def test_differences_are_those_that_the_paper_speaks_of_with_its_own_beside_them():
    first = ablations.difference_table(exhibit("table09"), stages(), kind="demo")
    second = ablations.difference_table(exhibit("table10"), languages(), kind="demo")

    assert [(row[0], row[1], round(row[2], 6), float(row[-1])) for row in first.rows] == [
        ("BiMed-MBench English overall", "stage 1 minus baseline", 20.0, 12.7),
        ("BiMed-MBench English overall", "stage 2 minus stage 1", 40.0, 14.6),
        ("Clinical LLM average", "stage 1 minus baseline", 0.0, 0.0),
        ("Clinical LLM average", "stage 2 minus stage 1", 25.0, 2.8),
    ]  # claims C16 to C18
    assert [(row[1], round(row[2], 6), float(row[-1])) for row in second.rows] == [
        ("bi minus ara", 10.0, 4.2), ("bi minus eng", 30.0, 5.9),
    ]  # fmt: skip  # claim C20
    assert all(row[3] <= row[2] <= row[4] for row in (*first.rows, *second.rows))
    assert "(demo)" in first.caption


def test_a_difference_with_a_variant_that_was_not_measured_is_left_out():
    table = ablations.difference_table(exhibit("table10"), languages()[::2], kind="paper")

    assert [row[1] for row in table.rows] == ["bi minus eng"]


def test_the_picture_has_each_seed_and_the_mean_and_says_of_what_kind_it_is():
    picture = ablations.seed_picture(exhibit("table09"), stages(seeds=(0, 1)), kind="demo")

    assert len(picture.table.rows) == 3 * 2 * 3  # rows, columns, two seeds and their mean
    assert "(demo)" in picture.alt
    assert "baseline: seed 0 20.0" in picture.alt
    assert "seed 1 30.0" in picture.alt
    alone = ablations.seed_picture(exhibit("table10"), languages(), kind="demo")
    assert len(alone.table.rows) == 3  # one seed is its own mean
    assert any("how far another seed would lie is not known" in text.get_text() for text in alone.figure.texts)


def test_floors_are_met_and_each_can_fail():
    good = ablations.floors(stages(), languages())
    moved = ablations.floors(stages(right={"baseline": 3, "stage_1": 2, "stage_2": 4}), languages())
    flat = ablations.floors([replace(row, seeds=stages()[0].seeds) for row in stages()], languages())
    short = ablations.floors(stages(seeds=(0, 1)), [*languages(seeds=(0, 1))[:2], languages()[2]])

    assert good.count(": met") == 4
    assert "NOT MET" not in good
    assert "exactly as the baseline has it: NOT MET" in moved
    assert "intervals apart: NOT MET" in flat
    assert "Table 10: every variant has 2 trainings: NOT MET" in short


def test_floors_say_nothing_of_what_was_not_measured():
    said = ablations.floors(stages()[2:], languages()[::2])

    assert said.splitlines() == [
        "Table 9: every variant has 1 training: met",
        "Table 10: every variant has 1 training: met",
    ]


def test_numbers_for_the_record_are_means_over_seeds():
    found = ablations.numbers(exhibit("table09"), stages(row="demo_{}", seeds=(0, 1)))

    assert found[f"demo_stage_2 {EN}"] == pytest.approx(0.85)
    assert len(found) == 6
