import json
import math
import random
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
import torch

from bimedix2_core import runs
from bimedix2_core.errors import DataError
from bimedix2_core.params import load_params, root
from bimedix2_core.runs import (
    JsonlStore,
    atomic_text,
    content_key,
    data_key,
    finish_run,
    json_lines,
    only_one,
    seed_everything,
    start_run,
    write_atomic,
)


@pytest.fixture
def params():
    return load_params("params/demo.yaml", {"run.threads": 1}, environment={})


@pytest.fixture(autouse=True)
def _torch_as_it_was():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def test_equal_content_has_an_equal_key():
    # printf '{"a":1,"b":[true,null]}' | sha256sum
    expected = "1cc69c7fa23616ca2ec3ee70d24390a6225c8832db8a4c814c7e0e7f942f8668"

    key = content_key({"b": [True, None], "a": 1})

    assert key == content_key({"a": 1, "b": (True, None)}) == expected


def test_other_content_has_another_key():
    keys = {content_key(content) for content in (1, 1.5, "1", [1], {"1": 1}, None, "", [], "\u0631\u0626\u0629")}

    assert len(keys) == 9


@pytest.mark.parametrize("content", [{1, 2}, b"bytes", math.nan, math.inf, [object()]])
def test_content_that_is_no_json_has_no_key(content):
    with pytest.raises(DataError, match="not plain JSON"):
        content_key(content)


def test_the_key_of_a_file_is_the_sha256_of_its_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")

    # FIPS 180-2, appendix B.1
    assert data_key(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_key_of_a_folder_changes_with_a_name_and_with_a_byte(tmp_path):
    folder = tmp_path / "weights"
    write_atomic(folder / "a" / "one", "1")
    first = data_key(folder)
    write_atomic(folder / "a" / "one", "2")
    second = data_key(folder)
    (folder / "a" / "one").rename(folder / "a" / "two")

    assert len({first, second, data_key(folder)}) == 3


def test_nothing_has_no_key(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        data_key(tmp_path / "absent")


def test_the_same_seed_draws_the_same():
    def draw():
        seed_everything(3)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()


def test_a_write_replaces_the_whole_file_and_leaves_no_draft(tmp_path):
    path = write_atomic(tmp_path / "new" / "file.txt", "\u0631\u0626\u0629")
    write_atomic(path, b"second")

    assert path.read_bytes() == b"second"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = write_atomic(tmp_path / "file.txt", "old")

    with pytest.raises(TypeError):
        write_atomic(path, 3)

    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["file.txt"]


def test_json_lines_have_one_object_a_line_and_keep_every_letter():
    text = json_lines([{"id": "a", "text": "نعم\nلا"}, {"id": "b", "n": 1.5}])

    assert text == '{"id": "a", "text": "نعم\\nلا"}\n{"id": "b", "n": 1.5}\n'
    assert json_lines([]) == ""


def test_a_streamed_text_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.jsonl"

    with atomic_text(path) as stream:
        stream.write("\u0631\u0626\u0629\n")
        stream.flush()
        assert not path.exists()
        stream.write("second\r\n")

    assert path.read_bytes() == "\u0631\u0626\u0629\nsecond\r\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_streamed_text_that_breaks_off_leaves_the_old_file(tmp_path):
    path = write_atomic(tmp_path / "file.txt", "old")
    lines = ("new\n" if number == 0 else content_key(object) for number in range(2))

    with pytest.raises(DataError, match="not plain JSON"), atomic_text(path) as stream:
        stream.writelines(lines)

    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["file.txt"]


def test_a_stream_that_is_killed_leaves_the_old_file(tmp_path):
    path = write_atomic(tmp_path / "file.txt", "old")
    script = (
        "import os, sys; from bimedix2_core.runs import atomic_text\n"
        "with atomic_text(sys.argv[1]) as stream:\n"
        "    stream.write('new'); stream.flush(); os._exit(9)"
    )

    done = subprocess.run([sys.executable, "-c", script, path], check=False)

    assert done.returncode == 9
    assert path.read_text() == "old"


HOLDING = """
import sys, time
from bimedix2_core.runs import only_one
with only_one(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_process_and_given_back_when_it_is_killed(tmp_path):
    lock = tmp_path / "folder" / "one.lock"
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(lock)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(DataError, match=r"another process is at work in .*folder; wait for it"), only_one(lock):
            pass
    finally:
        process.kill()
        process.communicate()

    with only_one(lock), pytest.raises(DataError, match="another process"), only_one(lock):
        pass
    with only_one(lock), only_one(lock.with_name("two.lock")):
        pass


def test_outputs_go_where_the_environment_says(repository, monkeypatch, tmp_path):
    assert runs.output_dir("demo") == tmp_path / "outputs" / "demo"

    monkeypatch.setenv("BIMEDIX2_OUTPUTS", "outputs/nbval")
    assert runs.output_dir("demo") == repository / "outputs" / "nbval" / "demo"

    monkeypatch.setenv("BIMEDIX2_OUTPUTS", "")
    assert runs.output_dir("demo") == repository / "outputs" / "demo"

    monkeypatch.delenv("BIMEDIX2_OUTPUTS")
    assert runs.output_dir("demo") == repository / "outputs" / "demo"


def test_the_banner_is_the_same_in_every_run(params, capsys):
    start_run("03_stage1_alignment", params)

    banner = capsys.readouterr().out
    assert banner == "03_stage1_alignment | profile demo | seed 0 | demo numbers are no results of the paper\n"


def test_a_run_is_seeded_deterministic_and_has_its_threads(params):
    start_run("a", params)
    first = torch.rand(2).tolist()
    start_run("b", params)

    assert torch.rand(2).tolist() == first
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1


def test_a_finished_run_has_a_record_of_everything_it_depends_on(params, outputs, tmp_path):
    first = start_run("03_first", params)
    write_atomic(first.shared / "stage1" / "projector.bin", "weights")
    run = start_run("04_second", params, {"run.threads": 1})
    weights = run.need("stage1", notebook="03_first")
    (tmp_path / "set.json").write_text("{}")

    card = finish_run(run, data={"set": tmp_path / "set.json", "corpus": "abc"}, results={"accuracy": 0.5})

    record = json.loads((outputs / "demo" / "04_second" / "run.json").read_text())
    assert weights == outputs / "demo" / "stage1"
    assert record == card.record
    assert record["params"]["stage2"]["lora_r"] == 32
    assert record["params_key"] == content_key(record["params"])
    assert record["data"] == {"stage1": data_key(weights), "set": data_key(tmp_path / "set.json"), "corpus": "abc"}
    assert (record["kind"], record["seed"], record["overrides"]) == ("demo", 0, {"run.threads": 1})
    assert record["versions"]["torch"] == version("torch")
    assert set(record["git"]) == {"commit", "dirty"}
    assert {"cpu", "cores", "threads", "memory_gb", "peak_memory_gb", "gpus"} <= set(record["hardware"])
    assert record["started"] <= record["finished"]
    assert record["results"] == {"accuracy": 0.5}


def test_the_card_shows_the_record_as_a_table(params):
    card = finish_run(start_run("04_second", params))

    assert "04_second" in card._repr_html_()
    assert version("torch") in card._repr_html_()
    assert repr(card) == "ProvenanceCard(04_second, profile demo)"


def test_a_run_that_begins_again_has_no_record_until_it_ends(params, outputs):
    finish_run(start_run("a", params))
    start_run("a", params)

    assert not (outputs / "demo" / "a" / "run.json").exists()


def test_a_notebook_opened_out_of_order_says_which_to_run_first(params):
    run = start_run("04_stage2_lora", params)

    with pytest.raises(DataError, match=r"04_stage2_lora needs .*stage1.* run notebook 03_stage1_alignment first"):
        run.need("stage1", notebook="03_stage1_alignment")


def test_what_a_training_leaves_is_needed_only_where_the_profile_trains(params):
    run = start_run("06_clinical_qa", params)
    with pytest.raises(DataError, match="run notebook 04_stage2_lora first"):
        run.need_trained("stage2", notebook="04_stage2_lora")

    finished = start_run("06_clinical_qa", load_params(root() / "params" / "released_8b.yaml", environment={}))
    assert finished.need_trained("stage2", notebook="04_stage2_lora") is None


def test_what_a_synthesis_leaves_is_needed_only_where_the_profile_makes_samples(params):
    run = start_run("14_bimedix_moe", params)
    with pytest.raises(DataError, match="run notebook 02_bimed_v first"):
        run.need_synthesised("chats", notebook="02_bimed_v")

    finished = start_run("14_bimedix_moe", load_params(root() / "params" / "bimedix_moe.yaml", environment={}))
    assert finished.need_synthesised("chats", notebook="02_bimed_v") is None


def test_git_without_a_repository_is_recorded_as_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "absent"))

    assert runs._git_state() == {"commit": None, "dirty": None}


def test_a_store_keeps_what_was_added_in_order(tmp_path):
    store = JsonlStore(tmp_path / "new" / "predictions.jsonl")
    store.add({"key": "b", "text": "\u0631\u0626\u0629 \u2028 two"})
    store.extend([{"key": "a", "n": 1}, {"key": "c", "n": 2.5}])

    again = JsonlStore(tmp_path / "new" / "predictions.jsonl")

    assert [record["key"] for record in again] == ["b", "a", "c"]
    assert again["b"]["text"] == "\u0631\u0626\u0629 \u2028 two"
    assert len(again) == 3
    assert "a" in again
    assert "x" not in again
    assert list(again) == list(store)


def test_a_last_line_cut_by_a_kill_is_dropped_and_reported(tmp_path, caplog):
    path = tmp_path / "predictions.jsonl"
    JsonlStore(path).extend([{"key": "a"}, {"key": "b"}])
    path.write_bytes(path.read_bytes() + b'{"key":"c","te')

    store = JsonlStore(path)
    store.add({"key": "c", "text": "whole"})

    assert store.n_bytes_cut == 14
    assert "cut off an incomplete last line of 14 bytes" in caplog.text
    assert [record["key"] for record in JsonlStore(path)] == ["a", "b", "c"]
    assert JsonlStore(path).n_bytes_cut == 0


def test_a_store_that_was_killed_keeps_every_record_it_confirmed(tmp_path):
    path = tmp_path / "predictions.jsonl"
    script = (
        "import os, sys; from bimedix2_core.runs import JsonlStore\n"
        "store = JsonlStore(sys.argv[1])\n"
        "for i in range(5): store.add({'key': str(i)})\n"
        "os.kill(os.getpid(), 9)"
    )

    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)

    assert done.returncode == -9
    assert len(JsonlStore(path)) == 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{broken}\n", "line 2 is not JSON"),
        (b"[1]\n", "line 2 is no JSON object"),
        (b'{"key": "a"}\n', "there is a record with key 'a' already"),
        (b'{"id": "b"}\n', "needs text in its field 'key', found None"),
        (b"\n", "line 2 is not JSON"),
    ],
)
def test_a_damaged_store_is_an_error_that_names_the_place(tmp_path, line, message):
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b'{"key": "a"}\n' + line)

    with pytest.raises(DataError, match=message):
        JsonlStore(path)


@pytest.mark.parametrize("record", [{"key": "a"}, {"key": 1}, {}, {"key": "n", "score": math.nan}])
def test_a_record_that_does_not_belong_is_refused_and_nothing_is_written(tmp_path, record):
    path = tmp_path / "predictions.jsonl"
    store = JsonlStore(path)
    store.add({"key": "a"})
    before = path.read_bytes()

    with pytest.raises(DataError):
        store.extend([{"key": "fine"}, record])

    assert path.read_bytes() == before
    assert len(store) == 1


def test_a_store_may_name_its_key(tmp_path):
    JsonlStore(tmp_path / "s.jsonl", key="id").add({"id": "x"})

    assert JsonlStore(tmp_path / "s.jsonl", key="id")["x"] == {"id": "x"}


def test_an_empty_file_is_an_empty_store(tmp_path):
    (tmp_path / "s.jsonl").touch()

    assert len(JsonlStore(tmp_path / "s.jsonl")) == 0
