from dataclasses import replace

import pytest

from bimedix2_core.model.shapes import SHAPES, count, count_lora
from bimedix2_core.params import load_params
from bimedix2_core.plan import training
from bimedix2_core.plan.estimates import Model
from bimedix2_core.plan.quantities import Quantity
from bimedix2_core.plan.training import lesson_of, memory_estimate
from bimedix2_core.training.memory import Memory, Part

LAYERS, HEAD, LORA = 6_979_321_856, 525_336_576, 20_971_520
PAIR = 4 * 32 * 4096
IMAGE = 433_679_593_472  # tests/training/test_flops.py has it by hand


def model_8b() -> Model:
    shape = SHAPES["bimedix2_8b"]
    return Model(shape, count(shape), n_lora=count_lora(shape, rank=8), bytes_per_weight=2)


def profile(name: str, overrides=None):
    return load_params(f"params/{name}.yaml", overrides, environment={})


def test_what_stage_1_learns_from_are_pairs_of_one_image_and_one_caption():
    lesson = lesson_of(profile("paper_8b"), "stage1", 576)

    assert (lesson.samples, lesson.images, lesson.seen) == (467_000, 467_000, 467_000)
    assert lesson.tokens == 467_000 * (100 + 576)


def test_what_stage_2_learns_from_comes_from_table_12_and_each_image_once_for_all_its_questions():
    shared = lesson_of(profile("paper_8b"), "stage2", 576)
    alone = lesson_of(profile("paper_8b", {"stage2.share_images": False}), "stage2", 576)

    assert shared.samples == alone.samples == 1_691_407
    # 579,827 rows with an image, as facts.md section 4 reads the table, about 183,400 images
    assert alone.tokens == pytest.approx(1_691_407 * 632 / 1.3 + 579_827 * 576)
    assert alone.tokens - shared.tokens == pytest.approx((579_827 - 183_400) * 576)


def test_steps_limit_the_samples_and_their_images_with_them():
    lesson = lesson_of(profile("gpu_smoke"), "stage2", 576)

    assert lesson.samples == 20 * 8
    assert lesson.seen == pytest.approx(0.75 * 160)  # 60 of 80 drawn things have an image
    assert lesson.images == pytest.approx(0.75 * 80)  # shared by twins


def test_tokens_see_the_image_and_what_stands_before_them_in_their_own_text():
    lesson = replace(lesson_of(profile("paper_8b"), "stage1", 4), samples=2, text=3, seen=2, images=1)

    # an image of 4: 10 pairs; two branches of 3: 3 x 4 and 6 each. Not shared: twice 7 x 8 / 2
    assert lesson.pairs == 10 + 2 * (3 * 4 + 6)
    assert replace(lesson, images=2).pairs == 2 * 7 * 8 / 2


def test_rows_are_padded_where_their_lengths_are_few():
    padded = lesson_of(profile("paper_8b"), "stage1", 576)
    demo = lesson_of(profile("demo"), "stage1", 36)

    # 8 samples of 676 tokens a step are less than a row: half of 8192 / 8 on average
    assert padded.padding == 467_000 / 8 * 512
    assert demo.padding == 0


def test_full_rows_leave_a_little_open_too():
    lesson = lesson_of(profile("paper_8b", {"stage1.global_batch_size": 64}), "stage1", 576)

    # 43,264 tokens a step: five full rows, each 98.5 % used, and one more
    steps = 467_000 // 64 + 1
    assert lesson.padding == pytest.approx(steps * (5 * 8192 * 0.015 + 512))


def test_hours_are_those_of_the_counted_flop_at_the_assumed_share_of_the_peak():
    params, peak = profile("paper_8b"), Quantity(500e12, "FLOP/s", "for this test")

    hours = training.training_hours(params, "stage1", model_8b(), peak=peak)

    tokens, padding = 467_000 * 676, 467_000 / 8 * 512
    pairs = 467_000 * 676 * 677 / 2
    by_hand = 4 * LAYERS * (tokens + padding) + 4 * HEAD * 467_000 * 50 + 3 * PAIR * pairs + 467_000 * IMAGE
    assert hours.value == pytest.approx(by_hand / (500e12 * 0.4) / 3600)
    assert "467,000 samples" in hours.how
    assert "315.7 M useful tokens" in hours.how
    assert "8.6% padding" in hours.how


def test_checkpointing_takes_a_forward_pass_more():
    overrides = {"stage2.activation_checkpointing": "layers"}
    plain, checkpointed = (training.training_hours(profile("paper_8b", change), "stage2", model_8b()).value
                           for change in (None, overrides))  # fmt: skip

    lesson = lesson_of(profile("paper_8b"), "stage2", 576)
    again = 2 * (LAYERS + LORA) * (lesson.tokens + lesson.padding) + PAIR * lesson.pairs
    assert checkpointed - plain == pytest.approx(again / (989e12 * 0.4) / 3600)


def test_the_memory_of_a_stage_is_counted_and_its_parts_add_up():
    memory = training.stage_memory(profile("gpu_smoke"), "stage2", model_8b())
    need = memory_estimate(memory, 1)

    # gpu_smoke's rank; weights, gradient of 2 bytes, master and two moments of 12
    trained = 20_979_712 + LORA
    held = 8_354_748_416 * 2 + 20_979_712 * 2 + LORA * 2 + trained * 14
    row = sum(part.n_bytes for part in memory.parts if part.unit == "tokens")
    assert need.value == pytest.approx((held + row) / 1e9)
    assert 5e6 < row / 2048 < 10e6  # bytes of a token: the notes expect 4.8 to 9.6 MB
    assert "decoder layers 14.0 GB (6.98 B weights x 2 bytes)" in need.how
    assert "activations" in need.how


def test_shared_out_memory_is_that_of_the_cards_here_or_of_as_many_as_it_takes():
    memory = Memory(
        (Part("weights", 200_000_000_000, "weights", 1.0, is_sharded=True), Part("row", 1_000, "tokens", 1e7))
    )

    alone, here = memory_estimate(memory, 0), memory_estimate(memory, 8)

    assert (alone.value, here.value) == (60.0, 35.0)  # 200 / 4 + 10, 200 / 8 + 10
    assert "200.00 B weights x 1 bytes / 8 cards" in here.how
    assert here.how.endswith("; it takes 4 cards of 80 GB")


def test_what_is_not_shared_out_is_whole_however_many_cards_there_are():
    need = memory_estimate(Memory((Part("weights", 5_000_000_000, "weights", 2.0),)), 8)

    assert need.value == 10.0
    assert "cards" not in need.how


def test_the_last_checkpoints_and_the_best_stay_with_the_state_of_the_optimizer():
    first, second = (training.kept_on_disk(profile("paper_8b"), stage, model_8b()) for stage in ("stage1", "stage2"))

    # 2 and the best; a weight of 2 bytes, its master of 4, two moments of 4
    assert first.value == pytest.approx(3 * 20_979_712 * 14 / 1e9)
    assert second.value == pytest.approx(3 * (20_979_712 + LORA) * 14 / 1e9)
