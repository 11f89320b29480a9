import json

import pytest
import torch
from peft import PeftModel
from transformers import MixtralConfig, MixtralForCausalLM

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import peft_on_transformers_5
from bimedix2_core.model.mixture.adapters import add_mixture_lora, load_mixture_adapter

TOKENS = torch.arange(30).view(2, 15)
NUMBERS = {
    "vocab_size": 50, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2, "max_position_embeddings": 64,
}  # fmt: skip


def mixture():
    torch.manual_seed(0)
    return MixtralForCausalLM(MixtralConfig(**NUMBERS)).eval()


def trained(model):
    """As if B had learned."""
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return model.eval()


def logits(model):
    with torch.no_grad():
        return model(TOKENS).logits


def adapters_of(model):
    return {name: weight for name, weight in model.named_parameters() if "lora_" in name}


def test_the_wrapped_model_begins_as_the_old_one():
    expected = logits(mixture())

    assert torch.equal(logits(add_mixture_lora(mixture(), rank=2, alpha=4, seed=0).eval()), expected)


def test_attention_experts_and_router_are_adapted_and_nothing_else_learns():
    model = add_mixture_lora(mixture(), rank=2, alpha=4, seed=0)

    shapes = {name.split("layers.1.")[1].replace(".default.weight", ""): tuple(weight.shape)
              for name, weight in adapters_of(model).items() if "layers.1." in name}  # fmt: skip

    # rank 2, 4 experts: A is [4 x 2, in], B [out, 4 x 2]
    assert shapes == {
        "self_attn.q_proj.lora_A": (2, 16), "self_attn.q_proj.lora_B": (16, 2),
        "self_attn.k_proj.lora_A": (2, 16), "self_attn.k_proj.lora_B": (8, 2),
        "self_attn.v_proj.lora_A": (2, 16), "self_attn.v_proj.lora_B": (8, 2),
        "self_attn.o_proj.lora_A": (2, 16), "self_attn.o_proj.lora_B": (16, 2),
        "mlp.gate.lora_A": (2, 16), "mlp.gate.lora_B": (4, 2),
        "mlp.experts.base_layer.lora_A": (8, 16), "mlp.experts.base_layer.lora_B": (48, 8),
        "mlp.experts.lora_A": (8, 24), "mlp.experts.lora_B": (16, 8),
    }  # fmt: skip
    assert {name for name, weight in model.named_parameters() if weight.requires_grad} == set(adapters_of(model))


def test_each_experts_a_is_drawn_as_that_of_a_linear_layer():
    wide = MixtralForCausalLM(MixtralConfig(**(NUMBERS | {"hidden_size": 256, "intermediate_size": 64})))
    model = add_mixture_lora(wide, rank=8, alpha=8, seed=0)

    experts = model.get_base_model().model.layers[0].mlp.experts
    for wrapper, inputs in ((experts.base_layer, 256), (experts, 64)):
        drawn = wrapper.lora_A["default"].weight
        assert drawn.abs().max() <= inputs**-0.5  # even from +-1 / sqrt(inputs): std is that / sqrt(3)
        assert drawn.std().item() == pytest.approx((3 * inputs) ** -0.5, rel=0.05)


def test_adapters_are_drawn_from_the_seed_in_their_format_and_the_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    model = mixture()
    torch.manual_seed(5)

    first = adapters_of(add_mixture_lora(model, rank=2, alpha=4, seed=3))

    assert torch.rand(1) == expected
    again = adapters_of(add_mixture_lora(mixture(), rank=2, alpha=4, seed=3))
    other = adapters_of(add_mixture_lora(mixture(), rank=2, alpha=4, seed=4))
    short = adapters_of(add_mixture_lora(mixture(), rank=2, alpha=4, seed=3, adapter_dtype=torch.bfloat16))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert not any(torch.equal(weight, other[name]) for name, weight in first.items() if "lora_A" in name)
    assert {weight.dtype for weight in short.values()} == {torch.bfloat16}


def test_a_saved_adapter_is_a_plain_peft_folder(tmp_path):
    model = trained(add_mixture_lora(mixture(), rank=2, alpha=4, seed=0))
    expected = logits(model)
    model.save_pretrained(tmp_path)

    loaded = load_mixture_adapter(mixture(), tmp_path)
    with peft_on_transformers_5():
        by_peft = PeftModel.from_pretrained(mixture(), tmp_path).eval()

    assert json.loads((tmp_path / "adapter_config.json").read_text())["peft_type"] == "LORA"
    assert not torch.equal(expected, logits(mixture()))
    assert torch.equal(logits(loaded), expected)
    assert torch.equal(logits(by_peft), expected)
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_merged_into_the_weights_it_says_the_same():
    model = trained(add_mixture_lora(mixture(), rank=2, alpha=4, seed=0))
    expected = logits(model)

    merged = model.merge_and_unload()

    assert type(merged) is MixtralForCausalLM
    torch.testing.assert_close(logits(merged), expected, rtol=1e-4, atol=1e-4)


def test_a_folder_without_adapter_says_which_notebook_makes_one(tmp_path):
    with pytest.raises(ModelError, match=r"no adapter there; train the mixture \(notebook 14_bimedix_moe\) first$"):
        load_mixture_adapter(mixture(), tmp_path)


def test_on_the_meta_device_there_are_as_many_weights_and_no_values():
    with torch.device("meta"):
        model = add_mixture_lora(MixtralForCausalLM(MixtralConfig(**NUMBERS)), rank=2, alpha=4, seed=0)

    real = adapters_of(add_mixture_lora(mixture(), rank=2, alpha=4, seed=0))
    assert {name: weight.shape for name, weight in adapters_of(model).items()} == {
        name: weight.shape for name, weight in real.items()
    }
    assert all(weight.is_meta for weight in model.parameters())
