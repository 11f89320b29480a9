import pytest
import tiny
import torch
from torch._dynamo.utils import counters

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.training.layers import checkpoint_layers, compile_layers, decoder_layers

ROW = 24  # tokens


def adapted(*, dropout=0.0):
    """A model in training whose adapters already do something."""
    model = add_lora(tiny.tiny_lmm().model, rank=2, alpha=4, dropout=dropout, seed=0).train()
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, generator=generator)
    return model


def embedded(*, requires_grad):
    return torch.randn(1, ROW, 16, generator=torch.Generator().manual_seed(2)).requires_grad_(requires_grad)


def loss_and_gradients(model, *, requires_grad=False):
    """Of one row of embeddings; as in Stage 2 they need no gradient unless an image is among them."""
    row = embedded(requires_grad=requires_grad)
    torch.manual_seed(3)  # of the dropout
    states = model.get_base_model().model.language_model(inputs_embeds=row, use_cache=False).last_hidden_state
    loss = states.square().mean() + states[0, -1].sum()
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    return loss.detach(), gradients | ({"row": row.grad} if requires_grad else {})


def saved_bytes(model):
    """Bytes that autograd keeps for the way back, weights not counted."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        states = model.get_base_model().model.language_model(inputs_embeds=embedded(requires_grad=False))
        states.last_hidden_state.sum()
    return sum(kept.values())


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_checkpointing_changes_no_bit_of_loss_and_gradients(dropout, requires_grad):
    plain, checkpointed = adapted(dropout=dropout), adapted(dropout=dropout)
    checkpoint_layers(checkpointed)

    loss, gradients = loss_and_gradients(plain, requires_grad=requires_grad)
    same_loss, same_gradients = loss_and_gradients(checkpointed, requires_grad=requires_grad)

    assert torch.equal(loss, same_loss)
    assert len(gradients) == 2 * 7 * 2 + requires_grad  # layers x linear layers x (A, B)
    assert gradients.keys() == same_gradients.keys()
    assert all(torch.equal(gradients[name], same_gradients[name]) for name in gradients)
    assert all(gradient.abs().sum() > 0 for gradient in gradients.values())


def test_dropout_matters_in_the_test_above():
    assert not torch.equal(loss_and_gradients(adapted())[0], loss_and_gradients(adapted(dropout=0.3))[0])


def test_checkpointing_keeps_little_more_than_the_input_of_each_layer():
    plain, checkpointed = adapted(), adapted()
    checkpoint_layers(checkpointed)

    whole, kept = saved_bytes(plain), saved_bytes(checkpointed)

    entering = 2 * ROW * 16 * 4  # two layers, tokens, hidden size, bytes of a float32
    assert entering <= kept <= 4 * entering  # rotary tables and the last norm are kept too
    assert kept < whole / 10


def test_checkpointing_is_off_while_the_model_is_not_in_training():
    model = adapted()
    checkpoint_layers(model)
    whole = saved_bytes(adapted().eval())

    assert saved_bytes(model.eval()) == whole


def test_checkpointing_leaves_vision_encoder_and_embeddings_alone():
    model = adapted()
    checkpoint_layers(model)
    llava = model.get_base_model()

    assert not any(layer.gradient_checkpointing for layer in llava.model.vision_tower.encoder.layers)
    assert not llava.model.language_model.embed_tokens(torch.tensor([1])).requires_grad


def test_the_layers_are_found_with_and_without_adapters():
    model = tiny.tiny_lmm().model
    layers = list(decoder_layers(model))

    assert len(layers) == 2
    assert list(decoder_layers(add_lora(model, rank=2, alpha=4, dropout=0.0, seed=0))) == layers


@pytest.fixture
def compiler_cache(tmp_path, monkeypatch):
    """An empty one, so that the test compiles and leaves nothing behind."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method:DeprecationWarning")  # torch's own
@pytest.mark.usefixtures("compiler_cache")
@pytest.mark.parametrize("checkpointed", [False, True])
def test_compiled_layers_share_one_graph_and_compute_the_same(checkpointed):
    model = adapted()
    compile_layers(model)
    if checkpointed:
        checkpoint_layers(model)

    loss, gradients = loss_and_gradients(adapted(), requires_grad=True)
    same_loss, same_gradients = loss_and_gradients(model, requires_grad=True)

    assert counters["stats"]["unique_graphs"] == 1  # for two layers
    torch.testing.assert_close(same_loss, loss, rtol=1e-5, atol=1e-5)
    assert gradients.keys() == same_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[name], gradient, rtol=1e-5, atol=1e-5)


def test_a_machine_without_a_compiler_is_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)

    with pytest.raises(ModelError, match=r"needs a C\+\+ compiler, found none; install g\+\+, or set compile_layers"):
        compile_layers(tiny.tiny_lmm().model)
