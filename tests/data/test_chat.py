import pytest
import tiny

from bimedix2_core.data.chat import IGNORE_INDEX, encode, encode_prompt
from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample, message

N_IMAGE_TOKENS = 4


@pytest.fixture(scope="module")
def tokenizer():
    return tiny.tiny_lmm().tokenizer


def chat(*turns, images=()):
    return Sample(id="c1", language="en", task="chat", source="test", messages=list(turns), images=list(images))


def supervised_text(encoded, tokenizer):
    return tokenizer.decode([label for label in encoded.labels if label != IGNORE_INDEX])


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("n_images", [0, 1, 2])
def test_labels_are_the_tokens_themselves_or_ignored(tokenizer, language, n_images):
    encoded = encode(tiny.sample(language=language, n_images=n_images), tokenizer, n_image_tokens=N_IMAGE_TOKENS)

    assert len(encoded.labels) == len(encoded.input_ids)
    assert all(label in (token, IGNORE_INDEX) for token, label in zip(encoded.input_ids, encoded.labels, strict=True))


def test_the_whole_text_is_llama_3s_template_with_one_bos(tokenizer):
    encoded = encode(tiny.sample(), tokenizer, n_image_tokens=N_IMAGE_TOKENS)

    # Llama 3's format, written out by hand; four image tokens for one image
    assert tokenizer.decode(encoded.input_ids) == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
        "<image><image><image><image>\nIs the lesion on the left?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nYes, on the left.<|eot_id|>"
    )
    assert encoded.input_ids.count(tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("language", ["en", "ar"])
def test_loss_is_on_what_the_assistant_says_and_its_end_of_turn(tokenizer, language):
    sample = tiny.sample(language=language)

    encoded = encode(sample, tokenizer, n_image_tokens=N_IMAGE_TOKENS)

    assert supervised_text(encoded, tokenizer) == sample.target + "<|eot_id|>"


def test_every_assistant_turn_is_supervised_and_an_image_may_come_late(tokenizer):
    sample = chat(
        message("user", "Hello."),
        message("assistant", "Send the scan."),
        message("user", "Here it is.", images=1),
        message("assistant", "A lesion."),
        images=[tiny.colour_image(9)],
    )

    encoded = encode(sample, tokenizer, n_image_tokens=N_IMAGE_TOKENS)

    assert supervised_text(encoded, tokenizer) == "Send the scan.<|eot_id|>A lesion.<|eot_id|>"
    image_id = tokenizer.convert_tokens_to_ids("<image>")
    first_image = encoded.input_ids.index(image_id)
    assert encoded.input_ids[first_image : first_image + 4] == [image_id] * 4
    assert "Send the scan." in tokenizer.decode(encoded.input_ids[:first_image])


@pytest.mark.parametrize(("n_parts", "n_images"), [(1, 0), (0, 1), (1, 2), (2, 1)])
def test_images_that_do_not_pair_with_parts_are_an_error_that_names_the_sample(tokenizer, n_parts, n_images):
    sample = chat(
        message("user", "Look.", images=n_parts),
        message("assistant", "Yes."),
        images=[tiny.colour_image(1)] * n_images,
    )

    with pytest.raises(DataError, match=rf"sample c1-en: {n_parts} image parts .* but {n_images} images"):
        encode(sample, tokenizer, n_image_tokens=N_IMAGE_TOKENS)


@pytest.mark.parametrize("forged", ["<image>", "<|eot_id|>", "<|start_header_id|>"])
def test_a_text_that_spells_a_reserved_token_is_an_error(tokenizer, forged):
    sample = chat(message("user", f"Look {forged} here"), message("assistant", "Yes."))

    with pytest.raises(DataError, match="sample c1-en, turn 0: the text holds the reserved token"):
        encode(sample, tokenizer, n_image_tokens=N_IMAGE_TOKENS)


def test_a_sample_without_an_answer_is_an_error(tokenizer):
    with pytest.raises(DataError, match="nothing to learn"):
        encode(chat(message("user", "Hello.")), tokenizer, n_image_tokens=N_IMAGE_TOKENS)


def test_a_prompt_is_the_sample_up_to_its_answer(tokenizer):
    sample = tiny.sample(language="ar")

    prompt = encode_prompt(sample.prompt, tokenizer, n_images=1, n_image_tokens=N_IMAGE_TOKENS)

    encoded = encode(sample, tokenizer, n_image_tokens=N_IMAGE_TOKENS)
    first_supervised = next(i for i, label in enumerate(encoded.labels) if label != IGNORE_INDEX)
    assert prompt == encoded.input_ids[:first_supervised]
