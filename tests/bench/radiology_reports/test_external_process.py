"""The separate process: a real one that speaks the protocol, killed, silent, garbled, and gone on with."""

import json
import sys
from pathlib import Path

import pytest

from bimedix2_core.bench.radiology_reports import external
from bimedix2_core.bench.radiology_reports.external import annotations, process
from bimedix2_core.bench.radiology_reports.external.annotations import AnnotationCache, annotate_texts
from bimedix2_core.bench.radiology_reports.external.process import Launch, ScorerError, Worker, WorkerDiedError
from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.errors import DataError

TINY = Path(__file__).with_name("tiny_worker.py")
TEXTS = [f"Edema {n}." for n in range(40)]
N_BATCHES = 3
"""Of 16 texts each at most."""


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "weights.txt").write_text("first")
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def launch(weights, cache, *, scorers=("radgraph",), **options):
    options = {"python": Path(sys.executable), "worker": TINY, "log": cache / "worker.log"} | options
    return Launch(weights=weights, scorers=scorers, **options)


def plan(weights, **mishap):
    (weights / "plan.json").write_text(json.dumps(mishap))


def asked(weights):
    """(scorer, texts) of each request the workers read."""
    file = weights / "asked.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run(weights, cache, texts=TEXTS, *, scorers=("radgraph",), **options):
    return annotate_texts(texts, AnnotationCache(cache), launch(weights, cache, scorers=scorers, **options))


def test_each_text_gets_its_own_annotation(weights, cache):
    found = run(weights, cache)["radgraph"]

    assert found.n_new == 40
    assert set(found.results) == set(TEXTS)
    assert {one["0"]["tokens"] for one in found.results.values()} == {"edema"}
    assert [len(texts) for _, texts in asked(weights)] == [16, 16, 8]


def test_a_second_run_asks_for_nothing_and_finds_the_same(weights, cache):
    first = run(weights, cache)["radgraph"]
    n_asked = len(asked(weights))
    second = run(weights, cache)["radgraph"]

    assert second.results == first.results
    assert (second.n_new, len(asked(weights))) == (0, n_asked)


def test_a_reference_that_many_models_share_is_annotated_once(weights, cache):
    run(weights, cache, ["No effusion.", "Edema.", "No effusion."])
    run(weights, cache, ["No effusion.", "Cardiomegaly."])

    assert [texts for _, texts in asked(weights)] == [["No effusion.", "Edema."], ["Cardiomegaly."]]


def test_other_weights_or_another_model_are_another_identity_and_are_asked_anew(weights, cache):
    run(weights, cache, ["Edema."])
    (weights / "weights.txt").write_text("second")
    run(weights, cache, ["Edema."])
    run(weights, cache, ["Edema."], radgraph_model="radgraph-xl")

    assert len(asked(weights)) == 3
    assert len(AnnotationCache(cache).identities) == 3


def test_the_cache_names_the_scorers_and_never_holds_a_whole_report(weights, cache):
    run(weights, cache, ["Edema of Mr Smith."])

    assert "Smith" not in "".join(file.read_text() for file in cache.iterdir())
    [identity] = AnnotationCache(cache).identities
    assert identity["identity"]["weights"]["weights.txt"].startswith("a7937b64")  # sha256 of "first"


@pytest.mark.parametrize("n_answered", range(N_BATCHES))
def test_a_worker_that_dies_is_started_again_and_only_the_batch_in_flight_is_asked_twice(weights, cache, n_answered):
    plan(weights, die_after=n_answered, once=True)

    found = run(weights, cache)["radgraph"]

    assert set(found.results) == set(TEXTS)
    assert len(asked(weights)) == N_BATCHES + 1


def test_a_worker_that_keeps_dying_is_an_error_and_what_it_did_is_kept(weights, cache):
    texts = [f"Edema {n}." for n in range(80)]
    plan(weights, die_after=1)

    # three workers, each answers 16 and dies on the second request of its life
    with pytest.raises(WorkerDiedError, match=r"RadGraph: the worker ended with status 9.* 32 of 80 reports are left"):
        run(weights, cache, texts)
    plan(weights)

    assert run(weights, cache, texts)["radgraph"].n_new == 32


def test_killed_at_any_request_a_run_goes_on_where_it_stopped(weights, cache, monkeypatch):
    monkeypatch.setattr(annotations, "N_RESTARTS", 0)
    plan(weights, die_after=1)
    n_runs = 0
    while "radgraph" not in (found := _one_run(weights, cache)):
        n_runs += 1

    assert set(found["radgraph"].results) == set(TEXTS)
    assert n_runs == N_BATCHES - 1  # each run gains one batch; the last one needs no more than its first request
    assert len(asked(weights)) == N_BATCHES + n_runs  # one in flight lost at each death, nothing else asked twice


def _one_run(weights, cache):
    try:
        return run(weights, cache)
    except ScorerError:
        return {}


def test_a_silent_worker_is_ended_and_is_an_error_after_its_restarts(weights, cache, monkeypatch):
    monkeypatch.setattr(annotations, "N_RESTARTS", 1)
    plan(weights, hang_after=0)

    with pytest.raises(WorkerDiedError, match=r"no answer in 0\.2 s; see worker\.log"):
        run(weights, cache, batch_seconds=0.2)

    assert len(asked(weights)) == 2


@pytest.mark.parametrize(
    ("mishap", "message"),
    [
        ({"garbage_after": 0}, r"wrote a line of 18 characters, no JSON object"),
        ({"protocol": 2}, r"tiny_worker\.py speaks protocol 2, expected 1"),
        ({"exit_at_start": 3}, r"ended with status 3; see worker\.log"),
        ({"drop": 1}, r"answered request 0 with 15 results, asked was request 0 of 16 reports"),
        ({"shift_id": 1}, r"answered request 1 with 16 results, asked was request 0"),
    ],
)
def test_a_worker_that_breaks_the_protocol_is_one_clear_error(weights, cache, mishap, message):
    plan(weights, **mishap)

    with pytest.raises(ScorerError, match=message):
        run(weights, cache)


def test_a_line_that_is_no_answer_is_not_quoted_for_it_may_hold_a_report(weights, cache):
    plan(weights, garbage_after=0)

    with pytest.raises(ScorerError) as error:
        run(weights, cache)

    assert "device" not in str(error.value)


def test_what_a_worker_says_on_stderr_is_in_the_log(weights, cache):
    plan(weights, exit_at_start=3)

    with pytest.raises(ScorerError):
        run(weights, cache)

    assert (cache / "worker.log").read_text() == "no such luck\n"


def test_a_python_that_is_not_there_is_an_error(weights, cache):
    with pytest.raises(ScorerError, match=r"nowhere/python cannot be started: No such file"):
        run(weights, cache, python=Path("nowhere/python"))


def test_no_process_is_left_behind_however_a_run_ends(weights, cache):
    worker = Worker(launch(weights, cache))
    with worker:
        worker.ask("radgraph", ["Edema."])
    assert worker._process.returncode == 0

    plan(weights, hang_after=0)
    silent = Worker(launch(weights, cache, batch_seconds=0.2))
    with pytest.raises(WorkerDiedError), silent:
        silent.ask("radgraph", ["Edema."])
    assert silent._process.returncode == -9


def test_a_worker_is_offline_unless_the_user_says_otherwise(weights, cache, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with Worker(launch(weights, cache)) as worker:
        assert worker.hello["offline"] == "1"

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with Worker(launch(weights, cache)) as worker:
        assert worker.hello["offline"] == "0"


# --- what is not run -------------------------------------------------------------------------------------------------


def test_without_an_environment_a_scorer_is_not_run_and_says_what_it_needs(cache):
    [found] = run(None, cache, ["Edema."], scorers=("chexbert",), python=None).values()

    assert isinstance(found, NotRun)
    assert str(found).startswith("not run: an environment of its own for the scorers")
    assert not cache.exists()


@pytest.mark.parametrize("when", ["needs", "needs_later"])
def test_missing_weights_are_not_run_for_that_scorer_and_the_other_goes_on(weights, cache, when):
    plan(weights, **{when: {"chexbert": "chexbert.pth in the folder of weights"}})

    found = run(weights, cache, scorers=("radgraph", "chexbert"))

    assert found["chexbert"] == NotRun("CheXbert", "chexbert.pth in the folder of weights")
    assert found["radgraph"].n_new == 40


def test_a_whole_cache_is_replayed_without_an_environment_and_a_part_of_one_is_not(weights, cache):
    made = run(weights, cache, TEXTS[:20])["radgraph"]

    whole = run(None, cache, TEXTS[:20], python=None)["radgraph"]
    part = run(None, cache, TEXTS[:21], python=None)["radgraph"]
    other_model = run(None, cache, TEXTS[:20], python=None, radgraph_model="radgraph-xl")["radgraph"]

    assert (whole.results, whole.identity, whole.n_new) == (made.results, made.identity, 0)
    assert isinstance(part, NotRun)
    assert isinstance(other_model, NotRun)


# --- scores of pairs -------------------------------------------------------------------------------------------------

PAIRS = [
    ("Effusion left. No edema.", "Effusion left. No edema."),
    ("Cardiomegaly.", "No pneumothorax."),
    ("", "Edema."),
]


def score(weights, cache, **options):
    options = {"python": Path(sys.executable), "weights": weights, "worker": TINY} | options
    return external.annotate(PAIRS, cache=cache, **options)


def test_pairs_are_scored_in_their_order(weights, cache):
    found = score(weights, cache)

    assert found["f1_radgraph"] == [1.0, 0.0, 0.0]
    assert found["radgraph_mean"] == [1.0, 0.0, 0.0]
    assert found["chexbert_cosine"][0] == pytest.approx(1.0)
    assert found["chexbert_cosine"][1] == pytest.approx(1 / 2)  # (1, cardiomegaly) against (1, pneumothorax)
    assert found["chexbert_exact_5"] == [1.0, 0.0, 0.0]
    # present: effusion, cardiomegaly, nothing; effusion, nothing (a pneumothorax is absent), edema
    assert found.overall["chexbert_f1_micro_14"] == pytest.approx(2 * 1 / (2 + 2))
    assert set(found) == {*external.RADGRAPH_SCORES, *external.CHEXBERT_SCORES}
    assert set(found.overall) == set(external.CHEXBERT_OVERALL)


def test_the_provenance_names_model_weights_and_casing(weights, cache):
    found = score(weights, cache, radgraph_model="radgraph-xl", casing=external.HEAD).provenance

    assert found["casing"] == "radgraph head"
    assert found["radgraph"]["model"] == "radgraph-xl"
    assert found["radgraph"]["weights"]["weights.txt"].startswith("a7937b64")
    assert (found["radgraph"]["n_reports"], found["radgraph"]["n_annotated_now"]) == (5, 5)


def test_every_score_of_a_scorer_that_was_not_run_says_so_and_none_is_0(cache):
    found = score(None, cache, python=None)

    assert {type(one) for one in [*found.values(), *found.overall.values(), found.present]} == {NotRun}
    assert found["f1_radgraph"].what == "RadGraph"
    assert found.overall["chexbert_f1_macro_5"].what == "CheXbert"
    assert found.provenance["radgraph"]["not run"].startswith("an environment of its own")


def test_a_scorer_that_was_not_asked_for_is_not_run(weights, cache):
    found = score(weights, cache, scorers=("radgraph",))

    assert found["f1_radgraph"] == [1.0, 0.0, 0.0]
    assert str(found["chexbert_cosine"]) == "not run: to be among the scorers asked for"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [([], "there is none"), ([("Edema.", "Edema."), ("Edema.", None)], "pair 1 is none"), ([("Edema.",)], "pair 0")],
)
def test_what_is_no_pair_of_texts_is_an_error(cache, pairs, message):
    with pytest.raises(DataError, match=message):
        external.annotate(pairs, python=None, cache=cache)


def test_an_unknown_scorer_is_an_error(cache):
    with pytest.raises(DataError, match="no external scorer 'green'; there are radgraph, chexbert"):
        external.annotate(PAIRS, python=None, cache=cache, scorers=("green",))


def test_the_weights_are_looked_for_inside_the_environment(weights, cache, tmp_path):
    (tmp_path / "scorers" / "bin").mkdir(parents=True)
    python = tmp_path / "scorers" / "bin" / "python"
    python.symlink_to(sys.executable)
    weights.rename(tmp_path / "scorers" / "weights")

    assert score(None, cache, python=python)["f1_radgraph"] == [1.0, 0.0, 0.0]


def test_the_worker_is_started_isolated_from_the_folder_it_lies_in(tmp_path):
    command = Launch(tmp_path / "python", tmp_path / "log").command

    assert command[1:3] == ["-I", str(process.WORKER)]
