"""Templates with generation marks: the same prompts as the published ones, and the loss on the assistant alone."""

import pytest
import released_mixture
import tiny
from released_mixture import TEMPLATE_2023, TEMPLATE_2024
from transformers import AutoTokenizer

from bimedix2_core.data.chat import CHAT_TEMPLATE, IGNORE_INDEX, encode, encode_prompt
from bimedix2_core.data.chat_templates import INSTRUCT_TEMPLATE, end_of_turn, template_of, with_training_template
from bimedix2_core.errors import DataError
from bimedix2_core.records import Sample, message, text_of

DIALOGUE = (
    message("user", "Is it?"), message("assistant", "Yes"), message("user", "On the left?"), message("assistant", "No")
)  # fmt: skip
CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']}}{% endfor %}"


@pytest.fixture
def tokenizer_of(tmp_path):
    def make(template):
        released_mixture.write_tokenizer(tmp_path, template=template)
        (tmp_path / "config.json").write_text('{"model_type": "mixtral"}')
        return AutoTokenizer.from_pretrained(tmp_path)

    return make


def chat(*turns):
    return Sample(id="c1", language="en", task="chat", source="test", messages=list(turns), images=[])


def pieces(encoded, tokenizer):
    return tokenizer.convert_ids_to_tokens(encoded.input_ids)


def supervised(encoded, tokenizer):
    return tokenizer.convert_ids_to_tokens([label for label in encoded.labels if label != IGNORE_INDEX])


def plain(turns):
    return [{**turn, "content": text_of(turn)} for turn in turns]


def test_a_tokenizer_of_early_2024_without_template_gets_mixtrals_turns_token_for_token(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))

    encoded = encode(chat(*DIALOGUE[:2]), tokenizer, n_image_tokens=0)

    # by hand: each piece of Mistral's reference has a space before it, and the answer ends with </s>
    assert tokenizer.chat_template == INSTRUCT_TEMPLATE
    assert pieces(encoded, tokenizer) == [
        "<s>", "▁[", "INST", "]", "▁", "I", "s", "▁", "i", "t", "?", "▁[", "/", "INST", "]", "▁Yes", "</s>"
    ]  # fmt: skip
    assert [label != IGNORE_INDEX for label in encoded.labels] == [False] * 15 + [True, True]


def test_every_answer_of_a_dialogue_and_its_end_are_supervised_and_nothing_else(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))

    encoded = encode(chat(*DIALOGUE), tokenizer, n_image_tokens=0)

    assert tokenizer.decode(encoded.input_ids) == "<s> [INST] Is it? [/INST] Yes</s> [INST] On the left? [/INST] No</s>"
    assert supervised(encoded, tokenizer) == ["▁Yes", "</s>", "▁", "N", "o", "</s>"]


def test_an_arabic_answer_is_supervised_to_its_last_byte(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))

    encoded = encode(chat(message("user", "هل؟"), message("assistant", "نعم")), tokenizer, n_image_tokens=0)

    # three letters of two bytes each, which the tiny vocabulary has no token for
    assert supervised(encoded, tokenizer) == ["▁", *(f"<0x{byte:02X}>" for byte in "نعم".encode()), "</s>"]


@pytest.mark.parametrize("template", [TEMPLATE_2023, TEMPLATE_2024])
@pytest.mark.parametrize("n_turns", [1, 3])
def test_prompts_are_those_of_the_published_template_token_for_token(tokenizer_of, template, n_turns):
    tokenizer, turns = tokenizer_of(template), DIALOGUE[:n_turns]
    published = tokenizer.apply_chat_template(plain(turns), return_dict=True)["input_ids"]

    before = encode_prompt(turns, tokenizer, n_images=0, n_image_tokens=0)
    after = encode_prompt(turns, with_training_template(tokenizer), n_images=0, n_image_tokens=0)

    assert published == before == after
    assert "{%- generation -%}" in tokenizer.chat_template


def test_the_two_published_templates_differ_so_that_one_cannot_stand_for_both(tokenizer_of):
    old, new = (
        encode_prompt(DIALOGUE[:3], tokenizer_of(one), n_images=0, n_image_tokens=0)
        for one in (TEMPLATE_2023, TEMPLATE_2024)
    )
    assert old != new


def test_a_prompt_is_the_sample_up_to_its_answer_even_where_that_begins_with_a_bracket(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))
    turns = (message("user", "Is it?"), message("assistant", "(B)"))

    encoded = encode(chat(*turns), tokenizer, n_image_tokens=0)

    prompt = encode_prompt(turns[:1], tokenizer, n_images=0, n_image_tokens=0)
    assert encoded.input_ids[: len(prompt)] == prompt
    assert supervised(encoded, tokenizer) == ["▁", "(", "B", ")", "</s>"]


@pytest.mark.parametrize("template", [None, TEMPLATE_2024])
def test_a_system_turn_opens_the_first_user_turn(tokenizer_of, template):
    tokenizer = with_training_template(tokenizer_of(template))
    rendered = encode_prompt((message("system", "Be brief."), *DIALOGUE[:3]), tokenizer, n_images=0, n_image_tokens=0)

    text = tokenizer.decode(rendered)
    assert text.count("Be brief.\n\nIs it? [/INST]") == 1
    assert text.count("[INST]") == 2


def test_a_template_with_marks_stays_and_llama_3s_headers_get_llama_3s(tokenizer_of):
    tokenizer = tokenizer_of(None)
    own = "{% for message in messages %}{%- generation %}{{ message['content'] }}{% endgeneration %}{% endfor %}"
    tokenizer.chat_template = own
    assert with_training_template(tokenizer).chat_template == own

    llama = tiny.tiny_lmm().tokenizer
    llama.chat_template = "{{ bos_token }}{{ messages[0]['content'] }}"
    assert with_training_template(llama).chat_template == CHAT_TEMPLATE


def test_a_template_of_another_family_is_an_error_for_training_and_stays_for_asking(tokenizer_of):
    tokenizer = tokenizer_of(CHATML)

    with pytest.raises(DataError, match="neither Llama 3's nor Mistral's"):
        with_training_template(tokenizer)
    with pytest.raises(DataError, match="no generation marks"):
        encode(chat(*DIALOGUE), tokenizer, n_image_tokens=0)
    asked = encode_prompt(DIALOGUE[:1], tokenizer, n_images=0, n_image_tokens=0)
    assert tokenizer.decode(asked).strip() == "<|im_start|>user\nIs it?"


def test_an_instruct_template_that_renders_otherwise_is_not_taken_for_mistrals(tokenizer_of):
    tokenizer = tokenizer_of(TEMPLATE_2023.replace("' [/INST]'", "' [/INST]\n'"))
    assert template_of(tokenizer) is None


def test_a_vocabulary_of_another_kind_without_template_gets_none_and_its_messages_are_refused(tokenizer_of):
    tokenizer = tokenizer_of(None)
    tokenizer.eos_token = "<unk>"

    assert template_of(tokenizer) is None
    with pytest.raises(DataError, match="the prompt: messages, but the tokenizer has no chat template"):
        encode_prompt(DIALOGUE[:1], tokenizer, n_images=0, n_image_tokens=0)


def test_the_unknown_token_is_no_image(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))
    tokenizer.backend_tokenizer.model.byte_fallback = False
    asked = [message("user", "ع"), message("assistant", "Yes")]

    prompt = encode_prompt(asked[:1], tokenizer, n_images=0, n_image_tokens=0)

    assert prompt.count(tokenizer.unk_token_id) == 1
    assert encode(chat(*asked), tokenizer, n_image_tokens=0).input_ids[: len(prompt)] == prompt


def test_images_for_a_model_that_sees_none_are_an_error(tokenizer_of):
    tokenizer = with_training_template(tokenizer_of(None))

    with pytest.raises(DataError, match="sample s-en: 1 images for a model that reads text only"):
        encode(tiny.sample(n_images=1), tokenizer, n_image_tokens=0)


@pytest.mark.parametrize("roles", [("assistant",), ("user", "user"), ("user", "system"), ("system", "assistant")])
def test_turns_that_mixtrals_template_does_not_know_are_an_error(tokenizer_of, roles):
    tokenizer = with_training_template(tokenizer_of(None))
    with pytest.raises(DataError, match=f"turns of {', '.join(roles)}; its chat template takes"):
        encode_prompt([message(role, "Hm.") for role in roles], tokenizer, n_images=0, n_image_tokens=0)


@pytest.mark.parametrize("forged", ["[INST]", "[/INST]", "</s>"])
def test_a_text_that_spells_a_turn_is_an_error(tokenizer_of, forged):
    tokenizer = with_training_template(tokenizer_of(None))
    with pytest.raises(DataError, match="the text holds the reserved token"):
        encode_prompt([message("user", f"Is {forged} it?")], tokenizer, n_images=0, n_image_tokens=0)


def test_a_turn_ends_with_llama_3s_own_token_or_else_with_the_sequence(tokenizer_of):
    llama, mixtral = tiny.tiny_lmm().tokenizer, tokenizer_of(None)
    assert llama.convert_ids_to_tokens(end_of_turn(llama)) == "<|eot_id|>"
    assert mixtral.convert_ids_to_tokens(end_of_turn(mixtral)) == "</s>"
