import json
from dataclasses import asdict, replace

import pytest
from cells import CARD, CELL, DEMO_CARD, DEMO_CELL

from bimedix2_core import statistics
from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper import measured as module
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import (
    Demo,
    Reproduced,
    check_cells,
    explain,
    load_measured,
    measured,
    measured_file,
    save_measured,
)
from bimedix2_core.params import load_params
from bimedix2_core.statistics import Estimate

TABLE5 = exhibit("table05")


def test_a_demo_number_cannot_become_a_reproduced_cell(tmp_path):
    fields = {name: getattr(DEMO_CELL, name) for name in asdict(DEMO_CELL)}
    refused = "profile 'demo', kind 'demo'; only a profile of kind 'paper' makes a Reproduced cell"

    with pytest.raises(DataError, match=refused):
        Reproduced(**fields)
    with pytest.raises(DataError, match=refused):
        replace(CELL, card=DEMO_CARD)
    estimate = Estimate(0.72, 0.66, 0.77, 440)
    assert isinstance(measured(TABLE5, CELL.row, CELL.column, estimate, n_unscored=11, card=DEMO_CARD), Demo)

    file = save_measured(tmp_path / "table05.json", TABLE5, [DEMO_CELL])
    file.write_text(file.read_text().replace('"type": "demo"', '"type": "reproduced"'))
    with pytest.raises(DataError, match=refused):
        load_measured(file, TABLE5)


def test_a_smoke_number_cannot_become_a_reproduced_cell():
    run = load_params("params/gpu_smoke.yaml", environment={}).run
    card = replace(CARD, profile=run.profile, kind=run.kind)

    with pytest.raises(DataError, match="profile 'gpu_smoke', kind 'smoke'; only a profile of kind 'paper'"):
        replace(CELL, card=card)
    assert isinstance(replace(DEMO_CELL, card=card), Demo)


def test_a_reproduced_number_is_no_demo_cell_either_and_the_types_are_not_each_other():
    with pytest.raises(DataError, match="kind 'paper'"):
        replace(DEMO_CELL, card=CARD)
    assert not isinstance(DEMO_CELL, Reproduced)
    assert not isinstance(CELL, Demo)


def test_what_both_types_share_makes_no_cell():
    with pytest.raises(DataError, match="only a profile of kind"):
        module._Cell(**{name: getattr(CELL, name) for name in asdict(CELL)})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"n": 0, "n_unscored": 451}, "0 samples scored and 451 not; a score of no samples is no number"),
        ({"n": 452, "n_unscored": -1}, "452 samples scored and -1 not"),
        ({"n": 451}, "451 scored .* 11 unscored samples, but its card says that 451 were asked"),
        ({"n_unscored": 0}, "440 scored .* 0 unscored"),
        ({"value": float("nan")}, "expected finite numbers"),
        ({"high": float("inf")}, "expected finite numbers"),
        ({"low": None}, "both ends or none"),
        ({"value": 0.78}, r"value 0.78 outside its interval \(0.66, 0.77\)"),
    ],
)
def test_a_number_that_is_no_measurement_is_refused(change, problem):
    with pytest.raises(DataError, match=f"Reproduced cell bimedix2_8b, rad_vqa__closed_q_accuracy: .*{problem}"):
        replace(CELL, **change)


def test_a_share_of_one_becomes_what_the_column_prints():
    estimate = statistics.proportion(3, 4)
    card = replace(CARD, n=4)

    percent = measured(exhibit("table02"), "bimedix2_8b", "usmle", estimate, n_unscored=0, card=card)
    fraction = measured(TABLE5, "bimedix2_8b", "rad_vqa__f1", estimate, n_unscored=0, card=card)

    assert (percent.value, percent.n) == (75.0, 4)
    assert percent.low == pytest.approx(30.06, abs=0.01)  # Wilson, 3 of 4, by hand: 0.3006 to 0.9544
    assert (fraction.value, fraction.high) == (0.75, pytest.approx(0.9544, abs=1e-4))


@pytest.mark.parametrize(
    ("cells", "error", "problem"),
    [
        ([CELL, CELL], DataError, "is given twice"),
        ([CELL, replace(DEMO_CELL, row="x")], DataError, r"cells of demo \(demo\), released_8b \(paper\) are mixed"),
        ([replace(CELL, column="rad_vqa__f2")], PaperError, "no column 'rad_vqa__f2'.*did you mean rad_vqa__f1"),
        ([replace(CELL, value=72.0, low=66.0, high=77.0)], DataError, "is 72.0; expected 0 to 1, the unit is fraction"),
    ],
)
def test_cells_that_are_not_of_one_run_of_the_exhibit_are_refused(cells, error, problem):
    with pytest.raises(error, match=f"table05.*{problem}"):
        check_cells(TABLE5, cells)


def test_a_column_of_text_takes_no_number():
    with pytest.raises(DataError, match="column of text"):
        check_cells(exhibit("table11"), [replace(CELL, column="stage1")])
    with pytest.raises(DataError, match="holds text"):
        measured(exhibit("table11"), "lora_rank", "stage1", Estimate(8, 8, 8, 451), n_unscored=0, card=CARD)


def test_cells_come_back_from_json_as_they_were(tmp_path):
    cells = (CELL, replace(CELL, column="rad_vqa__f1", value=1 / 3, low=None, high=None))

    file = save_measured(measured_file(tmp_path / "released_8b", TABLE5), TABLE5, cells)

    assert file == tmp_path / "released_8b" / "table05.json"
    assert load_measured(file, TABLE5) == cells
    assert load_measured(save_measured(tmp_path / "d.json", TABLE5, [DEMO_CELL]), TABLE5) == (DEMO_CELL,)


def changed(record: dict, **changes) -> dict:
    return record | {"cells": [record["cells"][0] | changes]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda record: record | {"exhibit": "table06"}, "cells of exhibit 'table06', expected 'table05'"),
        (lambda record: record | {"type": "real"}, "no record of measured cells"),
        (lambda record: {"cells": []}, "no record of measured cells"),
        (lambda record: [], "no record of measured cells"),
        (lambda record: changed(record, value="0.72"), "0.value: Input should be a valid number"),
        (lambda record: changed(record, extra=1), "0.extra: Unexpected keyword argument"),
        (lambda record: changed(record, n=0, n_unscored=451), "a score of no samples is no number"),
        (lambda record: changed(record, card=asdict(CARD) | {"kind": "other"}), "0.card.kind: Input should be"),
        (lambda record: changed(record, card={}), "0.card.dataset: Field required"),
    ],
)
def test_a_file_that_is_no_such_record_is_one_clear_error(tmp_path, change, problem):
    file = save_measured(tmp_path / "table05.json", TABLE5, [CELL])
    file.write_text(json.dumps(change(json.loads(file.read_text()))))

    with pytest.raises(DataError, match=f"table05.json.*{problem}"):
        load_measured(file, TABLE5)


def test_half_a_file_and_no_file_are_errors(tmp_path):
    file = save_measured(tmp_path / "table05.json", TABLE5, [CELL])
    file.write_text(file.read_text()[:200])

    with pytest.raises(DataError, match=r"table05.json is no record of measured cells"):
        load_measured(file, TABLE5)
    with pytest.raises(DataError, match="run notebook 09_medical_vqa first"):
        load_measured(tmp_path / "absent.json", TABLE5)


def test_no_cell_is_nothing_to_write_and_a_refused_write_leaves_the_old_file(tmp_path):
    file = save_measured(tmp_path / "table05.json", TABLE5, [CELL])
    before = file.read_bytes()

    for cells in ([], [CELL, CELL]):
        with pytest.raises(DataError):
            save_measured(file, TABLE5, cells)

    assert file.read_bytes() == before


def test_two_numbers_that_differ_are_explained():
    card = replace(CARD, definition="closed accuracy, word boundary", n=251)
    mine = Reproduced("bimedix2_8b", CELL.column, 0.49, 0.43, 0.55, 251, 0, card)

    assert explain(mine, CELL) == (
        "0.49 [0.43, 0.55] (n 251, unscored 0) against 0.72 [0.66, 0.77] (n 440, unscored 11); "
        "their 95% intervals do not touch\n"
        "- another number of samples: 251 against 451\n"
        "- scored by another definition of the metric: closed accuracy, word boundary against closed accuracy, "
        "MultiMedEval"
    )
    assert explain(CELL, CELL).endswith("overlap\n- the protocols agree: seed, hardware and libraries remain")
