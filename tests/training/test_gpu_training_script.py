"""The GPU benchmark as far as a machine without GPU goes: the whole of it in small, its parts, and the true shape."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig

from bimedix2_core.model.shapes import Shape
from bimedix2_core.params import root
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import row_inputs
from bimedix2_core.training.packing.attention import packed_attention

sys.path.insert(0, str(root() / "tests" / "benchmarks"))
import gpu_training as script
from gpu_training_parts import correctness, data, models, speed, tables

TINY, TRUE = data.BENCHES["tiny"], data.BENCHES["8b"]
COMMAND = [sys.executable, str(root() / "tests" / "benchmarks" / "gpu_training.py")]
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def tiny():
    """A model, and samples of Stage 2's mix."""
    lmm, _ = models.trainable(TINY, TINY.settings("stage2"))
    return lmm, data.drawn(TINY, lmm, replace(data.STAGE2, samples=2000))


@pytest.mark.slow
def test_every_line_is_measured_on_the_tiny_shape(tmp_path):
    out = tmp_path / "tiny.jsonl"

    done = subprocess.run(
        [*COMMAND, "--shape", "tiny", "--out", str(out)], capture_output=True, text=True, check=False,
        env=os.environ | NO_GPU,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    header, *lines = map(json.loads, out.read_text().splitlines())
    assert header["GPU"] == "none, a proof of the script: no number here is a result"
    assert not [line for line in lines if "error" in line]
    assert [line["verdict"] for line in lines if "verdict" in line] == ["met"] * 3
    assert {line["line"] for line in lines if line.get("samples/s", 0) > 0} >= {
        tables.BASELINE[1], tables.BEST[1], tables.NEMO_LINE[1], tables.STAGE1_LINE[1], "fp8 base"
    }  # fmt: skip
    losses = [line["loss"] for line in lines if line["part"] == "Stage 2"]
    assert losses == pytest.approx([losses[0]] * 6, abs=1e-4)  # HF's Trainer, and five lines of ours
    assert out.with_suffix(".md").read_text().count("| not run |") == 5


@pytest.mark.slow
def test_without_a_gpu_the_true_shape_is_refused(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--out", str(tmp_path / "x.jsonl")], capture_output=True, text=True, check=False,
        env=os.environ | NO_GPU,
    )  # fmt: skip

    assert done.returncode == 1
    assert "no CUDA device here; --shape tiny proves this script on a CPU" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_at_once(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pydantic'] = None\n")

    done = subprocess.run(
        COMMAND, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(tmp_path)}
    )

    assert done.returncode == 1
    assert done.stderr.startswith("missing here: pydantic; see the top of gpu_training.py")


@pytest.mark.parametrize(
    ("stage", "changes", "n_trained"),
    [
        ("stage2", {"adapter_dtype": "float32"}, 2 * 7 * 2 + 4),  # layers x linear layers x (A, B), and the projector
        ("stage2", {"adapter_dtype": "bfloat16"}, 2 * 7 * 2 + 4),
        ("stage1", {}, 4),
    ],
)
@pytest.mark.parametrize("mix", [replace(data.STAGE2, images=0.6, samples=12), data.NEMO])
def test_shapes_and_formats_of_the_true_shape_fit_forward_and_back(stage, changes, n_trained, mix):
    """On the meta device, without values: two layers of the 8B's width in bfloat16, CLIP whole."""
    two = LlamaConfig.from_dict(TRUE.shape.language.to_dict() | {"num_hidden_layers": 2})
    bench = replace(TRUE, shape=Shape(two, TRUE.shape.vision), device="meta", dtype=torch.bfloat16)
    settings = bench.settings(stage, row_length=4096, **changes)
    lmm, _ = models.trainable(bench, settings)
    fed = data.packed(lmm, data.drawn(bench, lmm, mix), settings)[0]
    net = PackedLoss(lmm.model.train())

    with packed_attention(net.llava.model.language_model):
        loss, losses, _ = net(row_inputs(fed, lmm.device))
    loss.backward()

    trained = [weight for weight in lmm.model.parameters() if weight.requires_grad]
    assert (loss.dtype, losses.shape) == (torch.float32, (len(fed.packed.targets),))
    assert (fed.pixel_values is None) == (mix == data.NEMO)
    assert len(trained) == n_trained
    assert all((weight.grad.dtype, weight.grad.shape) == (weight.dtype, weight.shape) for weight in trained)


def test_samples_are_mixed_as_table_12_says_and_every_picture_has_twins(tiny):
    _, drawn = tiny

    n_images = int(drawn.has_image.sum())
    languages = [language for language, shows in zip(drawn.languages, drawn.has_image, strict=True) if shows]

    assert data.STAGE2.images == pytest.approx(579_827 / 1_691_407)
    assert n_images / len(drawn) == pytest.approx(data.STAGE2.images, abs=0.04)  # 3 standard errors of 1,000 pictures
    assert len(set(drawn.groups[drawn.has_image])) == n_images / 2
    assert languages == ["en", "ar"] * (n_images // 2)
    assert drawn.lengths[~drawn.has_image].mean() == pytest.approx(300 / 16, rel=0.15)
    assert (drawn.n_supervised > 0).all()


def test_sharing_spares_each_second_picture(tiny):
    lmm, drawn = tiny
    few = drawn.first(200)
    shared, apart = (data.packed(lmm, few, TINY.settings("stage2", share_images=shares)) for shares in (True, False))

    def tokens(rows):
        return sum(fed.packed.n_tokens for fed in rows)

    twins = int(few.has_image.sum()) - len(set(few.groups[few.has_image]))
    assert {fed.packed.input_ids.shape[1] for fed in shared + apart} == {512}  # one length, one compiled graph
    assert tokens(apart) == few.lengths.sum()
    assert tokens(apart) - tokens(shared) == twins * few.n_prefix.max() > 0


def test_both_kinds_of_row_are_warmed_up_where_there_are_both(tiny):
    lmm, drawn = tiny
    rows = data.packed(lmm, drawn.first(200), TINY.settings("stage2"))
    with_image = [fed for fed in rows if fed.pixel_values is not None]
    without = [replace(fed, pixel_values=None) for fed in with_image[:1]]

    assert speed.first_of_each_kind(with_image) == with_image[:1]
    assert {fed.pixel_values is None for fed in speed.first_of_each_kind(with_image + without)} == {True, False}


def test_the_reference_mask_is_the_one_drawn_by_hand():
    drawn = """
        1.......
        11......
        111.....
        11.1....
        11.11...
        .....1..
        ......1.
        ......11"""
    expected = torch.tensor([[sign == "1" for sign in line] for line in drawn.split()])
    blocks = [correctness.block(0, 2, 3, 5), correctness.block(5, 5, 6)]

    assert torch.equal(correctness.visible(blocks, 8), expected)


@pytest.mark.parametrize(
    ("worst", "dtype", "said"),
    [(9e-5, torch.float32, "met"), (1.1e-4, torch.float32, "NOT MET"), (9e-3, torch.bfloat16, "met"),
     (float("nan"), torch.bfloat16, "NOT MET")],
)  # fmt: skip
def test_a_path_is_correct_within_its_format_and_nan_never_is(worst, dtype, said):
    assert correctness.verdict([0.0, worst], dtype)["verdict"] == said


def test_what_does_not_fit_is_tried_in_half_the_size():
    def measure(size):
        if size > 4:
            raise torch.OutOfMemoryError("out of memory")
        return {"size": size}

    assert speed.fitting(measure, [16, 8, 4, 2]) == {"size": 4}
    with pytest.raises(MemoryError, match="not even 8 fits"):
        speed.fitting(measure, [16, 8])


def test_hours_pay_for_the_padding_of_real_steps():
    found = {"samples/s": 10.0, "padding": 0.0, "plan padding": 0.2}

    assert tables.hours(36_000, found) == pytest.approx(1.25)  # 1 hour at full rows; of real ones 0.8 are useful


def test_figures_are_met_or_not_and_nothing_is_said_where_nothing_was_measured():
    padding = {"padding": 0.0, "plan padding": 0.0}
    found = {
        tables.BASELINE: {"samples/s": 10.0},
        tables.BEST: padding | {"samples/s": 29.0, "MFU 4N": 0.5, "useful tokens/s": 16_999.0},
        tables.NEMO_LINE: {"error": "out of memory"},
    }

    told = "\n".join(tables.figures(found, on_gpu=True))

    assert "| Stage 2 without fp8: MFU 4N | 50.0% | 50.0% **met** |" in told
    assert "| Stage 2 without fp8: useful tokens/s | 17,000 | 16,999 **NOT MET** |" in told
    assert "| samples/s over HF Trainer's | 3.00 | 2.90 **NOT MET** |" in told
    assert "| NeMo's shape: tokens/s | 12,473 | not run |" in told
    assert "The whole of Stage 2, 1,691,407 samples: 16.2 hours" in told
    assert "whole of Stage 1" not in told
    assert "\n".join(tables.figures(found, on_gpu=False)).count("not run") == 5


def fails():
    raise RuntimeError("CUDA error: an illegal memory access")


def dies():
    os.kill(os.getpid(), 9)


def hangs():
    time.sleep(60)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("work", "said"),
    [(dict, {}), (fails, {"error": "RuntimeError: CUDA error: an illegal memory access"}),
     (dies, {"error": "its process died"}), (hangs, {"error": "stopped after 1 s"})],
)  # fmt: skip
def test_a_line_that_fails_dies_or_hangs_is_said_and_the_next_one_runs(work, said, monkeypatch):
    monkeypatch.setattr(script.logging, "exception", lambda *_: None)
    started = time.monotonic()

    found = script.apart(multiprocessing.get_context("fork"), 1.0 if work is hangs else 30.0, work)

    assert found == said
    assert time.monotonic() - started < 20
