"""Respondents: a row of a table comes from the model in process, from an endpoint, or from a folder of answer files."""

import base64
import io
import json
from contextlib import contextmanager
from dataclasses import replace

import local_server
import numpy as np
import pytest
import tiny
from PIL import Image

from bimedix2_core import respondents
from bimedix2_core.errors import DataError, EndpointError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.params import load_params
from bimedix2_core.records import Query, message
from bimedix2_core.respondents import AnswerFolder, Respondent, answered
from bimedix2_core.runs import JsonlStore, data_key

SERVER = {
    "kind": "endpoint", "model": "some-model", "url": "http://127.0.0.1:9/v1", "api_key_variable": None, "in_flight": 4,
    "timeout": 5.0, "budget": None, "prompt_price": 0.0, "completion_price": 0.0,
}  # fmt: skip


def query(id, text, *, language="en", level=40):
    return Query(id, language, [message("user", text, images=1)], images=[tiny.colour_image(level)])


ASKED = {
    "slake_vqa": [query("1", "Is it bright?", level=10), query("2", "Is it dark?", level=200)],
    "rad_vqa": [query("1", "Where is it?"), query("9", "What is it?")],
}


@pytest.fixture(scope="module")
def backend():
    return LocalBackend(tiny.tiny_lmm(), tiny.GREEDY)


@pytest.fixture
def store(tmp_path):
    return JsonlStore(tmp_path / "predictions.jsonl")


@contextmanager
def endpoint(tmp_path, row="gpt", **changes):
    """A row behind an endpoint that says what it was asked, and keeps what it was sent."""
    script = tmp_path / "answers.py"
    script.write_text(
        "import json\n"
        "def answer(payload):\n"
        f"    with open({str(tmp_path / 'sent.jsonl')!r}, 'a') as stream:\n"
        "        stream.write(json.dumps(payload) + '\\n')\n"
        "    content = payload['messages'][-1]['content']\n"
        "    return 'asked: ' + (content if isinstance(content, str) else content[-1]['text'])\n"
    )
    with local_server.serving(tmp_path / "ledger.jsonl", answers=script) as url:
        params = load_params(
            "params/demo.yaml", {f"benchmarks.endpoints.{row}": SERVER | {"url": url} | changes}, environment={}
        )
        yield respondents.respondents(params, "table05", folder=tmp_path, stage1=tmp_path, stage2=tmp_path)[-1]


def sent(tmp_path):
    """The questions that the endpoint was sent; the first request asks which model answers."""
    return [json.loads(line) for line in (tmp_path / "sent.jsonl").read_text().splitlines()][1:]


def answer_files(folder, answers):
    folder.mkdir(exist_ok=True)
    for name, lines in answers.items():
        text = "".join(json.dumps({"id": id, "answer": said}, ensure_ascii=False) + "\n" for id, said in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return AnswerFolder("elsewhere", folder)


WHOLE = {"slake_vqa": [("2", "No."), ("1", "Yes.")], "rad_vqa": [("9", "A cyst."), ("1", "On the left.")]}
"""Answers to all questions, in another order than these."""


# --- three origins ----------------------------------------------------------------------------------------------------


def test_rows_of_all_three_origins_stand_side_by_side(backend, store, tmp_path):
    folder = answer_files(tmp_path / "answers", WHOLE)
    with endpoint(tmp_path) as gpt:
        found = answered([Respondent("tiny", lambda: backend), gpt, folder], ASKED, store=store)

    assert list(found) == ["tiny", "gpt", "elsewhere"]
    assert all(list(sets) == ["slake_vqa", "rad_vqa"] for sets in found.values())
    assert found["tiny"]["slake_vqa"].texts == tuple(backend.generate(ASKED["slake_vqa"]))
    assert found["gpt"]["rad_vqa"].texts == ("asked: Where is it?", "asked: What is it?")
    assert found["elsewhere"]["slake_vqa"].texts == ("Yes.", "No.")


def test_each_says_for_the_card_who_answered_and_how_as_far_as_it_is_known(backend, store, tmp_path):
    folder = answer_files(tmp_path / "answers", WHOLE)
    with endpoint(tmp_path) as gpt:
        found = answered([Respondent("tiny", lambda: backend), gpt, folder], ASKED, store=store)
    local, remote, elsewhere = (found[row]["slake_vqa"] for row in ("tiny", "gpt", "elsewhere"))

    assert (local.model_key, local.decoding) == (
        backend.model_key, {"max_new_tokens": 6, "temperature": 0.0, "top_p": 1.0},
    )  # fmt: skip
    assert remote.model == "some-model (endpoint, answers as some-model)"
    assert remote.decoding == {"max_tokens": 96, "temperature": 0.0, "top_p": 1.0}
    assert elsewhere.model_key == data_key(folder.folder / "slake_vqa.jsonl")
    assert elsewhere.model == f"answer file {elsewhere.model_key[:12]}"
    assert elsewhere.decoding == {"answers": "made elsewhere"}  # no temperature is claimed


def test_what_is_kept_is_not_asked_again_of_either_kind_of_model(backend, store, tmp_path):
    with endpoint(tmp_path) as gpt:
        first = answered([Respondent("tiny", lambda: backend), gpt], ASKED, store=store)
        n_sent = len(sent(tmp_path))

        class Silent(LocalBackend):
            def generate(self, queries):
                raise AssertionError(f"asked again: {[one.id for one in queries]}")

        silent = Respondent("tiny", lambda: Silent(backend.lmm, backend.settings))
        again = answered([silent, gpt], ASKED, store=JsonlStore(store.path))

    assert again == first
    assert (n_sent, len(sent(tmp_path))) == (4, 4)


def test_two_models_with_the_same_row_are_refused_before_anybody_is_asked(store, tmp_path):
    def load():
        raise AssertionError("loaded")

    with pytest.raises(DataError, match=r"row tiny: the answers of several models; call those of benchmarks.endpoints"):
        answered([Respondent("tiny", load), AnswerFolder("tiny", tmp_path)], ASKED, store=store)


# --- an endpoint ------------------------------------------------------------------------------------------------------


def test_an_image_travels_as_a_data_url_and_is_the_very_picture(store, tmp_path):
    with endpoint(tmp_path) as gpt:
        answered([gpt], {"slake_vqa": ASKED["slake_vqa"]}, store=store)

    content = {parts[-1]["text"]: parts[0] for parts in (one["messages"][0]["content"] for one in sent(tmp_path))}
    for one in ASKED["slake_vqa"]:
        part = content[one.prompt[0]["content"][-1]["text"]]
        scheme, _, encoded = part["image_url"]["url"].partition(",")
        picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
        assert (part["type"], scheme) == ("image_url", "data:image/png;base64")
        assert np.array_equal(np.asarray(picture), np.asarray(one.images[0]))


def test_it_is_asked_with_the_decoding_of_the_profile(store, tmp_path):
    with endpoint(tmp_path) as gpt:
        answered([gpt], {"slake_vqa": ASKED["slake_vqa"]}, store=store)

    kept = {"model": "some-model", "temperature": 0.0, "top_p": 1.0, "max_tokens": 96}
    assert all({name: one[name] for name in kept} == kept for one in sent(tmp_path))


def test_what_it_answers_is_kept_in_a_folder_of_its_own(store, tmp_path):
    with endpoint(tmp_path, row="gpt_4o") as gpt:
        answered([gpt], ASKED, store=store)

    assert gpt.folder == tmp_path / "endpoint_gpt_4o"
    assert (gpt.folder / "requests.sqlite3").is_file()


def test_without_its_key_it_is_not_asked(store, tmp_path, monkeypatch):
    monkeypatch.delenv("A_KEY_THAT_IS_NOT_SET", raising=False)
    with (
        endpoint(tmp_path, api_key_variable="A_KEY_THAT_IS_NOT_SET") as gpt,
        pytest.raises(EndpointError, match="set the environment variable A_KEY_THAT_IS_NOT_SET"),
    ):
        answered([gpt], ASKED, store=store)

    assert not (tmp_path / "sent.jsonl").exists()


def test_a_judge_is_asked_where_and_how_hard_the_profile_says():
    changes = SERVER | {"budget": 5.0, "prompt_price": 2.5, "completion_price": 10.0, "api_key_variable": "A_KEY"}
    params = load_params("params/demo.yaml", {"benchmarks.bimed_mbench.judge": changes}, environment={})
    judge = respondents.judge_model(params.benchmarks.bimed_mbench.judge)

    assert (judge.model, judge.url, judge.api_key_variable) == ("some-model", SERVER["url"], "A_KEY")
    limits = judge.limits
    assert (limits.in_flight, limits.timeout, limits.budget) == (4, 5.0, 5.0)
    assert (limits.prompt_price, limits.completion_price) == (2.5, 10.0)


# --- a folder of answer files -----------------------------------------------------------------------------------------


def test_the_folders_of_a_profile_are_found_from_the_repository(repository):
    params = load_params("params/demo.yaml", {"benchmarks.answer_files": {"mine": "data/mine"}}, environment={})

    assert respondents.answer_folders(params) == (AnswerFolder("mine", repository / "data/mine"),)


def problem(folder, answers, store, *, broken=""):
    given = answer_files(folder, answers)
    if broken:
        with (folder / "slake_vqa.jsonl").open("a") as stream:
            stream.write(broken)
    with pytest.raises(DataError) as caught:
        answered([given], ASKED, store=store)
    return str(caught.value)


def test_a_missing_file_is_named_with_what_is_expected_of_it(store, tmp_path):
    said = problem(tmp_path / "answers", {"slake_vqa": WHOLE["slake_vqa"]}, store)

    assert said == (
        "answers of 'elsewhere' to rad_vqa: no file rad_vqa.jsonl in answers; expected JSON lines with an id and an "
        "answer each, or leave the model out of benchmarks.answer_files"
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("1", "Yes."), ("7", "No.")], "line 2: 1 of 2 ids are none of the 2 samples ('7')"),
        ([("1", "Yes.")], "no answer for 1 of 2 samples ('2')"),
        ([("1", "Yes."), ("1", "No."), ("2", "No.")], "line 2: id '1' stands in line 1 already"),
        ([], "no answer for 2 of 2 samples ('1', '2')"),
    ],
)
def test_wrong_ids_are_one_clear_error(store, tmp_path, lines, expected):
    said = problem(tmp_path / "answers", WHOLE | {"slake_vqa": lines}, store)

    assert said.startswith("slake_vqa.jsonl")
    assert expected in said


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ('{"id": "3", "answer": "N', "slake_vqa.jsonl, line 3 is not JSON"),
        ('["3", "No."]', "slake_vqa.jsonl, line 3 is a list; expected an object"),
        ('{"id": "3", "text": "No."}', "line 3: no field 'answer'; it has id, text"),
        ('{"id": "3", "answer": 1}', "line 3: answer is 1; expected text"),
    ],
)
def test_a_broken_line_is_named(store, tmp_path, broken, expected):
    assert expected in problem(tmp_path / "answers", WHOLE, store, broken=broken)


def test_numbers_are_ids_and_null_is_an_empty_answer(store, tmp_path):
    folder = answer_files(tmp_path / "answers", {"slake_vqa": [(2, None), (1, "نعم.")]})

    found = answered([folder], {"slake_vqa": ASKED["slake_vqa"]}, store=store)

    assert found["elsewhere"]["slake_vqa"].texts == ("نعم.", "")


def test_twins_share_their_ids_so_each_language_has_a_file(store, tmp_path):
    both = [*ASKED["rad_vqa"], *(replace(one, language="ar") for one in ASKED["rad_vqa"])]
    lines = {"iu_en": [("9", "nine"), ("1", "one")], "iu_ar": [("1", "واحد"), ("9", "تسعة")]}
    folder = answer_files(tmp_path / "answers", lines)

    found = answered([folder], {"iu": both}, store=store)["elsewhere"]["iu"]

    assert found.texts == ("one", "nine", "واحد", "تسعة")
    assert found.model_key not in (data_key(folder.folder / f"{name}.jsonl") for name in lines)

    (folder.folder / "iu_ar.jsonl").unlink()
    with pytest.raises(DataError, match=r"answers of 'elsewhere' to iu: no file iu_ar.jsonl in answers"):
        answered([folder], {"iu": both}, store=store)


def test_another_answer_is_another_key(store, tmp_path):
    keys = {
        answered([answer_files(tmp_path / "answers", WHOLE | {"rad_vqa": lines})], ASKED, store=store)["elsewhere"][
            "rad_vqa"
        ].model_key
        for lines in (WHOLE["rad_vqa"], [("9", "A cyst."), ("1", "On the right.")])
    }

    assert len(keys) == 2


@pytest.mark.parametrize(
    ("own", "endpoints", "subject"),
    [(["base", "demo"], ["gpt"], "demo"), (["base", "demo"], [], "demo"), ([], ["gpt", "other"], "other")],
)
def test_a_notebook_looks_at_the_last_of_its_own_models_and_not_at_an_endpoint(own, endpoints, subject):
    params = load_params("params/demo.yaml", {f"benchmarks.endpoints.{row}": SERVER for row in endpoints})
    models = [Respondent(row, lambda: None) for row in (*own, *endpoints)]

    assert respondents.subject(params, models).row == subject


def test_nobody_to_look_at_is_an_error():
    with pytest.raises(DataError, match="names no model"):
        respondents.subject(load_params("params/demo.yaml", {}), [])
