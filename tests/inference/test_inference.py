import numpy as np
import pytest
import tiny
import torch
from tokenizers import processors

from bimedix2_core.errors import DataError
from bimedix2_core.inference.conversation import Conversation
from bimedix2_core.inference.generate import generate, prompt_batches
from bimedix2_core.inference.losses import target_losses
from bimedix2_core.records import Query, message, text_of
from bimedix2_core.training.stage2 import train_stage2


@pytest.fixture(scope="module")
def lmm(tmp_path_factory):
    """Trained a little, so that answers are not empty."""
    samples = tiny.mixed_samples(12)
    settings = tiny.stage2_settings(max_steps=60, learning_rate=0.05, global_batch_size=12)
    folder = tmp_path_factory.mktemp("stage2")
    return train_stage2(tiny.tiny_lmm(), samples, settings=settings, seed=0, folder=folder).lmm


def test_an_answer_does_not_depend_on_its_neighbours_in_the_batch(lmm):
    samples = tiny.mixed_samples(7)

    together = generate(lmm, samples, settings=tiny.GREEDY)
    alone = [generate(lmm, [sample], settings=tiny.GREEDY)[0] for sample in samples]

    assert together == alone
    assert any(together)


def test_prompts_are_padded_on_the_left(lmm):
    batch = next(prompt_batches(lmm, tiny.mixed_samples(4), batch_size=4))

    mask = batch.inputs["attention_mask"]
    assert (mask[:, -1] == 1).all()
    assert mask.min() == 0
    assert (mask.diff(dim=1) >= 0).all()  # zeros, then ones


def test_sampled_answers_are_repeated_by_the_same_seed_and_changed_by_another(lmm):
    settings = tiny.GREEDY.model_copy(update={"temperature": 2.0})
    samples = tiny.mixed_samples(6)

    assert generate(lmm, samples, settings=settings, seed=1) == generate(lmm, samples, settings=settings, seed=1)
    assert generate(lmm, samples, settings=settings, seed=1) != generate(lmm, samples, settings=settings, seed=2)


def test_a_query_of_messages_is_answered_as_the_sample_is(lmm):
    samples = tiny.mixed_samples(5)
    queries = [Query(one.id, one.language, one.prompt, images=one.images) for one in samples]

    assert generate(lmm, queries, settings=tiny.GREEDY) == generate(lmm, samples, settings=tiny.GREEDY)


def test_a_text_is_continued_as_it_stands(lmm):
    texts = ["Question: is it on the left?\nAnswer:", "<|begin_of_text|>Is it?"]
    queries = [Query(text, "en", text) for text in texts]

    batch = next(prompt_batches(lmm, queries, batch_size=2))

    first, second = (lmm.tokenizer.encode(text, add_special_tokens=False) for text in texts)
    pad = [lmm.tokenizer.pad_token_id] * (len(first) - len(second))
    assert batch.inputs["input_ids"].tolist() == [first, pad + second]
    assert batch.indices == [0, 1]
    assert generate(lmm, queries, settings=tiny.GREEDY) == [
        generate(lmm, [query], settings=tiny.GREEDY)[0] for query in queries
    ]


def test_a_text_gets_the_first_token_its_tokenizer_adds_but_not_twice():
    model = tiny.tiny_lmm()
    begin = model.tokenizer.bos_token_id
    model.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", begin)]
    )
    queries = [Query(text, "en", text) for text in ("left", "<|begin_of_text|>left")]

    plain, spelt = next(prompt_batches(model, queries, batch_size=2)).inputs["input_ids"].tolist()

    assert plain == spelt
    assert plain.count(begin) == 1 == len(plain) - len(model.tokenizer.encode("left", add_special_tokens=False))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (Query("q7", "en", ""), "query 'q7': its prompt '' is no token"),
        (Query("q7", "en", "What is <image>?"), "query 'q7': its prompt is a text with 0 images"),
        (Query("q7", "en", [message("user", "Which?", images=1)]), "'q7': the prompt: 1 image parts .* 0 images"),
    ],
)
def test_a_query_that_cannot_be_asked_is_named(lmm, query, error):
    with pytest.raises(DataError, match=error):
        generate(lmm, [query], settings=tiny.GREEDY)


def test_the_target_loss_is_the_models_own_loss(lmm):
    samples = tiny.mixed_samples(5)

    losses = target_losses(lmm, samples, batch_size=2)

    from bimedix2_core.data.chat import encode
    from bimedix2_core.model.inputs import model_inputs

    for sample, loss in zip(samples, losses, strict=True):
        encoded = encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens)
        with torch.inference_mode():
            expected = lmm.model(**model_inputs(lmm, [sample], [encoded])).loss.item()
        assert loss == pytest.approx(expected, abs=1e-5)


def test_a_conversation_remembers_its_turns_and_takes_an_image_in_the_middle(lmm):
    conversation = Conversation(lmm, settings=tiny.GREEDY)

    first = conversation.ask("Hello.")
    second = conversation.ask("Is it on the left?", image=tiny.colour_image(120))

    assert [turn["role"] for turn in conversation.messages] == ["user", "assistant"] * 2
    assert [text_of(turn) for turn in conversation.messages[1::2]] == [first, second]
    assert [len(turn["content"]) for turn in conversation.messages] == [1, 1, 2, 1]
    assert len(conversation.images) == 1


def test_a_conversation_says_what_batched_generation_says(lmm):
    sample = tiny.sample()
    question = text_of(sample.messages[0])

    assert (
        Conversation(lmm, settings=tiny.GREEDY).ask(question, image=sample.images[0])
        == (generate(lmm, [sample], settings=tiny.GREEDY)[0])
    )


def test_a_question_that_fails_is_not_remembered(lmm):
    conversation = Conversation(lmm, settings=tiny.GREEDY)

    with pytest.raises(DataError, match="reserved token"):
        conversation.ask("<image>")

    assert conversation.messages == []


def test_losses_come_back_in_the_order_of_the_samples(lmm):
    samples = tiny.mixed_samples(6)

    assert np.allclose(target_losses(lmm, samples[::-1], batch_size=3)[::-1], target_losses(lmm, samples, batch_size=6))
