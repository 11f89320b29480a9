import pytest
import tiny
import torch
from transformers import get_cosine_schedule_with_warmup

from bimedix2_core.data.chat import encode
from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.inference.losses import target_losses
from bimedix2_core.model.assemble import save_lmm
from bimedix2_core.model.checkpoints import load_adapter, load_projector
from bimedix2_core.training import loop
from bimedix2_core.training.loop import working
from bimedix2_core.training.stage1 import train_stage1
from bimedix2_core.training.stage2 import train_stage2

SAMPLES = tiny.mixed_samples(8)
LMM = tiny.tiny_lmm()


def weights_of(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def changed(before, after):
    return {name for name, weight in before.items() if not torch.equal(weight, after[name])}


class Stopped(BaseException):
    """Raised by whoever watches: a run that ends in the middle."""


def stop_after(n_steps):
    def watch(record):
        if record.step + 1 == n_steps:
            raise Stopped

    return watch


def told(log):
    """What a log says of the run, whatever the machine's speed."""
    return [(one.step, one.loss, one.learning_rate, one.gradient_norm, one.losses) for one in log.steps]


def stage1(folder, *, samples=SAMPLES, watch=None, **changes):
    lmm = tiny.tiny_lmm()
    log = train_stage1(lmm, samples, settings=tiny.stage1_settings(**changes), seed=0, folder=folder, watch=watch)
    return lmm, log


def stage2(folder, *, samples=SAMPLES, watch=None, **changes):
    settings = tiny.stage2_settings(**changes)
    return train_stage2(tiny.tiny_lmm(), samples, settings=settings, seed=0, folder=folder, watch=watch)


def test_stage_1_changes_nothing_but_the_projector(tmp_path):
    lmm = tiny.tiny_lmm()
    before = weights_of(lmm.model)

    train_stage1(lmm, SAMPLES, settings=tiny.stage1_settings(), seed=0, folder=tmp_path)

    projector = {name for name in before if "multi_modal_projector" in name}
    assert len(projector) == 4  # two linear layers, each with a bias
    assert changed(before, weights_of(lmm.model)) == projector


def test_stage_2_changes_nothing_but_adapters_and_projector(tmp_path):
    lmm = tiny.tiny_lmm()
    before = weights_of(lmm.model)

    tuned = train_stage2(lmm, SAMPLES, settings=tiny.stage2_settings(), seed=0, folder=tmp_path).lmm

    for name, weight in tuned.model.base_model.model.state_dict().items():
        plain = name.replace(".base_layer", "").replace("original_module.", "")
        if plain in before:
            assert torch.equal(weight, before[plain]), name
        else:
            assert "lora_" in name or "multi_modal_projector.modules_to_save" in name
    assert all(
        "lora_" in name or "multi_modal_projector" in name
        for name, weight in tuned.model.named_parameters()
        if weight.requires_grad
    )


def test_lora_is_on_every_linear_layer_of_the_language_model_and_on_no_other(tmp_path):
    tuned = stage2(tmp_path, max_steps=1).lmm

    wrapped = {name for name, module in tuned.model.named_modules() if hasattr(module, "lora_A")}
    assert len(wrapped) == 2 * 7  # two layers with q, k, v, o, gate, up, down
    assert all("language_model.layers" in name for name in wrapped)


def test_small_steps_with_accumulation_equal_one_large_step(tmp_path):
    whole, whole_log = stage1(tmp_path / "whole", row_length=512)
    parts, parts_log = stage1(tmp_path / "parts", row_length=110, max_length=110)  # a sample in a row

    for name, weight in whole.model.state_dict().items():
        torch.testing.assert_close(parts.model.state_dict()[name], weight, rtol=0, atol=2e-5)
    for one, other in zip(whole_log.steps, parts_log.steps, strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-5)


def test_the_reported_loss_is_the_mean_over_all_supervised_tokens(tmp_path):
    lmm = tiny.tiny_lmm()
    samples = SAMPLES[:4]
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]
    n_tokens = [single.n_supervised for single in encoded]
    expected = (target_losses(lmm, samples, batch_size=1) * n_tokens).sum() / sum(n_tokens)

    log = train_stage1(lmm, samples, settings=tiny.stage1_settings(max_steps=1), seed=0, folder=tmp_path)

    assert log.steps[0].loss == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, dropout):
    settings = {"max_steps": 6, "checkpoint_every": 2, "lora_dropout": dropout}
    whole = stage2(tmp_path / "whole", **settings)

    with pytest.raises(Stopped):
        stage2(tmp_path / "stopped", watch=stop_after(4), **settings)
    resumed = stage2(tmp_path / "stopped", **settings)

    assert told(resumed.log) == told(whole.log)
    assert changed(weights_of(whole.lmm.model), weights_of(resumed.lmm.model)) == set()


def test_a_resumed_run_takes_no_step_twice(tmp_path):
    steps = []
    with pytest.raises(Stopped):
        stage1(tmp_path, watch=stop_after(3), checkpoint_every=2)
    before = (working(tmp_path) / "steps.jsonl").read_text().splitlines()

    stage1(tmp_path, watch=steps.append, checkpoint_every=2)

    assert (working(tmp_path) / "steps.jsonl").read_text().splitlines()[:2] == before[:2]  # times and all
    assert [record.step for record in steps] == [0, 1, 2, 3]


def test_a_checkpoint_of_other_settings_is_not_taken(tmp_path):
    fresh = stage1(tmp_path / "fresh", learning_rate=2.0e-2)[1]
    with pytest.raises(Stopped):
        stage1(tmp_path / "used", watch=stop_after(3), checkpoint_every=2)
    assert (working(tmp_path / "used") / "checkpoints" / "step-00000002.safetensors").exists()

    assert told(stage1(tmp_path / "used", learning_rate=2.0e-2)[1]) == told(fresh)


def test_a_stage_that_finished_is_trained_anew_when_it_is_called_again(tmp_path):
    first = stage1(tmp_path)[1]
    assert [file.name for file in sorted((working(tmp_path) / "checkpoints").iterdir())] == [
        "finished", "step-00000004.safetensors",
    ]  # fmt: skip

    again = stage1(tmp_path)[1]

    assert told(again) == told(first)
    assert again.seconds > 0
    assert again.seconds == pytest.approx(sum(record.seconds for record in again.steps))


def test_a_loss_that_is_not_finite_stops_before_the_step(tmp_path):
    lmm = tiny.tiny_lmm()
    with torch.no_grad():
        lmm.model.model.language_model.norm.weight[0] = float("nan")
    before = weights_of(lmm.model.model.multi_modal_projector)

    with pytest.raises(ModelError, match=r"loss nan.* not finite, so the step was not taken"):
        train_stage1(lmm, SAMPLES, settings=tiny.stage1_settings(), seed=0, folder=tmp_path)

    assert changed(before, weights_of(lmm.model.model.multi_modal_projector)) == set()


def test_a_sample_longer_than_max_length_is_an_error_before_the_first_step(tmp_path):
    with pytest.raises(DataError, match=r"sample s0-en: \d+ tokens, but max_length is 10"):
        stage1(tmp_path, max_length=10)


def test_a_run_says_how_many_samples_it_cut(tmp_path, capsys):
    stage1(tmp_path / "whole")
    assert "were cut" not in capsys.readouterr().out

    lengths = [len(encode(one, LMM.tokenizer, n_image_tokens=LMM.n_image_tokens).input_ids) for one in SAMPLES]
    n_longer = lengths.count(max(lengths))
    stage1(tmp_path / "cut", max_length=max(lengths) - 1, too_long="cut")

    assert f"{n_longer} of 8 samples were cut at max_length {max(lengths) - 1}" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_run(tmp_path):
    one, other = stage2(tmp_path / "one", lora_dropout=0.1), stage2(tmp_path / "other", lora_dropout=0.1)

    assert told(one.log) == told(other.log)
    assert changed(weights_of(one.lmm.model), weights_of(other.lmm.model)) == set()


def test_both_stages_lower_the_loss(tmp_path):
    samples = [tiny.sample(name="a", n_images=1)] * 4
    first = stage1(tmp_path / "1", samples=samples, max_steps=30, learning_rate=0.05)[1]
    second = stage2(tmp_path / "2", samples=samples, max_steps=30, learning_rate=0.05).log

    assert first.steps[-1].loss < first.steps[0].loss
    assert second.steps[-1].loss < second.steps[0].loss - 0.1


def test_what_a_stage_saves_is_what_it_trained(tmp_path):
    base = tiny.tiny_lmm()
    save_lmm(base, tmp_path / "base")
    trained, _ = stage1(tmp_path / "stage1")
    tuned = train_stage2(trained, SAMPLES, settings=tiny.stage2_settings(), seed=0, folder=tmp_path / "stage2").lmm

    fresh = load_adapter(load_projector(tiny.tiny_lmm(), tmp_path / "stage1"), tmp_path / "stage2")

    expected = target_losses(tuned, SAMPLES, batch_size=8)
    assert target_losses(fresh, SAMPLES, batch_size=8) == pytest.approx(expected, abs=1e-6)


def test_a_folder_without_adapter_or_projector_names_the_notebook(tmp_path):
    with pytest.raises(ModelError, match="03_stage1_alignment"):
        load_projector(tiny.tiny_lmm(), tmp_path)
    with pytest.raises(ModelError, match="04_stage2_lora"):
        load_adapter(tiny.tiny_lmm(), tmp_path)


def test_the_schedule_is_transformers_cosine_with_warm_up():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=3, num_training_steps=100)

    for step in range(100):
        assert loop.schedule(step, n_steps=100, warmup_ratio=0.03) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
