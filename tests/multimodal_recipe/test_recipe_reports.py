"""Reports as a profile names them: published layouts, note ids, and what of credentialed reports stays where."""

import shutil
from dataclasses import replace

import local_server
import pytest
import tiny

from bimedix2_core.bench.task import Result
from bimedix2_core.demo.reports import FIRST_NOTE, write_reports
from bimedix2_core.errors import DataError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.multimodal_recipe import reports as recipe
from bimedix2_core.params import load_params
from bimedix2_core.records import text_of
from bimedix2_core.respondents import AnswerFolder, Respondent, Written, answered, endpoint_respondent
from bimedix2_core.runs import JsonlStore

N = 6
SERVER = {
    "kind": "endpoint", "model": "some-model", "url": "http://127.0.0.1:9/v1", "api_key_variable": None, "in_flight": 4,
    "timeout": 5.0, "budget": None, "prompt_price": 0.0, "completion_price": 0.0,
}  # fmt: skip
ALL = ("mimic_iii", "mimic_cxr", "iu_xray")


def demo(endpoints=None, **changes):
    named = {f"benchmarks.reports.{name}": value for name, value in ({"n_reports": N} | changes).items()}
    return load_params("params/demo.yaml", named | {"benchmarks.endpoints": endpoints or {}}, environment={})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return recipe.report_sets(demo(), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same sets as a reader has them on disk: reports and images of MIMIC-CXR in one folder."""
    folder = tmp_path_factory.mktemp("data")
    files = write_reports(folder, n=N, seed=0)
    shutil.copytree(files.mimic_cxr_reports, files.mimic_cxr_images, dirs_exist_ok=True)
    return {
        "mimic_cxr": str(files.mimic_cxr_images),
        "mimic_iii": str(files.mimic_iii_notes),
        "iu_xray": str(files.iu_xray),
    }


@pytest.fixture
def private(tmp_path):
    """Where a reader keeps what quotes credentialed reports."""
    return tmp_path / "private"


def published(places, private, *names, n=None, **changes):
    """A profile that reads these sets from files."""
    named = {name: places[name] for name in names or ALL}
    return demo(**named | {"n_reports": n, "private": str(private)} | changes)


# --- the sets ---------------------------------------------------------------------------------------------------------


def test_published_files_give_what_the_drawn_path_gives_but_do_not_say_stand_in(drawn, places, private):
    theirs = recipe.report_sets(published(places, private), private)

    assert list(theirs.rows) == list(drawn.rows) == list(ALL)
    for name, rows in theirs.rows.items():
        ours = tuple(row for row in drawn.rows[name] if row.language == "en")  # nobody publishes the Arabic twins
        assert rows == tuple(replace(row, source=name) for row in ours)
        assert len(rows) == N
        assert all("stand-in" in row.source for row in ours)
    assert theirs.left_out == drawn.left_out
    key = theirs.rows["mimic_cxr"][0].images[0]
    assert theirs.images.path(key).read_bytes() == drawn.images.path(key).read_bytes()


def test_the_drawn_reports_have_arabic_twins_on_the_same_images(drawn):
    english, arabic = ([row for row in drawn.rows["iu_xray"] if row.language == one] for one in ("en", "ar"))

    assert [row.id for row in arabic] == [row.id for row in english]
    assert [row.images for row in arabic] == [row.images for row in english]
    assert len(arabic) == N


@pytest.mark.parametrize("name", ALL)
def test_a_set_alone_is_read_alone_and_up_to_the_number_asked_for(drawn, places, private, name):
    whole, few = (
        recipe.report_sets(published(places, private, name, n=n), private).rows for n in (None, 2)
    )  # fmt: skip

    assert list(whole) == list(few) == [name]
    assert (len(whole[name]), few[name]) == (N, whole[name][:2])


def test_of_mimic_iii_only_the_listed_notes_are_taken_whatever_their_order(places, private, tmp_path):
    whole = recipe.report_sets(published(places, private, "mimic_iii"), private).rows["mimic_iii"]
    ids = tmp_path / "test_ids.txt"
    erroneous = FIRST_NOTE + N + 1
    ids.write_text(f"{FIRST_NOTE + 4}\n{FIRST_NOTE + 1}\n\n{erroneous}\n17\n")

    some = recipe.report_sets(published(places, private, "mimic_iii", mimic_iii_ids=str(ids)), private)

    assert some.rows["mimic_iii"] == (whole[1], whole[4])
    assert some.left_out["mimic_iii"] == {"marked as an error": 1}  # of those listed


def test_a_file_of_ids_that_is_not_there_is_one_clear_error(places, private):
    with pytest.raises(DataError, match=r"nowhere/ids.txt: no such file of note ids; fetch it, or write mimic_iii_ids"):
        recipe.report_sets(published(places, private, "mimic_iii", mimic_iii_ids="nowhere/ids.txt"), private)


def test_ids_of_other_notes_leave_no_report_and_say_so(places, private, tmp_path):
    (tmp_path / "ids.txt").write_text("1\n2\n")

    with pytest.raises(DataError, match="mimic_iii: no report that can be scored; are these the files"):
        recipe.report_sets(published(places, private, "mimic_iii", mimic_iii_ids=str(tmp_path / "ids.txt")), private)


@pytest.mark.parametrize("name", ALL)
def test_data_that_are_not_there_are_named(private, name):
    with pytest.raises(DataError, match="no such data file"):
        recipe.report_sets(demo(**{name: "data/nowhere/x.json", "private": str(private)}), private)


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_the_first_protocol_of_a_task_and_language_asks():
    found = recipe.protocols_of(demo(protocols=["ours_en", "paper", "ours_summary_ar"]))

    assert {key: one.id for key, one in found.items()} == {
        ("report_generation", "en"): "ours_en",
        ("report_summarisation", "ar"): "ours_summary_ar",
    }


def test_generation_shows_every_view_and_summarisation_gives_the_findings(drawn):
    queries = drawn.queries(demo())

    assert list(queries) == list(ALL)
    for name, rows in drawn.rows.items():
        assert [(one.id, one.language, len(one.images)) for one in queries[name]] == [
            (row.id, row.language, len(row.images)) for row in rows
        ]
    assert len(queries["mimic_cxr"][0].images) == 2
    assert [text_of(one.prompt[0]) for one in queries["mimic_iii"]] == [
        f"{text_of(row.messages[0])}\nSummarize the findings." for row in drawn.rows["mimic_iii"]
    ]


def test_a_language_without_a_protocol_is_said_before_anybody_is_asked(drawn):
    with pytest.raises(DataError, match=r"no protocol for report_generation in 'ar'; name one in benchmarks.reports"):
        drawn.queries(demo(protocols=["paper", "multimedeval_summary"]))


# --- what stays where -------------------------------------------------------------------------------------------------


def test_the_private_folder_is_the_profiles_own_or_else_the_runs(tmp_path, repository):
    params = demo(private="data/private")

    assert recipe.private_folder(params, tmp_path) == repository / "data/private/demo"
    assert recipe.private_folder(demo(), tmp_path) == tmp_path


@pytest.mark.parametrize("below", ["", "private", "demo/10_reports"])
def test_outputs_by_another_name_are_outputs_too(tmp_path, monkeypatch, below):
    monkeypatch.setenv("BIMEDIX2_OUTPUTS", str(tmp_path / "runs"))
    (tmp_path / "link").symlink_to(tmp_path / "runs")

    for name in ("runs", "link"):
        params = demo(mimic_cxr="a", private=str(tmp_path / name / below))
        with pytest.raises(DataError, match=r"which is in outputs \(runs\); name another folder"):
            recipe.private_folder(params, tmp_path)
    beside = demo(mimic_cxr="a", private=str(tmp_path / "runs2"))
    assert recipe.private_folder(beside, tmp_path) == tmp_path / "runs2/demo"


def written_below(folder):
    """Every byte of every file there."""
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


@pytest.fixture
def run_folder(outputs):
    folder = outputs / "demo/10_reports"
    folder.mkdir(parents=True)
    return folder


def test_answers_to_credentialed_reports_are_kept_in_the_private_folder_and_nowhere_else(
    places, private, run_folder, outputs, tmp_path
):
    with local_server.serving(tmp_path / "ledger.jsonl") as url:
        params = published(places, private, "mimic_iii", "mimic_cxr", n=2)
        params = demo(
            {"gpt": SERVER | {"url": url}},
            **params.benchmarks.reports.model_dump(include={"mimic_iii", "mimic_cxr", "n_reports", "private"}),
        )
        folder = recipe.private_folder(params, run_folder)
        sets = recipe.report_sets(params, folder)
        backend = LocalBackend(tiny.tiny_lmm(), tiny.GREEDY)
        gpt = endpoint_respondent(params, "gpt", params.benchmarks.endpoints["gpt"], folder)
        models = (Respondent("tiny", lambda: backend), gpt)
        recipe.check_models(models, sets, params)
        written = answered(models, sets.queries(params), store=JsonlStore(folder / "predictions.jsonl"))
        found = recipe.all_results(params, sets, written, folder)

    assert set(found) == {(row, name) for row in ("tiny", "gpt") for name in ("mimic_iii", "mimic_cxr")}
    said = [text for one in written.values() for texts in one.values() for text in texts.texts if text]
    kept = written_below(private).decode(errors="replace")
    assert len(said) >= 4
    assert all(text in kept for text in written["gpt"]["mimic_iii"].texts)
    assert list(outputs.rglob("*")) == [run_folder.parent, run_folder]  # not a file
    assert private in gpt.folder.parents


def endpoint_at(url):
    return {"gpt": SERVER | {"url": url}}


def sets_of(places, private, *names):
    return recipe.report_sets(published(places, private, *names, n=1), private)


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "http://127.0.0.1.example.org/v1", "http://10.0.0.7/v1"])
@pytest.mark.parametrize("name", ["mimic_cxr", "mimic_iii"])
def test_credentialed_reports_are_not_sent_to_another_machine(places, private, name, url):
    params = demo(endpoint_at(url), **{name: places[name]}, private=str(private))
    gpt = endpoint_respondent(params, "gpt", params.benchmarks.endpoints["gpt"], private / "demo")

    with pytest.raises(DataError, match=f"reports of {name} would be sent to"):
        recipe.check_models((gpt,), sets_of(places, private, name), params)


def test_nor_does_an_endpoint_on_this_machine_keep_its_answers_in_the_run_folder(places, private, run_folder):
    params = demo(endpoint_at("http://localhost:8000/v1"), mimic_iii=places["mimic_iii"], private=str(private))
    sets = sets_of(places, private, "mimic_iii")
    apart, within = (
        endpoint_respondent(params, "gpt", params.benchmarks.endpoints["gpt"], folder)
        for folder in (recipe.private_folder(params, run_folder), run_folder)
    )

    recipe.check_models((apart,), sets, params)
    with pytest.raises(DataError, match="endpoint 'gpt' would keep its answers to credentialed reports in"):
        recipe.check_models((within,), sets, params)


def test_reports_that_anybody_may_have_go_anywhere(drawn, places, private, run_folder):
    params = demo(endpoint_at("https://api.openai.com/v1"))
    gpt = endpoint_respondent(params, "gpt", params.benchmarks.endpoints["gpt"], run_folder)

    recipe.check_models((gpt,), drawn, params)  # phantoms
    recipe.check_models((gpt,), sets_of(places, private, "iu_xray"), params)


def test_a_model_in_process_and_a_folder_of_answers_send_nothing(places, private, tmp_path):
    params = demo(mimic_iii=places["mimic_iii"], private=str(private))
    models = (Respondent("tiny", lambda: None), AnswerFolder("elsewhere", tmp_path))

    recipe.check_models(models, sets_of(places, private, "mimic_iii"), params)


# --- scores -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_references(drawn, tmp_path_factory):
    """A model that writes the references, and one that writes nothing, with all their results."""
    texts = {name: tuple(text_of(row.messages[-1]) for row in rows) for name, rows in drawn.rows.items()}
    empty = {name: ("",) * len(said) for name, said in texts.items()}
    written = {
        row: {name: Written(row, f"key of {row}", said, {"temperature": 0.0}) for name, said in one.items()}
        for row, one in (("same", texts), ("mute", empty))
    }
    return written, recipe.all_results(demo(), drawn, written, tmp_path_factory.mktemp("results"))


def test_references_as_reports_score_one_and_nothing_scores_nought(of_references):
    _, found = of_references

    def value(row, name, metric, language="en"):
        (one,) = [
            one
            for one in found[row, name]
            if isinstance(one, Result) and (one.metric, one.definition, one.language) == (metric, "ours", language)
        ]
        return one.estimate.value

    for name, language in (("mimic_iii", "en"), ("mimic_cxr", "en"), ("iu_xray", "en"), ("iu_xray", "ar")):
        for metric in ("BLEU-1", "ROUGE-L"):
            assert value("same", name, metric, language) == pytest.approx(1.0)
            assert value("mute", name, metric, language) == 0.0
        assert (value("same", name, "empty", language), value("mute", name, "empty", language)) == (0.0, 1.0)


def test_what_no_scorer_was_named_for_is_not_run_and_never_nought(of_references):
    _, found = of_references
    measured = {one.metric for one in found["same", "mimic_cxr"] if isinstance(one, Result)}
    not_measured = {one.metric: one.why for one in found["same", "mimic_cxr"] if not isinstance(one, Result)}

    assert {"F1-RadGraph", "BERTScore"} <= set(not_measured)
    assert not set(not_measured) & measured
    assert all(why.startswith("not run: ") for why in not_measured.values())


def test_a_table_has_the_rows_of_its_set_with_their_cards(drawn, of_references):
    written, found = of_references
    cards, results = recipe.of_set(demo(), drawn, written, found, "mimic_iii")

    assert [(one.row, one.model_key) for one in cards] == [("same", "key of same"), ("mute", "key of mute")]
    assert {one.dataset for one in cards} == {"stand-in of mimic_iii"}
    assert cards[0].rows == drawn.rows["mimic_iii"]
    assert cards[0].decoding == {"temperature": 0.0, "protocol": "multimedeval_summary"}
    assert results == {row: found[row, "mimic_iii"] for row in ("same", "mute")}


def test_a_set_that_is_not_measured_has_no_row(places, private, of_references):
    sets = sets_of(places, private, "iu_xray")

    assert recipe.of_set(published(places, private, "iu_xray"), sets, {}, {}, "mimic_cxr") == ([], {})


def test_answers_made_elsewhere_are_joined_in_both_languages(drawn, tmp_path):
    lines = {}
    for row in reversed(drawn.rows["iu_xray"]):
        lines.setdefault(row.language, []).append(f'{{"id": "{row.id}", "answer": "{row.language} {row.id}"}}')
    for language, found in lines.items():
        (tmp_path / f"iu_xray_{language}.jsonl").write_text("\n".join(found))
    asked = {"iu_xray": drawn.queries(demo())["iu_xray"]}

    found = answered([AnswerFolder("elsewhere", tmp_path)], asked, store=JsonlStore(tmp_path / "p.jsonl"))

    assert found["elsewhere"]["iu_xray"].texts == tuple(f"{row.language} {row.id}" for row in drawn.rows["iu_xray"])
