"""Routing: what the routers of a real, tiny Mixtral did, token by token."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

from bimedix2_core.data.chat import encode
from bimedix2_core.demo.tiny_base import train_tokenizer
from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.inference.routing import routing, top_tokens
from bimedix2_core.inference.said_tokens import said_tokens
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.text_model import TextModel
from tests.tiny import QUESTIONS, sample

WORDS = {"en": ("lung", "liver"), "ar": ("رئة", "كبد")}
"""Without a token that both languages have, such as a space between words."""

TOKENIZER = train_tokenizer([sample(language=language, n_images=0) for language in QUESTIONS])
SIZES = {
    "vocab_size": 320, "hidden_size": 32, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "pad_token_id": TOKENIZER.pad_token_id,
}  # fmt: skip


def tiny_mixture(n_experts=4) -> TextModel:
    torch.manual_seed(0)
    config = MixtralConfig(**SIZES, num_local_experts=n_experts, num_experts_per_tok=2)
    model = MixtralForCausalLM(config).eval()
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.mlp.gate.weight)  # choices that are not close
    return TextModel(model, TOKENIZER)


def texts(n=5):
    """Twins of different lengths."""
    return [
        sample(name=f"t{index}", language=language, n_images=0, answer=" ".join([answer] * (1 + index)))
        for index in range(n)
        for language, (_, answer) in QUESTIONS.items()
    ]


def equal(one, other) -> bool:
    return all((one.chosen[language] == other.chosen[language]).all() for language in ("en", "ar"))


def test_an_expert_that_is_made_for_arabic_takes_all_arabic_tokens_and_no_other():
    samples = [
        sample(name=name, language=language, n_images=0, question=WORDS[language][0], answer=WORDS[language][1])
        for name in ("a", "b")
        for language in ("en", "ar")
    ]
    mixture = made_for_arabic(samples[1])

    found = routing(mixture, samples, batch_size=2)

    english, arabic = found.n_tokens["en"][0], found.n_tokens["ar"][0]
    assert found.chosen["ar"].tolist() == [[[arabic, 0, arabic, 0]] * 2] * 2
    assert found.chosen["en"].tolist() == [[[0, english, english, 0]] * 2] * 2
    assert found.n_chosen == 2
    taken = top_tokens(mixture, samples, layer=1, expert=0, batch_size=2)
    assert taken
    assert all(one.language == "ar" and one.n_taken == one.n_seen for one in taken)


def made_for_arabic(text) -> TextModel:
    """All layers see the embeddings, whose first number is the language: experts 0 and 2 for Arabic, else 1 and 2."""
    mixture = tiny_mixture()
    decoder = mixture.model.model
    arabic = [token for token, own in zip(*said(text), strict=True) if own]
    with torch.no_grad():
        decoder.embed_tokens.weight.zero_()
        decoder.embed_tokens.weight[:, :2] = torch.tensor([-1.0, 1.0])
        decoder.embed_tokens.weight[arabic, 0] = 1.0
        for layer in decoder.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.experts.down_proj.zero_()
            layer.mlp.gate.weight.zero_()
            layer.mlp.gate.weight[0, 0], layer.mlp.gate.weight[1, 0], layer.mlp.gate.weight[3, 1] = 5.0, -5.0, -1.0
    return mixture


def said(one):
    read = said_tokens(one, TOKENIZER)
    return read.input_ids, read.is_said


def test_neither_padding_nor_the_size_of_a_batch_changes_the_counts():
    mixture, samples = tiny_mixture(), texts()

    alone, together = (routing(mixture, samples, batch_size=size) for size in (1, 4))

    assert equal(alone, together)
    assert alone.ids == ("t0", "t1", "t2", "t3", "t4")
    assert np.allclose(alone.probability["ar"], together.probability["ar"], atol=1e-4)


def test_every_token_that_is_said_counts_twice_in_every_layer_and_its_probabilities_add_up_to_one():
    found = routing(tiny_mixture(), texts(), batch_size=3)

    for language in ("en", "ar"):
        tokens = [sum(said(one)[1]) for one in texts() if one.language == language]
        assert found.n_tokens[language].tolist() == tokens
        assert (found.chosen[language].sum(-1) == 2 * np.array(tokens)[:, None]).all()
        assert np.allclose(found.probability[language].sum(-1), np.array(tokens)[:, None], rtol=1e-5)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_text_is_read_as_in_training_and_only_the_template_is_not_said(language):
    one = sample(language=language, n_images=0)
    read = said_tokens(one, TOKENIZER)

    assert read.input_ids == encode(one, TOKENIZER, n_image_tokens=0).input_ids
    spoken = [token for token, own in zip(read.input_ids, read.is_said, strict=True) if own]
    assert TOKENIZER.decode(spoken) == "".join(QUESTIONS[language])
    assert [word for word, own in zip(read.words, read.is_said, strict=True) if word and not own] == []


def test_adapters_whose_b_is_zero_change_no_choice_grouped_or_not():
    plain = routing(tiny_mixture(), texts(), batch_size=4)
    adapted = add_mixture_lora(tiny_mixture().model, rank=2, alpha=4, seed=0).eval()

    assert equal(plain, routing(TextModel(adapted, TOKENIZER), texts(), batch_size=4))
    group_experts(adapted)
    assert equal(plain, routing(TextModel(adapted, TOKENIZER), texts(), batch_size=4))


@pytest.mark.parametrize("grouped", [False, True])
def test_an_adapter_of_the_router_changes_the_choices(grouped):
    adapted = add_mixture_lora(tiny_mixture().model, rank=2, alpha=4, seed=0).eval()
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "gate.lora_B" in name:
                weight.normal_()
    if grouped:
        group_experts(adapted)

    assert not equal(
        routing(tiny_mixture(), texts(), batch_size=4), routing(TextModel(adapted, TOKENIZER), texts(), batch_size=4)
    )


def test_no_hook_is_left_behind():
    mixture = tiny_mixture()

    routing(mixture, texts(2), batch_size=4)

    assert not any(module._forward_hooks for module in mixture.model.modules())


def test_the_tokens_an_expert_takes_are_no_more_than_those_seen_and_most_come_first():
    taken = top_tokens(tiny_mixture(), texts(), layer=0, expert=1, batch_size=4, n=3)

    for language in ("en", "ar"):
        counts = [one.n_taken for one in taken if one.language == language]
        assert counts == sorted(counts, reverse=True)
        assert len(counts) <= 3
    assert all(0 < one.n_taken <= one.n_seen for one in taken)


def test_a_dense_model_has_no_experts():
    dense = TextModel(LlamaForCausalLM(LlamaConfig(**SIZES)).eval(), TOKENIZER)

    with pytest.raises(ModelError, match="LlamaForCausalLM has no routers"):
        routing(dense, texts(2), batch_size=2)
    with pytest.raises(ModelError, match="2 layers of 4 experts"):
        top_tokens(tiny_mixture(), texts(2), layer=2, expert=0, batch_size=2)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (texts()[:3], "'t1' is there in en only"),
        ([*texts(), texts()[0]], "'t0' .en. stands twice"),
        ([*texts(2), *(sample(name="i", language=language) for language in ("en", "ar"))], "'i' .en. has images"),
        (texts(1), "at least two"),
    ],
)
def test_texts_without_twin_twice_with_images_or_too_few_are_refused(samples, message):
    with pytest.raises(DataError, match=message):
        routing(tiny_mixture(), samples, batch_size=2)


def test_a_template_that_changes_what_is_said_is_refused():
    tokenizer = train_tokenizer([sample(language=language, n_images=0) for language in QUESTIONS])
    tokenizer.chat_template = "{{ messages[0]['content'][0]['text'] | upper }}"

    with pytest.raises(DataError, match="leaves out or changes"):
        routing(replace(tiny_mixture(), tokenizer=tokenizer), texts(2), batch_size=2)
