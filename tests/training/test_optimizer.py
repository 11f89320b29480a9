import pytest
import tiny
import torch
from torch import nn

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import ParameterGroup, add_lora, parameter_groups
from bimedix2_core.training.optimizer import MasterAdamW


def group_of(*weights, rate=1.0e-2, name="all"):
    return ParameterGroup(name, rate, weights, tuple(f"w{index}" for index in range(len(weights))))


def weight(*shape, dtype=torch.float32, seed=0):
    return nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype))


def gradient(parameter, step):
    generator = torch.Generator().manual_seed(1000 + step)
    return torch.randn(parameter.shape, generator=generator).to(parameter.dtype)


def take_steps(optimizer, weights, steps):
    for step in steps:
        for parameter in weights:
            parameter.grad = gradient(parameter, step)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_of_32_bits_and_more_move_as_torch_moves_them_bit_for_bit(dtype):
    ours, theirs = [[weight(5, 3, dtype=dtype), weight(7, dtype=dtype)] for _ in range(2)]
    optimizer = MasterAdamW([group_of(*ours)], weight_decay=0.1)
    reference = torch.optim.AdamW(theirs, lr=1.0e-2, weight_decay=0.1, fused=True)

    take_steps(optimizer, ours, range(5))
    take_steps(reference, theirs, range(5))

    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not torch.equal(ours[0], weight(5, 3, dtype=dtype))
    assert set(optimizer.state()) == {f"{kind}:w{n}" for kind in ("step", "exp_avg", "exp_avg_sq") for n in (0, 1)}


def test_a_thousand_small_steps_are_lost_in_16_bits_and_kept_with_a_master():
    bare, mastered, single = (
        nn.Parameter(torch.ones(1, dtype=dtype)) for dtype in [torch.bfloat16] * 2 + [torch.float32]
    )
    optimizers = [
        torch.optim.AdamW([bare], lr=1.0e-4, weight_decay=0.0, fused=True),
        MasterAdamW([group_of(mastered, rate=1.0e-4)], weight_decay=0.0),
        torch.optim.AdamW([single], lr=1.0e-4, weight_decay=0.0, fused=True),
    ]

    for _ in range(1000):
        for optimizer, moved in zip(optimizers, (bare, mastered, single), strict=True):
            moved.grad = torch.ones_like(moved)
            optimizer.step()

    assert bare.item() == 1.0  # one step is 1e-4, and the next bfloat16 below 1 is 1 - 1/256
    assert single.item() == pytest.approx(0.9, abs=1.0e-4)  # a constant gradient moves AdamW by its rate
    assert mastered.item() == single.to(torch.bfloat16).item() == 0.8984375  # 230/256, the bfloat16 next to 0.9
    assert torch.equal(optimizers[1].state()["master:w0"], single)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_16_bit_weight_is_its_float32_master_rounded_after_every_step(dtype):
    short, wide = weight(6, 4, dtype=dtype), nn.Parameter(weight(6, 4, dtype=dtype).detach().float())
    optimizer = MasterAdamW([group_of(short)], weight_decay=0.1)
    reference = torch.optim.AdamW([wide], lr=1.0e-2, weight_decay=0.1, fused=True)

    for step in range(5):
        short.grad = gradient(short, step)
        wide.grad = short.grad.float()
        optimizer.step()
        reference.step()

        assert torch.equal(optimizer.state()["master:w0"], wide)
        assert torch.equal(short, wide.to(dtype))
        assert short.dtype == dtype


def test_each_group_has_its_rate_and_a_schedule_sets_it():
    slow, fast, short = weight(3), weight(3), weight(3, dtype=torch.bfloat16)
    groups = [
        ParameterGroup("adapters", 1.0e-3, (slow, short), ("slow", "short")),
        ParameterGroup("projector", 1.0e-1, (fast,), ("fast",)),
    ]
    optimizer = MasterAdamW(groups, weight_decay=0.0)
    before = [parameter.detach().clone() for parameter in (slow, fast, short)]

    assert [group["lr"] for group in optimizer.param_groups] == [1.0e-3, 1.0e-1]
    optimizer.param_groups[0]["lr"] = 0.0
    take_steps(optimizer, [slow, fast, short], [0])

    assert torch.equal(slow, before[0])
    assert torch.equal(short, before[2])
    torch.testing.assert_close((fast - before[1]).abs(), torch.full((3,), 1.0e-1))  # AdamW's first step is its rate


def test_zero_grad_leaves_no_gradient_on_weights_or_masters():
    weights = [weight(3), weight(3, dtype=torch.bfloat16)]
    optimizer = MasterAdamW([group_of(*weights)], weight_decay=0.0)

    take_steps(optimizer, weights, [0])

    moved = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert [tensor.grad for tensor in (*weights, *moved)] == [None] * 4


def test_a_weight_without_gradient_stays_and_has_no_moments():
    idle, busy = weight(3, dtype=torch.bfloat16), weight(3)
    optimizer = MasterAdamW([group_of(idle, busy)], weight_decay=0.1)
    before = idle.detach().clone()

    take_steps(optimizer, [busy], range(2))

    assert torch.equal(idle, before)
    assert set(optimizer.state()) == {"master:w0", "step:w1", "exp_avg:w1", "exp_avg_sq:w1"}


def test_before_the_first_step_there_is_no_state_but_the_masters():
    assert MasterAdamW([group_of(weight(3))], weight_decay=0.0).state() == {}
    assert set(MasterAdamW([group_of(weight(3, dtype=torch.float16))], weight_decay=0.0).state()) == {"master:w0"}


@pytest.mark.parametrize("n_steps", [0, 3])
def test_an_optimizer_with_the_state_of_another_goes_on_as_it_would(n_steps):
    def begin():
        weights = [weight(4, 3, dtype=torch.bfloat16), weight(5), weight(2, dtype=torch.float64)]
        return weights, MasterAdamW([group_of(*weights)], weight_decay=0.1)

    weights, whole = begin()
    take_steps(whole, weights, range(n_steps))
    stored = {name: tensor.clone() for name, tensor in whole.state().items()}
    stored_weights = [parameter.detach().clone() for parameter in weights]
    take_steps(whole, weights, range(n_steps, 8))

    resumed_weights, resumed = begin()
    take_steps(resumed, resumed_weights, range(50, 52))  # what it has learnt elsewhere is to be forgotten
    for parameter, value in zip(resumed_weights, stored_weights, strict=True):
        parameter.data.copy_(value)
    resumed.load_state(stored)
    take_steps(resumed, resumed_weights, range(n_steps, 8))

    assert all(torch.equal(one, other) for one, other in zip(weights, resumed_weights, strict=True))
    assert resumed.state().keys() == whole.state().keys()
    assert all(torch.equal(tensor, whole.state()[name]) for name, tensor in resumed.state().items())


def test_a_loaded_state_is_a_copy():
    parameter = weight(3, dtype=torch.bfloat16)
    optimizer = MasterAdamW([group_of(parameter)], weight_decay=0.0)
    take_steps(optimizer, [parameter], [0])
    stored = {name: tensor.clone() for name, tensor in optimizer.state().items()}

    optimizer.load_state(stored)
    take_steps(optimizer, [parameter], [1])

    assert stored["step:w0"].item() == 1
    assert optimizer.state()["step:w0"].item() == 2
    assert not any(torch.equal(tensor, optimizer.state()[name]) for name, tensor in stored.items())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda state: state.pop("master:w0"), "'master:w0'"),
        (lambda state: state.pop("exp_avg:w0"), "'exp_avg:w0'"),
        (lambda state: state.update({"master:other": torch.zeros(3)}), "'master:other'"),
        (lambda state: state.update({"exp_avg_sq:w0": torch.zeros(1)}), "'exp_avg_sq:w0'"),  # would spread to 3
    ],
)
def test_the_state_of_other_weights_is_an_error_that_names_them_and_changes_nothing(change, named):
    parameter = weight(3, dtype=torch.bfloat16)
    optimizer = MasterAdamW([group_of(parameter)], weight_decay=0.0)
    take_steps(optimizer, [parameter], [0])
    before = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    state = {name: tensor + 1 for name, tensor in before.items()}
    change(state)

    with pytest.raises(ModelError, match=f"does not fit its 1 weights: .*shape: {named}; resume with"):
        optimizer.load_state(state)

    assert all(torch.equal(tensor, before[name]) for name, tensor in optimizer.state().items())


def test_groups_carry_the_names_their_weights_have_in_the_model():
    model = add_lora(tiny.tiny_lmm().model, rank=2, alpha=4, dropout=0.0, seed=0)

    groups = parameter_groups(model, adapters=1.0, projector=2.0)

    named = dict(model.named_parameters())
    assert [group.name for group in groups] == ["adapters", "projector"]
    for group in groups:
        assert len(group.names) == len(group.parameters)
        assert all(named[name] is parameter for name, parameter in zip(group.names, group.parameters, strict=True))
    assert len(groups[0].names) == 2 * 2 * 7  # A and B in two layers with seven linear layers each
    assert all("lora_" in name for name in groups[0].names)
    assert all("multi_modal_projector" in name for name in groups[1].names)
