import numpy as np
import pytest
import tiny
import torch

from bimedix2_core.errors import DataError
from bimedix2_core.inference.conversation import Conversation
from bimedix2_core.inference.generate import generate, prompt_batches
from bimedix2_core.inference.losses import target_losses
from bimedix2_core.inference.score_options import score_options
from bimedix2_core.records import Sample, message, text_of
from bimedix2_core.training.stage2 import train_stage2


@pytest.fixture(scope="module")
def lmm(tmp_path_factory):
    """Trained a little, so that answers are not empty."""
    samples = tiny.mixed_samples(12)
    settings = tiny.stage2_settings(max_steps=60, learning_rate=0.05, global_batch_size=12, micro_batch_size=12)
    folder = tmp_path_factory.mktemp("stage2")
    return train_stage2(tiny.tiny_lmm(), samples, settings=settings, seed=0, folder=folder).lmm


def choice_sample(question):
    return Sample(
        id=question,
        language="en",
        task="choice",
        source="test",
        messages=[message("user", question, images=1), message("assistant", "B")],
        images=[tiny.colour_image(100)],
        choices=("one", "two", "three"),
    )


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


def test_option_scores_are_the_log_probabilities_of_the_letters(lmm):
    samples = [choice_sample("Which?"), choice_sample("Which one of these is it?")]

    scores = score_options(lmm, samples, batch_size=2)

    for row, single in zip(scores, samples, strict=True):
        batch = next(prompt_batches(lmm, [single], batch_size=1))
        with torch.inference_mode():
            log_probabilities = lmm.model(**batch.inputs).logits[0, -1].log_softmax(-1)
        ids = [lmm.tokenizer.convert_tokens_to_ids(letter) for letter in "ABC"]
        assert row == pytest.approx(log_probabilities[ids].numpy(), abs=1e-4)


def test_option_scores_need_the_same_number_of_choices(lmm):
    with pytest.raises(DataError, match=r"samples have \[0\] choices"):
        score_options(lmm, [tiny.sample()], batch_size=1)


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
