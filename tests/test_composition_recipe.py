"""Where the parts of BiMed-V come from, as a profile says."""

import json
import shutil
from pathlib import Path

import pytest

from bimedix2_core.composition_recipe import benchmark_rows, composition_parts, token_counter
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.errors import ParamsError
from bimedix2_core.paper import reported
from bimedix2_core.params import load_params

FEW = {"n_closed": 1, "n_side": 1, "n_open": 1, "n_choice": 1, "n_caption": 1, "n_follow_up": 1}
TABLE_12 = list(reported.read("table12_bimed_v_composition").column("samples"))


def demo(**composition):
    return load_params("params/demo.yaml", {"composition": composition, "benchmarks": {"medical_vqa": FEW}})


@pytest.fixture
def medqa(tmp_path) -> Path:
    record = {"question": "Which?", "answer": "b", "options": {"A": "a", "B": "b"}, "answer_idx": "B"}
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(record) + "\n")
    return file


def test_the_demo_draws_all_of_table_12_at_its_share(tmp_path):
    parts = composition_parts(demo(share=0.0006), tmp_path)

    assert [part.source_id for part in parts] == TABLE_12
    assert len(list(parts[0].rows())) == 142  # 126 of PubMedQA's 210,169, and 16 to spare
    assert all("demo drawn by this project" in part.origin.licence for part in parts)


def test_a_profile_that_names_files_has_those_parts_and_draws_nothing(tmp_path, medqa):
    (part,) = composition_parts(demo(sources={"medqa": str(medqa), "uphill": "nowhere.json"}), tmp_path / "run")

    assert (part.source_id, part.location) == ("medqa", medqa)
    assert [row.answer for row in part.rows()] == ["B"]
    assert not (tmp_path / "run" / "sources").exists()


def test_a_location_on_the_hub_stays_what_it_is(tmp_path):
    (part,) = composition_parts(demo(sources={"medqa": "hub:GBaker/MedQA-USMLE-4-options"}), tmp_path)

    assert part.location == "hub:GBaker/MedQA-USMLE-4-options"


def test_a_named_source_that_is_no_part_is_a_benchmark_beside_the_exam(tmp_path, medqa):
    file = tmp_path / "anatomy_test.csv"
    file.write_text("question,choice0,choice1,choice2,choice3,answer\nWhere?,a,b,c,d,2\n")
    params = demo(sources={"medqa": str(medqa), "mmlu_medical": str(file)})

    rows = benchmark_rows(params, ImageStore(tmp_path / "images"))

    assert list(rows)[-1] == "mmlu_medical"
    assert [row.answer for row in rows["mmlu_medical"]] == ["C"]
    assert len(rows) == 7
    assert "medqa" not in rows


def test_a_profile_that_composes_nothing_says_so(tmp_path):
    params = load_params("params/gpu_smoke.yaml")

    with pytest.raises(ParamsError, match=r"profile gpu_smoke composes nothing \(composition is null\)"):
        composition_parts(params, tmp_path)


def test_tokens_are_those_of_the_base_without_marks_of_begin_and_end():
    count = token_counter(demo())

    assert count(["", "Left."]) == [0, 2]


def test_the_parts_can_be_drawn_twice_into_one_folder(tmp_path):
    params = demo(share=0.0002)
    first = [row.as_json() for part in composition_parts(params, tmp_path) for row in part.rows()]

    assert [row.as_json() for part in composition_parts(params, tmp_path) for row in part.rows()] == first
    shutil.rmtree(tmp_path / "images")
    assert [row.as_json() for part in composition_parts(params, tmp_path) for row in part.rows()] == first
