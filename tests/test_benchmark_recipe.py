import pytest
import tiny
from shared_data import real

from bimedix2_core import benchmark_recipe, respondents
from bimedix2_core.bench.clinical_qa.examined import graded
from bimedix2_core.bench.clinical_qa.protocols import PROTOCOLS
from bimedix2_core.bench.clinical_qa.sets import TABLE2
from bimedix2_core.inference.backends import EndpointBackend, LocalBackend
from bimedix2_core.params import load_params
from bimedix2_core.runs import JsonlStore

ENDPOINT = {
    "kind": "endpoint", "model": "some-model", "url": "http://127.0.0.1:9/v1", "api_key_variable": None, "in_flight": 2,
    "timeout": 1.0, "budget": None, "prompt_price": 0.0, "completion_price": 0.0,
}  # fmt: skip


def demo(**changes):
    named = {f"benchmarks.{name}": value for name, value in changes.items()}
    return load_params("params/demo.yaml", named, environment={})


@pytest.fixture(scope="module")
def sets():
    return benchmark_recipe.question_sets(demo(**{"clinical_qa.n_per_set": 4}))


@pytest.fixture(scope="module")
def backend():
    return LocalBackend(tiny.tiny_lmm(), tiny.GREEDY)


def test_the_demo_has_a_stand_in_for_each_column_of_table_2_with_twins_in_both_languages(sets):
    assert tuple(sets) == TABLE2
    for kind, rows in sets.items():
        assert {row.kind for row in rows} == {kind}
        english, arabic = ([row.id for row in rows if row.language == language] for language in ("en", "ar"))
        assert english == arabic


def test_published_sets_are_read_whole_and_a_smaller_sample_lies_within_a_larger_one():
    place = str(real("mmlu_medical_en"))
    few, more, whole = (
        benchmark_recipe.question_sets(
            demo(**{"clinical_qa.english": {"ana": place}, "clinical_qa.n_per_set": n})
        )["ana"]
        for n in (10, 20, None)
    )  # fmt: skip

    assert (len(few), len(more), len(whole)) == (10, 20, 135)
    assert {row.id for row in few} < {row.id for row in more} < {row.id for row in whole}


def test_an_arabic_pubmedqa_without_the_official_ids_takes_those_of_the_english_one(tmp_path):
    english = real("pubmedqa")
    (tmp_path / "ori_pqal.json").symlink_to(english / "ori_pqal.json")
    places = {"clinical_qa.english": {"pubmedqa": str(english)}, "clinical_qa.arabic": {"pubmedqa": str(tmp_path)}}

    rows = benchmark_recipe.question_sets(demo(**places, **{"clinical_qa.n_per_set": None}))["pubmedqa"]

    assert [sum(row.language == language for row in rows) for language in ("en", "ar")] == [500, 500]


def test_a_profile_that_trains_examines_its_base_and_what_became_of_it_and_endpoints_come_last(tmp_path):
    params = demo(endpoints={"gpt": ENDPOINT})

    found = respondents.respondents(params, "table02", folder=tmp_path, stage1=tmp_path, stage2=tmp_path)

    assert [one.row for one in found] == ["base", "demo", "gpt"]
    assert isinstance(found[-1].load(), EndpointBackend)


def test_a_profile_of_finished_weights_examines_those_it_names_for_the_exhibit(tmp_path):
    params = load_params("params/bimedix_moe.yaml", environment={})

    rows = [
        [one.row for one in respondents.respondents(params, name, folder=tmp_path, stage1=None, stage2=None)]
        for name in ("bimedix1_arabic", "table02", "table05")
    ]

    assert rows == [["bimedix_v1_arabic", "bimedix_v1_bilingual"], ["bimedix_v1"], []]


@pytest.mark.parametrize("protocol", ["harness", "question_chat", "answers"])
def test_a_model_is_asked_once_and_a_second_run_reads_what_is_kept(sets, backend, tmp_path, protocol):
    rows = [row for row in sets["medmcqa"] if row.language == "en"]
    store = JsonlStore(tmp_path / "p.jsonl")

    first = benchmark_recipe.ask("tiny", backend, PROTOCOLS[protocol], rows, store=store)
    again = benchmark_recipe.ask("tiny", backend, PROTOCOLS[protocol], rows, store=JsonlStore(store.path))

    assert len(store) == len(rows)
    assert first.predictions == again.predictions
    assert (first.scoring, first.model_key) == (backend.scoring, backend.model_key)
    assert len(graded(first)["acc"]) == len(rows)


def test_another_protocol_is_another_prediction_of_the_same_question(sets, backend, tmp_path):
    rows = sets["medmcqa"][:2]
    store = JsonlStore(tmp_path / "p.jsonl")

    for protocol in ("harness", "harness_chat", "answers"):
        benchmark_recipe.ask("tiny", backend, PROTOCOLS[protocol], rows, store=store)

    assert len(store) == 6


def test_where_the_answer_is_written_it_is_read_out_of_the_text(sets, backend, tmp_path):
    rows = sets["medmcqa"][:2]

    found = benchmark_recipe.ask(
        "tiny", backend, PROTOCOLS["generate"], rows, store=JsonlStore(tmp_path / "p.jsonl")
    )  # fmt: skip

    assert found.kinds == {str}
    assert found.scoring == "generation with extraction"


def test_without_a_judge_claims_are_judged_by_rule_and_its_name_says_so(tmp_path):
    params = demo(**{"uphill.n_claims": 4})
    rows = benchmark_recipe.claims_of(params)

    judged = benchmark_recipe.judged(params, rows, ["Yes."] * len(rows), tmp_path)

    assert {one.judge for one in judged} == {"rule"}
    assert {one.label for one in judged} == {"agree"}
