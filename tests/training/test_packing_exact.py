"""A sample in a row is what it is alone: loss and gradients, whatever lies beside it."""

import functools

import pytest
import tiny
import torch

from bimedix2_core.data.chat import IGNORE_INDEX
from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import add_lora, freeze_all_but_projector
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import model_inputs
from bimedix2_core.records import Sample, message
from bimedix2_core.training import loss as loss_module
from bimedix2_core.training.feed import Feed
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import plan_of, row_inputs
from bimedix2_core.training.loss import cross_entropy
from bimedix2_core.training.packing.attention import packed_attention
from bimedix2_core.training.packing.rows import Block
from bimedix2_core.training.tokenised import tokenise


def picture(name, question, answer, *, level=40, language="en"):
    turns = [message("user", question, images=1), message("assistant", answer)]
    return Sample(name, language, "open", "test", turns, [tiny.colour_image(level)])


def chat(name):
    """Two turns of the assistant, one image in the first."""
    turns = [
        message("user", "What is it?", images=1), message("assistant", "A lesion."),
        message("user", "Where?"), message("assistant", "On the left, low."),
    ]  # fmt: skip
    return Sample(name, "en", "chat", "test", turns, [tiny.colour_image(40)])


def late_image(name):
    """The image comes with the second question, so nothing can be shared before it."""
    turns = [
        message("user", "I have a cough."), message("assistant", "Show me."),
        message("user", "Here.", images=1), message("assistant", "It is clear."),
    ]  # fmt: skip
    return Sample(name, "en", "chat", "test", turns, [tiny.colour_image(80)])


MIXES = {
    "text only": [tiny.sample(name=f"t{index}", n_images=0, answer="left " * (index + 1)) for index in range(5)],
    "one image": [tiny.sample(name="i", n_images=1)],
    "several images": [tiny.sample(name="m", n_images=3), tiny.sample(name="n", n_images=2)],
    "twins": [tiny.sample(name="a"), tiny.sample(name="a", language="ar"), tiny.sample(name="b", language="ar")],
    "thirty questions": [picture(f"q{index}", f"Is it {index}?", "yes " * (1 + index % 3)) for index in range(30)],
    "turns": [chat("c"), picture("d", "What is it?", "A lesion."), late_image("e"), late_image("f")],
    "all kinds": [*tiny.mixed_samples(8), chat("c"), late_image("e"), tiny.sample(name="z", n_images=2)],
}


def with_exact_norms(model):
    """transformers' norm rounds to float32 even in a float64 model; PyTorch's own does not."""
    for module in [module for module in model.modules() if hasattr(module, "input_layernorm")]:
        for name in ("input_layernorm", "post_attention_layernorm"):
            old = getattr(module, name)
            new = torch.nn.RMSNorm(old.weight.shape, eps=old.variance_epsilon)
            new.weight = old.weight
            setattr(module, name, new)
    old = model.model.language_model.norm
    model.model.language_model.norm = torch.nn.RMSNorm(old.weight.shape, eps=old.variance_epsilon)
    model.model.language_model.norm.weight = old.weight


@functools.cache
def adapted(dtype):
    """A tiny model whose adapters do something, in Stage 2's state."""
    lmm = tiny.tiny_lmm()
    if dtype is torch.float64:
        with_exact_norms(lmm.model)
    model = add_lora(lmm.model, rank=2, alpha=4, dropout=0.0, seed=0).to(dtype)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return Lmm(model, lmm.processor)


def one_by_one(lmm, samples, data):
    """Sum of the losses and gradients of the samples alone, through the model's own padded forward."""
    lmm.model.zero_grad()
    total, n = 0.0, int(data.n_supervised.sum())
    for index, sample in enumerate(samples):
        inputs = model_inputs(lmm, [sample], [data[index]])
        labels = inputs.pop("labels")[0, 1:]
        if "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(next(lmm.model.parameters()).dtype)
        logits = lmm.model(**inputs).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE_INDEX, reduction="sum") / n
        if loss.requires_grad:
            loss.backward()
        total += loss.item()
    return total, gradients(lmm.model)


def in_rows(lmm, samples, data, **settings):
    """The same from the packed rows of one step."""
    lmm.model.zero_grad()
    plan = plan_of(data, tiny.stage1_settings(global_batch_size=len(samples), max_steps=1, **settings), seed=0)
    feed = Feed(lmm, samples, data, plan, rank=0, count=1, by_sample=False, pads=settings.get("row_length") == 640)
    net, total = PackedLoss(lmm.model), 0.0
    with packed_attention(net.llava.model.language_model):
        for fed in feed[0]:
            loss, _, _ = net(row_inputs(fed, lmm.device))
            loss.backward()
            total += loss.item()
    return total, gradients(lmm.model), plan


def gradients(model):
    return {
        name: weight.grad.clone() if weight.grad is not None else torch.zeros_like(weight)
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("mix", MIXES)
def test_loss_and_gradients_equal_those_of_the_samples_one_by_one(tmp_path, mix, shares, dtype, tolerance):
    lmm, samples = adapted(dtype), MIXES[mix]
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)
    expected, expected_gradients = one_by_one(lmm, samples, data)

    for row_length in (256, 640, 4096):
        loss, found, _ = in_rows(lmm, samples, data, row_length=row_length, share_images=shares)

        assert loss == pytest.approx(expected, abs=10 * tolerance)
        for name, gradient in expected_gradients.items():
            torch.testing.assert_close(found[name], gradient, rtol=0, atol=tolerance, msg=name)


def test_what_is_compared_above_is_not_zero(tmp_path):
    lmm, samples = adapted(torch.float64), MIXES["twins"]
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)

    _, found, plan = in_rows(lmm, samples, data, row_length=640)

    assert sum(float(gradient.abs().max()) > 1e-6 for gradient in found.values()) > 20
    assert [tree.n_prefix > 0 for row in plan.rows(0) for tree in row] == [True]  # all three show the same picture


def test_stage_1_gives_the_projector_the_same_gradient(tmp_path):
    lmm, samples = tiny.tiny_lmm(), MIXES["all kinds"]
    freeze_all_but_projector(lmm.model)
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)
    expected, expected_gradients = one_by_one(lmm, samples, data)

    loss, found, _ = in_rows(lmm, samples, data, row_length=640)

    assert loss == pytest.approx(expected, abs=1e-4)
    assert len(found) == 4
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-5)


def test_a_changed_branch_does_not_change_its_siblings(tmp_path):
    lmm = adapted(torch.float64)
    first, second = picture("a", "Is it one?", "yes"), picture("b", "Is it two?", "no")
    changed = picture("b", "Is it something quite different?", "perhaps so")

    def losses_of(samples, folder):
        data = tokenise(samples, lmm, max_length=256, too_long="error", folder=folder, workers=0)
        plan = plan_of(data, tiny.stage1_settings(global_batch_size=2, max_steps=1), seed=0)
        (fed,) = Feed(lmm, samples, data, plan, rank=0, count=1, by_sample=False, pads=False)[0]
        assert len(fed.packed.blocks) == 1
        net = PackedLoss(lmm.model)
        with packed_attention(net.llava.model.language_model):
            _, losses, _ = net(row_inputs(fed, lmm.device))
        return losses[fed.packed.owners == 0], losses[fed.packed.owners == 1]

    before, after = losses_of([first, second], tmp_path / "1"), losses_of([first, changed], tmp_path / "2")

    assert torch.equal(before[0], after[0])
    assert before[1].shape != after[1].shape or not torch.equal(before[1], after[1])


def test_one_image_is_encoded_once_for_a_row(tmp_path, monkeypatch):
    lmm, samples = adapted(torch.float32), [*MIXES["thirty questions"], picture("x", "Is it?", "no", level=200)]
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)
    plan = plan_of(data, tiny.stage1_settings(global_batch_size=31, max_steps=1, row_length=4096), seed=0)

    (fed,) = Feed(lmm, samples, data, plan, rank=0, count=1, by_sample=False, pads=False)[0]

    assert fed.pixel_values.shape[0] == 2
    assert sorted(fed.image_numbers.tolist()) == [0, 1]


def test_by_sample_each_sample_counts_the_same_and_by_token_each_token(tmp_path):
    lmm = adapted(torch.float32)
    samples = [tiny.sample(name="a", n_images=0, answer="left"), tiny.sample(name="b", n_images=0, answer="left " * 9)]
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)
    plan = plan_of(data, tiny.stage1_settings(global_batch_size=2, max_steps=1), seed=0)

    def shares(by_sample):
        (fed,) = Feed(lmm, samples, data, plan, rank=0, count=1, by_sample=by_sample, pads=False)[0]
        own = [fed.packed.samples[owner] for owner in fed.packed.owners]
        return [sum(w for w, o in zip(fed.weights.tolist(), own, strict=True) if o == index) for index in (0, 1)]

    n = data.n_supervised
    assert shares(True) == pytest.approx([0.5, 0.5])
    assert shares(False) == pytest.approx([n[0] / n.sum(), n[1] / n.sum()])
    assert n[0] != n[1]


def test_processes_share_a_step_without_losing_or_doubling_a_row(tmp_path):
    lmm, samples = adapted(torch.float32), MIXES["all kinds"]
    data = tokenise(samples, lmm, max_length=256, too_long="error", folder=tmp_path, workers=0)
    plan = plan_of(data, tiny.stage1_settings(global_batch_size=len(samples), max_steps=1), seed=0)
    feeds = [Feed(lmm, samples, data, plan, rank=rank, count=4, by_sample=False, pads=False)[0] for rank in range(4)]

    assert len({len(rows) for rows in feeds}) == 1  # every process computes as many, some of them empty
    seen = sorted(index for rows in feeds for fed in rows for index in fed.packed.samples)
    assert seen == list(range(len(samples)))
    assert sum(float(fed.weights.sum()) for rows in feeds for fed in rows) == pytest.approx(1.0, abs=1e-6)


def test_the_pairs_of_a_tree_are_counted_by_hand():
    # prefix of 3: 6 pairs; branches of 2 and 4: 2 x 3 + 3 and 4 x 3 + 10
    assert Block(10, 19, (3, 5)).n_pairs == 6 + 9 + 22
    assert Block(0, 4, (0,)).n_pairs == 10


def test_the_loss_equals_pytorchs_in_chunks_of_any_size(monkeypatch):
    torch.manual_seed(0)
    states = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    head, targets = torch.randn(11, 5, dtype=torch.float64), torch.randint(0, 11, (7,))
    weights = torch.rand(7, dtype=torch.float64)
    each = torch.nn.functional.cross_entropy(states @ head.T, targets, reduction="none")
    (expected,) = torch.autograd.grad((each * weights).sum() * 3, states)

    for entries in (1, 25, 10**6):
        monkeypatch.setattr(loss_module, "CHUNK_ENTRIES", entries)
        total, losses = cross_entropy(states, head, targets, weights)
        (found,) = torch.autograd.grad(total * 3, states)

        torch.testing.assert_close(losses, each.detach())
        torch.testing.assert_close(found, expected)
        assert not losses.requires_grad


def test_a_row_without_targets_has_a_loss_of_zero_and_a_gradient_of_zero():
    states = torch.randn(0, 5, requires_grad=True)

    total, losses = cross_entropy(states, torch.randn(11, 5), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    total.backward()

    assert total.item() == 0.0
    assert len(losses) == 0


def test_a_head_that_is_to_be_trained_is_refused():
    head = torch.randn(11, 5, requires_grad=True)

    with pytest.raises(ModelError, match="both stages keep it frozen"):
        cross_entropy(torch.randn(2, 5), head, torch.zeros(2, dtype=torch.int64), torch.ones(2))
