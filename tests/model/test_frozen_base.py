import copy
from importlib.util import find_spec

import pytest
import tiny
import torch
from torch import nn
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from bimedix2_core.data.chat import IMAGE_TOKEN, encode
from bimedix2_core.errors import ModelError
from bimedix2_core.model import frozen_base
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.assemble import RESERVED_TOKEN, load_parts
from bimedix2_core.model.checkpoints import load_adapter
from bimedix2_core.model.frozen_base import Fp8Linear, freeze_as, quantise
from bimedix2_core.model.inputs import model_inputs

needs_bitsandbytes = pytest.mark.skipif(not find_spec("bitsandbytes"), reason="bitsandbytes is not installed")
PACKED = [pytest.param("fp8"), pytest.param("nf4", marks=needs_bitsandbytes)]

TOKENS, INPUTS, OUTPUTS = 48, 512, 384


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer_with_gradient(module, inputs, gradient):
    """Outputs of the layer, and the gradient that reaches its inputs."""
    inputs = inputs.clone().requires_grad_()
    outputs = module(inputs)
    outputs.backward(gradient)
    return outputs.detach(), inputs.grad


def plain_layer(*, bias=False):
    layer = nn.Linear(INPUTS, OUTPUTS, bias=bias)
    layer.weight.data = numbers(OUTPUTS, INPUTS, seed=1) * torch.logspace(-2, 0, OUTPUTS)[:, None]  # unequal rows
    return layer.requires_grad_(False)


def relative_error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def model_of(kind, *, dtype=torch.float32):
    """A tiny LLaVA whose decoder layers do more than pass the residual on."""
    lmm = tiny.tiny_lmm()
    for weight in lmm.model.model.language_model.layers.parameters():
        if weight.dim() == 2:
            weight.data *= 8  # 0.16: sums over 16 inputs keep their size
    lmm.model.to(dtype)
    freeze_as(lmm.model, kind)
    return lmm


def loss_of(lmm):
    samples = tiny.mixed_samples(6)
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]
    return lmm.model(**model_inputs(lmm, samples, encoded)).loss


# --- 8 bits --------------------------------------------------------------------------------------------------------


def test_numbers_are_rounded_to_three_bits_after_the_point():
    codes, scale = quantise(torch.tensor([[448.0, -1.0, 0.3, 9.4, 2**-9, 2**-11], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]))

    # 0.3 = 9.6/32 lies between 9/32 and 10/32; 9.4 between 9 and 10; 2^-9 is the smallest number there is
    assert codes.float().tolist() == [[448.0, -1.0, 0.3125, 9.0, 2**-9, 0.0], [0.0] * 6]
    assert scale[0].item() == 1.0
    assert scale.shape == (2, 1)


def test_each_row_has_the_scale_that_its_largest_number_needs():
    codes, scale = quantise(torch.tensor([[1e-30, 2e-30], [-896.0, 448.0]]))

    assert codes.float().tolist() == [[224.0, 448.0], [-448.0, 224.0]]
    assert scale.flatten().tolist() == pytest.approx([2e-30 / 448, 2.0])


def test_what_is_not_finite_stays_not_finite():
    codes, scale = quantise(torch.tensor([[1.0, float("inf")], [1.0, float("nan")]]))

    assert not (codes.float() * scale).isfinite().all(dim=1).any()


def test_no_output_is_further_off_than_the_rounding_of_its_factors_allows():
    inputs, layer = numbers(TOKENS, INPUTS), plain_layer()

    def worst(values):  # half of the last bit, 2^-4 of the number, or 2^-10 scales below the normal numbers
        return values.abs() / 16 + values.abs().amax(dim=1, keepdim=True) / 448 / 1024

    allowed = inputs.abs() @ worst(layer.weight).T + worst(inputs) @ (layer.weight.abs() + worst(layer.weight)).T
    error = (Fp8Linear(layer)(inputs) - layer(inputs)).abs()

    assert (error <= allowed).all()
    assert error.max() > 0


def test_outputs_and_gradients_are_off_by_three_and_a_half_per_cent():
    # The last bit is 2^-3 of a number's power of two; an error spread evenly over it has 2^-3 / sqrt(12) = 0.0361 of
    # that power. Numbers spread evenly over their powers are 1.47 of it, so a factor is off by 0.0245, and a product of
    # two by 0.0347. With gradients in e5m2, which has one bit less, they would be off by 0.0548.
    inputs, gradient, layer = numbers(TOKENS, INPUTS), numbers(TOKENS, OUTPUTS, seed=2), plain_layer()

    outputs, input_gradient = layer_with_gradient(Fp8Linear(layer), inputs, gradient)
    expected, expected_gradient = layer_with_gradient(layer, inputs, gradient)

    assert relative_error(outputs, expected) == pytest.approx(0.0347, rel=0.15)
    assert relative_error(input_gradient, expected_gradient) == pytest.approx(0.0347, rel=0.15)


def test_the_gradient_is_that_of_the_weight_as_it_was_rounded():
    gradient, layer = numbers(TOKENS, OUTPUTS, seed=2), plain_layer()
    packed = Fp8Linear(layer)
    rounded = packed.weight.view(torch.float8_e4m3fn).float() * packed.scale

    _, found = layer_with_gradient(packed, numbers(TOKENS, INPUTS), gradient)

    codes, scale = quantise(gradient * packed.scale.T)  # the scales of the rows go into the gradient
    expected = codes.float() * scale @ packed.weight.view(torch.float8_e4m3fn).float()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert relative_error(found, gradient @ rounded) == pytest.approx(0.0245, rel=0.15)  # one factor is rounded


def test_a_gradient_as_small_as_those_of_a_mean_over_many_tokens_is_not_lost():
    gradient, layer = numbers(TOKENS, OUTPUTS, seed=2), Fp8Linear(plain_layer())

    _, large = layer_with_gradient(layer, numbers(TOKENS, INPUTS), gradient)
    _, small = layer_with_gradient(layer, numbers(TOKENS, INPUTS), gradient * 2**-60)

    assert torch.equal(small * 2**60, large)


def test_tokens_do_not_change_one_another():
    inputs, layer = numbers(2, 3, INPUTS), Fp8Linear(plain_layer())
    louder = inputs.clone()
    louder[1] *= 1000

    assert layer(inputs).shape == (2, 3, OUTPUTS)
    torch.testing.assert_close(layer(louder)[0], layer(inputs)[0])


def test_a_bias_is_added_as_it_is():
    layer = plain_layer(bias=True)
    without = copy.deepcopy(layer)
    without.bias = None

    inputs = numbers(TOKENS, INPUTS)

    assert torch.equal(Fp8Linear(layer)(inputs), Fp8Linear(without)(inputs) + layer.bias)


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_the_call_made_on_a_gpu_is_the_same_product(way):
    """torch has the 8-bit product of the GPU on CPUs too, with its demands on shapes and layouts, but exact sums."""
    codes, scale = quantise(numbers(OUTPUTS, INPUTS, seed=1))
    if way == "forward":
        factors = (*quantise(numbers(TOKENS, INPUTS)), codes, scale.T)
    else:
        factors = (*quantise(numbers(TOKENS, OUTPUTS)), codes.view(torch.uint8).T.contiguous().view(codes.dtype),
                   torch.ones(1, INPUTS))  # fmt: skip

    found, expected = frozen_base._multiply_on_gpu(*factors), frozen_base._multiply(*factors)

    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=2**-8, atol=1e-3)


def test_eight_bits_take_one_byte_a_weight_and_four_a_row():
    layer = Fp8Linear(plain_layer())

    assert sum(weight.nbytes for weight in layer.state_dict().values()) == OUTPUTS * INPUTS + 4 * OUTPUTS


def test_nothing_but_the_weight_is_kept_for_the_way_back():
    layer, kept = Fp8Linear(plain_layer()), []

    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        layer(numbers(TOKENS, INPUTS).requires_grad_())

    assert {tensor.data_ptr() for tensor in kept} == {layer.weight.data_ptr(), layer.scale.data_ptr()}


def test_casting_the_model_leaves_the_codes_alone():
    layer = Fp8Linear(plain_layer())
    before = layer.weight.clone()

    assert torch.equal(layer.to(torch.bfloat16).weight, before)


# --- the model -----------------------------------------------------------------------------------------------------


def test_plain_changes_nothing():
    model = tiny.tiny_lmm().model
    before = copy.deepcopy(model.state_dict())

    freeze_as(model, "plain")

    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("kind", PACKED)
def test_only_the_linear_layers_of_the_decoder_layers_are_packed(kind):
    model = tiny.tiny_lmm().model
    before = {name: type(module) for name, module in model.named_modules()}
    weights = copy.deepcopy(model.state_dict())

    freeze_as(model, kind)

    changed = {name for name, module in model.named_modules() if before[name] is not type(module)}
    assert len(changed) == 2 * 7
    assert all("language_model.layers" in name and name.endswith("_proj") for name in changed)
    for name, weight in model.state_dict().items():
        if not any(name.startswith(layer) for layer in changed):
            assert torch.equal(weight, weights[name]), name


@pytest.mark.parametrize("kind", PACKED)
def test_a_model_packed_twice_is_packed_once(kind):
    once, twice = model_of(kind), model_of(kind)

    freeze_as(twice.model, kind)

    assert torch.equal(loss_of(once), loss_of(twice))


@pytest.mark.parametrize(("kind", "most"), [("fp8", 0.01), pytest.param("nf4", 0.05, marks=needs_bitsandbytes)])
def test_the_loss_moves_a_little(kind, most):
    difference = abs(loss_of(model_of(kind)) - loss_of(model_of("plain"))).item()

    assert 1e-6 < difference < most  # nats per token, of 6


def rounded_model(kind):
    """The tiny LLaVA with plain layers that hold what the packed ones stand for."""
    plain, packed = model_of("plain"), model_of(kind).model.model.language_model.layers
    for name, layer in plain.model.model.language_model.layers.named_modules():
        if isinstance(layer, nn.Linear):
            layer.weight.data = packed.get_submodule(name)(torch.eye(layer.in_features)).T.clone()
    return plain


def gradients_of_adapters(lmm):
    """The trained weights' gradients in one vector, and their names."""
    adapted = add_lora(lmm.model, rank=2, alpha=4, dropout=0.0, seed=0)
    loss_of(type(lmm)(adapted, lmm.processor)).backward()
    gradients = {name: weight.grad for name, weight in adapted.named_parameters() if weight.grad is not None}
    return torch.cat([gradient.flatten() for gradient in gradients.values()]), list(gradients)


@pytest.mark.parametrize(("kind", "most"), [("fp8", 0.15), pytest.param("nf4", 1e-4, marks=needs_bitsandbytes)])
def test_adapters_get_the_gradients_of_a_base_with_the_weights_as_rounded(kind, most):
    found, names = gradients_of_adapters(model_of(kind))
    expected, expected_names = gradients_of_adapters(rounded_model(kind))

    assert names == expected_names
    assert len(names) == 2 * 7 * 2 + 4  # A and B of each linear layer, and the projector
    assert relative_error(found, expected) < most  # fp8 rounds tokens and gradients too, by 2.5% in each of 14 layers


@pytest.mark.parametrize("kind", PACKED)
def test_a_packed_base_is_trained_in_bfloat16_without_a_cast(kind):
    lmm = model_of(kind, dtype=torch.bfloat16)
    adapted = add_lora(lmm.model, rank=2, alpha=4, dropout=0.0, seed=0, adapter_dtype=torch.bfloat16)

    loss_of(type(lmm)(adapted, lmm.processor)).backward()

    trained = [weight for weight in adapted.parameters() if weight.requires_grad]
    assert {weight.grad.dtype for weight in trained} == {torch.bfloat16}


@pytest.mark.parametrize("kind", PACKED)
def test_an_adapter_trained_on_a_packed_base_is_saved_as_any_and_goes_onto_the_plain_one(kind, tmp_path):
    adapted = add_lora(model_of(kind).model, rank=2, alpha=4, dropout=0.0, seed=0)
    plain = add_lora(model_of("plain").model, rank=2, alpha=4, dropout=0.0, seed=0)
    adapted.save_pretrained(tmp_path / "packed")
    plain.save_pretrained(tmp_path / "plain")

    loaded = load_adapter(model_of("plain"), tmp_path / "packed").model

    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "packed" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert loaded.state_dict().keys() == plain.state_dict().keys()


# --- 4 bits --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_without_bitsandbytes_the_error_says_how_to_get_it():
    model = tiny.tiny_lmm().model

    with pytest.raises(ModelError, match=r"^nf4 needs bitsandbytes: pip install bitsandbytes$"):
        freeze_as(model, "nf4")
    with pytest.raises(ModelError, match=r"^nf4 needs bitsandbytes: pip install bitsandbytes$"):
        load_parts("none", "none", dtype=torch.bfloat16, frozen_base="nf4")

    assert type(model.model.language_model.layers[0].mlp.up_proj) is nn.Linear


@needs_bitsandbytes
def test_four_bits_take_half_a_byte_a_weight_and_a_byte_a_block():
    layer = frozen_base._nf4(plain_layer())
    state = layer.weight.quant_state

    assert layer.weight.nbytes == OUTPUTS * INPUTS / 2
    assert state.absmax.nbytes == OUTPUTS * INPUTS / 64
    assert state.quant_type == "nf4"


@needs_bitsandbytes
def test_no_weight_is_further_off_than_half_the_widest_gap_of_nf4():
    layer = nn.Linear(INPUTS, OUTPUTS, bias=False).requires_grad_(False)
    layer.weight.data = numbers(OUTPUTS, INPUTS, seed=1)
    packed = frozen_base._nf4(layer)
    rounded = packed(torch.eye(INPUTS)).T

    largest = layer.weight.reshape(-1, 64).abs().amax(dim=1, keepdim=True)  # of each block
    error = (rounded - layer.weight).reshape(-1, 64).abs() / largest

    assert error.max() < (1 - 0.6962) / 2 * 1.05  # from -1 to the next code; scales are rounded as well
    assert 0.05 < relative_error(rounded, layer.weight) < 0.12


@needs_bitsandbytes
def test_peft_knows_the_layers_as_those_of_four_bits():
    adapted = add_lora(model_of("nf4").model, rank=2, alpha=4, dropout=0.0, seed=0)

    wrapped = {type(module).__module__ for module in adapted.modules() if hasattr(module, "lora_A")}

    assert wrapped == {"peft.tuners.lora.bnb"}


def saved_parts(folder):
    """A vision encoder and a language model as the hub has them, the image token still reserved."""
    lmm = tiny.tiny_lmm()
    vision, language = lmm.model.model.vision_tower, tiny_language_model(lmm)
    vision.save_pretrained(folder / "vision")
    lmm.processor.image_processor.save_pretrained(folder / "vision")
    language.save_pretrained(folder / "language")
    backend = lmm.tokenizer.backend_tokenizer.to_str().replace(IMAGE_TOKEN, RESERVED_TOKEN)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=type(lmm.tokenizer.backend_tokenizer).from_str(backend))
    tokenizer.save_pretrained(folder / "language")
    return str(folder / "vision"), str(folder / "language")


def tiny_language_model(lmm):
    language = LlamaForCausalLM(lmm.model.config.text_config)
    language.model.load_state_dict(lmm.model.model.language_model.state_dict())
    return language


@pytest.mark.parametrize("kind", ["plain", *PACKED])
def test_parts_loaded_as_packed_are_those_packed_after_loading(kind, tmp_path):
    parts = saved_parts(tmp_path)
    after = load_parts(*parts, dtype=torch.bfloat16)
    freeze_as(after.model, kind)

    loaded = load_parts(*parts, dtype=torch.bfloat16, frozen_base=kind)

    tokens = torch.tensor([[1, 5, 9, 40]])
    found, expected = (lmm.model.model.language_model(tokens).last_hidden_state for lmm in (loaded, after))
    assert torch.equal(found, expected)
    assert loaded.tokenizer.convert_tokens_to_ids(IMAGE_TOKEN) == after.model.config.image_token_id
    layer = loaded.model.model.language_model.layers[0].mlp.up_proj
    assert type(layer).__name__ == {"plain": "Linear", "fp8": "Fp8Linear", "nf4": "Linear4bit"}[kind]
