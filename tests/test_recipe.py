import pytest

from bimedix2_core.data.chat import encode
from bimedix2_core.demo import exam
from bimedix2_core.demo.tiny_base import BASE_FOLDER, load_base
from bimedix2_core.errors import ParamsError
from bimedix2_core.model.shapes import SHAPES
from bimedix2_core.params import load_params
from bimedix2_core.recipe import load_base as load_profile_base
from bimedix2_core.recipe import stage1_samples, stage2_samples


def test_a_profile_of_finished_weights_has_no_base_and_no_samples():
    params = load_params("params/released_8b.yaml", environment={})

    for ask in (load_profile_base, stage1_samples, stage2_samples):
        with pytest.raises(ParamsError, match=r"released_8b measures finished weights .* nothing to train; take a"):
            ask(params)


def test_the_samples_of_the_smoke_profile_fit_it_and_fill_its_steps():
    params = load_params("params/gpu_smoke.yaml", environment={})
    tokenizer, n_image_tokens = load_base().tokenizer, SHAPES["bimedix2_8b"].n_image_tokens

    for settings, samples in ((params.stage1, stage1_samples(params)), (params.stage2, stage2_samples(params))):
        lengths = [len(encode(one, tokenizer, n_image_tokens=n_image_tokens).input_ids) for one in samples]
        assert max(lengths) <= settings.max_length
        assert len(samples) == settings.max_steps * settings.global_batch_size

    assert len(exam.draw_small(params.benchmarks.medical_vqa, seed=params.run.seed)) > 0


def test_the_tokenizer_of_the_demo_fits_into_the_rows_of_the_8b():
    assert len(load_base().tokenizer) <= SHAPES["bimedix2_8b"].language.vocab_size
    assert (BASE_FOLDER / "tokenizer.json").is_file()
