"""The real worker: what it needs, what it refuses, and its CheXbert on a tiny checkpoint of the published layout."""

import ast
import base64
import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bimedix2_core.bench.radiology_reports.external import process, worker
from bimedix2_core.bench.radiology_reports.external.chexbert import CONDITIONS
from bimedix2_core.bench.radiology_reports.external.process import Launch, Worker
from bimedix2_core.runs import data_key

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "no", "edema", "effusion", "left", "."]


def launch(folder, *scorers):
    return Launch(Path(sys.executable), folder / "worker.log", folder, scorers)


def test_it_imports_nothing_but_the_standard_library():
    tree = ast.parse(process.WORKER.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_knows_as_many_heads_as_there_are_conditions():
    assert len(CONDITIONS) == worker.N_HEADS


def test_what_is_missing_is_named_scorer_by_scorer(tmp_path):
    with Worker(launch(tmp_path, "radgraph", "chexbert")) as running:
        said = running.scorers

    assert said["radgraph"] == {"needs": "the packages radgraph, see requirements.lock"}
    missing = "chexbert.pth, bert-base-uncased/config.json, bert-base-uncased/vocab.txt"
    assert said["chexbert"] == {"needs": f"{missing} in the folder of weights"}


def test_a_request_that_is_no_json_ends_it_with_an_error_status(tmp_path):
    done = subprocess.run(
        [*launch(tmp_path, "chexbert").command], input="hello\n", capture_output=True, text=True, check=False
    )

    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)
    assert "JSONDecodeError" in done.stderr


CHATTY = """
import sys
sys.path.insert(0, {folder!r})
import worker

class Chatty:
    def annotate(self, texts):
        print("Using device: cpu")
        return [{{}} for _ in texts]

worker.prepare = lambda *_, **__: ({{"radgraph": Chatty()}}, {{"radgraph": {{"identity": {{"scorer": "radgraph"}}}}}})
worker.main()
"""
"""A worker whose package prints, as radgraph does when it is loaded."""


def test_what_a_package_prints_goes_to_the_log_and_not_between_the_answers(tmp_path):
    script = tmp_path / "chatty.py"
    script.write_text(CHATTY.format(folder=str(process.WORKER.parent)))

    with Worker(replace(launch(tmp_path, "radgraph"), worker=script)) as running:
        assert running.ask("radgraph", ["Edema.", "Effusion."]) == {"id": 0, "results": [{}, {}]}

    assert (tmp_path / "worker.log").read_text() == "Using device: cpu\n"


def test_an_old_torch_that_would_run_a_checkpoints_code_is_refused():
    worker._check_torch({"torch": "2.6.0+cpu"})
    worker._check_torch({"torch": "2.13.0"})
    with pytest.raises(worker.NeedsError, match=r"torch 2\.6 or newer.*found 2\.5\.1"):
        worker._check_torch({"torch": "2.5.1"})


# --- RadGraph's archive ---------------------------------------------------------------------------------------------


def bare_radgraph(folder):
    scorer = worker.RadGraph.__new__(worker.RadGraph)  # without its packages
    scorer.folder = folder / "radgraph"
    return scorer


def archive(folder, **files):
    with tarfile.open(folder / "radgraph.tar.gz", "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder / "radgraph.tar.gz"


def test_radgraphs_archive_is_unpacked_once_and_whole(tmp_path):
    scorer, packed = bare_radgraph(tmp_path), archive(tmp_path, **{"weights.th": b"w", "vocabulary__words.txt": b"v"})

    scorer._unpack(packed)
    packed.unlink()
    scorer._unpack(packed)

    assert (tmp_path / "radgraph" / "vocabulary" / "words.txt").read_bytes() == b"v"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["radgraph"]


def test_an_archive_that_would_write_outside_its_folder_is_refused(tmp_path):
    packed = archive(tmp_path, **{"weights.th": b"w", "..__..__evil": b"x"})

    with pytest.raises(worker.NeedsError, match="whose files stay in its folder"):
        bare_radgraph(tmp_path)._unpack(packed)

    assert not list(tmp_path.parent.glob("evil")) + list(tmp_path.glob("evil")) + list(tmp_path.glob("radgraph"))


def test_an_archive_with_a_link_is_refused(tmp_path):
    packed = tmp_path / "radgraph.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        link = tarfile.TarInfo("weights.th")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)

    with pytest.raises(worker.NeedsError, match=r"'weights\.th' is no plain file"):
        bare_radgraph(tmp_path)._unpack(packed)


def test_a_missing_archive_and_one_cut_short_are_named(tmp_path):
    with pytest.raises(worker.NeedsError, match=r"^radgraph\.tar\.gz in the folder of weights$"):
        bare_radgraph(tmp_path)._unpack(tmp_path / "radgraph.tar.gz")
    packed = archive(tmp_path, **{"weights.th": bytes(10_000)})
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(worker.NeedsError, match=r"a whole radgraph\.tar\.gz"):
        bare_radgraph(tmp_path)._unpack(packed)


def test_an_annotation_keeps_what_is_scored():
    full = {"1": {"tokens": "edema", "label": "L", "start_ix": 0, "end_ix": 0, "relations": []}}

    assert worker._kept(full) == {"1": {"tokens": "edema", "label": "L", "relations": []}}


# --- CheXbert, tiny and real ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder of weights and the model they are of: one layer, width 8, drawn from a seed."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("weights")
    (folder / "bert-base-uncased").mkdir()
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        initializer_range=1.0,
    )  # fmt: skip
    config.save_pretrained(folder / "bert-base-uncased")
    (folder / "bert-base-uncased" / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    torch.manual_seed(0)
    bert = transformers.BertModel(config).eval()
    heads = torch.nn.ModuleList([torch.nn.Linear(8, n) for n in [4] * 13 + [2]])
    state = {f"module.bert.{name}": one for name, one in bert.state_dict().items()}
    state |= {f"module.linear_heads.{name}": one for name, one in heads.state_dict().items()}
    state["module.bert.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save({"epoch": 1, "model_state_dict": state, "optimizer_state_dict": {}}, folder / "chexbert.pth")
    return folder, bert, heads


def alone(bert, heads, text):
    """Classes and embedding of one report, word by word, without padding."""
    import torch

    ids = [WORDS.index(word) if word in WORDS else 1 for word in text.lower().replace(".", " . ").split()]
    with torch.no_grad():
        state = bert(torch.tensor([[2, *ids[:510], 3]])).last_hidden_state[0, 0]
        return [head(state).argmax().item() for head in heads], state.numpy()


def test_each_report_gets_the_classes_and_the_embedding_it_gets_alone(tiny):
    folder, bert, heads = tiny
    texts = ["No edema.", "Effusion\nleft.  Edema.", "", "left", "edema " * 600]

    with Worker(launch(folder, "chexbert")) as running:
        results = running.ask("chexbert", texts)["results"]
        versions = running.scorers["chexbert"]["identity"]["versions"]

    for text, result in zip(texts, results, strict=True):
        classes, embedding = alone(bert, heads, text)
        assert result["classes"] == classes
        found = np.frombuffer(base64.b64decode(result["embedding"]), "<f4")
        assert found == pytest.approx(embedding, abs=1e-4)
    assert len({result["embedding"] for result in results}) == len(texts)
    assert set(versions) == {"torch", "transformers"}


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (exec, (f"open({str(self.marker)!r}, 'w').close()",))


def swapped(tiny, tmp_path, content):
    """The tiny weights with another checkpoint."""
    import torch

    (tmp_path / "bert-base-uncased").symlink_to(tiny[0] / "bert-base-uncased")
    torch.save(content, tmp_path / "chexbert.pth")
    return worker.CheXbert(tmp_path, device="cpu")


def test_a_checkpoint_that_holds_code_is_refused_and_the_code_is_not_run(tiny, tmp_path):
    scorer = swapped(tiny, tmp_path, {"model_state_dict": {}, "extra": Evil(tmp_path / "was_run")})

    with pytest.raises(worker.NeedsError, match=r"chexbert\.pth of tensors only; this one holds other objects"):
        scorer.annotate(["No edema."])

    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("content", [{}, {"model_state_dict": {"module.bert.pooler.dense.bias": 8}}])
def test_a_checkpoint_of_another_model_is_never_filled_up_with_random_weights(tiny, tmp_path, content):
    scorer = swapped(tiny, tmp_path, content)

    with pytest.raises(worker.NeedsError, match=r"chexbert\.pth of CheXbert's layout: Missing key"):
        scorer.annotate(["No edema."])


def test_the_weights_are_named_by_their_content(tiny):
    identity = worker.CheXbert(tiny[0], device="cpu").identity

    files = ("chexbert.pth", "bert-base-uncased/config.json", "bert-base-uncased/vocab.txt")
    assert identity["weights"] == {name: data_key(tiny[0] / name) for name in files}
