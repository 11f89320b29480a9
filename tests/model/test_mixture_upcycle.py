import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MixtralForCausalLM

from bimedix2_core.errors import ModelError
from bimedix2_core.model.mixture.upcycle import upcycled

ROPE = {"rope_type": "llama3", "rope_theta": 5000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}  # fmt: skip
TOKENS = torch.randint(0, 60, (3, 20), generator=torch.Generator().manual_seed(0))


def dense(**changes):
    """A Llama whose heads are wider than hidden size / heads, with an epsilon and rotary positions of its own."""
    numbers = {
        "vocab_size": 60, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "rms_norm_eps": 1e-3,
        "rope_parameters": ROPE, "bos_token_id": 5, "eos_token_id": [6, 7], "pad_token_id": 8, "initializer_range": 0.2,
    }  # fmt: skip
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**(numbers | changes))).eval()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("n_experts", "n_chosen"), [(8, 2), (3, 3), (4, 1)])
def test_the_mixture_computes_what_the_dense_model_computes(tied, n_experts, n_chosen):
    model = dense(tie_word_embeddings=tied)

    mixture = upcycled(model, n_experts=n_experts, n_chosen=n_chosen, seed=0)

    with torch.no_grad():
        found, expected = mixture(TOKENS).logits, model(TOKENS).logits
    assert type(mixture) is MixtralForCausalLM
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_every_expert_is_the_dense_mlp_gate_before_up():
    model = dense()
    mixture = upcycled(model, n_experts=3, n_chosen=2, seed=0)

    for old, new in zip(model.model.layers, mixture.model.layers, strict=True):
        for expert in range(3):
            assert torch.equal(new.mlp.experts.gate_up_proj[expert, :24], old.mlp.gate_proj.weight)
            assert torch.equal(new.mlp.experts.gate_up_proj[expert, 24:], old.mlp.up_proj.weight)
            assert torch.equal(new.mlp.experts.down_proj[expert], old.mlp.down_proj.weight)


@pytest.mark.parametrize("tied", [True, False])
def test_the_mixture_shares_no_memory_with_the_dense_model_and_a_tied_head_stays_tied(tied):
    model = dense(tie_word_embeddings=tied)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}

    mixture = upcycled(model, n_experts=2, n_chosen=1, seed=0)
    with torch.no_grad():
        for weight in mixture.parameters():
            weight += 1

    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert (mixture.lm_head.weight is mixture.model.embed_tokens.weight) == tied
    first, second = mixture.model.layers[0].mlp.experts.down_proj
    assert first.data_ptr() != second.data_ptr()


def test_numbers_and_token_ids_are_kept():
    config = upcycled(dense(), n_experts=8, n_chosen=2, seed=0).config

    assert (config.num_local_experts, config.num_experts_per_tok) == (8, 2)
    assert (config.head_dim, config.rms_norm_eps, config.rope_parameters) == (8, 1e-3, ROPE)
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (5, [6, 7], 8)
    assert (config.router_jitter_noise, config.sliding_window) == (0.0, None)


def test_the_router_is_drawn_from_the_seed_and_the_generator_is_left_alone():
    model = dense()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)

    first, again = (upcycled(model, n_experts=64, n_chosen=2, seed=3) for _ in range(2))
    other = upcycled(model, n_experts=64, n_chosen=2, seed=4)

    assert torch.rand(1) == expected
    routers = [
        torch.cat([layer.mlp.gate.weight for layer in mixture.model.layers]) for mixture in (first, again, other)
    ]
    assert torch.equal(routers[0], routers[1])
    assert not torch.equal(routers[0], routers[2])
    assert not torch.equal(routers[0][:64], routers[0][64:])  # two layers
    assert routers[0].std().item() == pytest.approx(0.2, rel=0.05)  # initializer_range


def test_format_and_mode_are_those_of_the_dense_model():
    mixture = upcycled(dense().to(torch.bfloat16), n_experts=2, n_chosen=1, seed=0)

    assert {weight.dtype for weight in mixture.parameters()} == {torch.bfloat16}
    assert not mixture.training
    assert upcycled(dense().train(), n_experts=2, n_chosen=1, seed=0).training


def test_no_expert_of_a_drawn_router_is_left_out():
    model = dense()
    mixture = upcycled(model, n_experts=4, n_chosen=2, seed=0)
    tokens = torch.randint(0, 60, (20, 40), generator=torch.Generator().manual_seed(1))

    with torch.no_grad():
        logits = mixture(tokens, output_router_logits=True).router_logits

    for of_layer in logits:
        share = torch.bincount(of_layer.topk(2).indices.flatten(), minlength=4) / (2 * tokens.numel())
        assert share.min() > 0.05  # evenly: 0.25


@pytest.mark.parametrize("name", ["attention_bias", "mlp_bias"])
def test_a_dense_model_with_biases_is_refused(name):
    with pytest.raises(ModelError, match=r"has biases, which a Mixtral has no place for"):
        upcycled(dense(**{name: True}), n_experts=2, n_chosen=1, seed=0)


@pytest.mark.parametrize("n_chosen", [0, 3])
def test_more_chosen_than_there_are_and_none_at_all_are_refused(n_chosen):
    with pytest.raises(ModelError, match=f"^{n_chosen} experts chosen of 2; expected at least 1 and at most 2$"):
        upcycled(dense(), n_experts=2, n_chosen=n_chosen, seed=0)
