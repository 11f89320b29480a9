import pytest
import tiny
import torch
from PIL import Image
from transformers import AutoProcessor, CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from bimedix2_core.data.chat import encode
from bimedix2_core.errors import ModelError
from bimedix2_core.model.assemble import assemble, count_parameters, load_lmm, save_lmm
from bimedix2_core.model.inputs import model_inputs


def test_the_8b_of_the_paper_is_assembled_from_its_parts_with_the_true_counts():
    # openai/clip-vit-large-patch14-336 and Llama 3.1 8B, shapes from their public config.json
    vision_config = CLIPVisionConfig(
        image_size=336, patch_size=14, hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
        num_attention_heads=16, projection_dim=768,
    )  # fmt: skip
    llama_config = LlamaConfig(
        vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=131072, tie_word_embeddings=False,
    )  # fmt: skip
    small = tiny.tiny_lmm()
    with torch.device("meta"):
        vision, language = CLIPVisionModel(vision_config), LlamaForCausalLM(llama_config)

    lmm = assemble(vision, language, tokenizer=small.tokenizer, image_processor=small.processor.image_processor)

    counts = count_parameters(lmm.model)
    assert counts.vision_tower == 303_507_456
    assert counts.projector == 20_979_712  # 1024 * 4096 + 4096 + 4096 * 4096 + 4096
    assert counts.language_model + counts.lm_head == 8_030_261_248  # as Llama 3.1 8B is published
    assert lmm.n_image_tokens == 576


def test_a_saved_model_loads_with_the_same_answers_and_a_processor_others_can_read(tmp_path):
    lmm = tiny.tiny_lmm()
    save_lmm(lmm, tmp_path)
    samples = [tiny.sample()]
    encoded = [encode(samples[0], lmm.tokenizer, n_image_tokens=4)]

    again = load_lmm(tmp_path)

    expected = lmm.model(**model_inputs(lmm, samples, encoded)).logits
    torch.testing.assert_close(again.model(**model_inputs(again, samples, encoded)).logits, expected)
    assert AutoProcessor.from_pretrained(tmp_path, use_fast=False).chat_template == lmm.processor.chat_template
    assert not list(tmp_path.glob("*.bin"))


def test_hugging_faces_processor_makes_the_tokens_we_make():
    lmm, sample = tiny.tiny_lmm(), tiny.sample(language="ar")

    text = lmm.processor.apply_chat_template(sample.messages)
    theirs = lmm.processor(images=sample.images, text=text, add_special_tokens=False)

    ours = encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens)
    assert theirs["input_ids"][0] == ours.input_ids


def test_padding_changes_nothing(tmp_path):
    lmm = tiny.tiny_lmm()
    samples = tiny.mixed_samples(4)
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]

    together = lmm.model(**model_inputs(lmm, samples, encoded)).logits

    for index, (sample, single) in enumerate(zip(samples, encoded, strict=True)):
        alone = lmm.model(**model_inputs(lmm, [sample], [single])).logits[0]
        torch.testing.assert_close(together[index, : len(alone)], alone, atol=1e-5, rtol=0)


def test_an_oblong_image_is_padded_not_cropped():
    lmm = tiny.tiny_lmm()
    wide = Image.new("RGB", (56, 28), (255, 255, 255))

    pixels = lmm.pixel_values([wide])[0, 0]

    white, mean = pixels[14, 14], pixels[0, 14]
    assert pixels.shape == (28, 28)
    assert white > 1
    assert abs(mean) < 0.05  # CLIP's mean colour is normalised to zero


def test_a_folder_that_is_no_checkpoint_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json there"):
        load_lmm(tmp_path)


def test_a_tokenizer_without_image_token_is_an_error():
    lmm = tiny.tiny_lmm()
    backend = lmm.tokenizer.backend_tokenizer.to_str().replace("<image>", "<picture>")
    tokenizer = type(lmm.tokenizer)(tokenizer_object=type(lmm.tokenizer.backend_tokenizer).from_str(backend))

    with pytest.raises(ModelError, match="has no token '<image>'"):
        assemble(
            CLIPVisionModel(lmm.model.config.vision_config),
            LlamaForCausalLM(lmm.model.config.text_config),
            tokenizer=tokenizer,
            image_processor=lmm.processor.image_processor,
        )
