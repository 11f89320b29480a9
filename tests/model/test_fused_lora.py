import pytest
import torch
from peft.tuners.lora import Linear
from tiny import tiny_lmm

from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.fused_lora import fused_lora


def layer(*, dropout=0.0, dtype=torch.float64, adapter_dtype=torch.float64):
    """One adapted layer whose adapter does something."""
    lmm = tiny_lmm()
    lmm.model.to(dtype)
    model = add_lora(lmm.model, rank=2, alpha=6, dropout=dropout, seed=0, adapter_dtype=adapter_dtype)
    chosen = next(module for module in model.modules() if isinstance(module, Linear))
    torch.nn.init.normal_(chosen.lora_B["default"].weight)
    return model, chosen


def out_and_gradients(chosen, x):
    x = x.clone().requires_grad_()
    out = chosen(x)
    weights = [chosen.lora_A["default"].weight, chosen.lora_B["default"].weight]
    return out.detach(), *torch.autograd.grad((out * torch.arange(out.numel()).view_as(out)).sum(), [x, *weights])


def test_output_and_all_gradients_equal_pefts():
    model, chosen = layer()
    x = torch.randn(2, 5, chosen.in_features, dtype=torch.float64)
    expected = out_and_gradients(chosen, x)

    with fused_lora(model):
        assert chosen.forward.__name__ == "_forward"
        found = out_and_gradients(chosen, x)

    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-10)
    assert float(expected[2].abs().max()) > 0


def test_afterwards_peft_computes_again():
    model, chosen = layer()
    with pytest.raises(RuntimeError), fused_lora(model):
        raise RuntimeError

    assert "forward" not in vars(chosen)


@pytest.mark.parametrize(
    "options", [{"dropout": 0.1}, {"dtype": torch.bfloat16, "adapter_dtype": torch.float32}], ids=["dropout", "formats"]
)
def test_what_cannot_be_fused_exactly_is_left_to_peft(options):
    model, chosen = layer(**options)

    with fused_lora(model):
        assert "forward" not in vars(chosen)


def test_a_frozen_input_gets_no_gradient_and_the_adapter_still_does():
    model, chosen = layer()
    x = torch.randn(3, chosen.in_features, dtype=torch.float64)

    with fused_lora(model):
        chosen(x).sum().backward()

    assert x.grad is None
    assert float(chosen.lora_B["default"].weight.grad.abs().max()) > 0
