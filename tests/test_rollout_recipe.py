import json

import pytest

from bimedix2_core import rollout_recipe as recipe
from bimedix2_core.errors import ParamsError
from bimedix2_core.params import load_params, root
from bimedix2_core.records import text_of


@pytest.fixture
def demo():
    return load_params("params/demo.yaml")


def test_the_demo_translates_rows_of_its_own(demo):
    rows = list(recipe.english_rows(demo))

    assert len(rows) == demo.translation.n_rows
    assert {row.language for row in rows} == {"en"}


def test_named_sources_are_read_up_to_the_number_asked_for(demo, tmp_path):
    rows = [
        {"id": i, "conversations": [{"from": "human", "value": f"Q{i}?"}, {"from": "gpt", "value": "A."}]}
        for i in range(5)
    ]
    (tmp_path / "llava.json").write_text(json.dumps(rows))
    sources = {"llava_med_instruct": str(tmp_path / "llava.json")}
    some = load_params("params/demo.yaml", {"translation.sources": sources, "translation.n_rows": 3})
    all_of_them = load_params("params/demo.yaml", {"translation.sources": sources, "translation.n_rows": None})

    assert [text_of(row.messages[0]) for row in recipe.english_rows(some)] == ["Q0?", "Q1?", "Q2?"]
    assert len(list(recipe.english_rows(all_of_them))) == 5


def test_the_paper_profile_asks_gpt_4o_once_without_a_gate(tmp_path):
    paper = load_params("params/paper_8b.yaml")
    with recipe.served(paper.translation.server) as server:
        job = recipe.translation_job(paper, tmp_path / "rows.jsonl", tmp_path, server)

    assert (server.url, server.start, server.api_key_variable) == ("https://api.openai.com/v1", "", "OPENAI_API_KEY")
    protocol = job.rollout.protocol
    assert (protocol.name, protocol.rounds, protocol.scores, protocol.checks) == ("bimedix2", 1, False, False)
    assert job.limits.budget == 100.0
    assert recipe.review_threshold(paper) is None


def test_vllm_is_left_to_datatrove(demo):
    server = {"kind": "vllm", "model": "meta-llama/x", "url": None}
    changed = load_params("params/demo.yaml", {f"translation.server.{key}": value for key, value in server.items()})
    with recipe.served(changed.translation.server) as started:
        assert (started.model, started.start, started.url) == ("meta-llama/x", "vllm", "")


def test_each_synthesis_of_the_demo_has_rows_in_both_languages(demo):
    for asked in demo.synthesis.jobs:
        rows = list(recipe.synthesis_rows(demo, asked))
        assert len(rows) == demo.synthesis.n_rows
        assert {row.language for row in rows} == {"en", "ar"}


def test_the_paper_profile_lets_llama_70b_write(tmp_path):
    paper = load_params("params/paper_8b.yaml")
    with recipe.served(paper.synthesis.server) as server:
        jobs = [recipe.synthesis_job(paper, one, tmp_path / "r", tmp_path, server) for one in paper.synthesis.jobs]

    assert (server.start, server.model) == ("vllm", "meta-llama/Llama-3.1-70B-Instruct")
    assert [job.rollout.kind for job in jobs] == ["fuller_answer"] * 3 + ["image_conversation"]
    assert [job.rollout.source for job in jobs] == ["rad_vqa", "slake_vqa", "path_vqa", "llava_med_subset_to_conv"]


def test_a_profile_that_translates_nothing_says_so():
    released = load_params(root() / "params/released_8b.yaml")
    with pytest.raises(ParamsError, match="profile released_8b translates nothing"):
        next(recipe.english_rows(released))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"translation.server.kind": "endpoint"}, "kind is endpoint, so its address is needed"),
        ({"translation.server.url": "http://127.0.0.1:1/v1"}, "kind is serve, which starts a server of its own"),
    ],
)
def test_an_address_is_given_for_an_endpoint_and_for_nothing_else(changed, expected):
    with pytest.raises(ParamsError, match=expected):
        load_params("params/demo.yaml", changed)
