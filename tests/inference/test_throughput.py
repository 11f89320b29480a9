import copy

from tiny_mixture import tiny_mixture

from bimedix2_core.inference.throughput import N_ROUNDS, throughputs
from bimedix2_core.model.text_model import TextModel


def counted(model):
    """The model and how long each of its inputs was, pass by pass."""
    lengths = []
    model.register_forward_pre_hook(lambda module, args, kwargs: lengths.append(args[0].shape[1]), with_kwargs=True)
    return lengths


def test_each_model_reads_the_prompt_once_a_round_and_writes_token_by_token():
    mixture = tiny_mixture()
    lengths = counted(mixture.model)

    found = throughputs({"one": mixture}, batch_size=2, n_read=7, n_written=3, seed=0)

    assert lengths == [7, 1, 1, 1] * (1 + N_ROUNDS)
    assert found["one"].reading > 0
    assert found["one"].writing > 0


def test_models_take_turns_within_a_round():
    first, order = tiny_mixture(), []
    second = TextModel(copy.deepcopy(first.model), first.tokenizer)
    for name, one in (("first", first), ("second", second)):
        one.model.register_forward_pre_hook(
            lambda module, args, kwargs, name=name: order.append(name), with_kwargs=True
        )

    throughputs({"first": first, "second": second}, batch_size=1, n_read=4, n_written=1, seed=0)

    assert order == ["first", "first", "second", "second"] * (1 + N_ROUNDS)
