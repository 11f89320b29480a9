import numpy as np
import pytest

from bimedix2_core.errors import ParamsError
from bimedix2_core.training.packing import Lengths, Plan, Tree

ALONE = [-1] * 6


def lengths(tokens, groups=None, prefix=0):
    groups = np.array(groups if groups is not None else [-1] * len(tokens))
    return Lengths(np.array(tokens), np.where(groups < 0, 0, prefix), groups)


def plan(tokens, groups=None, *, batch_size=4, n_steps=3, row_length=100, seed=0, prefix=0):
    return Plan(
        lengths(tokens, groups, prefix), batch_size=batch_size, n_steps=n_steps, row_length=row_length, seed=seed
    )


def test_every_sample_is_seen_once_before_any_is_seen_twice():
    one = plan([5] * 6, n_steps=3)

    seen = [index for step in range(3) for index in one.batch(step)]
    assert sorted(seen[:6]) == list(range(6))
    assert sorted(seen[6:12]) == list(range(6))


def test_a_step_holds_as_many_samples_as_the_profile_says_whatever_is_shared():
    one = plan([5] * 50, [index // 7 for index in range(50)], batch_size=8, n_steps=12, prefix=3)

    for step in range(12):
        assert len(one.batch(step)) == 8
        assert sum(len(tree.samples) for row in one.rows(step) for tree in row) == 8


def test_the_plan_depends_on_the_seed_only_and_a_longer_run_begins_like_a_shorter_one():
    short, long, other = plan([5] * 50), plan([5] * 50, n_steps=9), plan([5] * 50, seed=1)

    assert [short.rows(step) for step in range(3)] == [long.rows(step) for step in range(3)]
    assert short.batch(0) != other.batch(0)


def test_step_1000_is_known_without_the_steps_before_it():
    walked, asked = plan([5] * 50, n_steps=1001), plan([5] * 50, n_steps=1001)
    for step in range(1001):
        rows = walked.rows(step)

    assert asked.rows(1000) == rows


def test_two_epochs_have_different_orders():
    one = plan([5] * 20, batch_size=20, n_steps=2)

    assert one.batch(0) != one.batch(1)
    assert sorted(one.batch(0)) == sorted(one.batch(1))


def test_samples_of_one_group_fall_into_one_step_in_the_order_of_the_data():
    groups = [0, 1, 0, 1, 2, 2, 3, 3]
    one = plan([9] * 8, groups, batch_size=4, n_steps=2, prefix=4)

    for step in range(2):
        batch = one.batch(step)
        for group in {groups[index] for index in batch}:
            members = [index for index in batch if groups[index] == group]
            assert members == [index for index, own in enumerate(groups) if own == group]


def test_twins_become_one_tree_with_the_prefix_once():
    one = plan([10, 12], [0, 0], batch_size=2, n_steps=1, prefix=7)

    assert one.rows(0) == [(Tree(samples=(0, 1), n_prefix=7, n_tokens=7 + 3 + 5),)]


def test_a_group_of_which_a_step_has_one_sample_shares_nothing():
    one = plan([10, 12], [0, 0], batch_size=1, n_steps=2, prefix=7)

    assert [one.rows(step)[0][0].n_prefix for step in range(2)] == [0, 0]


def test_a_group_that_does_not_fit_a_row_becomes_several_trees():
    one = plan([50] * 4, [0] * 4, batch_size=4, n_steps=1, row_length=100, prefix=20)  # 20 + 2 x 30 = 80, + 30 is 110

    trees = [tree for row in one.rows(0) for tree in row]
    assert [tree.samples for tree in trees] == [(0, 1), (2, 3)]
    assert [tree.n_tokens for tree in trees] == [80, 80]


def test_best_fit_fills_the_fullest_row_that_has_room():
    # 60 and 50 open two rows; 40 fits the first exactly, 30 the second, 20 too
    one = plan([30, 60, 20, 40, 50], batch_size=5, n_steps=1, row_length=100)

    rows = [[one.lengths.tokens[tree.samples[0]] for tree in row] for row in one.rows(0)]
    assert rows == [[60, 40], [50, 30, 20]]


@pytest.mark.parametrize("seed", range(3))
def test_no_row_exceeds_its_length_and_packing_wastes_little(seed):
    random = np.random.default_rng(seed)
    tokens = random.integers(10, 300, size=400)
    one = plan(tokens, batch_size=200, n_steps=2, row_length=1000, seed=seed)

    for step in range(2):
        rows = [sum(tree.n_tokens for tree in row) for row in one.rows(step)]
        assert max(rows) <= 1000
        assert rows == sorted(rows, reverse=True)
        assert sum(rows) / (1000 * len(rows)) > 0.95 or len(rows) == -(-sum(rows) // 1000)


def test_without_sharing_every_sample_stands_alone():
    shared = lengths([10, 12], [0, 0], prefix=7)
    one = Plan(shared.without_sharing(), batch_size=2, n_steps=1, row_length=100, seed=0)

    trees = [tree for row in one.rows(0) for tree in row]
    assert [(tree.n_prefix, tree.n_tokens) for tree in trees] == [(0, 12), (0, 10)]


def test_a_sample_longer_than_a_row_is_an_error_that_says_what_to_do():
    with pytest.raises(ParamsError, match="longest sample has 101 tokens and a row has 100; raise row_length to 101"):
        plan([5, 101])
    plan([5, 100])


def test_a_sample_that_comes_twice_in_a_step_is_planned_twice():
    one = plan([5, 6], batch_size=4, n_steps=1)

    assert sorted(one.batch(0)) == [0, 0, 1, 1]
