import json

import pytest
import torch
from safetensors import safe_open
from transformers import LlamaForCausalLM

from bimedix2_core.data.chat import encode
from bimedix2_core.demo import tiny_base
from bimedix2_core.demo.tiny_base import BASE_FOLDER, LLAMA3_SPECIAL_TOKENS, sources_key
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.assemble import load_lmm
from bimedix2_core.records import LANGUAGES, text_of


@pytest.fixture(scope="module")
def base():
    return load_lmm(BASE_FOLDER)


@pytest.fixture(scope="module")
def card():
    return json.loads((BASE_FOLDER / "card.json").read_text())


def test_the_base_that_ships_was_made_by_the_code_that_stands_here(card):
    assert card["content_key"] == sources_key(), (
        "phantoms, corpus, grammar or tiny_base changed since the base was built; rebuild it with `make base`"
    )


def test_the_base_is_at_most_nine_megabytes_of_bfloat16_safetensors():
    files = list(BASE_FOLDER.iterdir())

    assert sum(file.stat().st_size for file in files) <= 9_000_000
    assert not [file.name for file in files if file.suffix in (".bin", ".pt", ".pkl")]
    with safe_open(BASE_FOLDER / "model.safetensors", framework="pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118


def test_the_card_says_how_the_base_was_made(card):
    assert card["settings"]["seed"] == 0
    assert card["seconds"] <= 25 * 60
    assert set(card["versions"]) == {"python", "torch", "transformers", "tokenizers"}
    for curve in card["curves"].values():
        assert curve["losses"][-1] < curve["losses"][0] / 2


def test_a_comment_or_docstring_does_not_make_the_base_stale(tmp_path, monkeypatch):
    def key_of(change):
        for name in ("phantoms.py", "corpus.py", "tiny_base.py", "grammar.yaml"):
            text = (BASE_FOLDER.parent / name).read_text(encoding="utf-8")
            (tmp_path / name).write_text(change(text) if name == "corpus.py" else text, encoding="utf-8")
        monkeypatch.setattr(tiny_base, "__file__", str(tmp_path / "tiny_base.py"))
        return sources_key()

    unchanged = key_of(lambda text: text)
    assert (
        key_of(lambda text: "# a remark\n" + text.replace('"""Bilingual corpus', '"""The bilingual corpus'))
        == unchanged
    )
    assert key_of(lambda text: text.replace('LETTERS = ("A",', 'LETTERS = ("X",')) != unchanged


def test_the_tokenizer_has_llama_3s_special_tokens_and_single_token_option_letters(base):
    tokens = [base.tokenizer.convert_ids_to_tokens(index) for index in range(len(LLAMA3_SPECIAL_TOKENS))]

    assert tuple(tokens) == LLAMA3_SPECIAL_TOKENS
    for letter in "ABCDE":
        assert len(base.tokenizer.encode(letter, add_special_tokens=False)) == 1
        assert len(base.tokenizer.encode(f" {letter}", add_special_tokens=False)) == 1


@pytest.mark.parametrize("text", ["Is it on the left?", "هل الانصباب على اليسار؟", "naïve 中文 😀 0.5 mg/kg"])
def test_the_tokenizer_gives_back_any_text(base, text):
    assert base.tokenizer.decode(base.tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_base_takes_long_prompts_and_counts_36_tokens_an_image(base):
    assert base.model.config.text_config.max_position_embeddings == 4096
    assert base.n_image_tokens == 36
    logits = base.model(input_ids=torch.full((1, 1500), 300)).logits
    assert torch.isfinite(logits).all()


def test_lora_is_on_the_language_models_linear_layers_only(base):
    adapted = add_lora(load_lmm(BASE_FOLDER).model, rank=2, alpha=4, dropout=0.0, seed=0)

    wrapped = {name for name, module in adapted.named_modules() if hasattr(module, "lora_A")}
    assert len(wrapped) == 4 * 7
    assert not [name for name in wrapped if "vision_tower" in name]


def test_the_pre_training_text_has_no_image_and_both_languages_of_every_twin():
    samples = tiny_base.text_samples(400, seed=3)

    assert all(not sample.images for sample in samples)
    by_id = {}
    for sample in samples:
        by_id.setdefault(sample.id, []).append(sample.language)
    assert all(languages == list(LANGUAGES) for languages in by_id.values())


def test_the_primer_has_one_wording_where_the_rest_has_several():
    wordings = {
        "Is there any abnormality in this image?",
        "Is this image abnormal?",
        "Does the image show any disease?",
        "Do you see anything abnormal?",
    }

    def heard(primer):
        samples = tiny_base.text_samples(3000, seed=1, primer=primer)
        return wordings & {text_of(turn).split("\n")[-1] for sample in samples for turn in sample.messages}

    assert heard(primer=False) == wordings
    assert heard(primer=True) == {"Is there any abnormality in this image?"}


def test_rows_hold_every_sample_that_fits_once_and_no_row_is_longer(base):
    samples = tiny_base.text_samples(600, seed=2)
    rows = tiny_base.pack(samples, base.tokenizer, 512, seed=0)
    encoded = [encode(sample, base.tokenizer, n_image_tokens=0) for sample in samples]
    packed = [
        tuple(ids[which == number].tolist())
        for ids, which in zip(rows.ids, rows.sample, strict=True)
        for number in range(which.max() + 1)
    ]

    assert sorted(packed) == sorted(tuple(sample.input_ids) for sample in encoded if len(sample.input_ids) <= 512)
    assert (rows.sample >= 0).float().mean() > 0.9


def test_a_sample_in_a_row_does_not_see_its_neighbours(base):
    samples = [sample for sample in tiny_base.text_samples(60, seed=2) if sample.task == "interview"][:3]
    together = tiny_base.pack(samples, base.tokenizer, 1536, seed=0)
    alone = [tiny_base.pack([sample], base.tokenizer, 1536, seed=0) for sample in samples]
    model = LlamaForCausalLM(base.model.config.text_config).eval()
    model.model.load_state_dict(base.model.model.language_model.state_dict())

    with torch.inference_mode():
        answers, others = tiny_base.text_losses(model, together, torch.tensor([0]))
        each = [tiny_base.text_losses(model, row, torch.tensor([0])) for row in alone]
    assert float(answers.sum()) == pytest.approx(sum(float(a.sum()) for a, _ in each), rel=0.02)
    assert float(others.sum()) == pytest.approx(sum(float(o.sum()) for _, o in each), rel=0.02)
    assert len(answers) == sum(len(a) for a, _ in each)
