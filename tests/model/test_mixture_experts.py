import copy
import math
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.layer import ParamWrapper
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode
from transformers import MixtralConfig, MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

from bimedix2_core.model.adapters import peft_on_transformers_5
from bimedix2_core.model.mixture.adapters import PARAMETER_TARGETS, add_mixture_lora
from bimedix2_core.model.mixture.experts import group_experts, grouped_experts

HIDDEN, INNER, EXPERTS, RANK, TOKENS = 12, 20, 5, 3, 40


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


class OneLayer(nn.Module):
    """Router and experts of one layer, for PEFT to wrap."""

    def __init__(self, n_chosen, seed, dtype=torch.float32):
        super().__init__()
        sizes = {"hidden_size": HIDDEN, "intermediate_size": INNER, "num_attention_heads": 2}
        config = MixtralConfig(**sizes, num_local_experts=EXPERTS, num_experts_per_tok=n_chosen)
        self.mlp = MixtralSparseMoeBlock(config).to(dtype)
        self.mlp.experts.config._experts_implementation = "eager"
        for place, weight in enumerate(self.parameters()):
            weight.data = numbers(*weight.shape, seed=100 * seed + place, dtype=dtype) * 0.4
        self.requires_grad_(False)


def adapted_layer(n_chosen=2, seed=0, dtype=torch.float32, targets=PARAMETER_TARGETS):
    """A layer with adapters that do something."""
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=[], target_parameters=list(targets))
    with peft_on_transformers_5():
        layer = get_peft_model(OneLayer(n_chosen, seed, dtype), config, autocast_adapter_dtype=False).get_base_model()
    for place, (name, weight) in enumerate(layer.named_parameters()):
        if "lora_" in name:
            weight.data = numbers(*weight.shape, seed=1000 * seed + place, dtype=dtype) * 0.4
    return layer


def results(layer, states, *routing):
    """Outputs, and the gradients of the states, of the scores and of all that learns, by name."""
    layer.zero_grad()
    states = states.clone().requires_grad_()
    scores = [tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor for tensor in routing]
    outputs = layer.mlp.experts(states, *scores) if routing else layer.mlp(states[None])[0]
    outputs.backward(numbers(*outputs.shape, seed=7, dtype=outputs.dtype))
    learns = {name: weight.grad for name, weight in layer.named_parameters() if weight.requires_grad}
    scores = {f"scores{place}": tensor.grad for place, tensor in enumerate(scores) if tensor.is_floating_point()}
    return {"outputs": outputs.detach(), "states": states.grad} | scores | learns


def assert_equal(found, expected, most=1e-5):
    """Equal, one by one, to the rounding of sums taken in another order: to this part of the largest number."""
    for name, value in expected.items():
        largest = max(value.abs().max().item(), 1.0)
        torch.testing.assert_close(found[name], value, rtol=0, atol=most * largest, msg=lambda text, of=name: of + text)


def routing_to(chosen, seed=0, dtype=torch.float32):
    """These experts with scores that add up to 1."""
    return torch.as_tensor(chosen), numbers(*torch.as_tensor(chosen).shape, seed=seed, dtype=dtype).softmax(dim=-1)


def random_choice(n_tokens, n_chosen, n_experts=EXPERTS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randperm(n_experts, generator=generator)[:n_chosen] for _ in range(n_tokens)])


ROUTINGS = {
    "one_of_five": random_choice(TOKENS, 1),
    "two_of_five": random_choice(TOKENS, 2, seed=1),
    "three_of_five": random_choice(TOKENS, 3, seed=2),
    "two_are_never_hit": random_choice(TOKENS, 2, n_experts=3, seed=3),
    "all_to_the_same": torch.full((TOKENS, 1), 3),
    "one_token": torch.tensor([[4, 1]]),
}


def test_which_experts_a_router_chose_is_as_the_routings_say():
    assert set(ROUTINGS["three_of_five"].flatten().tolist()) == {0, 1, 2, 3, 4}
    assert set(ROUTINGS["two_are_never_hit"].flatten().tolist()) == {0, 1, 2}


@pytest.mark.parametrize("chosen", ROUTINGS.values(), ids=ROUTINGS)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("seed", [0, 1])
def test_outputs_and_all_gradients_are_those_of_peft_on_transformers_own_loop(chosen, dtype, most, seed):
    layer, states = adapted_layer(seed=seed, dtype=dtype), numbers(len(chosen), HIDDEN, seed=seed + 5, dtype=dtype)
    routing = routing_to(chosen, seed=seed, dtype=dtype)

    expected = results(layer, states, *routing)
    with grouped_experts(layer):
        found = results(layer, states, *routing)

    expected = {name: value for name, value in expected.items() if ".gate." not in name}
    assert len(expected) == 3 + 4  # outputs, states, scores; A and B of two stacks
    assert_equal(found, expected, most)


@pytest.mark.parametrize("n_chosen", [1, 2, 3])
def test_the_routers_adapters_learn_through_the_weights_of_the_chosen_experts(n_chosen):
    layer, states = adapted_layer(n_chosen, seed=2), numbers(TOKENS, HIDDEN, seed=4)

    expected = results(layer, states)
    with grouped_experts(layer):
        found = results(layer, states)

    assert_equal(found, expected)
    router = [value.abs().max() for name, value in found.items() if ".gate." in name]
    assert len(router) == 2
    assert (min(router) > 1e-3) == (n_chosen > 1)  # the weight of the only one is 1, whatever the router says


@pytest.mark.parametrize("targets", [("experts.gate_up_proj",), ("experts.down_proj",), ("gate.weight",)])
def test_each_part_may_be_adapted_alone(targets):
    layer, states = adapted_layer(seed=3, targets=targets), numbers(TOKENS, HIDDEN, seed=4)

    expected = results(layer, states)
    with grouped_experts(layer):
        found = results(layer, states)

    assert_equal(found, expected)


@pytest.mark.parametrize("chosen", ROUTINGS.values(), ids=ROUTINGS)
def test_without_adapters_it_is_transformers_own_loop(chosen):
    layer, states, routing = OneLayer(2, seed=1), numbers(len(chosen), HIDDEN), routing_to(chosen)

    expected = results(layer, states, *routing)
    with torch.no_grad():
        answered = layer.mlp.experts(states, *routing)
    with grouped_experts(layer):
        found = results(layer, states, *routing)
        with torch.no_grad():
            torch.testing.assert_close(layer.mlp.experts(states, *routing), answered, rtol=1e-5, atol=1e-5)

    assert_equal(found, expected)


def test_sums_are_the_same_each_time_and_do_not_depend_on_the_other_tokens():
    layer, states = adapted_layer(dtype=torch.float64), numbers(TOKENS, HIDDEN, dtype=torch.float64)
    chosen, scores = routing_to(ROUTINGS["two_of_five"], dtype=torch.float64)

    with grouped_experts(layer), torch.no_grad():
        once, again = (layer.mlp.experts(states, chosen, scores) for _ in range(2))
        half = layer.mlp.experts(states[:7], chosen[:7], scores[:7])

    assert torch.equal(once, again)
    torch.testing.assert_close(half, once[:7], rtol=1e-12, atol=1e-12)


def test_in_sixteen_bits_it_is_as_near_to_the_truth_as_peft_is():
    layer, states = adapted_layer(), numbers(400, HIDDEN)
    routing = routing_to(random_choice(400, 2))
    truth = results(layer, states, *routing)
    short = copy.deepcopy(layer).to(torch.bfloat16)

    by_peft = results(short, states.bfloat16(), *routing)
    with grouped_experts(short):
        found = results(short, states.bfloat16(), *routing)

    def error(of):
        return {name: ((of[name] - value).norm() / value.norm()).item() for name, value in truth.items()
                if value is not None}  # fmt: skip

    assert found["outputs"].dtype == torch.bfloat16
    assert found["scores1"].dtype == torch.float32  # as the router gives its weights in a model of 16 bits
    peft = error(by_peft)
    assert all(0 < value < 1.2 * peft[name] for name, value in error(found).items())


def test_adapters_in_float32_on_a_base_of_sixteen_bits_get_gradients_in_float32():
    layer = adapted_layer().to(torch.bfloat16)
    for name, weight in layer.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.float()

    with grouped_experts(layer):
        found = results(layer, numbers(TOKENS, HIDDEN, dtype=torch.bfloat16))

    assert {value.dtype for name, value in found.items() if "lora_" in name} == {torch.float32}
    assert found["outputs"].dtype == torch.bfloat16


# --- when it is used, and when not ---------------------------------------------------------------------------------


def tiny_model(*, adapted=True):
    torch.manual_seed(0)
    model = MixtralForCausalLM(MixtralConfig(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, max_position_embeddings=64,
    ))  # fmt: skip
    if not adapted:
        return model.eval()
    model = add_mixture_lora(model, rank=2, alpha=4, seed=0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.3)
    return model


def used_way(module):
    return "grouped" if "forward" in vars(module) else "peft" if isinstance(module, ParamWrapper) else "loop"


def ways(model):
    blocks = [module for module in model.modules() if isinstance(module, MixtralSparseMoeBlock)]
    return {used_way(block.experts) for block in blocks}, {used_way(block.gate) for block in blocks}


def test_a_block_of_code_is_grouped_and_then_all_is_as_before():
    model = tiny_model()

    with grouped_experts(model):
        assert ways(model) == ({"grouped"}, {"grouped"})
    assert ways(model) == ({"peft"}, {"peft"})

    with pytest.raises(KeyError), grouped_experts(model):
        raise KeyError
    assert ways(model) == ({"peft"}, {"peft"})


def test_what_was_grouped_for_good_stays_so():
    model = tiny_model()
    group_experts(model)
    with grouped_experts(model):
        group_experts(model)

    assert ways(model) == ({"grouped"}, {"grouped"})


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("adapted", [True, False])
def test_a_whole_model_says_the_same_with_its_router_logits(training, adapted):
    model, tokens = tiny_model(adapted=adapted).train(training), torch.arange(30).view(2, 15)

    with torch.no_grad():
        expected = model(tokens, labels=tokens, output_router_logits=True)
        with grouped_experts(model):
            found = model(tokens, labels=tokens, output_router_logits=True)

    assert len(found.router_logits) == 2
    for name in ("logits", "loss", "aux_loss", "router_logits"):
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-5)


def test_it_generates_token_by_token_what_peft_generates():
    model, tokens = tiny_model().eval(), torch.tensor([[3, 1, 4, 1, 5]])
    asked = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}

    expected = model.generate(input_ids=tokens, **asked)
    with grouped_experts(model):
        assert torch.equal(model.generate(input_ids=tokens, **asked), expected)


def test_adapters_switched_off_are_off_and_merged_ones_are_counted_once():
    model, tokens = tiny_model().eval(), torch.arange(20)[None]
    group_experts(model)
    with torch.no_grad():
        plain, tuned = tiny_model(adapted=False)(tokens).logits, model(tokens).logits

        with model.disable_adapter():
            torch.testing.assert_close(model(tokens).logits, plain, rtol=1e-5, atol=1e-5)
        model.merge_adapter()
        torch.testing.assert_close(model(tokens).logits, tuned, rtol=1e-4, atol=1e-4)
    assert (tuned - plain).abs().max() > 0.01


def test_experts_that_learn_themselves_get_their_gradients():
    model, tokens = tiny_model(adapted=False), torch.arange(20)[None]
    stacks = [layer.mlp.experts.down_proj for layer in model.model.layers]

    with grouped_experts(model):
        model(tokens, labels=tokens).loss.backward()

    assert all(stack.grad.abs().max() > 0 for stack in stacks)


def test_checkpointed_layers_give_the_same_gradients():
    def gradients(*, checkpointed):
        model, tokens = tiny_model().train(), torch.arange(30)[None]
        for layer in model.get_base_model().model.layers:
            layer.gradient_checkpointing = checkpointed
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
        group_experts(model)
        model(input_ids=tokens, labels=tokens, use_cache=False).loss.backward()
        return {name: weight.grad for name, weight in model.named_parameters() if "lora_" in name}

    torch.testing.assert_close(gradients(checkpointed=True), gradients(checkpointed=False), rtol=1e-5, atol=1e-6)


def test_no_matrix_of_an_expert_is_kept_for_the_way_back_and_the_rest_goes_through_hooks():
    layer, kept = adapted_layer(), []
    states, routing = numbers(TOKENS, HIDDEN).requires_grad_(), routing_to(ROUTINGS["three_of_five"])

    def keep(tensor):
        kept.append(tuple(tensor.shape))
        return tensor

    with grouped_experts(layer), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer.mlp.experts(states, *routing)

    # by hand: tokens, scores, outputs by slot, the two orders; A and B of both stacks; of each pair gate, up, twice A x
    pairs = 3 * TOKENS
    adapters = EXPERTS * RANK * (HIDDEN + 2 * INNER + INNER + HIDDEN)
    expected = TOKENS * HIDDEN + pairs + pairs * HIDDEN + 2 * pairs + adapters + pairs * (2 * INNER + 2 * RANK)
    assert sum(math.prod(shape) for shape in kept) == expected


def test_on_the_meta_device_the_arithmetic_is_that_of_the_chosen_experts():
    with torch.device("meta"):
        layer = OneLayer.__new__(OneLayer)
        nn.Module.__init__(layer)
        layer.mlp = MixtralSparseMoeBlock(
            MixtralConfig(hidden_size=HIDDEN, intermediate_size=INNER, num_local_experts=4)
        )
    group_experts(layer.requires_grad_(False))
    states = torch.empty(TOKENS, HIDDEN, device="meta", requires_grad=True)
    chosen, scores = torch.empty(TOKENS, 2, device="meta", dtype=torch.long), torch.empty(TOKENS, 2, device="meta")

    with FlopCounterMode(display=False) as counter:
        outputs = layer.mlp.experts(states, chosen, scores)
        outputs.backward(torch.empty_like(outputs))

    # by hand: 80 pairs of a token and an expert, forward and back: 2 x 2 x (D x 2 I + I x D) each
    assert counter.get_total_flops() == 80 * 4 * (HIDDEN * 2 * INNER + INNER * HIDDEN)
    assert outputs.shape == states.grad.shape == (TOKENS, HIDDEN)


def test_a_dense_model_is_left_alone():
    model = nn.Sequential(nn.Linear(3, 3))

    group_experts(model)
    with grouped_experts(model):
        assert all("forward" not in vars(module) for module in model.modules())
