import copy
from importlib.util import find_spec

import pytest
import tiny
import torch
from torch import nn
from transformers import MixtralConfig, MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import MixtralExperts

from bimedix2_core.errors import ModelError
from bimedix2_core.model.checkpoints import fingerprint
from bimedix2_core.model.frozen_base import freeze_as
from bimedix2_core.model.mixture.adapters import add_mixture_lora, load_mixture_adapter
from bimedix2_core.model.mixture.experts import group_experts, grouped_experts
from bimedix2_core.model.mixture.loading import load_nf4_mixture
from bimedix2_core.model.mixture.quantised_experts import Nf4Stack, QuantisedExperts, shown_as_parameters
from bimedix2_core.model.text_model import TextModel

needs_bitsandbytes = pytest.mark.skipif(not find_spec("bitsandbytes"), reason="bitsandbytes is not installed")
TOKENS = torch.arange(40).view(2, 20)
EXPERTS, HIDDEN, INNER = 4, 64, 96


def mixture(dtype=torch.float32):
    """Layers that do more than pass the residual on."""
    torch.manual_seed(0)
    model = MixtralForCausalLM(MixtralConfig(
        vocab_size=320, hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=EXPERTS, num_experts_per_tok=2, max_position_embeddings=64,
        initializer_range=0.1,
    ))  # fmt: skip
    return model.to(dtype).eval()


def quantised(dtype=torch.float32):
    model = mixture(dtype)
    freeze_as(model, "nf4")
    return model


def rounded():
    """The plain model with the weights that the quantised one restores."""
    model, short = mixture().requires_grad_(False), quantised()
    for plain, packed in zip(model.model.layers, short.model.layers, strict=True):
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            layer = getattr(packed.self_attn, name)
            getattr(plain.self_attn, name).weight.data = layer(torch.eye(layer.in_features)).T
        for name in ("gate_up_proj", "down_proj"):
            stack = getattr(packed.mlp.experts, name)
            setattr(plain.mlp.experts, name, nn.Parameter(torch.stack([stack[place] for place in range(EXPERTS)])))
    return model


def adapted(model):
    """With adapters that do something."""
    model = add_mixture_lora(model, rank=2, alpha=4, seed=0)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.3)
    return model


def logits(model):
    with torch.no_grad():
        return model(TOKENS).logits


def gradients(model):
    model(TOKENS, labels=TOKENS).loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters() if "lora_" in name}


# --- what is held --------------------------------------------------------------------------------------------------


@needs_bitsandbytes
def test_attention_and_experts_are_packed_and_the_rest_is_plain():
    model, plain = quantised(), mixture()

    layer = model.model.layers[0]
    assert type(layer.self_attn.q_proj).__name__ == "Linear4bit"
    assert type(layer.mlp.experts) is QuantisedExperts
    for name in ("lm_head.weight", "model.embed_tokens.weight", "model.norm.weight", "model.layers.1.mlp.gate.weight"):
        assert torch.equal(model.state_dict()[name], plain.state_dict()[name])


@needs_bitsandbytes
def test_an_expert_takes_half_a_byte_a_weight_and_a_byte_a_block_of_64():
    stack = quantised().model.layers[0].mlp.experts.gate_up_proj

    weights = EXPERTS * 2 * INNER * HIDDEN
    assert stack.shape == (EXPERTS, 2 * INNER, HIDDEN)
    assert stack.codes.nbytes == weights / 2
    assert stack.scales.nbytes == weights / 64
    assert stack.scales_of_scales.nbytes == 4 * EXPERTS  # 192 blocks of an expert: one block of scales
    assert stack.mean_scales.nbytes == 4 * EXPERTS


@needs_bitsandbytes
def test_no_weight_is_further_off_than_half_the_widest_gap_of_nf4():
    matrices = mixture().model.layers[0].mlp.experts.gate_up_proj.detach()
    stack = Nf4Stack(matrices)

    restored = torch.stack([stack[expert] for expert in range(EXPERTS)])
    largest = matrices.reshape(-1, 64).abs().amax(dim=1, keepdim=True)
    error = (restored - matrices).reshape(-1, 64).abs() / largest

    assert error.max() < (1 - 0.6962) / 2 * 1.05  # from -1 to the next code; scales are rounded as well
    assert 0.05 < (restored - matrices).norm() / matrices.norm() < 0.12


@needs_bitsandbytes
def test_all_of_it_is_in_the_state_and_no_cast_changes_it():
    model, other = quantised(), quantised()
    with torch.no_grad():
        other.model.layers[0].mlp.experts.down_proj.codes[0] += 1
    before = fingerprint(TextModel(model, None))

    assert before == fingerprint(TextModel(quantised(), None)) != fingerprint(TextModel(other, None))
    experts = copy.deepcopy(model.model.layers[0].mlp.experts)
    assert len(experts.state_dict()) == 2 * 5
    experts.to(torch.bfloat16).load_state_dict(model.model.layers[0].mlp.experts.state_dict())
    assert torch.equal(experts.down_proj[2], model.model.layers[0].mlp.experts.down_proj[2])


@needs_bitsandbytes
def test_packed_twice_is_packed_once():
    model = quantised()
    expected = logits(model)

    freeze_as(model, "nf4")

    assert torch.equal(logits(model), expected)


# --- what it computes ----------------------------------------------------------------------------------------------


@needs_bitsandbytes
def test_it_computes_what_the_weights_as_rounded_compute():
    found, expected = logits(quantised()), logits(rounded())

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert (found - logits(mixture())).abs().max() > 0.01


@needs_bitsandbytes
def test_adapters_begin_at_nothing_and_get_the_gradients_of_the_weights_as_rounded():
    begins = add_mixture_lora(quantised(), rank=2, alpha=4, seed=0)
    torch.testing.assert_close(logits(begins), logits(quantised()), rtol=1e-5, atol=1e-5)

    found, expected = gradients(adapted(quantised())), gradients(adapted(rounded()))

    assert found.keys() == expected.keys()
    assert len(found) == 2 * (4 + 3) * 2
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-3 * gradient.abs().max().item())


@needs_bitsandbytes
def test_only_one_expert_is_restored_at_a_time_and_none_is_kept():
    model, kept = adapted(quantised()).train(), set()
    whole = {(EXPERTS, 2 * INNER, HIDDEN), (EXPERTS, HIDDEN, INNER), (2 * INNER, HIDDEN), (HIDDEN, INNER)}

    def keep(tensor):
        kept.add(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(TOKENS, labels=TOKENS)

    assert kept
    assert not kept & whole


@needs_bitsandbytes
def test_in_sixteen_bits_all_products_are_in_sixteen():
    model = add_mixture_lora(quantised(torch.bfloat16), rank=2, alpha=4, seed=0, adapter_dtype=torch.bfloat16)

    found = gradients(model)

    assert {gradient.dtype for gradient in found.values()} == {torch.bfloat16}
    assert logits(model).dtype == torch.bfloat16


@needs_bitsandbytes
def test_grouping_it_for_a_while_leaves_it_grouped():
    model = adapted(quantised())
    expected = logits(model)

    with grouped_experts(model):
        assert torch.equal(logits(model), expected)
    assert torch.equal(logits(model), expected)


@needs_bitsandbytes
def test_an_adapter_goes_from_the_packed_base_to_the_plain_one_and_back(tmp_path):
    packed, plain = adapted(quantised()), adapted(mixture())
    packed.save_pretrained(tmp_path / "packed")
    plain.save_pretrained(tmp_path / "plain")

    onto_plain = load_mixture_adapter(mixture(), tmp_path / "packed")
    onto_packed = load_mixture_adapter(quantised(), tmp_path / "plain")

    file = "adapter_model.safetensors"
    assert (tmp_path / "packed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()
    torch.testing.assert_close(logits(onto_plain), logits(plain), rtol=1e-5, atol=1e-5)
    assert torch.equal(logits(onto_packed), logits(packed.eval()))


@needs_bitsandbytes
def test_several_adapters_at_a_time_are_refused_in_four_bits(tmp_path):
    model = adapted(quantised())
    model.save_pretrained(tmp_path)
    with shown_as_parameters(model):
        model.load_adapter(tmp_path, "other")
    model.base_model.set_adapter(["default", "other"])

    with pytest.raises(ModelError, match=r"^experts held in 4 bits are computed with one adapter, not merged"):
        logits(model)


# --- how it comes there --------------------------------------------------------------------------------------------


@needs_bitsandbytes
def test_a_checkpoint_loaded_in_four_bits_is_the_one_packed_after_loading(tmp_path):
    tokenizer = tiny.tiny_lmm().tokenizer
    mixture(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    loaded = load_nf4_mixture(str(tmp_path), dtype=torch.bfloat16, device="cpu")

    packed_after = MixtralForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    freeze_as(packed_after, "nf4")
    assert torch.equal(logits(loaded.model), logits(packed_after))
    assert not any(isinstance(module, MixtralExperts) for module in loaded.model.modules())
    assert len(loaded.tokenizer) == len(tokenizer)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_without_bitsandbytes_the_error_says_how_to_get_it():
    model = mixture()

    with pytest.raises(ModelError, match=r"^nf4 needs bitsandbytes: pip install bitsandbytes$"):
        freeze_as(model, "nf4")
    with pytest.raises(ModelError, match=r"^nf4 needs bitsandbytes: pip install bitsandbytes$"):
        load_nf4_mixture("nowhere", dtype=torch.bfloat16, device="cpu")

    group_experts(model)
    assert logits(model).isfinite().all()


def test_eight_bits_are_refused_before_anything_is_changed():
    model = mixture()

    with pytest.raises(ModelError, match=r"^fp8 has no form for a mixture's experts.*set frozen_base to plain or nf4$"):
        freeze_as(model, "fp8")

    assert type(model.model.layers[0].self_attn.q_proj) is nn.Linear


def test_plain_changes_nothing():
    model = mixture()
    freeze_as(model, "plain")

    assert torch.equal(logits(model), logits(mixture()))
    assert all(weight.requires_grad for weight in model.parameters())
