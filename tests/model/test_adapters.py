import pytest
import tiny
import torch

from bimedix2_core.data.chat import encode
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.inputs import model_inputs


def adapted(*, dtype, adapter_dtype):
    lmm = tiny.tiny_lmm()
    lmm.model.to(dtype)
    model = add_lora(lmm.model, rank=2, alpha=4, dropout=0.0, seed=0, adapter_dtype=adapter_dtype)
    return type(lmm)(model, lmm.processor)


def run(lmm):
    samples = tiny.mixed_samples(4)
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]
    return lmm.model(**model_inputs(lmm, samples, encoded)).loss


def lora_weights(model):
    return {name: weight for name, weight in model.named_parameters() if "lora_" in name}


def formats_of_inputs(model):
    """Number formats of what enters the linear layers of the base, and of what enters the adapters' A."""
    base, adapters = set(), set()
    for module in model.modules():
        if hasattr(module, "lora_A"):
            module.register_forward_pre_hook(lambda _, inputs: base.add(inputs[0].dtype))
            module.lora_A["default"].register_forward_pre_hook(lambda _, inputs: adapters.add(inputs[0].dtype))
    return base, adapters


@pytest.mark.parametrize("adapter_dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_adapters_have_their_own_number_format_and_the_projector_the_models(dtype, adapter_dtype):
    model = adapted(dtype=dtype, adapter_dtype=adapter_dtype).model

    others = {weight.dtype for name, weight in model.named_parameters() if "lora_" not in name}

    assert {weight.dtype for weight in lora_weights(model).values()} == {adapter_dtype}
    assert others == {dtype}
    assert sum(weight.requires_grad for weight in model.parameters()) == 2 * 7 * 2 + 4


@pytest.mark.parametrize("adapter_dtype", [torch.bfloat16, torch.float32])
def test_adapters_in_the_models_format_take_their_input_as_it_is(adapter_dtype):
    lmm = adapted(dtype=torch.bfloat16, adapter_dtype=adapter_dtype)
    base, adapters = formats_of_inputs(lmm.model)

    run(lmm).backward()

    assert base == {torch.bfloat16}
    assert adapters == {adapter_dtype}  # in float32 only after a cast


def test_adapters_begin_from_the_same_numbers_in_either_format():
    short = lora_weights(adapted(dtype=torch.bfloat16, adapter_dtype=torch.bfloat16).model)
    long = lora_weights(adapted(dtype=torch.bfloat16, adapter_dtype=torch.float32).model)

    assert all(torch.equal(weight.float(), long[name]) for name, weight in short.items())
    assert any(weight.abs().sum() > 0 for weight in short.values())
