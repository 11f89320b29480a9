"""A mixture of experts in packed rows: its loss, its balance, and a run of it."""

import functools
from dataclasses import replace

import pytest
import tiny
import torch
from tiny_mixture import BALANCE_WEIGHT, N_CHOSEN, adapted_mixture, mixture_settings, text_samples, tiny_mixture
from transformers import LlamaConfig, LlamaForCausalLM

from bimedix2_core.data.chat import IGNORE_INDEX
from bimedix2_core.errors import DataError
from bimedix2_core.model.adapters import ParameterGroup, decoder_of
from bimedix2_core.model.mixture.adapters import load_mixture_adapter
from bimedix2_core.model.mixture.experts import grouped_experts
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.training.devices import Devices
from bimedix2_core.training.feed import Feed
from bimedix2_core.training.forward import PackedTextLoss
from bimedix2_core.training.layers import checkpoint_layers, release_layers
from bimedix2_core.training.loop import plan_of, row_inputs, train
from bimedix2_core.training.mixture import train_mixture
from bimedix2_core.training.packing.attention import packed_attention
from bimedix2_core.training.tokenised import tokenise

SAMPLES = text_samples(8)


@functools.cache
def adapted():
    return adapted_mixture()


def rows_of(mixture, samples, folder, *, pads=False, rank=0, count=1, **changes):
    """The rows of one step of all samples, and what they are made of."""
    data = tokenise(samples, mixture, max_length=256, too_long="error", folder=folder, workers=0)
    plan = plan_of(data, mixture_settings(global_batch_size=len(samples), max_steps=1, **changes), seed=0)
    fed = Feed(mixture, samples, data, plan, rank=rank, count=count, by_sample=False, pads=pads)[0]
    return [row_inputs(row, mixture.device) for row in fed], data


def in_rows(mixture, rows, *, balance_weight=0.0):
    """Loss and balance of the rows together, and the gradients."""
    mixture.model.zero_grad()
    net, total, uneven = PackedTextLoss(mixture.model), 0.0, 0.0
    with packed_attention(decoder_of(mixture.model)), grouped_experts(mixture.model):
        for row in rows:
            loss, _, balance = net(row)
            (loss + balance_weight * balance).backward()
            total, uneven = total + loss.item(), uneven + balance.item()
    return total, uneven, gradients(mixture.model)


def padded(data, indices):
    """Samples one below the other, as Hugging Face's trainer would pass them."""
    length = max(int(data.lengths[index]) for index in indices)

    def column(name, fill):
        lists = [list(getattr(data[index], name)) if name else [1] * int(data.lengths[index]) for index in indices]
        return torch.tensor([values + [fill] * (length - len(values)) for values in lists])

    return {
        "input_ids": column("input_ids", 0), "labels": column("labels", IGNORE_INDEX),
        "attention_mask": column("", 0),
    }  # fmt: skip


def by_transformers(mixture, data, batches, *, routes=False):
    """Loss and gradients of transformers' own model, batch by batch, each a share of all supervised tokens."""
    mixture.model.zero_grad()
    total, uneven, n = 0.0, 0.0, int(data.n_supervised.sum())
    for batch in batches:
        found = mixture.model(**padded(data, batch), num_items_in_batch=n, output_router_logits=routes)
        found.loss.backward()
        total += found.loss.item()
        uneven += found.aux_loss.item() if routes else 0.0
    return total, uneven, gradients(mixture.model)


def gradients(model):
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.requires_grad}


def assert_close(found, expected, *, atol):
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=atol, msg=name)


# --- a row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row_length", "pads"), [(256, False), (640, True), (4096, False)])
def test_loss_and_gradients_in_rows_are_those_of_the_samples_one_by_one(tmp_path, row_length, pads):
    rows, data = rows_of(adapted(), SAMPLES, tmp_path, row_length=row_length, pads=pads)
    expected, _, expected_gradients = by_transformers(adapted(), data, [[index] for index in range(len(SAMPLES))])

    loss, _, found = in_rows(adapted(), rows)

    assert loss == pytest.approx(expected, abs=1e-5)
    assert_close(found, expected_gradients, atol=1e-5)


def test_what_is_compared_above_reaches_attention_experts_and_router(tmp_path):
    rows, _ = rows_of(adapted(), SAMPLES, tmp_path)

    _, _, found = in_rows(adapted(), rows)

    learning = [name for name, gradient in found.items() if float(gradient.abs().max()) > 1e-6]
    for part in ("q_proj", "k_proj", "v_proj", "o_proj", "mlp.experts", "mlp.gate"):
        assert any(part in name for name in learning), part


@pytest.mark.parametrize("pads", [False, True])
def test_a_step_of_one_row_is_one_batch_of_transformers_its_balance_included(tmp_path, pads):
    rows, data = rows_of(adapted(), SAMPLES, tmp_path, row_length=1024, pads=pads)
    loss, uneven, expected = by_transformers(adapted(), data, [range(len(SAMPLES))], routes=True)

    token_loss, balance, found = in_rows(adapted(), rows, balance_weight=BALANCE_WEIGHT)

    assert len(rows) == 1
    assert (rows[0].n_tokens < rows[0].input_ids.shape[1]) == pads
    assert balance == pytest.approx(uneven, abs=1e-5)
    assert token_loss + BALANCE_WEIGHT * balance == pytest.approx(loss, abs=1e-5)
    assert_close(found, expected, atol=1e-5)


def test_padding_that_was_counted_would_show(tmp_path):
    (row,), _ = rows_of(adapted(), SAMPLES[:1], tmp_path, row_length=1024, pads=True)
    longer = replace(row, n_tokens=row.input_ids.shape[1])

    _, without, _ = in_rows(adapted(), [row])
    _, counted, _ = in_rows(adapted(), [longer])

    assert abs(counted - without) > 1e-3


def test_the_balance_of_a_step_is_that_of_its_rows_by_their_tokens(tmp_path):
    rows, _ = rows_of(adapted(), SAMPLES, tmp_path, row_length=256)
    n_tokens = [row.n_tokens for row in rows]
    alone = [in_rows(adapted(), [replace(row, share=1.0)])[1] for row in rows]

    _, balance, _ = in_rows(adapted(), rows)

    assert len(rows) > 1
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert balance == pytest.approx(sum(n * own for n, own in zip(n_tokens, alone, strict=True)) / sum(n_tokens))
    assert all(own > N_CHOSEN for own in alone)  # where all are chosen equally it is their number


def test_the_balance_alone_moves_the_routers_adapter(tmp_path):
    (row,), _ = rows_of(adapted(), SAMPLES, tmp_path, row_length=1024)
    adapted().model.zero_grad()

    with packed_attention(decoder_of(adapted().model)), grouped_experts(adapted().model):
        PackedTextLoss(adapted().model)(row).balance.backward()

    router = [
        weight.grad for name, weight in adapted().model.named_parameters() if "mlp.gate" in name and "lora" in name
    ]
    assert len(router) == 2 * 2  # A and B in two layers
    assert all(float(gradient.abs().max()) > 1e-4 for gradient in router)


def test_a_process_without_a_row_has_gradients_of_zero_for_the_same_weights(tmp_path):
    rows, _ = rows_of(adapted(), SAMPLES[:1], tmp_path, rank=1, count=2)
    adapted().model.zero_grad(set_to_none=True)

    loss, balance, found = in_rows(adapted(), rows, balance_weight=BALANCE_WEIGHT)

    assert (rows[0].n_tokens, rows[0].share) == (0, 0.0)
    assert (loss, balance) == (0.0, 0.0)
    assert found.keys() == {name for name, weight in adapted().model.named_parameters() if weight.requires_grad}
    assert not any(gradient.any() for gradient in found.values())


def test_checkpointed_layers_give_the_same_loss_balance_and_gradients(tmp_path):
    rows, _ = rows_of(adapted(), SAMPLES, tmp_path)
    expected = in_rows(adapted(), rows, balance_weight=BALANCE_WEIGHT)

    checkpoint_layers(adapted().model.train())
    found = in_rows(adapted(), rows, balance_weight=BALANCE_WEIGHT)
    release_layers(adapted().model.eval())

    assert found[:2] == expected[:2]
    assert_close(found[2], expected[2], atol=1e-7)


# --- a run ----------------------------------------------------------------------------------------------------------


class Stopped(BaseException):
    """Raised by whoever watches: a run that ends in the middle."""


def stop_after(n_steps):
    def watch(record):
        if record.step + 1 == n_steps:
            raise Stopped

    return watch


def trained(folder, *, samples=SAMPLES, watch=None, mixture=None, frozen_base="plain", **changes):
    return train_mixture(
        mixture or tiny_mixture(), samples, settings=mixture_settings(**changes), seed=0, folder=folder,
        frozen_base=frozen_base, watch=watch,
    )  # fmt: skip


def test_training_lowers_the_loss_and_tells_language_modality_and_balance(tmp_path):
    log = trained(tmp_path, max_steps=12, warmup_ratio=0.0).log

    assert log.steps[-1].loss < log.steps[0].loss - 0.1
    assert log.parts == ["ar", "balance", "en", "text"]
    assert all(balance >= N_CHOSEN - 0.01 for _, balance in log.curve_of("balance"))
    assert all(0 < record.mfu < 1 for record in log.steps)


def test_the_loss_in_the_log_is_that_of_the_tokens_whatever_the_balance_weighs(tmp_path):
    light, heavy = (trained(tmp_path / str(weight), max_steps=2, balance_weight=weight).log for weight in (0.0, 5.0))

    assert light.steps[0].loss == heavy.steps[0].loss
    assert light.steps[0].losses == heavy.steps[0].losses
    assert light.steps[0].gradient_norm != heavy.steps[0].gradient_norm


def test_a_heavy_balance_makes_the_router_choose_more_evenly(tmp_path):
    settings = {"max_steps": 15, "warmup_ratio": 0.0, "global_batch_size": 8}
    light, heavy = (trained(tmp_path / str(weight), balance_weight=weight, **settings).log for weight in (0.0, 5.0))

    assert heavy.steps[-1].losses["balance"] < light.steps[-1].losses["balance"] - 0.05


def test_training_changes_nothing_but_adapters_and_what_is_saved_loads_as_any_adapter(tmp_path):
    mixture = tiny_mixture()
    before = {name: weight.clone() for name, weight in mixture.model.state_dict().items()}
    asked = mixture.tokenizer("Is the lesion on the left?", return_tensors="pt")["input_ids"]

    tuned = trained(tmp_path, mixture=mixture).text_model
    loaded = load_mixture_adapter(tiny_mixture().model, tmp_path).eval()

    after = {
        name.replace("base_layer.", ""): weight for name, weight in tuned.model.get_base_model().named_parameters()
    }
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert {name.rsplit(".", 3)[1] for name, weight in after.items() if weight.requires_grad} == {"lora_A", "lora_B"}
    with torch.no_grad():
        expected, plain = tuned.model(asked).logits, tiny_mixture().model(asked).logits
        torch.testing.assert_close(loaded(asked).logits, expected, rtol=0, atol=1e-6)
        assert not torch.allclose(plain, expected, atol=1e-3)


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path):
    settings = {"max_steps": 6, "checkpoint_every": 2, "global_batch_size": 3, "row_length": 100, "max_length": 100}
    whole = trained(tmp_path / "whole", **settings)

    with pytest.raises(Stopped):
        trained(tmp_path / "parts", watch=stop_after(5), **settings)
    resumed = trained(tmp_path / "parts", **settings)

    expected = whole.text_model.model.state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in resumed.text_model.model.state_dict().items())
    assert [(one.loss, one.losses) for one in resumed.log.steps] == [(one.loss, one.losses) for one in whole.log.steps]


def test_a_mixture_held_in_4_bits_learns_too(tmp_path):
    pytest.importorskip("bitsandbytes")

    log = trained(tmp_path, frozen_base="nf4", max_steps=12, warmup_ratio=0.0).log

    assert log.steps[-1].loss < log.steps[0].loss - 0.1


def test_an_image_is_refused_before_the_first_step_and_its_sample_is_named(tmp_path):
    with pytest.raises(DataError, match=r"1 of 9 samples show images \('seen'\), but the model reads text only"):
        trained(tmp_path, samples=[*SAMPLES, tiny.sample(name="seen")])


# --- a dense model of text ------------------------------------------------------------------------------------------


def dense() -> TextModel:
    """A Llama whose norms learn."""
    lmm = tiny.tiny_lmm()
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig.from_dict(lmm.model.config.text_config.to_dict())).requires_grad_(False)
    for layer in model.model.layers:
        layer.input_layernorm.requires_grad_(True)
    return TextModel(model, lmm.tokenizer)


def test_a_dense_model_of_text_has_transformers_loss_and_no_balance(tmp_path):
    model = dense()
    rows, data = rows_of(model, SAMPLES, tmp_path, row_length=256)
    expected, _, expected_gradients = by_transformers(model, data, [range(len(SAMPLES))])

    loss, balance, found = in_rows(model, rows)

    assert loss == pytest.approx(expected, abs=1e-5)
    assert balance == 0.0
    assert_close(found, expected_gradients, atol=1e-5)


def test_the_loop_trains_a_dense_model_of_text_too(tmp_path):
    model = dense()
    named = {name: weight for name, weight in model.model.named_parameters() if weight.requires_grad}
    group = ParameterGroup("norms", 1.0e-1, tuple(named.values()), tuple(named))

    log = train(
        model, PackedTextLoss(model.model), SAMPLES, groups=[group], settings=tiny.stage1_settings(max_steps=10),
        devices=Devices(model.device), seed=0, folder=tmp_path, title="dense",
    )  # fmt: skip

    assert log.steps[-1].loss < log.steps[0].loss
    assert log.parts == ["ar", "en", "text"]
