import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.training.batches import batch_plan, micro_batches


def test_every_sample_is_seen_once_before_any_is_seen_twice():
    plan = batch_plan(6, 4, n_steps=3, seed=1)

    seen = [index for batch in plan for index in batch]
    assert sorted(seen[:6]) == list(range(6))
    assert sorted(seen[6:12]) == list(range(6))


def test_the_plan_depends_on_the_seed_only():
    assert batch_plan(50, 8, n_steps=9, seed=3) == batch_plan(50, 8, n_steps=9, seed=3)
    assert batch_plan(50, 8, n_steps=9, seed=3) != batch_plan(50, 8, n_steps=9, seed=4)


def test_a_longer_run_begins_like_a_shorter_one():
    assert batch_plan(10, 4, n_steps=9, seed=0)[:3] == batch_plan(10, 4, n_steps=3, seed=0)


def test_micro_batches_hold_samples_of_like_length():
    lengths = [9, 2, 8, 1]

    assert micro_batches([0, 1, 2, 3], lengths, micro_batch_size=2) == [[3, 1], [2, 0]]


def test_a_micro_batch_that_does_not_divide_is_an_error():
    with pytest.raises(ParamsError, match="global batch of 4 does not split into micro batches of 3"):
        micro_batches([0, 1, 2, 3], [1, 1, 1, 1], micro_batch_size=3)
